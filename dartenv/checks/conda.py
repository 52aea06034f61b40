"""Checks of conda: its environments, its channels, and the shells that activate it."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence, Set, Tuple

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.addresses import masked
from dartenv.facts.model import CondaEnvironment, CondaFacts, HostFacts, TargetFacts
from dartenv.manifests.compat_tools import ToolsTable
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile


def tools_table(manifests: Manifests) -> ToolsTable:
    """The table of conda, pip and git."""
    return manifests.read("compat", "tools", ToolsTable)


def environment_of(target: TargetFacts, conda: CondaFacts) -> Optional[CondaEnvironment]:
    """The conda environment that the target's interpreter lies in, if it lies in one."""
    python = _slashes(target.python or "")
    mine = [
        e
        for e in conda.environments
        if python and (python == _slashes(e.python or "") or _below(python, _slashes(e.path)))
    ]
    return max(mine, key=lambda e: len(e.path)) if mine else None


def half_made(environment: CondaEnvironment) -> bool:
    """Whether an interrupted ``conda create`` left it behind."""
    return environment.python is None or environment.has_history is False


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
            remedy="install Miniforge, or let bootstrap use venv",
            commands=("dartenv bootstrap --backend venv",),
            source=f"profile {profile.id}",
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
            source="conda info --json",
        )
        return
    yield finding(Status.OK, f"{conda.kind} {conda.version} at {conda.executable}")


@check("conda.env", needs=("conda.installed",))
def conda_env(conda: CondaFacts, target: TargetFacts, profile: Profile) -> Iterator[Finding]:
    """The conda environment that the target lives in."""
    one = environment_of(target, conda)
    if one is None:
        yield finding(Status.OK, "the target is no conda environment")
        return
    if one.is_base:
        yield finding(
            Status.FAIL,
            f"the target is conda's base environment, {one.path}",
            found=f"base, {one.path}",
            wanted="an environment of its own",
            why="DART's old pins in base break conda itself",
            remedy="make one",
            source="conda documentation, managing environments",
            commands=("dartenv bootstrap", f"conda create -n dart python={_python(profile)}"),
        )
        return
    if half_made(one):
        yield finding(
            Status.FAIL,
            f"{one.path} is half made: "
            + ("no Python in it" if one.python is None else "conda-meta/history is missing"),
            found=f"{one.path}, half made",
            wanted="a complete environment",
            why="an interrupted `conda create` leaves a folder that conda cannot repair",
            remedy="remove it and make it again"
            if one.has_history
            else "remove the folder, which `conda env remove` takes for no environment, and make "
            "it again",
            source="conda-meta/history, which conda writes last",
            commands=(
                _removal(one),
                f'conda create -p "{one.path}" python={_python(profile)}',
            ),
        )
        return
    yield finding(Status.OK, f"conda environment {one.name} at {one.path}")


@check("conda.channels")
def conda_channels(conda: CondaFacts, manifests: Manifests) -> Iterator[Finding]:
    """Python-index mirrors among conda's channels, dead and repeated channels."""
    table = tools_table(manifests)
    wrong: List[Tuple[str, str]] = []
    again: List[Tuple[str, str]] = []
    odd: List[str] = []
    for rc in conda.condarcs:
        if rc.problem:
            odd.append(f"{rc.path}: {rc.problem}")
        for listed in (rc.channels, rc.default_channels):
            wrong += [(channel, rc.path) for channel in listed if is_wrong(channel, table)]
            again += [
                (channel, rc.path) for channel in repeated(listed) if not is_wrong(channel, table)
            ]
        if rc.ssl_verify in ("false", "no", "off", "0"):
            odd.append(f"{rc.path}: ssl_verify is off")
    twice = [f"{masked(channel)} is listed twice in {path}" for channel, path in again]
    if wrong:
        channel, path = wrong[0]
        shown = masked(channel)
        index = is_python_index(channel, table)
        state = "is a Python index, not a conda channel" if index else "no longer exists"
        yield finding(
            Status.FAIL,
            f"{shown} in {path} {state}",
            found=f"{shown} in {path}" if index else f"{shown} in {path}, which {state}",
            wanted="conda channels only" if index else "channels that exist",
            evidence=[f"{masked(c)} in {p}" for c, p in wrong[1:]] + twice + odd,
            why="every later conda command asks it for packages and fails or crawls",
            remedy="removes that line from that file, can be undone",
            fix="conda.channels",
            # A password belongs in no command line, and conda wants the whole address.
            commands=(f"conda config --remove channels {channel}",) if shown == channel else (),
            source=table.channel_source,
        )
        return
    if twice:
        yield finding(
            Status.FAIL,
            twice[0],
            found=twice[0],
            wanted="each channel once",
            evidence=twice[1:] + odd,
            why="a channel's place is its priority, and only its first place can hold",
            remedy="keeps the first and removes the other from that file, can be undone",
            fix="conda.channels",
            source="conda documentation, managing channels",
        )
        return
    if odd:
        yield finding(
            Status.WARN,
            odd[0],
            found=odd[0],
            wanted="configuration that conda can read, TLS checked",
            evidence=odd[1:],
            why="conda slows down or fails on it, and so does making DART's environment",
            remedy="edit that file",
            commands=("conda config --show-sources",),
            source="conda documentation, .condarc",
        )
        return
    count = len(conda.condarcs)
    yield finding(Status.OK, f"no wrong channel in {count} conda configuration files")


def repeated(channels: Sequence[str]) -> List[str]:
    """The channels of one list that stand in it before, once for each further time."""
    seen: Set[str] = set()
    found: List[str] = []
    for channel in channels:
        bare = channel.rstrip("/")
        if bare in seen:
            found.append(channel)
        seen.add(bare)
    return found


def is_python_index(channel: str, table: ToolsTable) -> bool:
    """Whether a channel is an index of Python packages, which conda cannot read."""
    bare = channel.rstrip("/").lower()
    return bare.endswith(table.index_endings) or any(part in bare for part in table.index_parts)


def is_wrong(channel: str, table: ToolsTable) -> bool:
    """Whether conda fails on a channel, so that it has to go."""
    return is_python_index(channel, table) or is_dead(channel, table)


def is_dead(channel: str, table: ToolsTable) -> bool:
    """Whether a channel was closed."""
    return any(dead in channel.lower() for dead in table.dead_channels)


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


def _removal(environment: CondaEnvironment) -> str:
    folder = environment.path
    if environment.has_history:
        return f'conda env remove -p "{folder}"'
    windows = "\\" in folder or folder[1:2] == ":"
    return f'cmd /c rmdir /s /q "{folder}"' if windows else f'rm -r "{folder}"'


def _slashes(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").lower()


def _below(path: str, folder: str) -> bool:
    return bool(folder) and path.startswith(folder + "/")


def _python(profile: Profile) -> str:
    return profile.python_reference or (profile.python or ("3.8",))[0]
