"""Activation scripts, run for real: bash, sh and, on Windows, cmd."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.facts.activation import (
    Home,
    Variable,
    home_of,
    parse_bat,
    parse_sh,
    read_activation,
)
from dartenv.facts.model import InterpreterFacts
from dartenv.facts.windows import wine_version
from dartenv.fixes.activation import bat_set, scripts, sh_set

on_windows = pytest.mark.skipif(os.name != "nt", reason="cmd is on Windows")
on_posix = pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
SHELLS = [shell for shell in ("bash", "sh", "zsh") if os.name != "nt" and shutil.which(shell)]

# A value with everything that quoting could trip over, and one outside ASCII.
ODD = '/opt/it\'s a $HOME \\ `x` "q" 工具/cuda-11.8'
ODD_WINDOWS = "C:\\Program Files (x86)\\a & b ^ 100% !x! it's\\CUDA\\v11.8"
CHINESE = "D:\\工具\\CUDA\\v11.8"


def put(home: Home, variables: Mapping[str, Variable]) -> None:
    for path, content in scripts(home, variables).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


def conda_home(prefix: Path) -> Home:
    prefix.mkdir(parents=True, exist_ok=True)
    return Home(str(prefix), conda=True, windows=os.name == "nt")


SHOW = "import os, sys; [sys.stdout.write(k + '=' + v + chr(0)) for k, v in os.environ.items()]"
END = "end-of-variables"


def shown(run: Path, shell: str, lines: List[str], env: Mapping[str, str]) -> List[Dict[str, str]]:
    """Runs ``lines`` in ``shell``; a line "show" prints the variables of that moment.

    Paths go in through ``env``: cmd would read them in the code page of the moment.
    """
    show = run / "show.py"
    show.write_text(SHOW, encoding="utf-8")
    # What the tests set must be absent before, whoever started them.
    ours = {k: v for k, v in os.environ.items() if k not in ("PYTHONUTF8", "CUDA_HOME")}
    base = {**ours, **env, "EXE": sys.executable, "SHOW": str(show)}
    if shell == "cmd":
        command, end, script = f'"%EXE%" -X utf8 "%SHOW%"\r\necho {END}', "\r\n", run / "run.bat"
        argv, begin = ["cmd", "/d", "/c", str(script)], "@echo off"
    else:
        command, end, script = f"env -0; echo '{END}'", "\n", run / "run.sh"
        argv, begin = [shell, str(script)], "set -eu"
    text = [begin, *(command if line == "show" else line for line in lines)]
    script.write_bytes("".join(line + end for line in text).encode("utf-8"))
    done = subprocess.run(
        argv, env=base, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    said = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0, said
    parts = done.stdout.decode("utf-8", "replace").split(END)[:-1]
    assert len(parts) == lines.count("show"), said
    pairs = [[one.partition("=") for one in part.split("\0")] for part in parts]
    return [{name.strip(): value for name, _, value in part} for part in pairs]


def ours(variables: Mapping[str, str]) -> List[str]:
    return [name for name in variables if name.upper().startswith("_DARTENV")]


def conda_paths(home: Home, shell: str) -> Dict[str, str]:
    ending = ".bat" if shell == "cmd" else ".sh"
    return {
        "ON": home.path("etc", "conda", "activate.d", "dartenv" + ending),
        "OFF": home.path("etc", "conda", "deactivate.d", "dartenv" + ending),
    }


def on_off(shell: str) -> Tuple[str, str]:
    """Lines that run both scripts, and stop where one ends with a status, as conda does."""
    if shell == "cmd":
        return (
            'call "%ON%"\r\nif errorlevel 1 exit /b 4',
            'call "%OFF%"\r\nif errorlevel 1 exit /b 4',
        )
    return '. "$ON"', '. "$OFF"'


@pytest.mark.parametrize("shell", [*SHELLS, *(["cmd"] if os.name == "nt" else [])])
@pytest.mark.parametrize("before", [None, "/usr/local/cuda-12.4 & more"])
def test_activate_sets_and_deactivate_gives_back(
    tmp_path: Path, shell: str, before: Optional[str]
) -> None:
    home = conda_home(tmp_path / "envs" / "dart 环境")
    value = ODD_WINDOWS if shell == "cmd" else ODD
    put(home, {"CUDA_HOME": Variable(value), "PYTHONUTF8": Variable("1")})
    on, off = on_off(shell)
    env = conda_paths(home, shell)
    if before is not None:
        env["CUDA_HOME"] = before
    # Twice on: the value of before must not be taken from the first activation.
    active, again, after = shown(tmp_path, shell, [on, "show", on, "show", off, "show"], env)
    assert active["CUDA_HOME"] == again["CUDA_HOME"] == value
    assert active["PYTHONUTF8"] == "1"
    assert after.get("CUDA_HOME") == before
    assert "PYTHONUTF8" not in after
    assert ours(after) == []


@pytest.mark.parametrize("shell", [*SHELLS, *(["cmd"] if os.name == "nt" else [])])
def test_a_variable_added_while_active_is_not_unset(tmp_path: Path, shell: str) -> None:
    home = conda_home(tmp_path / "dart")
    put(home, {"PYTHONUTF8": Variable("1"), "CUDA_HOME": Variable("/a")})
    _, off = on_off(shell)
    env = {"CUDA_HOME": "mine", **conda_paths(home, shell)}
    (after,) = shown(tmp_path, shell, [off, "show"], env)
    assert after["CUDA_HOME"] == "mine"


@pytest.mark.parametrize("shell", [*SHELLS, *(["cmd"] if os.name == "nt" else [])])
@pytest.mark.parametrize("prompt", [True, False])
def test_a_guarded_variable_is_set_only_beside_its_guard(
    tmp_path: Path, shell: str, prompt: bool
) -> None:
    home = conda_home(tmp_path / "dart")
    put(home, {"DISTUTILS_USE_SDK": Variable("1", when="VSCMD_VER")})
    on, off = on_off(shell)
    env = {**({"VSCMD_VER": "17.6.2"} if prompt else {}), **conda_paths(home, shell)}
    active, after = shown(tmp_path, shell, [on, "show", off, "show"], env)
    assert active.get("DISTUTILS_USE_SDK") == ("1" if prompt else None)
    assert "DISTUTILS_USE_SDK" not in after
    assert ours(after) == []


@on_windows
@pytest.mark.skipif(wine_version() is not None, reason="Wine's cmd knows one code page")
def test_cmd_takes_a_path_outside_ascii_whatever_its_code_page(tmp_path: Path) -> None:
    home = conda_home(tmp_path / "dart")
    put(home, {"CUDA_HOME": Variable(CHINESE)})
    on, off = on_off("cmd")
    lines = ["chcp 936 >nul", on, "show", off, "show"]
    active, after = shown(tmp_path, "cmd", lines, conda_paths(home, "cmd"))
    assert active["CUDA_HOME"] == CHINESE
    assert "CUDA_HOME" not in after


def own_batch_files(folder: Path) -> None:
    """What venv writes, in short: Pythons from NuGet come without these two."""
    restore = '@if defined _OLD_VIRTUAL_PATH set "PATH=%_OLD_VIRTUAL_PATH%"\r\n'
    begin = '@set "VIRTUAL_ENV=%~dp0.."\r\n@set "_OLD_VIRTUAL_PATH=%PATH%"\r\n'
    end = '@set "_OLD_VIRTUAL_PATH="\r\n@set "VIRTUAL_ENV="\r\n'
    path = '@set "PATH=%~dp0;%PATH%"\r\n'
    (folder / "activate.bat").write_bytes((restore + begin + path).encode("ascii"))
    (folder / "deactivate.bat").write_bytes((restore + end).encode("ascii"))


@pytest.mark.parametrize("shell", [*SHELLS, *(["cmd"] if os.name == "nt" else [])])
def test_a_venvs_wrapper_activates_it_and_its_deactivate_gives_back(
    tmp_path: Path, shell: str
) -> None:
    prefix = tmp_path / "it's 环境"
    venv.create(str(prefix), with_pip=False, symlinks=os.name != "nt")
    home = Home(str(prefix), conda=False, windows=os.name == "nt")
    if shell == "cmd":
        own_batch_files(prefix / "Scripts")
    put(home, {"PYTHONUTF8": Variable("1"), "CUDA_HOME": Variable("/a b")})
    on, _ = on_off(shell)
    off = "call deactivate" if shell == "cmd" else "deactivate"
    if shell == "sh":
        off = ":"  # a plain POSIX shell cannot rename a function
    loose = "set +eu" if shell != "cmd" else "rem"  # the venv's own script is not strict
    env = {"CUDA_HOME": "was", "ON": home.record}
    active, after = shown(tmp_path, shell, [loose, on, on, "show", off, "show"], env)
    assert active["PYTHONUTF8"] == "1"
    assert active["CUDA_HOME"] == "/a b"
    assert Path(active["VIRTUAL_ENV"]).resolve() == prefix.resolve()
    if shell != "sh":
        assert "PYTHONUTF8" not in after
        assert after["CUDA_HOME"] == "was"
        assert "VIRTUAL_ENV" not in after
        assert ours(after) == []
        assert "dartenv-hooks" not in after["PATH"]


VALUES = st.text("aZ0 '%^&!()$`\\/;:=~#@{}[]<>|*?,.-\u2019\u2028\xa0工\U0001f600", max_size=12)
NAMES = st.sampled_from(["A", "CUDA_HOME", "X2", "PATH_", "VSCMD_VER", "SET"])
VARIABLES = st.dictionaries(NAMES, st.builds(Variable, VALUES, st.one_of(st.just(""), NAMES)))
STEADY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@STEADY
@given(VARIABLES)
def test_what_is_written_is_read_back(variables: Dict[str, Variable]) -> None:
    assert parse_bat("\r\n".join(bat_set(variables))) == variables
    assert parse_sh("\n".join(sh_set(variables))) == variables


@pytest.mark.parametrize("conda", [True, False])
@pytest.mark.parametrize("windows", [True, False])
def test_the_record_holds_the_variables_and_nothing_else(windows: bool, conda: bool) -> None:
    home = Home("C:\\envs\\d" if windows else "/envs/d", conda=conda, windows=windows)
    variables = {"CUDA_HOME": Variable(ODD_WINDOWS), "X": Variable("1", when="Y")}
    text = scripts(home, variables)[home.record].decode("utf-8")
    assert (parse_bat if windows else parse_sh)(text) == variables


def test_windows_paths_are_windows_paths_everywhere() -> None:
    home = Home("C:\\Users\\李明\\anaconda3\\envs\\dart", conda=True, windows=True)
    paths = scripts(home, {"PYTHONUTF8": Variable("1")})
    folder = "C:\\Users\\李明\\anaconda3\\envs\\dart\\etc\\conda\\"
    assert sorted(paths) == [
        folder + f"{what}.d\\dartenv.{ending}"
        for what in ("activate", "deactivate")
        for ending in ("bat", "ps1", "sh")
    ]
    for path, content in paths.items():
        assert (b"\r\n" in content) is not path.endswith(".sh")
        assert content.isascii()


def test_powershell_gets_the_mark_where_a_value_needs_it_and_its_own_quotes() -> None:
    home = Home("C:\\d", conda=True, windows=True)
    path = home.path("etc", "conda", "activate.d", "dartenv.ps1")
    content = scripts(home, {"CUDA_HOME": Variable("D:\\工具\\it\u2019s")})[path]
    assert content.startswith(b"\xef\xbb\xbf")
    assert "$Env:CUDA_HOME = 'D:\\工具\\it\u2019\u2019s'\r\n" in content.decode("utf-8-sig")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"conda_prefix": "/c/envs/dart", "environment": "conda dart"}, True),
        ({"conda_prefix": "/c", "environment": "conda base"}, False),
        ({"prefix": "/v", "in_venv": True}, True),
        ({"prefix": "/usr", "in_venv": False}, False),
    ],
)
def test_only_an_environment_of_its_own_is_a_home(fields: Dict[str, str], found: bool) -> None:
    inside = InterpreterFacts(executable="/x", version="3.8.8", **fields)  # type: ignore[arg-type]
    assert (home_of(inside) is not None) is found
    assert read_activation(inside) == {}


@on_posix
def test_what_activation_sets_is_a_fact_of_the_interpreter(tmp_path: Path) -> None:
    from dartenv.facts.interpreter import probe_interpreter
    from dartenv.facts.runner import SubprocessRunner

    prefix = tmp_path / "v"
    venv.create(str(prefix), with_pip=False, symlinks=True)
    put(Home(str(prefix), conda=False, windows=False), {"PYTHONUTF8": Variable("1")})
    probed = probe_interpreter(str(prefix / "bin" / "python"), SubprocessRunner())
    assert probed.value is not None, probed.failures
    assert probed.value.activation == {"PYTHONUTF8": "1"}
