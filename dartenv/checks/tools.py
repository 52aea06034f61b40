"""Checks of conda, pip and git: what an install note left behind that breaks the next install."""

from __future__ import annotations

import re
from typing import Iterator, List, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.model import CondaFacts, GitFacts, HostFacts, PipFacts, TargetFacts
from dartenv.facts.tools import NO_VERIFY, is_off, named
from dartenv.manifests.compat_tools import ToolsTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


def tools_table(manifests: Manifests) -> ToolsTable:
    """The table of conda, pip and git."""
    return manifests.read("compat", "tools", ToolsTable)


@check("conda.installed")
def conda_installed(conda: CondaFacts, profile: Profile) -> Iterator[Finding]:
    """conda, mamba, micromamba, or none."""
    wanted = profile.backend == "conda"
    if conda.kind is None:
        extra = ""
        if conda.registered:
            extra = f"; the registry still names {conda.registered[0]}"
        yield finding(
            Status.FAIL if wanted else Status.INFO,
            f"no conda, mamba or micromamba was found{extra}",
            found="no conda" + extra,
            wanted=f"conda, which profile {profile.id} builds with" if wanted else None,
            why="environments can also be made with venv or uv",
        )
        return
    if conda.version is None:
        yield finding(
            Status.FAIL if wanted else Status.INFO,
            f"{conda.executable} is there but does not answer",
            found=f"{conda.executable}, which does not answer `info --json`",
            wanted="a conda that answers",
            why="environments cannot be listed or made with it",
            remedy="run it by hand to see what it says",
            commands=(f'"{conda.executable}" info',),
        )
        return
    yield finding(Status.OK, f"{conda.kind} {conda.version} at {conda.executable}")


@check("conda.env", needs=("conda.installed",))
def conda_env(conda: CondaFacts, target: TargetFacts, profile: Profile) -> Iterator[Finding]:
    """The conda environment that the target lives in."""
    python = _slashes(target.python or "")
    mine = [
        e
        for e in conda.environments
        if python and (python == _slashes(e.python or "") or _below(python, _slashes(e.path)))
    ]
    if not mine:
        yield finding(Status.OK, "the target is no conda environment")
        return
    one = max(mine, key=lambda e: len(e.path))
    if one.is_base:
        yield finding(
            Status.FAIL,
            f"the target is conda's base environment, {one.path}",
            found=f"base, {one.path}",
            wanted="an environment of its own",
            why="DART's old pins in base break conda itself",
            remedy="make one",
            commands=(f"conda create -n dart python={(profile.python or ('3.8',))[0]}",),
        )
        return
    if one.python is None or one.has_history is False:
        yield finding(
            Status.FAIL,
            f"{one.path} is half made: "
            + ("no Python in it" if one.python is None else "conda-meta/history is missing"),
            found=f"{one.path}, half made",
            wanted="a complete environment",
            why="an interrupted `conda create` leaves a folder that conda cannot repair",
            remedy="remove it and make it again",
            commands=(f'conda env remove -p "{one.path}"',),
        )
        return
    yield finding(Status.OK, f"conda environment {one.name} at {one.path}")


@check("conda.channels")
def conda_channels(conda: CondaFacts, manifests: Manifests) -> Iterator[Finding]:
    """Python-index mirrors among conda's channels, dead and repeated channels."""
    table = tools_table(manifests)
    wrong: List[Tuple[str, str]] = []
    odd: List[str] = []
    for rc in conda.condarcs:
        if rc.problem:
            odd.append(f"{rc.path}: {rc.problem}")
        seen: List[str] = []
        for channel in (*rc.channels, *rc.default_channels):
            if is_python_index(channel, table):
                wrong.append((channel, rc.path))
            elif any(dead in channel for dead in table.dead_channels):
                odd.append(f"{rc.path}: {channel} no longer exists")
            if channel.rstrip("/") in seen:
                odd.append(f"{rc.path}: {channel} is listed twice")
            seen.append(channel.rstrip("/"))
        if rc.ssl_verify in ("false", "no", "0"):
            odd.append(f"{rc.path}: ssl_verify is off")
    if wrong:
        channel, path = wrong[0]
        yield finding(
            Status.FAIL,
            f"{channel} in {path} is a Python index, not a conda channel",
            found=f"{channel} in {path}",
            wanted="conda channels only",
            evidence=[f"{c} in {p}" for c, p in wrong[1:]] + odd,
            why="every later conda command asks it for packages and fails or crawls",
            remedy="removes that line from that file, can be undone",
            fix="conda.channels",
            commands=(f"conda config --remove channels {channel}",),
            source=table.channel_source,
        )
        return
    if odd:
        yield finding(
            Status.WARN,
            odd[0],
            evidence=odd[1:],
            why="conda slows down or fails on it",
        )
        return
    count = len(conda.condarcs)
    yield finding(Status.OK, f"no wrong channel in {count} conda configuration files")


def is_python_index(channel: str, table: ToolsTable) -> bool:
    """Whether a channel is an index of Python packages, which conda cannot read."""
    bare = channel.rstrip("/").lower()
    return bare.endswith(table.index_endings) or any(part in bare for part in table.index_parts)


@check("conda.shell", needs=("conda.installed",))
def conda_shell(conda: CondaFacts, host: HostFacts) -> Iterator[Finding]:
    """Whether the shells that VS Code opens can activate an environment."""
    if conda.kind is None:
        yield finding(Status.OK, "no conda to activate with")
        return
    without = [s for s in conda.shells if s.initialised is False]
    if not without:
        names = ", ".join(s.shell for s in conda.shells) or "no shell"
        yield finding(Status.OK, f"{names} can activate an environment")
        return
    # cmd alone is left alone: what initialises it runs at the start of every cmd of the account.
    others = [s for s in without if s.shell != "cmd"]
    shell = (others or without)[0].shell
    command = f"{conda.kind} init {'cmd.exe' if shell == 'cmd' else shell}"
    yield finding(
        Status.INFO,
        f"{', '.join(s.shell for s in without)} cannot activate a conda environment yet",
        found=f"no `{conda.kind} init` mark in {(others or without)[0].path}",
        wanted="terminals, as VS Code's, in which `conda activate` works",
        why="VS Code's terminals start in the wrong environment",
        remedy="changes your shell profile, can be undone" if others else "run it by hand",
        fix="conda.shell" if others else None,
        commands=(command,),
    )


@check("pip.index")
def pip_index(pip: PipFacts, manifests: Manifests, profile: Profile) -> Iterator[Finding]:
    """Index settings that get between pip and torch's own index."""
    notes: List[str] = [f"{p.path}: {p.reason}" for p in pip.problems]
    for value in (*named(pip.values, "index-url"), *named(pip.values, "extra-index-url")):
        if profile.torch_index and _same_url(value.value, profile.torch_index):
            continue
        notes.append(
            f"{value.key} = {_masked(value.value)} in {value.where} is asked beside, or instead "
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


def _masked(value: str) -> str:
    return _PASSWORD.sub("://***@", value)


def _same_url(a: str, b: str) -> bool:
    return a.rstrip("/").lower() == b.rstrip("/").lower()


def _slashes(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").lower()


def _below(path: str, folder: str) -> bool:
    return bool(folder) and path.startswith(folder + "/")
