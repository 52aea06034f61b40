"""Checks of the DART tree: is it one, and do its known source faults stand."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence

from packaging.version import InvalidVersion, Version

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.model import (
    AssetsFacts,
    HostFacts,
    InterpreterFacts,
    Location,
    SourceFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Patch


@check("source.root")
def source_root(source: Optional[SourceFacts]) -> Iterator[Finding]:
    """The DART tree."""
    if source is None:
        yield finding(
            Status.FAIL,
            "no DART tree was given or found at or above the current folder",
            found="no DART tree",
            wanted="a checkout of zkf1997/DART or a fork of it",
            why="every source and asset check, and smoke, work on that tree",
            remedy="name it, or run from inside it",
            commands=("dartenv doctor --dart-root DIR",),
            source="the files of zkf1997/DART",
        )
        return
    if not source.exists or not source.is_dir or (source.kind is None and source.problems):
        state = "is a file" if source.exists else "does not exist"
        if source.problems:
            state = f"is no folder to look into: {source.problems[0].reason}"
        yield finding(
            Status.FAIL,
            f"{source.root} {state}",
            found=f"{source.root}, which {state}",
            wanted="a folder that holds DART",
            why="every source and asset check, and smoke, work on that tree",
            remedy="name the folder that holds mld/ and model/",
            commands=("dartenv doctor --dart-root DIR",),
            source="the files of zkf1997/DART",
        )
        return
    if source.kind is None:
        yield finding(
            Status.FAIL,
            f"{source.root} is not a DART tree",
            found=f"{source.root}, without {', '.join(source.markers_missing[:4])}",
            wanted="the folder that holds mld/, model/, diffusion/ and data_loaders/",
            why="every source and asset check, and smoke, work on that tree",
            remedy="name the folder that holds mld/ and model/",
            commands=("dartenv doctor --dart-root DIR",),
            source="the files of zkf1997/DART",
        )
        return
    notes = [f"{source.root}: {_kind_words(source)}, {source.python_files} Python files"]
    if source.git_revision:
        notes.append(f"revision {source.git_revision[:12]}")
    if source.git_remote:
        notes.append(f"from {source.git_remote}")
    evidence = [f"{p.path}: {p.reason}" for p in source.problems]
    dirty = source.git_dirty or ()
    if dirty:
        notes.append(f"{len(dirty)} files differ from the commit")
    if source.markers_missing:
        evidence.extend(f"missing: {marker}" for marker in source.markers_missing)
        yield finding(
            Status.WARN,
            ", ".join(notes) + f"; {len(source.markers_missing)} expected files are missing",
            found=f"{source.root} without {source.markers_missing[0]}"
            + (
                f" and {len(source.markers_missing) - 1} more" if source.markers_missing[1:] else ""
            ),
            wanted="every file that makes a DART tree",
            evidence=evidence,
            why="an entry point that imports a missing file will not start",
            remedy="take them from the repository again",
            commands=("git status", "git checkout -- ."),
            source="the files of zkf1997/DART",
        )
        return
    entries = {f"{module.replace('.', '/')}.py" for module in source.closure}
    unread = [f"{p.path}: {p.reason}" for p in source.problems if p.path in entries]
    if unread:
        yield finding(
            Status.WARN,
            ", ".join(notes) + f"; {unread[0]}",
            found=unread[0],
            wanted="entry points that Python can read",
            evidence=[one for one in evidence if one != unread[0]],
            why="it does not start, and what it imports cannot be looked at",
            remedy="take the file from the repository again",
            commands=("git diff", "git checkout -- ."),
            source="the files of zkf1997/DART",
        )
        return
    if source.writable is False:
        notes.append("read-only: repairs cannot be written here")
    yield finding(Status.OK, ", ".join(notes), evidence=evidence)


def _kind_words(source: SourceFacts) -> str:
    return "the dartenv sandbox, not DART" if source.kind == "sandbox" else "a DART tree"


@check("source.numpy-aliases", needs=("source.root",))
def numpy_aliases(
    source: SourceFacts, interpreter: Optional[InterpreterFacts]
) -> Iterator[Finding]:
    """Names that numpy removed, in live code."""
    needed = [x for x in source.numpy_aliases if x.state != "repaired"]
    if not needed:
        yield finding(Status.OK, "no live use of a name that numpy removed")
        return
    live = [x for x in needed if x.live]
    numpy = version_in(interpreter, "numpy")
    breaks = [x for x in live if _removed(x, numpy)]
    shown = breaks or live or needed
    fields = {
        "evidence": places(shown),
        "wanted": "Python's own names, or the ones numpy kept",
        "source": "NumPy 1.24 and 2.0 release notes",
        "fix": "source.numpy-aliases",
    }
    if breaks:
        version = f"numpy {numpy}" if numpy else "numpy 1.24 and newer"
        first = breaks[0]
        yield finding(
            Status.FAIL,
            f"{first.symbol} at {first.path}:{first.line} does not exist in {version}",
            found=f"{first.symbol} at {first.path}:{first.line}, which {version} does not have",
            why="it is read on the import path of the entry points: nothing starts",
            remedy=files_of(needed),
            **fields,  # type: ignore[arg-type]
        )
        return
    where = "not on the path of an entry point" if not live else f"numpy {numpy} still has them"
    yield finding(
        Status.INFO,
        f"{len(needed)} uses of names that newer numpy removed; {where}",
        remedy=files_of(needed),
        **fields,  # type: ignore[arg-type]
    )


def _removed(location: Location, numpy: Optional[Version]) -> bool:
    """Whether the installed numpy lacks the name; the note carries ``removed in X``."""
    if numpy is None:
        return True
    _, _, text = location.note.partition("removed in ")
    try:
        removed = Version(text.split()[0].rstrip(",;")) if text else Version("1.24")
    except (InvalidVersion, IndexError):
        removed = Version("1.24")
    if not numpy >= removed:
        return False
    _, _, back = location.note.partition("back in ")
    try:
        return not back or numpy < Version(back.split()[0].rstrip(",;"))
    except (InvalidVersion, IndexError):
        return True


@check("source.posixpath", needs=("source.root",))
def posixpath(
    source: SourceFacts, host: Optional[HostFacts], assets: Optional[AssetsFacts]
) -> Iterator[Finding]:
    """Loaders of args.yaml that cannot read PosixPath on Windows."""
    needed = [x for x in source.posixpath if x.state == "needed"]
    unsure = [x for x in source.posixpath if x.state in ("unsure", "conflict")]
    if not needed and not unsure:
        yield finding(
            Status.OK, f"all {len(source.posixpath)} loaders of args.yaml read PosixPath on Windows"
        )
        return
    carrying = [a.path for a in assets.args if a.posixpath] if assets is not None else []
    first = (needed or unsure)[0]
    found = f"{first.path}:{first.line} and {len(needed) + len(unsure) - 1} other loaders"
    if carrying:
        found += f"; save_dir is a PosixPath in {carrying[0]}"
    yield finding(
        Status.FAIL if _on_windows(host) else Status.INFO,
        f"{len(needed) + len(unsure)} loaders of args.yaml cannot read PosixPath on Windows"
        + (f"; {len(carrying)} args.yaml carry it" if carrying else ""),
        found=found,
        wanted="loaders that read it as a WindowsPath",
        evidence=places([*needed, *unsure]),
        why="the checkpoints were written on Linux; Windows refuses to make a PosixPath",
        remedy=files_of([*needed, *unsure]),
        fix="source.posixpath",
        source="CPython pathlib; tyro.extras.from_yaml",
    )


@check("source.prompt-filenames", needs=("source.root",))
def prompt_filenames(source: SourceFacts, host: Optional[HostFacts]) -> Iterator[Finding]:
    """Output folders named after the prompt, with characters Windows forbids."""
    needed = [x for x in source.prompt_filenames if x.state != "repaired"]
    if not needed:
        yield finding(Status.OK, "no path is built from a prompt as it stands")
        return
    first = needed[0]
    yield finding(
        Status.FAIL if _on_windows(host) else Status.INFO,
        f"{len(needed)} paths are built from the prompt, whose * Windows forbids in names",
        found=f"{first.path}:{first.line} builds a path from the prompt, as walk_in_circles*20_...",
        wanted='names without < > : " / \\ | ? *',
        evidence=places(needed),
        why="mkdir ends in WinError 123 before the first frame is made",
        remedy=files_of(needed),
        fix="source.prompt-filenames",
        source="Win32 naming rules; CPython bpo-35306 for Path.exists on 3.8.0 to 3.8.9",
    )


@check("source.dataclass-defaults", needs=("source.root",))
def dataclass_defaults(
    source: SourceFacts, interpreter: Optional[InterpreterFacts], manifests: Manifests
) -> Iterator[Finding]:
    """Dataclass instances as defaults, which newer Pythons refuse."""
    patch = manifests.read("patches", "dataclass-defaults", Patch)
    needed = [x for x in source.dataclass_defaults if x.state != "repaired"]
    if not needed:
        yield finding(Status.OK, "no dataclass field has an instance as its default")
        return
    python = version(interpreter.version) if interpreter is not None else None
    limit = version(patch.python or "")
    refuses = python is not None and limit is not None and python >= limit
    verb = "refuses" if refuses else f"accepts, and {limit} refuses"
    shown = f"Python {python}" if python else "an older Python"
    yield finding(
        Status.FAIL if refuses else Status.INFO,
        f"{len(needed)} dataclass fields have an instance as default, which {shown} {verb}",
        found=f"{len(needed)} fields, the first at {needed[0].path}:{needed[0].line}",
        wanted="field(default_factory=...)",
        evidence=places(needed),
        why="every mld and control entry point imports these modules",
        remedy=files_of(needed),
        fix="source.dataclass-defaults",
        source=patch.source,
    )


def _on_windows(host: Optional[HostFacts]) -> bool:
    return host is not None and host.system == "windows"


def places(locations: Sequence[Location]) -> List[str]:
    """Where they are: a line each."""
    return [
        f"{x.path}:{x.line} {x.symbol}".rstrip() + (f" ({x.note})" if x.state == "unsure" else "")
        for x in locations
    ]


def files_of(locations: Sequence[Location]) -> str:
    """How many files a repair would change."""
    count = len({x.path for x in locations})
    return f"{count} file{'s' if count != 1 else ''}, can be undone"


def version(text: str) -> Optional[Version]:
    """A version; None where it is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def version_in(interpreter: Optional[InterpreterFacts], name: str) -> Optional[Version]:
    """The version of a distribution of the target."""
    if interpreter is None:
        return None
    for distribution in interpreter.distributions:
        if distribution.name == name:
            return version(distribution.version)
    return None


# Registered after the scans above.
from dartenv.checks import source_state  # noqa: E402, F401
