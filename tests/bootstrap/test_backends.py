"""Which backend makes the environment, and by which command; no tool is ever installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Optional

import pytest

from dartenv.bootstrap.backends import Choosing
from dartenv.bootstrap.pythons import ask, find_python
from dartenv.errors import UsageFault
from dartenv.facts.model import CondaFacts
from dartenv.install.settings import InstallConfig
from dartenv.manifests.loader import default_manifests
from dartenv.testing import ScriptedRunner, hung

MANIFESTS = default_manifests()
CONDA = CondaFacts(kind="conda", executable="/opt/conda/bin/conda", version="24.1.0")


def told(version: str, executable: str, bits: int = 64, venv: bool = True) -> bytes:
    """What a Python answers."""
    answer = {"version": version, "bits": bits, "venv": venv, "executable": executable}
    return json.dumps({**answer, "name": "cpython"}).encode("ascii")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with nothing on PATH but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr("dartenv.bootstrap.pythons._windows", lambda *_: iter(()))
    return folder


def program(folder: Path, name: str) -> str:
    path = folder / (f"{name}.exe" if sys.platform == "win32" else name)
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def choosing(
    profile: str, runner: ScriptedRunner, conda: Optional[CondaFacts] = None, uv: str = ""
) -> Choosing:
    settings = InstallConfig(uv=uv or None)
    return Choosing(MANIFESTS.profile(profile), settings, lambda: conda, runner)


def test_conda_makes_the_reference_python_from_its_own_channel_alone(bare: Path) -> None:
    runner = ScriptedRunner({})
    backend = choosing("windows-cu118", runner, CONDA).choose("conda", None)
    assert backend.command("D:\\dart\\env") == [
        *("/opt/conda/bin/conda", "create", "--yes", "-p", "D:\\dart\\env"),
        *("--override-channels", "-c", "conda-forge", "python=3.8.8", "pip"),
    ]


def test_mamba_is_taken_only_where_it_is(bare: Path) -> None:
    runner = ScriptedRunner({})
    with pytest.raises(UsageFault, match="mamba is not on PATH"):
        choosing("windows-cu118", runner, CONDA).choose("mamba", None)
    mamba = program(bare, "mamba")
    backend = choosing("windows-cu118", runner, CONDA).choose("mamba", None)
    assert (backend.kind, backend.program) == ("mamba", mamba)


def test_micromamba_without_any_conda(bare: Path) -> None:
    micromamba = program(bare, "micromamba")
    none = CondaFacts()
    backend = choosing("windows-cu118", ScriptedRunner({}), none).choose("auto", "3.9")
    assert (backend.kind, backend.program, backend.python) == ("micromamba", micromamba, "3.9")


def test_nothing_at_all_names_what_is_missing_of_each(bare: Path) -> None:
    with pytest.raises(UsageFault) as fault:
        choosing("windows-cu118", ScriptedRunner({}), CondaFacts()).choose("auto", "3.8")
    said = str(fault.value)
    assert "uv is not on PATH" in said
    assert "no Python 3.8 with venv" in said
    assert "conda, mamba and micromamba are not on PATH" in said


def test_uv_never_downloads_a_python(bare: Path) -> None:
    uv = program(bare, "uv")
    find = f"{uv} python find --no-project --no-python-downloads 3.8"
    runner = ScriptedRunner({find: b"/usr/bin/python3.8\n"})
    runner.answers = {find: b"/opt/py38\n", "/opt/py38": told("3.8.18", "/opt/py38")}
    backend = choosing("windows-cu118", runner).choose("uv", "3.8")
    command = backend.command("/dart/env")
    assert command[0] == uv
    assert "--no-python-downloads" in command
    assert command[command.index("--python") + 1] == "/opt/py38"


def test_uv_without_that_python_says_how_it_would_get_it(bare: Path) -> None:
    program(bare, "uv")
    with pytest.raises(UsageFault, match=r"uv python install 3\.8"):
        choosing("windows-cu118", ScriptedRunner({})).choose("uv", "3.8")


def test_a_python_of_another_version_is_refused_with_the_profiles_own(bare: Path) -> None:
    python = program(bare, "python3.13")
    runner = ScriptedRunner({python: told("3.13.0", python)})
    with pytest.raises(UsageFault, match=r"is Python 3\.13\.0.*3\.8"):
        choosing("windows-cu118", runner).choose("venv", python)
    with pytest.raises(UsageFault, match=r"--python 3\.13"):
        choosing("windows-cu118", runner).choose("venv", "3.13")


def test_the_stub_of_the_store_and_a_hanging_python_are_passed_over(bare: Path) -> None:
    first, second = program(bare, "python3.8"), program(bare, "python3")
    third = program(bare, "python")
    runner = ScriptedRunner({first: hung(), second: b"", third: told("3.8.10", third)})
    found = find_python(["3.8"], runner)
    assert found is not None
    assert found.executable == third


def test_a_32_bit_python_and_one_without_venv_are_passed_over(bare: Path) -> None:
    first, second = program(bare, "python3.8"), program(bare, "python3")
    runner = ScriptedRunner(
        {first: told("3.8.10", first, bits=32), second: told("3.8.9", second, venv=False)}
    )
    assert find_python(["3.8"], runner) is None


def test_the_recorded_version_is_taken_before_its_neighbours(bare: Path) -> None:
    first, second = program(bare, "python3.8"), program(bare, "python3")
    runner = ScriptedRunner({first: told("3.8.18", first), second: told("3.8.8", second)})
    found = find_python(["3.8"], runner, exact="3.8.8")
    assert found is not None
    assert found.version == "3.8.8"


def test_this_very_python_answers() -> None:
    found = ask(sys.executable)
    assert found is not None
    assert found.version == "{}.{}.{}".format(*sys.version_info[:3])


def test_a_program_in_the_current_folder_is_never_run(
    bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    program(here, "python3.8")
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", f"{here}{';' if sys.platform == 'win32' else ':'}{bare}")
    runner = ScriptedRunner({})
    assert find_python(["3.8"], runner) is None
    assert str(here) not in " ".join(runner.programs)
