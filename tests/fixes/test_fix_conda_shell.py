"""Shell profiles: conda's block added, seen by the probe, taken back byte for byte."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import pytest

from dartenv.checks import all_checks
from dartenv.checks.conda import tools_table
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.conda import probe_conda
from dartenv.facts.model import CondaFacts, Facts, HostFacts, ShellFacts, TargetFacts
from dartenv.facts.runner import Completed
from dartenv.facts.windows import RegistryNames, RegistryValue
from dartenv.fixes.apply import apply
from dartenv.fixes.conda_shell import plan_shell
from dartenv.fixes.plan import Refusal, new_plan
from dartenv.fixes.steps import AnyStep, DisplayOnly, EditFile, Safety, WriteFile
from dartenv.fixes.undo import undo
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests()
TABLE = tools_table(MANIFESTS)


class Silent:
    """conda is not asked here."""

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        return Completed(argv, 0, b'{"conda_version": "24.1.2"}')


class Registered:
    """A registry that knows where Documents is, and cmd's AutoRun."""

    def __init__(self, documents: Optional[str], autorun: Optional[str] = None) -> None:
        self.values_of = {"Personal": documents, "AutoRun": autorun}

    def value(self, key: str, name: str) -> RegistryValue:
        return RegistryValue(self.values_of.get(name))

    def subkeys(self, key: str) -> RegistryNames:
        return RegistryNames()

    def values(self, key: str) -> RegistryNames:
        return RegistryNames()


def host(system: str, home: Optional[str] = None) -> HostFacts:
    return HostFacts(system=system, release="1", version="1", machine="x86_64", bits=64, home=home)


def planned(facts: Facts) -> Tuple[List[AnyStep], List[Refusal]]:
    found = plan_shell(facts, MANIFESTS, facts.target)
    steps = [item for item in found if not isinstance(item, Refusal)]
    return steps, [item for item in found if isinstance(item, Refusal)]


def runnable(steps: Sequence[AnyStep]) -> List[AnyStep]:
    return [step for step in steps if not isinstance(step, DisplayOnly)]


def judged(facts: Facts) -> Finding:
    all_checks()
    context = Context(facts, MANIFESTS.profile("windows-cu118"), MANIFESTS)
    (one,) = run_checks(context, REGISTRY.select(["conda.shell"]))
    return one


