"""PowerShell scripts: parsed by PowerShell's grammar everywhere, run where a PowerShell answers."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path, PureWindowsPath
from typing import Any, Dict, List, Optional

import pytest

from dartenv.checks.conda import tools_table
from dartenv.facts.activation import Home, Variable
from dartenv.fixes.activation import scripts
from dartenv.fixes.conda_shell import powershell_block
from dartenv.manifests.loader import Manifests

HOME = "D:\\工具 (x86)\\it's $Env:X `n \u2019quoted\u2019"
VALUES = {
    "PYTHONUTF8": Variable("1"),
    "CUDA_HOME": Variable(HOME),
    "DISTUTILS_USE_SDK": Variable("1", when="VSCMD_VER"),
}


def written(conda: bool) -> Dict[str, bytes]:
    """Every .ps1 for one Windows environment, by the end of its path."""
    home = Home("C:\\Users\\李明\\envs\\dart", conda=conda, windows=True)
    return {
        "/".join(PureWindowsPath(path).parts[-2:]): content
        for path, content in scripts(home, VALUES).items()
        if path.endswith(".ps1")
    }


def everything() -> Dict[str, str]:
    found = {**written(True), **written(False)}
    texts = {name: content.decode("utf-8-sig") for name, content in found.items()}
    for conda in ("C:\\Program Files\\it's\\conda.exe", "C:\\Users\\李明\\conda\\conda.exe"):
        lines = powershell_block(
            PureWindowsPath(conda), "C:\\Users\\李明", tools_table(Manifests())
        )
        assert lines is not None
        texts[f"profile.ps1 for {conda}"] = "\r\n".join(lines)
    return texts


class TestGrammar:
    """By tree-sitter's grammar of PowerShell, whose wheels begin at Python 3.10."""

    @pytest.fixture
    def parse(self) -> Any:
        tree_sitter = pytest.importorskip("tree_sitter")
        grammar = pytest.importorskip("tree_sitter_powershell")
        parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
        return lambda text: parser.parse(text.encode("utf-8")).root_node

    @pytest.mark.parametrize("name", sorted(everything()))
    def test_parsed_whole(self, parse: Any, name: str) -> None:
        text = everything()[name]
        assert not parse(text).has_error
        # the grammar tells a script in which a block or a quote is not closed
        assert parse(text.replace("}", "", 1)).has_error
        if "''" in text:
            assert parse(text.replace("''", "'", 1)).has_error


SHOW = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


@functools.lru_cache(maxsize=None)
def powershell() -> Optional[str]:
    """A PowerShell that answers: Wine's ends well and does nothing."""
    for name in ("pwsh", "powershell"):
        program = shutil.which(name)
        if program is not None:
            argv = [program, "-NoProfile", "-Command", "6 * 7"]
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
            )
            if done.stdout.strip() == b"42":
                return program
    return None


def shown(run: Path, lines: List[str], env: Dict[str, str]) -> List[Dict[str, str]]:
    """Runs ``lines``; each "show" gives the variables of that moment. Paths go in through env."""
    program = powershell()
    if program is None:
        pytest.skip("no PowerShell answers here")
    show = run / "show.py"
    show.write_text(SHOW, encoding="utf-8")
    count = 0
    text = ["$ErrorActionPreference = 'Stop'"]
    for line in lines:
        if line == "show":
            line = f"& $Env:EXE $Env:SHOW (Join-Path $Env:RUN '{count}.json')"
            count += 1
        text.append(line)
    script = run / "run.ps1"
    script.write_text("\r\n".join(text) + "\r\n", encoding="ascii")
    ours = {k: v for k, v in os.environ.items() if k not in VALUES and k != "VSCMD_VER"}
    done = subprocess.run(
        [program, "-NoProfile", "-ExecutionPolicy", "Bypass", "-File", str(script)],
        env={**ours, **env, "EXE": sys.executable, "SHOW": str(show), "RUN": str(run)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return [json.loads((run / f"{n}.json").read_text(encoding="ascii")) for n in range(count)]


@pytest.mark.parametrize("before", [None, "C:\\CUDA\\v12.4"])
@pytest.mark.parametrize("prompt", [True, False])
def test_activate_sets_and_deactivate_gives_back(
    tmp_path: Path, before: Optional[str], prompt: bool
) -> None:
    for name, content in written(True).items():
        (tmp_path / name.replace("/", "-")).write_bytes(content)
    env = {"ON": str(tmp_path / "activate.d-dartenv.ps1")}
    env["OFF"] = str(tmp_path / "deactivate.d-dartenv.ps1")
    if before is not None:
        env["CUDA_HOME"] = before
    if prompt:
        env["VSCMD_VER"] = "17.6.2"
    lines = [". $Env:ON", ". $Env:ON", "show", ". $Env:OFF", "show"]
    active, after = shown(tmp_path, lines, env)
    assert active["CUDA_HOME"] == HOME
    assert active["PYTHONUTF8"] == "1"
    assert active.get("DISTUTILS_USE_SDK") == ("1" if prompt else None)
    assert after.get("CUDA_HOME") == before
    assert not {"PYTHONUTF8", "DISTUTILS_USE_SDK"} & set(after)
    assert not [name for name in after if name.upper().startswith("_DARTENV")]


@pytest.mark.skipif(os.name != "nt", reason="calls Scripts\\Activate.ps1")
def test_a_venvs_wrapper_activates_it_and_its_deactivate_gives_back(tmp_path: Path) -> None:
    if powershell() is None:
        pytest.skip("no PowerShell answers here")
    prefix = tmp_path / "it's"
    venv.create(str(prefix), with_pip=False)
    home = Home(str(prefix), conda=False, windows=True)
    for path, content in scripts(home, VALUES).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
    wrapper = next(path for path in scripts(home, VALUES) if path.endswith(".ps1"))
    lines = [". $Env:ON", "show", "deactivate", "show"]
    active, after = shown(tmp_path, lines, {"ON": wrapper, "CUDA_HOME": "was"})
    assert active["CUDA_HOME"] == HOME
    assert Path(active["VIRTUAL_ENV"]).resolve() == prefix.resolve()
    assert after["CUDA_HOME"] == "was"
    assert not {"PYTHONUTF8", "VIRTUAL_ENV"} & set(after)
