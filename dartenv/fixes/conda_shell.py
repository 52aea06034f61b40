"""Letting PowerShell, or bash, activate conda environments: a block in its profile file.

``conda init`` would do the same and more, and cannot be taken back to the byte; so the profile is
edited here, with conda's own marks around the block, which ``conda init`` recognises as its own.
What initialises cmd is the AutoRun value, which runs in every cmd of the account, builds included:
that is only shown.
"""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import List, Optional, Tuple, Union

from dartenv.checks.conda import tools_table
from dartenv.checks.hardware import is_windows, pure
from dartenv.facts.model import CondaFacts, Facts, TargetFacts
from dartenv.fixes.file_steps import Unreadable, newline_of, possible, read_bytes, write_step
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, fixer
from dartenv.fixes.steps import AnyStep, DisplayOnly, Need, Safety
from dartenv.manifests.compat_tools import ToolsTable
from dartenv.manifests.loader import Manifests

FIX = "conda.shell"
NOTE = "# Written by dartenv; 'conda init' may replace this block."
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # the marks of UTF-16


@fixer(FIX)
def plan_shell(facts: Facts, manifests: Manifests, target: TargetFacts) -> Planned:
    """A step for each profile without conda's block."""
    conda, windows = facts.conda, is_windows(facts.host)
    if conda is None or conda.kind is None:
        return [Refusal(fix=FIX, reason="no conda to activate with; see conda.installed")]
    table = tools_table(manifests)
    home = facts.host.home if facts.host is not None else None
    found: List[Union[AnyStep, Refusal]] = []
    for shell in conda.shells:
        if shell.initialised is not False:
            continue
        lines = None
        if shell.shell == "powershell":
            lines = powershell_block(_program(conda, "conda.exe", facts), home, table)
        elif shell.shell == "bash":
            lines = posix_block(conda.root_prefix, table)
        if lines is None or shell.path is None:
            found.append(_shown(conda, shell.shell))
            continue
        for path in _profiles(shell.path, shell.shell, table):
            step = _step(path, lines, table, windows)
            if step is not None:
                found += step if isinstance(step, tuple) else (step,)
    return found


def powershell_block(
    conda: Optional[PurePath], home: Optional[str], table: ToolsTable
) -> Optional[List[str]]:
    """Lines for a profile.ps1, in ASCII; ``None`` where conda's place cannot be spelled so."""
    if conda is None:
        return None
    place = _quoted(str(conda))
    if not str(conda).isascii() and home is not None:
        try:
            inside = conda.relative_to(PureWindowsPath(home))
        except ValueError:
            return None
        place = f"(Join-Path $Env:USERPROFILE {_quoted(str(inside))})"
    if not place.isascii():
        return None
    return [
        f"#region {table.shell_mark}",
        NOTE,
        f"if (Test-Path {place}) {{",
        f"    & {place} shell.powershell hook | Out-String | Invoke-Expression",
        "}",
        "#endregion",
    ]


def posix_block(root: Optional[str], table: ToolsTable) -> Optional[List[str]]:
    """Lines for a .bashrc; ``None`` where conda has no script for it."""
    if root is None:
        return None
    script = str(PurePosixPath(root) / "etc" / "profile.d" / "conda.sh")
    if not Path(script).is_file():
        return None
    quoted = "'" + script.replace("'", "'\\''") + "'"
    return [
        f"# >>> {table.shell_mark} >>>",
        NOTE,
        f"if [ -f {quoted} ]; then . {quoted}; fi",
        f"# <<< {table.shell_mark} <<<",
    ]


def _program(conda: CondaFacts, name: str, facts: Facts) -> Optional[PurePath]:
    """conda's own program, also where mamba was found first."""
    if conda.executable is None or conda.kind == "micromamba":
        return None
    program = pure(conda.executable, facts.host)
    if conda.kind == "conda":
        return program
    beside = program.with_name(name)
    return beside if Path(str(beside)).is_file() else None


def _profiles(first: str, shell: str, table: ToolsTable) -> Tuple[str, ...]:
    """The profile, and PowerShell 7's where its folder is there."""
    if shell != "powershell" or len(table.powershell_files) < 2:
        return (first,)
    mine = PureWindowsPath(table.powershell_files[0])
    path = PureWindowsPath(first)
    if path.parts[-len(mine.parts) :] != mine.parts:
        return (first,)
    other = path.parents[len(mine.parts) - 1] / table.powershell_files[1]
    return (first, str(other)) if Path(str(other.parent)).is_dir() else (first,)


def _step(
    path: str, lines: List[str], table: ToolsTable, windows: bool
) -> Union[AnyStep, Tuple[Refusal, ...], None]:
    data = read_bytes(path)
    if isinstance(data, Unreadable):
        return (Refusal(fix=FIX, reason=data.reason, path=path),)
    old = data or b""
    if table.shell_mark.encode("ascii") in old:
        return None
    if old.startswith(_WIDE):
        return (Refusal(fix=FIX, reason="in UTF-16: run conda init by hand", path=path),)
    newline = newline_of(old.decode("latin-1"), "\r\n" if windows else "\n")
    gap = newline if old and not old.endswith((b"\n", b"\r")) else ""
    added = gap + "".join(line + newline for line in lines)
    step = write_step(
        (FIX,),
        path,
        data,
        old + added.encode("utf-8"),
        "let this shell activate conda environments; it starts somewhat slower",
        safety=Safety.UNSAFE,
        needs=(Need.NEW_SHELL,),
    )
    return possible(step, path)


def _shown(conda: CondaFacts, shell: str) -> DisplayOnly:
    if conda.kind == "micromamba":
        command = f"micromamba shell init --shell {'cmd.exe' if shell == 'cmd' else shell}"
    else:
        command = f"{conda.kind} init {'cmd.exe' if shell == 'cmd' else shell}"
    reason = "what it changes cannot be taken back by dartenv"
    if shell == "cmd":
        reason = "it sets AutoRun, which every cmd of this account runs, builds included"
    return DisplayOnly(
        id=f"{FIX}:{shell}",
        fixes=(FIX,),
        reason=reason,
        text=f"let {shell} activate environments",
        commands=(command,),
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
