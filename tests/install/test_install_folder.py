"""Folders that a plan made: gone again, but for what is somebody else's."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from dartenv.errors import UsageFault
from dartenv.install.folder import main, note_made, note_making, take_away
from dartenv.install.unpack import unpack


def tree(folder: Path) -> Path:
    (folder / "mld").mkdir(parents=True)
    (folder / "mld" / "rollout.py").write_text("a = 1\n", encoding="utf-8")
    (folder / "空 README").write_text("hello\n", encoding="utf-8")
    (folder / ".git" / "objects").mkdir(parents=True)
    (folder / ".git" / "index").write_bytes(b"1")
    return folder


def test_an_unfinished_folder_goes_entirely(tmp_path: Path) -> None:
    made, note = tree(tmp_path / "DART"), tmp_path / "note.json"
    note_making(note, str(made))
    assert take_away(note, str(made)) == []
    assert not made.exists()


def test_a_finished_one_goes_where_nothing_was_changed(tmp_path: Path) -> None:
    made, note = tree(tmp_path / "DART"), tmp_path / "note.json"
    note_made(note, str(made))
    (made / ".git" / "index").write_bytes(b"git looked at it")
    (made / "mld" / "__pycache__").mkdir()
    (made / "mld" / "__pycache__" / "rollout.pyc").write_bytes(b"0")
    assert take_away(note, str(made)) == []
    assert not made.exists()


def test_what_somebody_put_in_or_changed_stays(tmp_path: Path) -> None:
    made, note = tree(tmp_path / "DART"), tmp_path / "note.json"
    note_made(note, str(made))
    (made / "data").mkdir()
    (made / "data" / "SMPLX_MALE.npz").write_bytes(b"licensed")
    (made / "mld" / "rollout.py").write_text("a = 2  # mine\n", encoding="utf-8")
    left = sorted(take_away(note, str(made)))
    assert left == ["data/SMPLX_MALE.npz", "mld/rollout.py"]
    assert (made / "data" / "SMPLX_MALE.npz").read_bytes() == b"licensed"
    assert (made / ".git").exists()
    assert not (made / "空 README").exists()


def test_without_a_note_nothing_is_taken(tmp_path: Path) -> None:
    made = tree(tmp_path / "DART")
    assert "mld/rollout.py" in take_away(tmp_path / "none.json", str(made))
    assert (made / "mld" / "rollout.py").exists()


def test_whole_means_whole(tmp_path: Path) -> None:
    made = tree(tmp_path / "env")
    argv = ["--lock", str(tmp_path / "lock"), "--note", str(tmp_path / "n"), "--whole", str(made)]
    assert main(argv) == 0
    assert not made.exists()


def test_the_top_folder_of_a_code_hosts_archive_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "main.zip"
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("DART-main/mld/rollout_mld.py", "a\n")
        archive.writestr("DART-main/README.md", "b\n")
    assert unpack(str(path), str(tmp_path / "DART")) == 2
    assert (tmp_path / "DART" / "mld" / "rollout_mld.py").read_text(encoding="utf-8") == "a\n"


def test_an_archive_that_leads_out_is_not_unpacked_at_all(tmp_path: Path) -> None:
    path = tmp_path / "main.zip"
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("DART-main/README.md", "b\n")
        archive.writestr("DART-main/../../evil.py", "c\n")
    with pytest.raises(UsageFault, match="not unpacked"):
        unpack(str(path), str(tmp_path / "DART"))
    assert not (tmp_path / "DART").exists()
    assert not (tmp_path / "evil.py").exists()