def machine(home: Path, windows: bool, documents: Optional[str] = None) -> Facts:
    """A home with a conda in it, probed."""
    root = home / "miniconda3"
    for name in ("Scripts/conda.exe", "bin/conda", "etc/profile.d/conda.sh"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if not (root / name).exists():
            (root / name).write_bytes(b"conda() { echo hooked; }\n")
    env = {"HOME": str(home), "USERPROFILE": str(home)}
    registry = Registered(documents)
    conda = probe_conda(env, Silent(), TABLE, registry, is_windows=windows).value
    system = "windows" if windows else "linux"
    return Facts(
        conda=conda,
        host=host(system, str(home)),
        target=TargetFacts(profile="windows-cu118"),
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "李 明"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("old", [None, b"", b"alias ll='ls -l'\n", b"# \xb9\xfe\r\nx=1"])
@pytest.mark.parametrize("windows", [True, False])
def test_a_profile_is_written_seen_and_taken_back(
    home: Path, tmp_path: Path, old: Optional[bytes], windows: bool
) -> None:
    # Not in the home folder: Documents was moved, as OneDrive does.
    documents = tmp_path / "D" / "文档"
    path = home / ".bashrc"
    if windows:
        path = documents / "WindowsPowerShell" / "profile.ps1"
    if old is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(old)
    facts = machine(home, windows, str(documents))
    before = judged(facts)
    assert before.remedy is not None
    assert before.remedy.fix == "conda.shell"
    steps, refusals = planned(facts)
    assert refusals == []
    (step,) = runnable(steps)
    assert isinstance(step, WriteFile if old is None else EditFile)
    assert Path(step.path) == path
    assert step.safety is Safety.UNSAFE
    state = tmp_path / "state"
    apply(new_plan(facts.target, steps), [step.id], state=state)
    new = path.read_bytes()
    assert new.startswith(old or b"")
    added = new[len(old or b"") :]
    assert b"conda initialize" in added
    if windows:
        assert added.isascii()
    if old:
        assert (b"\r\n" in added) is (b"\r\n" in old)
    again = machine(home, windows, str(documents))
    left = judged(again)
    if windows:  # cmd is left as it was, and that is said
        assert left.status is Status.INFO
        assert left.remedy is not None
        assert left.remedy.fix is None
        assert left.remedy.commands == ("conda init cmd.exe",)
    else:
        assert left.status is Status.OK
    assert runnable(planned(again)[0]) == []
    undo(state)
    if old is None:
        assert not path.exists()
    else:
        assert path.read_bytes() == old


@pytest.mark.skipif(os.name == "nt", reason="bash is not on Windows")
def test_bash_has_conda_afterwards(home: Path, tmp_path: Path) -> None:
    facts = machine(home, windows=False)
    steps, _ = planned(facts)
    apply(new_plan(facts.target, steps), [s.id for s in steps], state=tmp_path / "state")
    done = subprocess.run(
        ["bash", "-euc", f". '{home}/.bashrc'; conda"],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout == b"hooked\n"


def windows_facts(**more: Any) -> Facts:
    fields: Dict[str, Any] = {
        "kind": "conda",
        "executable": "C:\\Users\\李明\\anaconda3\\Scripts\\conda.exe",
        "version": "24",
        "shells": (
            ShellFacts(
                shell="powershell",
                initialised=False,
                path="C:\\Users\\李明\\Documents\\WindowsPowerShell\\profile.ps1",
            ),
        ),
        **more,
    }
    return Facts(conda=CondaFacts(**fields), host=host("windows", "C:\\Users\\李明"))


def test_a_chinese_home_is_not_spelled_out() -> None:
    # Windows PowerShell would read it in the ANSI code page.
    (step,), _ = planned(windows_facts())
    assert isinstance(step, WriteFile)
    text = step.content.decode("ascii")
    assert "(Join-Path $Env:USERPROFILE 'anaconda3\\Scripts\\conda.exe')" in text
    (shown,), _ = planned(windows_facts(executable="D:\\工具\\conda\\Scripts\\conda.exe"))
    assert isinstance(shown, DisplayOnly)
    assert shown.commands == ("conda init powershell",)


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("micromamba", "micromamba shell init --shell powershell"),
        ("mamba", "mamba init powershell"),
    ],
)
def test_other_programs_initialise_themselves(kind: str, command: str) -> None:
    (shown,), _ = planned(windows_facts(kind=kind))
    assert isinstance(shown, DisplayOnly)
    assert shown.commands == (command,)


def test_cmd_is_only_shown() -> None:
    cmd = ShellFacts(shell="cmd", initialised=False, path="AutoRun")
    (shown,), _ = planned(windows_facts(shells=(cmd,)))
    assert isinstance(shown, DisplayOnly)
    assert "AutoRun" in shown.reason
    assert judged(windows_facts(shells=(cmd,))).remedy.fix is None  # type: ignore[union-attr]


def test_a_utf16_profile_is_refused(home: Path, tmp_path: Path) -> None:
    documents = tmp_path / "Documents"
    profile = documents / "WindowsPowerShell" / "profile.ps1"
    profile.parent.mkdir(parents=True)
    profile.write_bytes("# mine\r\n".encode("utf-16"))
    steps, refusals = planned(machine(home, True, str(documents)))
    assert runnable(steps) == []
    assert "UTF-16" in refusals[0].reason


@pytest.mark.skipif(os.name != "nt", reason="a Windows path that exists")
def test_powershell_7_gets_its_own_where_it_is_in_use(home: Path, tmp_path: Path) -> None:
    documents = tmp_path / "Documents"
    (documents / "PowerShell").mkdir(parents=True)
    steps, _ = planned(machine(home, True, str(documents)))
    paths = [Path(s.path) for s in steps if isinstance(s, WriteFile)]
    assert paths == [documents / name for name in TABLE.powershell_files]


def test_no_conda_no_block() -> None:
    assert planned(windows_facts(kind=None))[1]
