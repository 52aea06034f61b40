"""Checks of pip and git: what an install note left behind that breaks the next install."""

from __future__ import annotations

import re
from typing import Iterator, List

from dartenv.checks.conda import tools_table
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.addresses import masked
from dartenv.facts.model import GitFacts, PipFacts
from dartenv.facts.tools import NO_VERIFY, is_off, named
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


@check("pip.index")
def pip_index(pip: PipFacts, manifests: Manifests, profile: Profile) -> Iterator[Finding]:
    """Index settings that get between pip and torch's own index."""
    notes: List[str] = [f"{p.path}: {p.reason}" for p in pip.problems]
    for value in (*named(pip.values, "index-url"), *named(pip.values, "extra-index-url")):
        if profile.torch_index and _same_url(value.value, profile.torch_index):
            continue
        notes.append(
            f"{value.key} = {masked(value.value)} in {value.where} is asked beside, or instead "
            "of, torch's index"
        )
    for value in named(pip.values, "trusted-host"):
        notes.append(f"{value.key} = {value.value} in {value.where} turns its TLS check off")
    for value in pip.values:
        if _has_password(value.value):
            notes.append(f"{value.key} in {value.where} holds a password")
    for value in named(pip.values, "no-index"):
        if not is_off(value.value):
            notes.append(f"{value.key} in {value.where}: pip asks no index at all")
    if not notes:
        yield finding(Status.OK, "pip has no index settings of its own")
        return
    yield finding(
        Status.WARN,
        notes[0],
        found=notes[0],
        wanted="torch from its own index, everything else from one index over checked TLS",
        evidence=notes[1:],
        why="the plain index has torch wheels without CUDA for Windows; a mirror may win",
        remedy="name torch's index on the command line, or remove the setting",
        commands=("pip config list -v",),
        source=tools_table(manifests).pip_source,
    )


@check("git.tls")
def git_tls(git: GitFacts, manifests: Manifests) -> Iterator[Finding]:
    """http.sslverify turned off for every repository."""
    off = [v for v in git.values if is_off(v.value)]
    if not off and git.problems:
        told = [f"{p.path}: {p.reason}" for p in git.problems]
        yield finding(
            Status.WARN,
            f"{told[0]}; whether git checks the servers it talks to is not known",
            found=told[0],
            wanted="a git configuration that can be read",
            evidence=told[1:],
            why="git itself may stop there, and bootstrap with it",
            remedy="put it right, or move it away",
            source="git-config documentation",
            commands=("git config --global --list",),
        )
        return
    if not off:
        yield finding(Status.OK, "git checks the servers it talks to")
        return
    first = off[0]
    in_files = [v for v in off if v.where != NO_VERIFY]
    yield finding(
        Status.WARN,
        f"{first.key} is {first.value} in {first.where}",
        found=f"{first.key} = {first.value} in {first.where}",
        wanted="git checks the servers it talks to",
        evidence=[f"{v.key} = {v.value} in {v.where}" for v in off[1:]],
        why="anyone between you and the server can change the code you install",
        remedy="removes that line, can be undone" if in_files else f"unset {NO_VERIFY}",
        fix="git.tls" if in_files else None,
        commands=("git config --global --unset http.sslverify",) if in_files else (),
        source=tools_table(manifests).git_source,
    )


_PASSWORD = re.compile(r"://[^/@\s:]+:[^/@\s]+@")


def _has_password(value: str) -> bool:
    return _PASSWORD.search(value) is not None


def _same_url(a: str, b: str) -> bool:
    return a.rstrip("/").lower() == b.rstrip("/").lower()
