"""Checks of the operating system: what it is, its room, and what it lets programs do."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Iterator, List, Optional

import msgspec

from dartenv.checks.activated import activated, in_new_shells
from dartenv.checks.finding import Finding, Status
from dartenv.checks.hardware import (
    could_not_tell,
    is_windows,
    memory,
    not_needed,
    numbers,
    set_variables,
    within,
)
from dartenv.checks.registry import check, finding
from dartenv.facts.model import HostFacts, InterpreterFacts, SourceFacts, TargetFacts
from dartenv.manifests.compat_gpu import HostTable, host_table
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

DAY = 86_400.0
UTF8_CODE_PAGE = 65_001
UTF8_BY_DEFAULT = (3, 15)  # PEP 686


@check("host.os")
def host_os(host: HostFacts, profile: Profile, manifests: Manifests) -> Iterator[Finding]:
    """The operating system."""
    table = host_table(manifests)
    name = _os_name(host, table)
    problems = list(_os_problems(host, profile, manifests, table, name))
    if problems:
        yield from problems
    elif host.wine:
        yield finding(
            Status.INFO,
            f"Wine {host.wine} in the place of {name}",
            found=f"Wine {host.wine}",
            why="no driver and no CUDA reach programs under Wine; what works here is no proof "
            "for Windows",
        )
    elif host.wsl:
        yield finding(
            Status.INFO,
            f"WSL2: {name} inside Windows",
            found=f"WSL2, kernel {host.release}",
            evidence=(
                "the GPU driver is the one of Windows; a Linux driver inside WSL breaks it",
                "files under /mnt are Windows drives, and slow from here",
            ),
            why="DART runs here as on Linux: profiles for Linux apply, those for Windows do not",
        )
    else:
        yield finding(Status.OK, f"{name}, {host.bits}-bit")


def _os_problems(
    host: HostFacts, profile: Profile, manifests: Manifests, table: HostTable, name: str
) -> Iterator[Finding]:
    if profile.system not in ("any", host.system):
        others = [
            other.id
            for other in manifests.profiles()
            if other.system == host.system and other.kind == profile.kind
        ]
        others.sort(key=lambda other: (other not in profile.falls_back_to, other))
        yield finding(
            Status.FAIL,
            f"{name}; profile {profile.id} is for {profile.system.capitalize()}",
            found=name,
            wanted=profile.system.capitalize(),
            why="its wheels are built for another system",
            remedy="take a profile for this system" if others else None,
            commands=[f"dartenv doctor --profile {other}" for other in others[:2]],
            source=f"profile {profile.id}",
        )
    elif host.system not in ("windows", "linux"):
        status = Status.INFO if profile.compute == "cpu" else Status.FAIL
        yield finding(
            status,
            f"{name}: DART is run on Windows and Linux",
            found=name,
            wanted="Windows or Linux",
            why="no CUDA and no pytorch3d wheel exist for it; on CPU nobody has tried it",
            remedy="run DART on a machine with Windows or Linux",
            source=table.source,
        )
    if host.machine.lower() not in table.machines:
        status = Status.INFO if profile.compute == "cpu" and host.bits == 64 else Status.FAIL
        yield finding(
            status,
            f"a {host.machine or 'machine of unknown kind'}, {host.bits}-bit",
            found=f"{host.machine}, {host.bits}-bit",
            wanted="64-bit x86: " + " or ".join(table.machines),
            why="the wheels of this stack are built for 64-bit x86 only",
            remedy="run DART on a machine with such a processor and system",
            source=table.source,
        )
    if host.wsl == 1:
        yield finding(
            Status.FAIL,
            "WSL1, which shows programs no GPU",
            found=f"WSL1, kernel {host.release}",
            wanted="WSL2, or Windows itself",
            why="CUDA reaches Linux programs through WSL2 only",
            remedy="convert the distribution from a Windows prompt",
            commands=("wsl --list --verbose", "wsl --set-version NAME 2"),
            source="NVIDIA, CUDA on WSL",
        )
    if is_windows(host) and host.build is not None and host.build < table.windows_min_build:
        yield finding(
            Status.FAIL,
            f"{name}: too old for the drivers that CUDA needs",
            found=f"{name}, build {host.build}",
            wanted=f"Windows 10 or newer (build {table.windows_min_build})",
            why="no current NVIDIA driver installs on it",
            remedy="update Windows",
            commands=("winver",),
            source=table.windows_source,
        )
    yield from _libc_problems(host, profile, table, name)


def _libc_problems(
    host: HostFacts, profile: Profile, table: HostTable, name: str
) -> Iterator[Finding]:
    if host.system != "linux" or host.libc is None:
        return
    kind, _, version = host.libc.partition(" ")
    if kind != "glibc":
        yield finding(
            Status.FAIL,
            f"{name} with {host.libc}: torch's wheels need glibc",
            found=host.libc,
            wanted="glibc",
            why="pip finds no torch wheel for this C library",
            remedy="take a distribution with glibc, as Debian or Ubuntu, or a container of one",
            source="manylinux wheel tags",
        )
        return
    if profile.torch is None:
        return
    for row in table.libc:
        if within(profile.torch, row.torch) and numbers(version) < numbers(row.glibc):
            yield finding(
                Status.FAIL,
                f"glibc {version}, torch {profile.torch} needs {row.glibc}",
                found=f"{name} with glibc {version}",
                wanted=f"glibc {row.glibc} or newer (torch {profile.torch})",
                why="pip finds no torch wheel for this C library",
                remedy="take a newer Linux, or a profile with an older torch",
                source=row.source,
            )


def _os_name(host: HostFacts, table: HostTable) -> str:
    if not is_windows(host):
        return host.distro or f"{host.system.capitalize()} {host.release}".strip()
    if host.build is None:
        return f"Windows {host.release}".strip()
    rows = [row for row in table.windows if row.server is bool(host.server)]
    named = [row.name for row in sorted(rows, key=lambda r: r.build) if row.build <= host.build]
    return f"{named[-1] if named else 'Windows ' + host.release} (build {host.build})"


@check("host.memory")
def host_memory(host: HostFacts, profile: Profile) -> Iterator[Finding]:
    """Memory and page file."""
    if host.memory_total is None:
        yield could_not_tell("how much memory there is")
        return
    total = host.memory_total + (host.swap_total or 0)
    swap = "page file" if is_windows(host) else "swap"
    known = memory(host.swap_total) if host.swap_total is not None else "unknown"
    shown = f"{memory(host.memory_total)} of memory, {known} of {swap}"
    if total >= profile.memory_min:
        yield finding(Status.OK, shown)
        return
    yield finding(
        Status.WARN,
        f"{shown}; profile {profile.id} wants {memory(profile.memory_min)} together",
        found=shown,
        wanted=f"{memory(profile.memory_min)} together",
        why="torch, CLIP and the body model are loaded at once: a run may stop without a message",
        remedy="let Windows manage the page file, or enlarge it"
        if is_windows(host)
        else "add swap, or close what else uses memory",
        commands=("SystemPropertiesPerformance",) if is_windows(host) else (),
        source=f"profile {profile.id}",
    )


@check("host.long-paths")
def host_long_paths(
    host: HostFacts, target: TargetFacts, source: Optional[SourceFacts], manifests: Manifests
) -> Iterator[Finding]:
    """Windows: paths of 260 characters and more."""
    if not is_windows(host):
        yield not_needed("paths have no such limit here")
        return
    table = host_table(manifests)
    longest = source.longest_path if source is not None else None
    length = target.root_length or len(target.dart_root or "")
    coming = length + 1 + table.output_length if length else None
    close = longest is not None and longest > table.path_warn
    too_long = coming is not None and coming >= table.path_limit
    shown: List[str] = []
    if longest is not None:
        shown.append(f"longest path {longest} characters")
    if coming is not None:
        shown.append(f"outputs will reach {coming}")
    lengths = ", ".join(shown) or "no DART tree to measure"
    if host.long_paths:
        yield finding(Status.OK, f"long paths are on; {lengths}")
        return
    state = "off" if host.long_paths is False else "not readable"
    if not close and not too_long:
        yield finding(Status.OK, f"long paths are {state}, and not needed: {lengths}")
        return
    value = table.long_paths_value
    yield finding(
        Status.WARN,
        f"{lengths}; long paths are {state}",
        found=f"{value} is {state}; {lengths}",
        wanted=f"{value} on, or every path under {table.path_limit} characters",
        evidence=(table.output_source,),
        why="DART stops with file-not-found where a path passes the limit",
        fix="host.long-paths",
        remedy="turn long paths on, in a prompt as administrator, or move DART up",
        commands=(f"reg add {table.long_paths_key} /v {value} /t REG_DWORD /d 1 /f",),
        source=table.long_paths_source,
    )


@check("host.code-page")
def host_code_page(host: HostFacts, interpreter: Optional[InterpreterFacts]) -> Iterator[Finding]:
    """Windows: the encoding that Python takes for text."""
    if not is_windows(host):
        yield not_needed("Python takes UTF-8 here")
        return
    if host.code_page is None:
        yield could_not_tell("the code page")
        return
    if host.code_page == UTF8_CODE_PAGE:
        yield finding(Status.OK, "code page 65001, which is UTF-8")
        return
    target = interpreter.env.get("PYTHONUTF8") if interpreter is not None else None
    if host.utf8_mode or target == "1":
        yield finding(Status.OK, f"code page {host.code_page}, PYTHONUTF8=1 is set")
        return
    if interpreter is None:
        # Setting it for the whole account, for want of an environment, is more than is asked.
        skipped = finding(Status.SKIP, "no Python yet to set PYTHONUTF8 for")
        yield msgspec.structs.replace(skipped, cause="python.version")
        return
    if activated(interpreter, "PYTHONUTF8") == "1":
        where = in_new_shells(interpreter, ("PYTHONUTF8",))
        yield finding(Status.OK, f"code page {host.code_page}, PYTHONUTF8=1 is set{where}")
        return
    if numbers(interpreter.version)[:2] >= UTF8_BY_DEFAULT:
        yield finding(Status.OK, f"code page {host.code_page}; this Python takes UTF-8 anyway")
        return
    yield finding(
        Status.WARN,
        f"code page {host.code_page}, PYTHONUTF8 is not set",
        found=f"code page {host.code_page}, PYTHONUTF8 is not set",
        wanted="PYTHONUTF8=1 for the environment",
        why="Python reads text files and writes to pipes in that code page: UTF-8 files fail to "
        "decode, and a run whose output is redirected can end with status 1 after its last file",
        fix="host.code-page",
        remedy="set it for the environment",
        commands=set_variables({"PYTHONUTF8": "1"}, interpreter, host),
        source="PEP 540; seen with DART's own entry points",
    )


@check("host.clock")
def host_clock(host: HostFacts, manifests: Manifests) -> Iterator[Finding]:
    """The clock."""
    if host.now is None:
        yield could_not_tell("the time")
        return
    shown = _date(host.now)
    not_before = _seconds(host_table(manifests).not_before)
    late: Optional[str] = None
    if not_before is not None and host.now < not_before - DAY:
        late = f"dartenv's manifests are of {_date(not_before)}"
    if host.newest_file is not None and host.newest_file > host.now + DAY:
        name = host.newest_file_path or "a file of the target"
        late = f"{name} was written on {_date(host.newest_file)}"
    if late is None:
        yield finding(Status.OK, f"the clock shows {shown}")
        return
    yield finding(
        Status.WARN,
        f"the clock shows {shown}, but {late}",
        found=f"the clock shows {shown}",
        wanted="the time of day: " + late,
        why="downloads fail with certificate errors while the clock is wrong",
        remedy="set the clock",
        commands=("w32tm /resync",) if is_windows(host) else ("timedatectl set-ntp true",),
        source="file times of the target and dartenv's own date",
    )


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.0f} s"


def _seconds(day: str) -> Optional[float]:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


# Registered last: room and spelling come after what the system itself lacks.
from dartenv.checks import host_places  # noqa: E402, F401
