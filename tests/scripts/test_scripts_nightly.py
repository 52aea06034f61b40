"""scripts/nightly.sh, its units and its task: a night's exit code, log and schedule."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
NIGHTLY = ROOT / "scripts" / "nightly"
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
posix = pytest.mark.skipif(os.name == "nt", reason="a shell script for Linux")


def night(tmp_path: Path, *arguments: str, rc: int = 1, **env: str) -> subprocess.CompletedProcess:
    fake = tmp_path / "dartenv"
    fake.write_text(f'#!/bin/sh\necho "called: $*"\necho words >&2\nexit {rc}\n', encoding="utf-8")
    fake.chmod(0o755)
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "家"), "DARTENV": str(fake), **env}
    return subprocess.run(
        ["sh", str(ROOT / "scripts" / "nightly.sh"), *arguments],
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )


@posix
@pytest.mark.parametrize("rc", [0, 1, 3])
def test_the_nights_exit_code_is_given_back_and_its_words_are_kept(tmp_path: Path, rc: int) -> None:
    done = night(
        tmp_path, "--fail-level", "warn", rc=rc, DARTENV_CONFIG="a b.toml", DARTENV_OUT="/out"
    )
    assert done.returncode == rc
    words = b"called: nightly --config a b.toml --out /out --fail-level warn\nwords\n"
    assert done.stdout == words
    (log,) = (tmp_path / "家" / ".local" / "state" / "dartenv" / "nightly-logs").iterdir()
    assert log.read_bytes() == words


@posix
def test_thirty_logs_are_kept(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(40):
        (logs / f"20200101T0000{number:02d}Z-1.log").write_text("old", encoding="utf-8")
    night(tmp_path, DARTENV_LOGS=str(logs))
    left = sorted(path.name for path in logs.iterdir())
    assert len(left) == 30
    assert left[0] == "20200101T000011Z-1.log"


@posix
def test_without_dartenv_it_installs_nothing_and_says_what_helps(tmp_path: Path) -> None:
    done = night(tmp_path, DARTENV="", PATH="/usr/bin:/bin")
    assert done.returncode == 2
    assert b"sh scripts/bootstrap.sh" in done.stdout


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    for path in NIGHTLY.glob("dartenv-nightly.[st]*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    done = subprocess.run(
        [tool, "verify", "--user", "--man=no", str(tmp_path / "dartenv-nightly.timer")],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    ours = [line for line in done.stdout.decode().splitlines() if "dartenv-nightly" in line]
    assert ours == []


def test_the_task_has_what_the_scheduler_asks_for() -> None:
    """Elements and their order as in Microsoft's Task Scheduler schema (task version 1.2)."""
    root = ET.parse(str(NIGHTLY / "dartenv-nightly.xml")).getroot()
    order = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    assert [child.tag for child in root] == [TASK + name for name in order]
    principal = root.find(f"{TASK}Principals/{TASK}Principal")
    actions = root.find(f"{TASK}Actions")
    assert principal is not None
    assert actions is not None
    assert actions.get("Context") == principal.get("id")
    assert principal.findtext(f"{TASK}RunLevel") == "LeastPrivilege"
    assert root.findtext(f"{TASK}Settings/{TASK}MultipleInstancesPolicy") == "IgnoreNew"
    arguments = actions.findtext(f"{TASK}Exec/{TASK}Arguments") or ""
    assert arguments.endswith('scripts\\nightly.ps1"')


def test_githubs_own_schema_takes_every_workflow() -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema")
    workflows = sorted(str(path) for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(workflows) >= 2
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*check, "vendor.github-workflows", *workflows],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
