"""scripts/bootstrap.sh and .ps1: from a shell to ``dartenv bootstrap``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
posix = pytest.mark.skipif(os.name == "nt", reason="a shell script for Linux")

# Stands for a Python: answers the script's question, makes an "environment" whose pip and dartenv
# write down how they were called.
FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
  "-c "*) echo "{answer}" ;;
  "-m venv")
    for app; do :; done
    echo "venv $app" >>"{log}"
    rm -rf "$app"
    mkdir -p "$app/bin"
    cat >"$app/bin/python" <<'END'
#!/bin/sh
echo "pip $*" >>"{log}"
[ ! -e "{log}.fail" ] || exit 1
printf '#!/bin/sh\\n[ "$1" = --version ] || echo "dartenv $*" >>"{log}"\\n' >"$(dirname "$0")/dartenv"
chmod +x "$(dirname "$0")/dartenv"
END
    chmod +x "$app/bin/python" ;;
esac
"""


class Machine:
    """A PATH with a shell's own tools and the Pythons that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in ("sh", "dirname", "cat", "mkdir", "rm", "mv", "find", "head", "chmod"):
            found = shutil.which(tool)
            assert found is not None
            (self.bin / tool).symlink_to(found)
        self.home = folder / "家 home"
        self.home.mkdir()
        self.log = folder / "log.txt"
        self.app = self.home / ".local" / "share" / "dartenv" / "app"

    def python(self, name: str, answer: str) -> None:
        path = self.bin / name
        path.write_text(FAKE_PYTHON.format(answer=answer, log=self.log), encoding="utf-8")
        path.chmod(0o755)

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess:
        own: Dict[str, str] = {"PATH": str(self.bin), "HOME": str(self.home), **env}
        return subprocess.run(
            [str(self.bin / "sh"), str(SCRIPTS / "bootstrap.sh"), *arguments],
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )

    def calls(self) -> List[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@posix
def test_it_installs_apart_and_hands_the_options_on(machine: Machine) -> None:
    machine.python("python3", "3.11")
    done = machine.run("--profile", "linux-cpu", "--dir", "a b")
    assert done.returncode == 0, done.stdout
    made, installed, started = machine.calls()
    assert made == f"venv {machine.app}"
    assert f"{SCRIPTS.parent}[ort,export,assets]" in installed
    assert started == "dartenv bootstrap --profile linux-cpu --dir a b"


@posix
def test_a_second_run_installs_nothing(machine: Machine) -> None:
    machine.python("python3", "3.11")
    machine.run()
    machine.run()
    assert [call.split()[0] for call in machine.calls()] == ["venv", "pip", "dartenv", "dartenv"]


@posix
def test_after_a_failed_install_it_begins_again(machine: Machine) -> None:
    machine.python("python3", "3.11")
    fail = Path(f"{machine.log}.fail")
    fail.touch()
    done = machine.run()
    assert done.returncode == 4
    assert b"could not be installed" in done.stdout
    fail.unlink()
    assert machine.run().returncode == 0
    assert [call.split()[0] for call in machine.calls()] == [
        "venv",
        "pip",
        "venv",
        "pip",
        "dartenv",
    ]


@posix
def test_pythons_that_do_not_serve_are_named(machine: Machine) -> None:
    machine.python("python3", "Python 3.6")
    machine.python("python", "no module ensurepip")
    done = machine.run()
    said = done.stdout.decode("utf-8")
    assert done.returncode == 2
    assert "python3: Python 3.6" in said
    assert "python: no module ensurepip" in said
    assert "python3-venv" in said
    assert machine.calls() == []


@posix
def test_a_newer_python_is_found_beside_an_old_one(machine: Machine) -> None:
    machine.python("python3", "Python 3.6")
    machine.python("python3.10", "3.10")
    done = machine.run()
    assert done.returncode == 0
    assert str(machine.bin / "python3.10").encode() in done.stdout


@posix
def test_another_source_and_place_can_be_named(machine: Machine, tmp_path: Path) -> None:
    machine.python("mine", "3.9")
    place = tmp_path / "elsewhere"
    done = machine.run(
        DARTENV_PYTHON=str(machine.bin / "mine"), DARTENV_APP=str(place), DARTENV_FROM="dartenv"
    )
    assert done.returncode == 0, done.stdout
    assert machine.calls()[0] == f"venv {place}"
    assert "dartenv[ort,export,assets]" in machine.calls()[1].split()


@posix
def test_the_shell_script_asks_for_no_more_than_posix() -> None:
    dash = shutil.which("dash")
    if dash is None:
        pytest.skip("dash is not installed")
    assert subprocess.run([dash, "-n", str(SCRIPTS / "bootstrap.sh")], check=False).returncode == 0


@pytest.mark.parametrize("name", ["bootstrap.ps1", "nightly.ps1"])
def test_powershells_grammar_takes_the_script(name: str) -> None:
    """Newer PowerShell's words are named: the scripts are for 5.1 as well."""
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    text = (SCRIPTS / name).read_bytes()
    text.decode("ascii")  # 5.1 reads a file without a mark by the machine's code page
    tree = tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(text)
    wrong: List[str] = []
    stack = [tree.root_node]
    while stack:
        node = stack.pop()
        if node.type == "ERROR" or node.is_missing:
            wrong.append(f"line {node.start_point[0] + 1}: {node.text.decode()[:60]}")
        stack.extend(node.children)
    assert wrong == []
    for newer in (b"??", b"?.", b" && ", b" || ", b"-Parallel"):
        assert newer not in text, newer
