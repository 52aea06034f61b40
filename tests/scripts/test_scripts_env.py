"""When an environment's layers are made again, and what a failed set-up leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from _env import STAMP, Environment, SetUpFailed, environment_folder, key_of, script

ROOT = Path(__file__).resolve().parents[2]


def environment_at(folder: Path) -> Environment:
    """An environment whose Python is there as a file, which is all that layers ask for."""
    environment = Environment(folder)
    environment.python.parent.mkdir(parents=True, exist_ok=True)
    environment.python.touch()
    return environment


def test_a_layer_runs_once_for_one_key_and_again_for_another(tmp_path: Path) -> None:
    runs: List[str] = []
    for key in ("a", "a", "b", "b"):
        # A new value each time, as each run of a script has.
        environment_at(tmp_path / "环境 e").layer("dartenv", key, lambda key=key: runs.append(key))
    assert runs == ["a", "b"]


def test_layers_do_not_disturb_each_other(tmp_path: Path) -> None:
    runs: List[str] = []
    environment = environment_at(tmp_path)
    environment.layer("dartenv", "a", lambda: runs.append("dartenv"))
    environment.layer("sandbox", "a", lambda: runs.append("sandbox"))
    environment.layer("dartenv", "b", lambda: runs.append("dartenv"))
    assert not environment_at(tmp_path).layer("sandbox", "a", lambda: runs.append("sandbox"))
    assert runs == ["dartenv", "sandbox", "dartenv"]


def test_a_layer_that_failed_is_not_taken_for_made(tmp_path: Path) -> None:
    def fail() -> None:
        raise SetUpFailed("no network")

    environment_at(tmp_path).layer("dartenv", "a", lambda: None)
    with pytest.raises(SetUpFailed):
        environment_at(tmp_path).layer("dartenv", "b", fail)
    # Not even for the old key: half of the new one may be installed.
    assert environment_at(tmp_path).layer("dartenv", "a", lambda: None)


def test_a_stamp_without_its_python_counts_for_nothing(tmp_path: Path) -> None:
    environment = environment_at(tmp_path)
    environment.layer("dartenv", "a", lambda: None)
    environment.python.unlink()
    assert Environment(tmp_path).layer("dartenv", "a", lambda: None)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_broken_stamp_means_made_anew(tmp_path: Path, content: bytes) -> None:
    environment_at(tmp_path).layer("dartenv", "a", lambda: None)
    (tmp_path / STAMP).write_bytes(content)
    assert environment_at(tmp_path).layer("dartenv", "a", lambda: None)
    assert json.loads((tmp_path / STAMP).read_text(encoding="utf-8")) == {"dartenv": "a"}


def test_the_key_does_not_see_line_ends_but_sees_the_rest() -> None:
    assert key_of("a\r\nb\r\n") == key_of("a\nb\n")
    assert key_of("a\nb") != key_of("a\nc")
    assert key_of("a", "b") != key_of("ab")


def test_systems_and_pythons_that_share_a_checkout_have_their_own_folders(monkeypatch) -> None:
    here = environment_folder("test", Path("checkout"))
    monkeypatch.setattr(sys, "platform", "other")
    there = environment_folder("test", Path("checkout"))
    assert here.parent == there.parent == Path("checkout") / ".venvs"
    assert here != there
    assert "{}.{}".format(*sys.version_info[:2]) in here.name


def test_a_folder_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "thesis"
    theirs.mkdir()
    (theirs / "chapter.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(SetUpFailed, match="left as it is"):
        Environment(theirs).create(fresh=True)
    assert (theirs / "chapter.txt").read_text(encoding="utf-8") == "years of work"


def test_a_file_in_the_place_of_the_environment_is_said(tmp_path: Path) -> None:
    place = tmp_path / ".venvs"
    place.write_text("a file", encoding="utf-8")
    with pytest.raises(SetUpFailed, match=r"\.venvs"):
        Environment(place / "test").create()


def test_a_failed_set_up_is_a_line_and_exit_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise SetUpFailed("apt install python3.11-venv")

    with pytest.raises(SystemExit) as ended:
        script(fail)
    assert ended.value.code == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "apt install python3.11-venv" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["try.py", "test.py"])
def test_help_installs_nothing(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), "--help", "--venv", str(tmp_path / "env")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "--fresh" in done.stdout
    assert not (tmp_path / "env").exists()
