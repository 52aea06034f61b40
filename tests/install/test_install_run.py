"""Installing through the runner, and taking it back: whole, failed, killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Sequence

import psutil
import pytest

from dartenv.install.holding import Busy, holding, lock_file
from dartenv.install.inside import look_inside, note_before
from dartenv.install.run import environment as child_environment
from dartenv.install.run import own_index, told
from tests.install.made_wheels import make_wheel, sha256

REPOSITORY = Path(__file__).resolve().parents[2]


class Installing:
    """Calls of the two programs on one environment."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python = str(python)
        self.wheels = folder / "wheels"
        self.log = folder / "logs" / "one.log"
        self.note = folder / "note.json"
        self.lock = lock_file(folder / "state", str(python.parent.parent))
        self.common = ["--lock", str(self.lock), "--before", str(self.note)]
        self.common += ["--python", self.python]

    def command(self, *arguments: str) -> List[str]:
        pip = [self.python, "-m", "pip", "install", "--disable-pip-version-check"]
        return [*pip, "--no-index", "--find-links", str(self.wheels), *arguments]

    def start(self, command: Sequence[str], *options: str) -> subprocess.Popen:
        argv = [sys.executable, "-m", "dartenv.install.run", *self.common]
        argv += ["--log", str(self.log), *options, "--", *command]
        return subprocess.Popen(
            argv, cwd=str(REPOSITORY), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def install(self, *arguments: str) -> subprocess.CompletedProcess:
        process = self.start(self.command(*arguments))
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess([], process.returncode, out, err)

    def back(self, *options: str) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-m", "dartenv.install.back", *self.common, *options]
        argv += ["--option=--no-index", "--option=--find-links", f"--option={self.wheels}"]
        return subprocess.run(argv, cwd=str(REPOSITORY), capture_output=True, timeout=120)

    def names(self) -> dict:
        inside = look_inside(self.python)
        assert inside is not None
        kept = ("pip", "setuptools", "wheel")
        return {name: version for name, version in inside.found.items() if name not in kept}

    def folder(self) -> Path:
        inside = look_inside(self.python)
        assert inside is not None
        return Path(inside.folders[0])


@pytest.fixture
def installing(environment: Path, tmp_path: Path) -> Installing:
    one = Installing(environment, tmp_path)
    make_wheel(one.wheels, "left-hand", "1.0", {"left_hand.py": "SIDE = 1\n"})
    make_wheel(one.wheels, "left-hand", "2.0", {"left_hand.py": "SIDE = 2\n"})
    make_wheel(one.wheels, "body", "1.0", {"body/__init__.py": ""}, ["left-hand"])
    return one


def test_what_was_installed_is_taken_back_with_what_came_along(installing: Installing) -> None:
    done = installing.install("body")
    assert done.returncode == 0, done.stderr
    assert installing.names() == {"body": "1.0", "left-hand": "2.0"}
    assert installing.log.read_text(encoding="utf-8").startswith("$ ")
    # Only body was planned; its dependency is known from the note.
    assert installing.back("--absent", "body").returncode == 0
    assert installing.names() == {}


def test_another_version_is_put_back(installing: Installing) -> None:
    assert installing.install("left-hand==1.0").returncode == 0
    installing.note.unlink()
    assert installing.install("left-hand==2.0").returncode == 0
    assert installing.names() == {"left-hand": "2.0"}
    assert installing.back("--restore", "left-hand==1.0").returncode == 0
    assert installing.names() == {"left-hand": "1.0"}
    installing.back("--absent", "left-hand")
    assert installing.names() == {}


def test_taking_back_twice_changes_nothing_more(installing: Installing) -> None:
    assert installing.install("body").returncode == 0
    for _ in range(2):
        assert installing.back("--absent", "body,left-hand").returncode == 0
    assert installing.names() == {}


def test_a_failure_is_one_line_with_its_cause_and_the_log(installing: Installing) -> None:
    done = installing.install("no-such-body==3.0")
    assert done.returncode != 0
    (line,) = done.stderr.decode("utf-8", "replace").strip().splitlines()
    assert "no-such-body" in line
    assert str(installing.log) in line
    assert installing.names() == {}


def test_a_file_with_another_hash_is_not_installed(installing: Installing, tmp_path: Path) -> None:
    wheel = installing.wheels / "left_hand-1.0-py3-none-any.whl"
    wanted = tmp_path / "wanted.txt"
    wanted.write_text(f"left-hand==1.0 --hash=sha256:{sha256(wheel)}\n", encoding="utf-8")
    make_wheel(installing.wheels, "left-hand", "1.0", {"left_hand.py": "SIDE = 'evil'\n"})
    done = installing.install("--require-hashes", "-r", str(wanted))
    assert done.returncode != 0
    assert b"left-hand" in done.stderr
    assert installing.names() == {}


def test_half_a_package_goes_entirely(installing: Installing) -> None:
    """As a killed pip leaves it: files without metadata, and metadata without a list of files."""
    note_before(installing.note, installing.python)
    place = installing.folder()
    (place / "body").mkdir()
    (place / "body" / "__init__.py").write_text("", encoding="utf-8")
    info = place / "left_hand-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: left-hand\nVersion: 1.0\n", encoding="utf-8"
    )
    assert "left-hand" in installing.names()
    done = installing.back("--absent", "body,left-hand")
    assert done.returncode == 0, done.stderr
    assert not (place / "body").exists()
    assert not info.exists()
    assert not installing.note.exists()


