"""Facts on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dartenv.errors import UsageFault
from dartenv.facts.model import FACTS_SCHEMA, Facts, HostFacts, ProbeFailure, TargetFacts
from dartenv.facts.store import load_facts, save_facts

FACTS = Facts(
    taken_at="2026-11-22T03:15:00Z",
    target=TargetFacts(dart_root="D:\\动作\\DART-main"),
    host=HostFacts(system="windows", release="10", version="1", machine="amd64", bits=64),
    probe_failures=(ProbeFailure(probe="gpu", reason="no answer"),),
)


def test_facts_come_back_as_they_were_saved(tmp_path: Path) -> None:
    path = tmp_path / "事实.json"
    save_facts(FACTS, path)
    assert load_facts(path) == FACTS
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not facts"),
        (b"<html>quota</html>", "not facts"),
        (b"[1, 2]", "not facts"),
        (b'{"taken_at": "x"}', "not facts"),
        (b'{"schema": 1, "host": 3}', "not facts of schema 1"),
        (b'{"schema": 1, "files": []}', "names no machine"),
        (b'{"schema": 1, "target": {}, "findings": []}', "a report"),
        (b"\xff\xfe\x00", "not facts"),
    ],
)
def test_what_is_not_facts_is_refused_in_one_line(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    with pytest.raises(UsageFault) as fault:
        load_facts(path)
    assert expected in str(fault.value)
    assert "\n" not in str(fault.value)


def test_facts_of_a_newer_schema_say_so_and_what_helps(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(
        json.dumps({"schema": FACTS_SCHEMA + 1, "target": {}, "unheard_of": {}}), encoding="utf-8"
    )
    with pytest.raises(UsageFault, match=f"schema {FACTS_SCHEMA + 1}.*upgrade"):
        load_facts(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="cannot be read"):
        load_facts(tmp_path / "none.json")


def test_saving_where_nothing_can_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="cannot write"):
        save_facts(FACTS, tmp_path / "no" / "such" / "facts.json")


def test_the_hash_is_of_the_machine_and_not_of_the_moment() -> None:
    from dartenv.facts.model import HostFacts, InterpreterFacts, ProbeTiming
    from dartenv.facts.store import facts_hash

    host = HostFacts(system="linux", release="6", version="6", machine="x86_64", bits=64, now=1.0)
    python = InterpreterFacts(executable="/p", version="3.8.8")
    first = Facts(taken_at="2026-11-01T00:00:00Z", host=host, interpreter=python)
    later = Facts(
        taken_at="2026-11-02T00:00:00Z",
        host=HostFacts(
            system="linux", release="6", version="6", machine="x86_64", bits=64, now=2.0
        ),
        interpreter=python,
        timings=(ProbeTiming(probe="host", seconds=0.1),),
    )
    assert facts_hash(first) == facts_hash(later)
    newer = Facts(host=host, interpreter=InterpreterFacts(executable="/p", version="3.8.10"))
    assert facts_hash(first) != facts_hash(newer)
