"""Deep imports begun before the interpreter answers, and those made in a fork."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping

import msgspec
import psutil
import pytest

import dartenv
from dartenv.facts.collect import ProbePlan, Scope, collect
from dartenv.facts.head_start import HeadStart, foresee
from dartenv.facts.imports import probe_imports
from dartenv.facts.model import InterpreterFacts
from dartenv.facts.probed import Probed
from dartenv.facts.runner import SubprocessRunner
from dartenv.manifests.loader import Manifests, default_manifests

MACHINE = "win-amd64" if sys.platform == "win32" else "linux-x86_64"
TARGET = InterpreterFacts(
    executable=sys.executable, version=platform.python_version(), platform=MACHINE
)
WAITS = "import threading\nthreading.Event().wait()\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the children's PYTHONPATH whose packages import at once."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name in ("torch", "numpy", "yaml", "tqdm", "tyro"):
        text = "class version: cuda = None\n__version__ = '1'\n" if name == "torch" else ""
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def begun(foreseen: InterpreterFacts) -> HeadStart:
    manifests = default_manifests()
    return HeadStart(foreseen, manifests.profile("sandbox"), None, manifests, "sandbox")


def environment(tmp_path: Path, mark: str, text: str) -> Path:
    """The folder of an environment of this system, with one file that says what it is."""
    windows = sys.platform == "win32"
    place = "python.exe" if windows and "conda" in mark else "bin/python"
    python = tmp_path / ("Scripts/python.exe" if windows and "pyvenv" in mark else place)
    for path in (python, tmp_path / mark):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return python


@pytest.mark.parametrize(
    ("mark", "text", "version", "conda"),
    [
        ("pyvenv.cfg", "home = /usr\nversion = 3.11.7\n", "3.11.7", False),
        ("pyvenv.cfg", "version_info = 3.8.10.final.0\n", "3.8.10", False),
        ("conda-meta/python-3.8.8-hdbf39b2_5.json", "{}", "3.8.8", True),
    ],
)
def test_an_environment_says_its_python(
    tmp_path: Path, mark: str, text: str, version: str, conda: bool
) -> None:
    python = environment(tmp_path, mark, text)
    for given in (str(python), str(tmp_path)):
        found = foresee(given)
        assert found is not None
        assert (found.version, found.executable) == (version, str(python))
        assert found.prefix == str(tmp_path)
        assert found.conda_prefix == (str(tmp_path) if conda else None)


@pytest.mark.parametrize("text", ["", "version = of old\n", "version = 3.11\n"])
def test_a_folder_that_does_not_say_is_not_guessed_at(tmp_path: Path, text: str) -> None:
    assert foresee(str(environment(tmp_path, "pyvenv.cfg", text))) is None
    assert foresee(str(tmp_path / "nowhere")) is None


def test_what_was_begun_is_taken(site: Path) -> None:
    head = begun(TARGET)
    finished = head.take(head.job, TARGET)
    assert finished is not None
    told = [result.name for result in finished[0] if result.ok]
    assert told[:2] == ["imports.dart:tqdm", "imports.torch"], "what torch loads anyway comes first"


def test_a_second_examination_sees_for_itself(site: Path) -> None:
    head = begun(TARGET)
    assert head.take(head.job, TARGET) is not None
    assert head.take(head.job, TARGET) is None


def test_what_nobody_took_ends_with_the_program(site: Path) -> None:
    (site / "torch.py").write_text(WAITS, encoding="utf-8")
    program = (
        "import platform, sys, sysconfig\n"
        "from dartenv.facts.head_start import HeadStart\n"
        "from dartenv.facts.model import InterpreterFacts\n"
        "from dartenv.manifests.loader import default_manifests\n"
        "m = default_manifests()\n"
        "facts = InterpreterFacts(executable=sys.executable, version=platform.python_version(),"
        " platform=sysconfig.get_platform())\n"
        "head = HeadStart(facts, m.profile('sandbox'), None, m, 'sandbox')\n"
        "while not head._pids: pass\n"
        "print(head._pids[0])\n"
    )
    path = os.pathsep.join([str(site), str(Path(dartenv.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        timeout=60,
    )
    assert done.returncode == 0
    assert not psutil.pid_exists(int(done.stdout))


def test_what_was_begun_for_another_python_is_ended(site: Path) -> None:
    (site / "torch.py").write_text(WAITS, encoding="utf-8")
    head = begun(TARGET)
    other = msgspec.structs.replace(TARGET, version="3.6.1")
    assert head.take(head.job, other) is None
    head._thread.join(30)
    assert not head._thread.is_alive()
    assert head._finished is not None
    assert [result.ok for result in head._finished[0]] in ([], [False])


def test_a_lost_head_start_costs_nothing_else() -> None:
    seen = []

    def early(scope: Scope) -> str:
        raise OSError("nothing to begin with")

    def probe(scope: Scope, earlier: Mapping[str, Any]) -> Probed[Any]:
        seen.append(earlier["early"])
        return Probed("told")

    scope = Scope(default_manifests(), None, None, None, {})
    facts = collect(scope, [ProbePlan("own", probe, 30, early=early)], ["own"])
    assert (seen, facts.extra["own"]) == ([None], "told")


def aside(tmp_path: Path) -> Manifests:
    """The manifests with tyro imported aside, and less patience."""
    folder = tmp_path / "manifests" / "compat"
    folder.mkdir(parents=True)
    text = default_manifests()._files[("compat", "imports")].data.decode()
    before = 'requirement = "tyro"\ngroup = '
    assert before + '"plain"' in text
    text = text.replace(before + '"plain"', before + '"aside"')
    text = text.replace("\nidle = 20.0", "\nidle = " + ("6.0" if MACHINE[0] == "w" else "2.0"))
    (folder / "imports.toml").write_text(text, encoding="utf-8")
    return Manifests([tmp_path / "manifests"])


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        ("version = 1\n", "ok"),
        ("import faulthandler; faulthandler._sigsegv()\n", "crash"),
        ("import os; os._exit(3)\n", "crash"),
        (WAITS, "timeout"),
    ],
)
def test_what_happens_aside_is_told_alike(
    site: Path, tmp_path: Path, act: str, outcome: str
) -> None:
    (site / "tyro.py").write_text(act, encoding="utf-8")
    manifests = aside(tmp_path)
    probed = probe_imports(
        TARGET, manifests.profile("sandbox"), None, SubprocessRunner(), manifests
    )
    assert probed.value is not None
    found = {result.name: result for result in probed.value.results}
    assert found["imports.dart:tyro"].outcome == outcome
    assert outcome == "ok" or found["imports.dart:tyro"].module == "tyro"
    assert found["imports.torch"].ok
    others = {name for name, one in found.items() if one.outcome != "ok"}
    assert others <= {"imports.dart:tyro", "imports.torch:kernel"}
