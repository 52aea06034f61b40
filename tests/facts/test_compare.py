"""Differences between two facts values."""

from __future__ import annotations

import msgspec

from dartenv.facts.compare import differences, split, with_part
from dartenv.facts.model import DistributionFacts, Facts, HostFacts, InterpreterFacts

HOST = HostFacts(system="linux", release="6.1", version="1", machine="x86_64", bits=64)


def machine(torch: str, *more: str) -> Facts:
    return Facts(
        host=HOST,
        interpreter=InterpreterFacts(
            executable="/env/bin/python",
            version="3.8.18",
            distributions=(
                DistributionFacts(name="torch", version=torch),
                *(DistributionFacts(name=n, version="1") for n in more),
            ),
        ),
    )


def test_a_changed_version_is_one_difference_named_by_its_distribution() -> None:
    found = differences(machine("2.4.1+cu118", "numpy"), machine("2.4.1+cpu", "numpy"))
    assert found == [("interpreter.distributions[torch].version", "2.4.1+cu118", "2.4.1+cpu")]


def test_the_order_of_a_list_is_no_difference() -> None:
    assert differences(machine("1", "a", "b"), machine("1", "b", "a")) == []


def test_something_new_and_something_gone() -> None:
    found = differences(machine("1", "clip"), machine("1", "numpy"))
    assert [(path, a == "not there", b == "not there") for path, a, b in found] == [
        ("interpreter.distributions[clip]", False, True),
        ("interpreter.distributions[numpy]", True, False),
    ]


def test_a_part_taken_from_the_other_removes_exactly_that_difference() -> None:
    a, b = machine("1", "clip", "x"), machine("2", "numpy", "x")
    for path, _, _ in differences(a, b):
        mixed = with_part(a, b, path)
        assert path not in [p for p, _, _ in differences(mixed, b)]
        assert len(differences(mixed, b)) == len(differences(a, b)) - 1


def test_a_whole_probe_that_could_not_tell() -> None:
    a = machine("1")
    b = msgspec.structs.replace(a, interpreter=None)
    ((path, _, after),) = differences(a, b)
    assert path == "interpreter"
    assert after is None
    assert with_part(a, b, path) == b


def test_paths_with_dots_inside_a_name() -> None:
    assert split("source.posixpath[mld/a.py 3].state") == [
        "source",
        "posixpath",
        "[mld/a.py 3]",
        "state",
    ]
