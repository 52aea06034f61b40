"""The target interpreter: a good one read whole, and every kind of bad one named."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import pytest

from dartenv.facts import runner
from dartenv.facts.exits import crash_name
from dartenv.facts.interpreter import probe_interpreter
from dartenv.facts.model import InterpreterFacts
from dartenv.facts.runner import Completed, SubprocessRunner

WINDOWS = os.name == "nt"
Site = Callable[[str, str], Path]


class Scripted:
    """A runner that answers from a list and notes what it was asked."""

    def __init__(self, *answers: Completed) -> None:
        self.answers = list(answers)
        self.asked: List[Sequence[str]] = []

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        self.asked.append(argv)
        return self.answers.pop(0)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Writes files into a folder that the child has on its PYTHONPATH."""
    folder = tmp_path / "外 部"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read(python: str = sys.executable) -> InterpreterFacts:
    probed = probe_interpreter(python, SubprocessRunner())
    assert probed.value is not None, probed.failures
    return probed.value


def reason(python: str = sys.executable, timeout: float = 20) -> str:
    probed = probe_interpreter(python, SubprocessRunner(), timeout=timeout)
    assert probed.value is None
    (failure,) = probed.failures
    assert failure.probe == "interpreter"
    assert "\n" not in failure.reason
    return failure.reason


@pytest.fixture(scope="module")
def plain() -> InterpreterFacts:
    """This interpreter, read once."""
    return read()


def test_a_good_interpreter_is_read_whole(plain: InterpreterFacts) -> None:
    facts = plain
    assert facts.version == platform.python_version()
    assert facts.bits == (64 if sys.maxsize > 2**32 else 32)
    assert Path(facts.prefix or "").resolve() == Path(sys.prefix).resolve()
    assert facts.markers["sys_platform"] == sys.platform
    assert facts.markers["python_version"] == ".".join(platform.python_version_tuple()[:2])
    assert facts.tags[0].startswith(f"cp{sys.version_info[0]}{sys.version_info[1]}-")
    assert facts.platform == ("win-amd64" if WINDOWS else f"linux-{platform.machine()}")


def test_markers_and_tags_agree_with_packaging(plain: InterpreterFacts) -> None:
    from packaging.markers import default_environment
    from packaging.tags import sys_tags

    facts = plain
    expected = {k: str(v) for k, v in default_environment().items()}
    # The platform module words these by asking other programs; no marker of use reads them.
    for name in ("platform_version", "platform_release", "extra"):
        expected.pop(name, None)
    assert {k: v for k, v in facts.markers.items() if k in expected} == expected
    assert facts.tags[0] in {str(tag) for tag in sys_tags()}


def test_distributions_agree_with_importlib_metadata(plain: InterpreterFacts) -> None:
    facts = plain
    extra = re.compile(r";.*\bextra\b")
    expected: Dict[str, Tuple[str, List[str]]] = {}
    for one in importlib.metadata.distributions():
        name = re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()
        requires = [r for r in one.requires or [] if not extra.search(r)]
        expected.setdefault(name, (one.version, requires))
    found = {d.name: (d.version, list(d.requires)) for d in reversed(facts.distributions)}
    assert found == expected
    assert not [d for d in facts.distributions if d.problem]


def test_ownership_of_imports_is_told(plain: InterpreterFacts) -> None:
    facts = plain
    owned = {d.name: d.top_level for d in facts.distributions}
    assert "pytest" in owned["pytest"]
    assert "yaml" in owned["pyyaml"]
    assert not [m.name for m in facts.modules if m.name in ("pytest", "yaml")]


@pytest.mark.parametrize("path", ["x" * 300, "/".join(["x" * 200] * 30), "a\0b"])
def test_paths_that_no_system_takes_are_named(path: str, tmp_path: Path) -> None:
    probed = probe_interpreter(str(tmp_path / path), SubprocessRunner())
    assert probed.value is None
    assert "the probe broke" not in probed.failures[0].reason


def test_a_python_that_may_not_be_looked_at_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.stat

    def denied(path: Any, **more: Any) -> Any:
        if str(path).startswith(str(tmp_path / "shut")):
            raise PermissionError(13, "Permission denied")
        return real(path, **more)

    monkeypatch.setattr(os, "stat", denied)
    probed = probe_interpreter(str(tmp_path / "shut" / "python"), SubprocessRunner())
    assert probed.failures[0].reason.endswith("python: cannot be read: Permission denied")


def test_a_program_without_end_is_ended_before_it_fills_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "MAX_WRITTEN", 1_000_000)
    code = "import os\nwhile True: os.write(1, b'{' * 65536)"
    done = SubprocessRunner().run([sys.executable, "-c", code], 60)
    assert (done.failure, done.rc) == ("flood", None)
    assert done.seconds < 30


@pytest.mark.parametrize(
    "text",
    [
        "print('{\"version\": \"0\"}')\nprint('dartenv facts>>')\nimport helper\n",
        "raise RuntimeError('broken')\n",
        "import sys, io\nsys.stdout = io.StringIO()\n",
    ],
    ids=["prints", "raises", "replaces stdout"],
)
def test_a_sitecustomize_does_no_harm_and_is_named(site: Site, text: str) -> None:
    path = site("sitecustomize.py", text)
    site("helper.py", "")
    facts = read()
    assert facts.version == platform.python_version()
    assert facts.env["PYTHONPATH"] == str(path.parent)
    if not text.startswith("raise"):
        assert facts.sitecustomize is not None
        assert Path(facts.sitecustomize).resolve() == path.resolve()
    assert not (path.parent / "__pycache__").exists()


