"""The whole way on a small stack: from nothing, again, killed in the middle, and back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

from dartenv.install.inside import look_inside
from dartenv.target import environment_python
from tests.bootstrap.conftest import REPOSITORY, Tiny
from tests.install.made_wheels import make_wheel


def everything(folder: Path) -> Dict[str, str]:
    """Every file below ``folder`` but the environment's and the record, with its digest."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        ours = name.startswith(("env/", ".dartenv/")) or "__pycache__" in name
        if path.is_file() and not ours:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def packages(tiny: Tiny) -> Dict[str, str]:
    python = environment_python(tiny.folder / "env")
    assert python is not None
    inside = look_inside(str(python))
    assert inside is not None
    kept = ("pip", "setuptools", "wheel")
    return {name: version for name, version in inside.found.items() if name not in kept}


def states(tiny: Tiny, *options: str) -> Dict[str, str]:
    done = subprocess.run(
        tiny.command("--format", "json", *options),
        cwd=str(REPOSITORY),
        env=tiny.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=400,
    )
    return {one["id"]: one["state"] for one in json.loads(done.stdout.decode("utf-8"))["stages"]}


# Such a run makes an environment or two, up to a minute and a half under Wine: all of them run on Linux
# with a current Python, one of each kind on Python 3.8, one at all on Windows with a newer one.
ALL = bool(os.environ.get("DARTENV_TEST_ALL"))
elsewhere = pytest.mark.skipif(
    not ALL and (os.name == "nt" or sys.version_info < (3, 9)),
    reason="takes a minute: set DARTENV_TEST_ALL to run it here as well",
)
not_everywhere = pytest.mark.skipif(
    not ALL and os.name == "nt" and sys.version_info >= (3, 9),
    reason="takes a minute, and runs on Windows with Python 3.8: DARTENV_TEST_ALL runs it here",
)
WHOLE = {"left-hand": "2.0", "palm": "1.5", "torch": "9.9.0"}


def test_from_nothing_then_again_then_back(tiny: Tiny) -> None:
    first = tiny.run()
    assert first.returncode == 0, first.stdout.decode("utf-8", "replace")
    assert packages(tiny) == WHOLE
    assert (tiny.folder / "DART" / "mld" / "rollout_mld.py").is_file()
    before = everything(tiny.folder)

    again = states(tiny)
    assert set(again.values()) == {"already"}, again
    assert everything(tiny.folder) == before
    assert packages(tiny) == WHOLE

    runs = 0
    while True:  # every stage is a run of the journal; the last one first
        undone = subprocess.run(
            [sys.executable, "-m", "dartenv", "fix", "--undo"],
            cwd=str(REPOSITORY),
            env=tiny.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=200,
        )
        if undone.returncode != 0:
            break
        runs += 1
        assert runs < 20
    assert b"no run" in undone.stdout or b"nothing" in undone.stdout, undone.stdout
    assert not (tiny.folder / "env").exists()
    assert not (tiny.folder / "DART").exists()
    assert everything(tiny.folder) == {}


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("venv", marks=elsewhere),
        pytest.param("pip install", marks=not_everywhere),
        pytest.param("torch==9.9.0", marks=elsewhere),
    ],
)
def test_killed_while_something_is_made_it_goes_on_to_the_same_end(tiny: Tiny, moment: str) -> None:
    """Killed as soon as the output names the command; what it started has to be dealt with."""
    tiny.killed(
        lambda out: any(line.startswith("  run ") and moment in line for line in out.splitlines())
    )
    done = tiny.run()
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
    assert packages(tiny) == WHOLE
    assert set(states(tiny).values()) == {"already"}


@elsewhere
def test_a_package_that_is_not_the_locked_file_stops_the_way(tiny: Tiny) -> None:
    make_wheel(tiny.wheels, "palm", "1.5", {"palm.py": "EVIL = 1\n"})
    done = tiny.run()
    said = " ".join(done.stdout.decode("utf-8").split())
    assert done.returncode == 4
    assert "palm" in said
    assert "sha256" in said
    assert "Stopped: packages" in said
    assert packages(tiny) == {}


def test_dry_run_changes_nothing(tiny: Tiny) -> None:
    done = tiny.run("--dry-run")
    assert done.returncode == 0
    assert not tiny.folder.exists()
    assert b"torch 9.9.0" in done.stdout


def test_nobody_to_ask_and_no_yes_changes_nothing(tiny: Tiny) -> None:
    command = [part for part in tiny.command() if part != "--yes"]
    done = subprocess.run(
        command,
        cwd=str(REPOSITORY),
        env=tiny.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 5
    assert b"--yes" in done.stderr
    assert not tiny.folder.exists()


def test_something_else_in_the_place_of_the_environment_is_left_alone(tiny: Tiny) -> None:
    own = tiny.folder / "env" / "mine.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    done = tiny.run()
    assert done.returncode == 2, (done.stdout + done.stderr).decode("utf-8", "replace")
    assert os.fsencode("env") in done.stdout
    assert own.read_text(encoding="utf-8") == "mine"


def test_an_unreadable_record_is_named(tiny: Tiny) -> None:
    record = tiny.folder / ".dartenv" / "bootstrap.json"
    record.parent.mkdir(parents=True)
    record.write_text("{not json", encoding="utf-8")
    done = tiny.run()
    assert done.returncode == 2
    assert b"bootstrap.json" in done.stdout
    assert b"Traceback" not in done.stdout


def test_an_unknown_stage_and_backend_are_named(tiny: Tiny) -> None:
    done = tiny.run("--without", "everything")
    assert done.returncode == 2
    assert b"one of: source, environment" in done.stdout
    done = tiny.run("--backend", "poetry")
    assert done.returncode == 2
    assert b"poetry" in done.stdout
