"""``http.sslverify = false`` taken out of git's files, byte for byte otherwise."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

import msgspec
import pytest

from dartenv.checks import all_checks
from dartenv.checks.conda import tools_table
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import Facts, HostFacts, TargetFacts
from dartenv.facts.tools import probe_git
from dartenv.fixes.apply import apply
from dartenv.fixes.gitconfig import plan_tls, without_off
from dartenv.fixes.plan import Refusal, new_plan
from dartenv.fixes.steps import AnyStep, DisplayOnly, EditFile
from dartenv.fixes.undo import undo
from dartenv.manifests.loader import Manifests

MANIFESTS = Manifests()
TABLE = msgspec.structs.replace(
    tools_table(MANIFESTS), git_posix=("%HOME%/.gitconfig", "%HOME%/sys"), git_windows=()
)


def facts_of(home: Path, system: str = "linux", **env: str) -> Facts:
    git = probe_git({"HOME": str(home), **env}, TABLE, is_windows=False).value
    host = HostFacts(system=system, release="1", version="1", machine="x86_64", bits=64)
    return Facts(git=git, host=host, target=TargetFacts(profile="linux-cu118"))


def planned(facts: Facts) -> Tuple[List[AnyStep], List[Refusal]]:
    found = plan_tls(facts, MANIFESTS, facts.target)
    steps = [item for item in found if not isinstance(item, Refusal)]
    return steps, [item for item in found if isinstance(item, Refusal)]


def judged(facts: Facts) -> Finding:
    all_checks()
    context = Context(facts, MANIFESTS.profile("linux-cu118"), MANIFESTS)
    (one,) = run_checks(context, REGISTRY.select(["git.tls"]))
    return one


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"[user]\n\tname = x\n[http]\n\tsslVerify = false\n", b"[user]\n\tname = x\n[http]\n"),
        (b"[http]\r\n\tsslverify=0 # proxy\r\n\tproxy = p\r\n", b"[http]\r\n\tproxy = p\r\n"),
        (b"[http]\n\tsslVerify = true\n", b"[http]\n\tsslVerify = true\n"),
        (b"[http]\n\tsslVerify\n", b"[http]\n\tsslVerify\n"),
        (b"[http]\n\tsslVerify =\n", b"[http]\n"),
        (b'[http]\n\tsslVerify = "off"', b"[http]\n"),
        (b"[http] sslVerify = no\n[x]\n", b"[http]\n[x]\n"),
        (
            b'[http "https://a.example"]\n sslVerify=true\n[http "https://b"]\n SSLVERIFY = No\n',
            b'[http "https://a.example"]\n sslVerify=true\n[http "https://b"]\n',
        ),
        (b"[http]\n# sslVerify = false\n", b"[http]\n# sslVerify = false\n"),
        (b"[https]\n\tsslVerify = false\n", b"[https]\n\tsslVerify = false\n"),
        (b"sslVerify = false\n", b"sslVerify = false\n"),
        (b"\xef\xbb\xbf[http]\nsslVerify=false\n", b"\xef\xbb\xbf[http]\n"),
        # The second line is the end of the first one's value.
        (
            b"[http]\n\tproxy = a\\\n\tsslVerify = false\n",
            b"[http]\n\tproxy = a\\\n\tsslVerify = false\n",
        ),
        # In GBK the character's second byte is a backslash, and git reads bytes: for it, too, the
        # next line belongs to the name.
        (
            "[user]\n name = 乗\n[http]\n sslVerify=false\n".encode("gbk"),
            "[user]\n name = 乗\n[http]\n sslVerify=false\n".encode("gbk"),
        ),
        (
            "[user]\n name = 李明\n[http]\n sslVerify=false\n".encode("gbk"),
            "[user]\n name = 李明\n[http]\n".encode("gbk"),
        ),
    ],
)
def test_only_what_turns_it_off_goes(before: bytes, after: bytes) -> None:
    assert without_off(before) == after
    assert without_off(after) == after


def test_git_itself_reads_what_is_left(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git on PATH")
    path = tmp_path / "config"
    path.write_bytes(
        b"[user]\n\tname = x\n[http]\n\tsslVerify = false\n\tproxy = p # why\n[core]\n\teol = lf\n"
    )

    def values() -> Dict[str, str]:
        told = subprocess.run(
            [str(git), "config", "--file", str(path), "--list"], capture_output=True, check=True
        )
        lines = told.stdout.decode("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)  # type: ignore[misc]

    before = values()
    path.write_bytes(without_off(path.read_bytes()))
    del before["http.sslverify"]
    assert values() == before


def test_both_files_are_edited_seen_right_and_taken_back(tmp_path: Path) -> None:
    mine, system = tmp_path / ".gitconfig", tmp_path / "sys"
    mine.write_bytes("[user]\r\n\tname = 李明\r\n[http]\r\n\tsslVerify = false\r\n".encode("gbk"))
    system.write_bytes(b'[http "https://x"]\n\tsslVerify = false\n\tsslVerify = true\n')
    old = mine.read_bytes(), system.read_bytes()
    facts = facts_of(tmp_path)
    assert judged(facts).status is Status.WARN
    steps, refusals = planned(facts)
    assert refusals == []
    assert [type(step) for step in steps] == [EditFile, EditFile]
    state = tmp_path / "state"
    report = apply(new_plan(facts.target, steps), [s.id for s in steps], state=state)
    assert report.exit_code == 0
    assert system.read_bytes() == b'[http "https://x"]\n\tsslVerify = true\n'
    again = facts_of(tmp_path)
    assert judged(again).status is Status.OK
    assert planned(again) == ([], [])
    undo(state)
    assert (mine.read_bytes(), system.read_bytes()) == old


@pytest.mark.parametrize("system", ["windows", "linux"])
def test_a_variable_is_only_shown(tmp_path: Path, system: str) -> None:
    facts = facts_of(tmp_path, system, GIT_SSL_NO_VERIFY="1")
    steps, refusals = planned(facts)
    assert refusals == []
    (step,) = steps
    assert isinstance(step, DisplayOnly)
    assert ("reg delete" in step.commands[-1]) is (system == "windows")
    one = judged(facts)
    assert one.status is Status.WARN
    assert one.remedy is not None
    assert one.remedy.fix is None


def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".gitconfig"
    path.write_bytes(b"[http]\n\tsslVerify = false\n")
    path.chmod(0o444)
    steps, refusals = planned(facts_of(tmp_path))
    path.chmod(0o644)
    assert steps == []
    assert "read-only" in refusals[0].reason


def test_a_file_that_changed_since_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".gitconfig"
    path.write_bytes(b"[http]\n\tsslVerify = false\n")
    facts = facts_of(tmp_path)
    path.write_bytes(b"[http]\n\tproxy = x\n")
    steps, refusals = planned(facts)
    assert steps == []
    assert "by hand" in refusals[0].reason
