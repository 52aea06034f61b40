"""The same files are not parsed twice, and anything else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dartenv.facts import source_seen
from dartenv.facts.source import probe_source
from dartenv.source.module import Module
from tests.source.test_probe_source import FILES, SPEC, make


def dart_tree(folder: Path) -> Path:
    return make(folder / "步行 tree", FILES)


def no_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*unused: object) -> Module:
        raise AssertionError("parsed again")

    monkeypatch.setattr("dartenv.source.tree.Module", parse)


def test_a_second_look_finds_the_same_without_parsing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, looks = dart_tree(tmp_path), tmp_path / "looks"
    first = probe_source(str(root), SPEC, looks=looks)
    assert first.numpy_aliases
    assert first == probe_source(str(root), SPEC)
    no_parsing(monkeypatch)
    assert probe_source(str(root), SPEC, looks=looks) == first


def test_a_changed_byte_or_another_table_is_looked_at_anew(tmp_path: Path) -> None:
    root, looks = dart_tree(tmp_path), tmp_path / "looks"
    first = probe_source(str(root), SPEC, looks=looks)
    path = root / first.numpy_aliases[0].path
    path.write_bytes(b"\n" + path.read_bytes())
    second = probe_source(str(root), SPEC, looks=looks)
    assert second.numpy_aliases[0].line == first.numpy_aliases[0].line + 1
    assert probe_source(str(root), replace(SPEC, aliases=()), looks=looks).numpy_aliases == ()


@pytest.mark.parametrize("content", [b"", b"{not json", b'{"found": 3}'])
def test_a_damaged_record_costs_a_scan_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    root, looks = dart_tree(tmp_path), tmp_path / "looks"
    first = probe_source(str(root), SPEC, looks=looks)
    (record,) = looks.glob("source-*.json")
    record.write_bytes(content)
    assert probe_source(str(root), SPEC, looks=looks) == first
    assert len(record.read_bytes()) > 100


def test_a_place_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    root = dart_tree(tmp_path)
    taken = tmp_path / "looks"
    taken.write_text("a file", encoding="utf-8")
    assert probe_source(str(root), SPEC, looks=taken) == probe_source(str(root), SPEC)


def test_old_records_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, looks = dart_tree(tmp_path), tmp_path / "looks"
    monkeypatch.setattr(source_seen, "KEPT", 2)
    for number in range(4):
        (root / "more.py").write_text(f"x = {number}\n", encoding="utf-8")
        probe_source(str(root), SPEC, looks=looks)
    assert len(list(looks.iterdir())) == 2