def test_what_was_there_before_half_an_installation_stays(installing: Installing) -> None:
    place = installing.folder()
    own = place / "mine.py"
    own.write_text("MINE = 1\n", encoding="utf-8")
    try:
        note_before(installing.note, installing.python)
        (place / "body.py").write_text("", encoding="utf-8")
        assert installing.back("--absent", "body").returncode == 0
        assert own.exists()
        assert not (place / "body.py").exists()
    finally:
        own.unlink()


def test_an_environment_that_is_gone_needs_nothing(installing: Installing, tmp_path: Path) -> None:
    gone = [sys.executable, "-m", "dartenv.install.back", "--lock", str(installing.lock)]
    gone += ["--python", str(tmp_path / "gone" / "python"), "--absent", "body"]
    assert subprocess.run(gone, cwd=str(REPOSITORY), timeout=60).returncode == 0


def test_the_installer_ends_with_the_dartenv_that_started_it(
    installing: Installing, tmp_path: Path
) -> None:
    """A parent starts the runner and is killed; the child of the runner has to go as well."""
    told = tmp_path / "child"
    child = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "new = Path(sys.argv[1] + '.new')\n"
        "new.write_text(str(os.getpid()))\n"
        "new.replace(sys.argv[1])\n"
        "time.sleep(600)\n"
    )
    argv = [sys.executable, "-m", "dartenv.install.run", *installing.common]
    argv += ["--log", str(installing.log), "--", sys.executable, "-c", child, str(told)]
    parent = f"import subprocess; subprocess.run({argv!r}, cwd={str(REPOSITORY)!r})"
    process = subprocess.Popen([sys.executable, "-c", parent])
    pid = int(_wait_for(told))
    assert psutil.pid_exists(pid)
    process.kill()
    process.wait()
    with holding(installing.lock, patience=60):
        assert not _alive(pid)


def test_a_second_installer_waits_and_says_so(installing: Installing) -> None:
    with holding(installing.lock), pytest.raises(Busy), holding(installing.lock, patience=0.2):
        pass


def test_torch_is_asked_of_its_own_index_alone(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror in pip's settings must not hand out a torch; certificates and proxies stay."""
    config = tmp_path / "pip.ini"
    config.write_text(
        "[global]\nextra-index-url = https://mirror.example/simple\nproxy = http://proxy:3128\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "https://other.example/simple")
    before = child_environment([])
    env = own_index(before, [str(environment), "-m", "pip", "install", "torch"])
    assert env["PIP_CONFIG_FILE"] == os.devnull
    assert env["PIP_PROXY"] == "http://proxy:3128"
    assert not [name for name, value in env.items() if "other.example" in value]
    seen = subprocess.run(
        [str(environment), "-m", "pip", "config", "list"], env=env, capture_output=True, timeout=60
    )
    assert b"mirror.example" not in seen.stdout


def test_notes_hold_what_was_added(installing: Installing) -> None:
    assert installing.install("left-hand==1.0").returncode == 0
    assert json.loads(installing.note.read_text(encoding="utf-8")) == {"added": ["left-hand"]}
    installing.back()
    assert installing.names() == {}


def _wait_for(path: Path) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if path.exists():
            return path.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_failure_that_no_table_knows_is_told_in_the_tools_own_words(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_text("$ conda create\nLinking\nerror: the moon is in the way\n", encoding="utf-8")
    said = told(log, "conda", 7)
    assert said.startswith("conda failed (exit code 7): error: the moon is in the way; ")
    assert said.endswith(f"whole output: {log}")


def test_a_known_failure_is_one_sentence_with_what_helps(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_text("OSError: [Errno 28] No space left on device\n", encoding="utf-8")
    said = told(log, "pip", 1)
    assert said.startswith("The disk is full, or the user's share of it; free some space")


@pytest.mark.parametrize(
    ("rc", "how"),
    [
        (-11, "segmentation fault (SIGSEGV)"),
        (-9, "killed, often for want of memory (SIGKILL)"),
        (0xC0000135, "a DLL was not found (0xC0000135)"),
    ],
)
def test_an_installer_that_crashed_is_not_taken_at_its_last_word(
    rc: int, how: str, tmp_path: Path
) -> None:
    log = tmp_path / "one.log"
    log.write_text("Executing transaction\ndone\n", encoding="utf-8")
    assert told(log, "conda", rc).startswith(f"conda failed ({how}): done; ")