def test_a_sitecustomize_that_hangs_is_stopped_and_named(site: Site) -> None:
    site("sitecustomize.py", "import threading\nthreading.Event().wait()\n")
    assert "gave no answer within 2 s" in reason(timeout=2)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("import os; os._exit(7)", "exit status 7"),
        ("import os; os.abort()", None),
        ("import sys; sys.exit('no licence')", "no licence"),
    ],
)
def test_start_up_files_that_end_it_are_named(site: Site, act: str, said: Optional[str]) -> None:
    site("sitecustomize.py", act + "\n")
    text = reason()
    assert "starts only without its environment" in text
    assert platform.python_version() in text
    assert said is None or said in text


def test_a_module_that_shadows_the_standard_library_is_named(site: Site) -> None:
    site("json.py", "raise SystemError('not the real json')\n")
    assert "not the real json" in reason()


def test_the_current_folder_shadows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "struct.py", "re.py", "torch.py"):
        (tmp_path / name).write_text("raise SystemError('planted')\n")
    monkeypatch.chdir(tmp_path)
    facts = read()
    assert not [m for m in facts.modules if str(tmp_path) in (m.path or "")]


def test_an_environment_folder_stands_for_its_python(tmp_path: Path) -> None:
    assert read(sys.prefix).version == platform.python_version()
    assert "is a folder without" in reason(str(tmp_path))


def test_paths_that_are_nothing_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "没有 python.exe"
    assert reason(str(missing)) == f"no such file: {missing}"


@pytest.mark.skipif(WINDOWS, reason="shell scripts stand for programs here")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("exit 0", "is not Python: it printed nothing and ended with exit status 0"),
        ("echo hello; exit 3", "exit status 3: hello"),
        ("head -c 3000000 /dev/zero", "3,000,000 bytes that are no answer"),
        ("kill -SEGV $$", "segmentation fault (SIGSEGV)"),
        ("echo '<<dartenv python 3.9.1>>'; echo oops >&2; exit 1", "(Python 3.9.1) started and"),
        (
            "printf '<<dartenv python 3.9.1>>\\n<<dartenv facts\\n{}\\ndartenv facts>>\\n'",
            "an answer that is not facts",
        ),
    ],
)
def test_programs_that_are_not_python_are_named(tmp_path: Path, body: str, said: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    assert said in reason(str(program))


@pytest.mark.skipif(WINDOWS, reason="any file may be started on Windows")
def test_a_file_without_the_right_to_run_is_named(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("")
    assert "not a program that this user may run" in reason(str(program))


@pytest.mark.parametrize(("version", "ok"), [("2.7.18", False), ("3.5.9", False)])
def test_an_interpreter_that_is_too_old_is_named_with_its_version(
    tmp_path: Path, version: str, ok: bool
) -> None:
    program = tmp_path / "python.exe"
    program.write_text("")
    runner = Scripted(Completed([], 0, f"\n<<dartenv python {version}>>\n".encode()))
    probed = probe_interpreter(str(program), runner)
    assert f"is Python {version}, older than 3.6" in probed.failures[0].reason


def test_windows_faults_at_start_are_named(tmp_path: Path) -> None:
    program = tmp_path / "python.exe"
    program.write_text("")
    runner = Scripted(Completed([], 0xC0000135), Completed([], 0xC0000135))
    probed = probe_interpreter(str(program), runner)
    assert "a DLL was not found (0xC0000135)" in probed.failures[0].reason
    runner = Scripted(Completed([], None, failure="os-error: [WinError 193] %1"))
    assert "not a program for this system" in (
        probe_interpreter(str(program), runner).failures[0].reason
    )


@pytest.mark.parametrize(
    ("rc", "name"), [(0, None), (3, None), (255, None), (-11, "segmentation fault (SIGSEGV)")]
)
def test_crashes_are_told_from_exits(rc: int, name: Optional[str]) -> None:
    if WINDOWS and rc < 0:
        pytest.skip("no such signal there")
    assert crash_name(rc) == name


@pytest.mark.skipif(WINDOWS, reason="file names are Unicode there")
def test_a_path_that_is_not_text_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(odd)  # noqa: PTH102
    monkeypatch.setenv("PYTHONPATH", os.fsdecode(odd))
    assert "\\udcff" in read().env["PYTHONPATH"]


def other_python(minor: str) -> Optional[str]:
    """Another Python of this machine: pyenv's, or one on PATH that is no pyenv shim."""
    if WINDOWS:
        return None
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for found in sorted(home.glob(f"versions/{minor}.*/bin/python")):
        return str(found)
    found_on_path = shutil.which("python" + minor)
    return None if found_on_path is None or "shims" in found_on_path else found_on_path


@pytest.mark.parametrize("minor", ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_other_pythons_on_this_machine_are_read(minor: str) -> None:
    python = other_python(minor)
    if python is None:
        pytest.skip(f"no Python {minor} beside this one")
    facts = read(python)
    assert facts.version.startswith(minor + ".")
    assert facts.markers["python_version"] == minor
    digits = minor.replace(".", "")
    assert facts.abi == f"cp{digits}" + ("m" if minor in ("3.6", "3.7") else "")


def test_a_python_2_on_this_machine_is_too_old() -> None:
    python = other_python("2.7")
    if python is None:
        pytest.skip("no Python 2.7 beside this one")
    assert re.search(r"is Python 2\.7\.\d+, older than 3\.6", reason(python))
