"""The tables about GPU, CUDA and compiler: whole, sourced, and enough for the profiles."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from dartenv.manifests.compat_gpu import architecture_table, architectures, msvc_table, runs
from dartenv.manifests.loader import Manifests
from dartenv.manifests.validate_gpu import gpu_problems
from dartenv.manifests.versions import within

PROFILE = """
id = "windows-odd"
title = "odd"
source = "test"
system = "windows"
cuda = "{cuda}"
compute = "{compute}"
torch = "{torch}"
"""


def with_file(folder: Path, relative: str, text: str) -> List[str]:
    path = folder / relative
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return gpu_problems(Manifests([folder]))


def test_the_shipped_tables_fit_the_shipped_profiles() -> None:
    assert gpu_problems(Manifests()) == []


@pytest.mark.parametrize(
    ("cuda", "compute", "torch", "words"),
    [
        ("12.8", "cu128", "2.4.1+cu128", "no row in compat/architectures"),
        ("11.8", "cu128", "2.7.1+cu128", "does not fit cuda 11.8"),
        ("10.2", "cu102", "1.12.0+cu102", "no minimum driver"),
        ("12.5", "cu125", "2.4.1+cu125", "no gate in compat/msvc"),
    ],
)
def test_a_profile_that_no_row_supports_is_named(
    tmp_path: Path, cuda: str, compute: str, torch: str, words: str
) -> None:
    text = PROFILE.format(cuda=cuda, compute=compute, torch=torch)
    problems = with_file(tmp_path, "profiles/windows-odd.toml", text)
    assert any(words in problem and "windows-odd" in problem for problem in problems)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            '[[wheel]]\ntorch = "=>2"\ncuda = "cu118"\nsystem = "linux"\nsm = []\nsource = "x"\n',
            "specifier",
        ),
        (
            '[[wheel]]\ntorch = ">=2"\ncuda = "cu118"\nsystem = "linux"\nsm = []\nsource = " "\n',
            "no source",
        ),
        ('[[card]]\npattern = "("\ncapability = "1.0"\n', "regular expression"),
        ("[[wheel]]\nsm = 3\n", "compat"),
    ],
)
def test_a_bad_row_is_named_with_its_place(tmp_path: Path, row: str, words: str) -> None:
    head = 'id = "architectures"\ncards_source = "x"\n'
    problems = with_file(tmp_path, "compat/architectures.toml", head + row)
    assert any(words in problem and "architectures.toml" in problem for problem in problems)


def test_the_rows_of_one_wheel_do_not_overlap() -> None:
    """Two rows for one wheel would make the verdict depend on their order."""
    table = architecture_table(Manifests())
    for minor in range(1, 12):
        for patch in ("0", "1"):
            version = f"2.{minor}.{patch}"
            for cuda in {row.cuda for row in table.wheel}:
                for system in ("linux", "windows"):
                    rows = [
                        row
                        for row in table.wheel
                        if (row.cuda, row.system) == (cuda, system) and within(version, row.torch)
                    ]
                    assert len(rows) <= 1, (version, cuda, system)


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_blackwell_needs_cuda_12_8_and_nothing_before_serves_it(system: str) -> None:
    table = architecture_table(Manifests())
    for row in table.wheel:
        if row.system == system:
            assert runs(row, "12.0") is (row.cuda == "cu128"), row


def test_the_local_part_of_a_version_does_not_hide_its_row() -> None:
    table = architecture_table(Manifests())
    assert architectures(table, "2.4.1+cu118", "cu118", "windows") is not None
    assert architectures(table, "2.9", "cu118", "windows") is None
    assert architectures(table, "not a version", "cu118", "windows") is None


def test_the_reference_toolset_has_its_component_and_passes_its_gate() -> None:
    table = msvc_table(Manifests())
    row = next(row for row in table.toolset if table.reference.startswith(row.toolset))
    assert row.component is not None
    assert row.toolset in row.component
    gate = next(gate for gate in table.gate if gate.cuda == "11.8")
    assert gate.msc_min <= 1936 < gate.msc_below
