"""Checks of the DART tree: is it one, and do its known source faults stand."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from packaging.version import InvalidVersion, Version

from dartenv.checks.bodies import nested
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.model import (
    AssetsFacts,
    GpuFacts,
    HostFacts,
    InterpreterFacts,
    Location,
    SourceFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Patch, Profile

PATCHES: Tuple[Tuple[str, str], ...] = (
    ("source.numpy-aliases", "numpy_aliases"),
    ("source.dataclass-defaults", "dataclass_defaults"),
    ("source.posixpath", "posixpath"),
    ("source.prompt-filenames", "prompt_filenames"),
    ("source.torch-load", "torch_load"),
)


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
        )
        return
    if not source.exists or not source.is_dir:
        state = "is a file" if source.exists else "does not exist"
        yield finding(
            Status.FAIL,
            f"{source.root} {state}",
            found=f"{source.root}, which {state}",
            wanted="a folder that holds DART",
            why="every source and asset check, and smoke, work on that tree",
            remedy="name the folder that holds mld/ and model/",
            commands=("dartenv doctor --dart-root DIR",),
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
            evidence=evidence,
            why="an entry point that imports a missing file will not start",
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
    numpy = _version_of(interpreter, "numpy")
    breaks = [x for x in live if _removed(x, numpy)]
    shown = breaks or live or needed
    fields = {
        "evidence": _places(shown),
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
            remedy=_files(needed),
            **fields,  # type: ignore[arg-type]
        )
        return
    where = "not on the path of an entry point" if not live else f"numpy {numpy} still has them"
    yield finding(
        Status.INFO,
        f"{len(needed)} uses of names that newer numpy removed; {where}",
        remedy=_files(needed),
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
        evidence=_places([*needed, *unsure]),
        why="the checkpoints were written on Linux; Windows refuses to make a PosixPath",
        remedy=_files([*needed, *unsure]),
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
        evidence=_places(needed),
        why="mkdir ends in WinError 123 before the first frame is made",
        remedy=_files(needed),
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
    python = _version(interpreter.version) if interpreter is not None else None
    limit = _version(patch.python or "")
    refuses = python is not None and limit is not None and python >= limit
    verb = "refuses" if refuses else f"accepts, and {limit} refuses"
    shown = f"Python {python}" if python else "an older Python"
    yield finding(
        Status.FAIL if refuses else Status.INFO,
        f"{len(needed)} dataclass fields have an instance as default, which {shown} {verb}",
        found=f"{len(needed)} fields, the first at {needed[0].path}:{needed[0].line}",
        wanted="field(default_factory=...)",
        evidence=_places(needed),
        why="every mld and control entry point imports these modules",
        remedy=_files(needed),
        fix="source.dataclass-defaults",
        source=patch.source,
    )


@check("source.torch-load", needs=("source.root",))
def torch_load(
    source: SourceFacts,
    interpreter: Optional[InterpreterFacts],
    gpu: Optional[GpuFacts],
    profile: Profile,
    manifests: Manifests,
) -> Iterator[Finding]:
    """torch.load without map_location on a machine without CUDA."""
    patch = manifests.read("patches", "torch-load", Patch)
    needed = [x for x in source.torch_load if x.state != "repaired"]
    if not needed:
        yield finding(Status.OK, "every torch.load says where its tensors go")
        return
    live = [x for x in needed if x.live]
    without_cuda = _without_cuda(profile, interpreter, gpu)
    newer = _version_of(interpreter, "torch")
    many = f"{len(needed)} calls of torch.load give no map_location"
    many += f", {len(live)} of them on the path of an entry point"
    notes = [many]
    limit = _version(patch.torch or "")
    if newer is not None and limit is not None and newer >= limit:
        notes.append(f"torch {newer} also loads weights only, which DART's checkpoints are")
    yield finding(
        Status.WARN if without_cuda and live else Status.INFO,
        "; ".join(notes),
        found=many,
        wanted="map_location where CUDA is not available",
        evidence=_places(live or needed),
        why="a checkpoint saved on a GPU does not load where torch sees none",
        remedy=_files(needed),
        fix="source.torch-load",
        source=patch.source,
    )


def _without_cuda(
    profile: Profile, interpreter: Optional[InterpreterFacts], gpu: Optional[GpuFacts]
) -> bool:
    if profile.compute == "cpu" or (gpu is not None and gpu.state != "devices"):
        return True
    torch = _version_of(interpreter, "torch")
    return torch is not None and (torch.local or "").startswith("cpu")


@check("source.body-model-dir", needs=("source.root",))
def body_model_dir(
    source: SourceFacts, assets: Optional[AssetsFacts], profile: Profile
) -> Iterator[Finding]:
    """data_paths.py points at where the body models are."""
    where = source.body_model_dir
    place = source.body_model_location
    shown = f"{place.path}:{place.line}" if place is not None else "config_files/data_paths.py"
    if where is None:
        yield finding(
            Status.WARN,
            f"could not tell which folder {shown} names",
            found=place.text if place is not None else "no body_model_dir in data_paths.py",
            wanted="body_model_dir built from constants",
            why="the body models cannot be looked for",
        )
        return
    bodies = [f for f in (assets.files if assets is not None else ()) if f.role in BODY_ROLES]
    here = [f for f in bodies if f.exists]
    # Those unpacked a folder too deep are moved (assets.smplx); the tree stays as DART has it.
    elsewhere = [
        place for f in bodies if not f.exists for place in f.elsewhere if not nested(f.path, place)
    ]
    if bodies and not here and elsewhere:
        yield finding(
            Status.FAIL,
            f"{shown} names {where}, and the body models lie in {_folder(elsewhere[0])}",
            found=f"{where} ({shown})",
            wanted=f"the folder that holds {_tail(elsewhere[0])}",
            evidence=elsewhere,
            why="the models are read when any entry point is imported: nothing starts",
            remedy="data_paths.py, can be undone",
            fix="source.body-model-dir",
            source="smplx.build_layer appends the model type to this folder",
        )
        return
    yield finding(Status.OK, f"body models are read from {where} ({shown})")


BODY_ROLES = ("smplx", "smplh", "body")


def _folder(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[0]


def _tail(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-2:])


@check("source.patched", needs=("source.root",))
def patched(source: SourceFacts) -> Iterator[Finding]:
    """Each dartenv patch: applied, needed, or in conflict with a local edit."""
    states: List[str] = []
    for fix_id, name in PATCHES:
        locations: Sequence[Location] = getattr(source, name)
        counts: Dict[str, int] = {}
        for location in locations:
            counts[location.state] = counts.get(location.state, 0) + 1
        words = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
        states.append(f"{fix_id}: {words or 'not needed'}")
    conflicts = [
        f"{x.path}:{x.line} {x.note}".rstrip()
        for _, name in PATCHES
        for x in getattr(source, name)
        if x.state in ("conflict", "unsure")
    ]
    count = sum("needed" in s.replace("not needed", "") for s in states)
    yield finding(
        Status.INFO if count or conflicts else Status.OK,
        f"{count} of {len(PATCHES)} patches are needed"
        + (f"; {len(conflicts)} places were changed by hand" if conflicts else ""),
        evidence=[*states, *conflicts],
    )


def _on_windows(host: Optional[HostFacts]) -> bool:
    return host is not None and host.system == "windows"


def _places(locations: Sequence[Location]) -> List[str]:
    return [
        f"{x.path}:{x.line} {x.symbol}".rstrip() + (f" ({x.note})" if x.state == "unsure" else "")
        for x in locations
    ]


def _files(locations: Sequence[Location]) -> str:
    count = len({x.path for x in locations})
    return f"{count} file{'s' if count != 1 else ''}, can be undone"


def _version(text: str) -> Optional[Version]:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _version_of(interpreter: Optional[InterpreterFacts], name: str) -> Optional[Version]:
    if interpreter is None:
        return None
    for distribution in interpreter.distributions:
        if distribution.name == name:
            return _version(distribution.version)
    return None
