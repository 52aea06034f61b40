"""Checks of DART's assets: args.yaml, checkpoints, statistics, motions, body models, CLIP."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from dartenv.assets.spec import AssetsSpec
from dartenv.checks.bodies import named_elsewhere, smplx_remedy
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import check, finding
from dartenv.facts.model import AssetsFacts, FileAsset
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

_MEGABYTE = 1_000_000
# The two ways in which DART's files come: over the network, and from what a browser downloaded.
_AGAIN = ("dartenv assets fetch", "dartenv assets import FILE.zip")
_FILES_SOURCE = "what DART's entry points read (DART@4db72d3f)"
_ARGS_SOURCE = "DART README, Drive folder; load_mld in mld/rollout_mld.py reads it"


@check("assets.args", needs=("source.root",))
def args(assets: AssetsFacts) -> Iterator[Finding]:
    """args.yaml files, read without executing anything."""
    if not assets.args:
        yield finding(
            Status.FAIL,
            "no args.yaml beside any checkpoint",
            found="no mld_denoiser/*/args.yaml and no mvae/*/args.yaml",
            wanted="the args.yaml that comes with each checkpoint (DART README, Drive folder)",
            why="the loaders read the network's shapes from it",
            remedy="unpack DART's checkpoints into the tree, with their args.yaml",
            commands=_AGAIN,
            source=_ARGS_SOURCE,
        )
        return
    broken = [a for a in assets.args if a.error]
    for one in broken:
        yield finding(
            Status.FAIL,
            f"{one.path}: {one.error}",
            found=f"{one.path}: {one.error}",
            wanted="the args.yaml that tyro wrote beside the checkpoint",
            why="its checkpoint cannot be loaded without it",
            remedy="unpack it again from DART's Drive folder",
            commands=_AGAIN,
            source=_ARGS_SOURCE,
        )
    foreign = [a for a in assets.args if a.foreign_tags]
    for one in foreign:
        yield finding(
            Status.FAIL,
            f"{one.path} would run code when DART reads it: {', '.join(one.foreign_tags)}",
            found=f"{one.path} with {', '.join(one.foreign_tags)}",
            wanted="tags of DART's own argument classes only",
            why="DART's loader executes such tags; dartenv read them as text",
            remedy="do not run it; unpack the file again from DART's Drive folder",
            commands=_AGAIN,
            source="tyro.extras.from_yaml, a full YAML loader",
        )
    contradicting = [a for a in assets.args if a.mismatches and not a.error]
    for one in contradicting:
        yield finding(
            Status.FAIL,
            f"{one.path}: {one.mismatches[0]}",
            found=f"{one.path}: {one.mismatches[0]}",
            wanted="arguments that fit each other and the files they name",
            evidence=one.mismatches[1:],
            why="the networks are built from them and would not take their weights",
            remedy="unpack it again from DART's Drive folder, beside its own checkpoint",
            commands=_AGAIN,
            source=_ARGS_SOURCE,
        )
    missing = [
        f
        for f in assets.files
        if f.role in ("config", "data-dir") and not f.exists and not f.optional
    ]
    for file in missing:
        yield finding(
            Status.FAIL,
            f"{file.path}, named in {file.named_by or 'args.yaml'}, does not exist",
            found=f"{file.path}, which is missing",
            wanted=f"what {file.named_by or 'args.yaml'} names",
            why="the dataset is set up from it before the first frame",
            remedy="configurations are part of DART's source, data of its Drive folder",
            commands=("git checkout -- config_files", *_AGAIN),
            source=file.named_by or "args.yaml",
        )
    if not broken and not foreign and not missing and not contradicting:
        kinds: Dict[str, int] = {}
        for one in assets.args:
            kinds[one.kind or "other"] = kinds.get(one.kind or "other", 0) + 1
        words = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        yield finding(Status.OK, f"{len(assets.args)} args.yaml read ({words})")


@check("assets.checkpoints", needs=("source.root",))
def checkpoints(assets: AssetsFacts, profile: Profile, manifests: Manifests) -> Iterator[Finding]:
    """Denoiser and VAE weights: present, whole, and of the shapes in args.yaml."""
    yield from _files(
        assets,
        manifests,
        ("denoiser", "vae"),
        profile,
        wanted="checkpoints whose keys and shapes fit their args.yaml",
        why="without both networks there is no motion primitive",
        remedy="from DART's Drive folder, or dartenv assets import FILE.zip",
        good="checkpoints",
        fix="assets.checkpoints",
    )


@check("assets.statistics", needs=("source.root",))
def statistics(assets: AssetsFacts, profile: Profile, manifests: Manifests) -> Iterator[Finding]:
    """Mean and standard deviation of the motion features."""
    yield from _files(
        assets,
        manifests,
        ("statistics",),
        profile,
        wanted="mean_std_h{H}_f{F}.pkl in the VAE's data_dir, of the feature dimension",
        why="features cannot be normalised; DART ends without a word when it is missing",
        remedy="from DART's Drive folder, or dartenv assets import FILE.zip",
        good="statistics",
        fix="assets.statistics",
    )


@check("assets.motions", needs=("source.root",))
def motions(assets: AssetsFacts, profile: Profile, manifests: Manifests) -> Iterator[Finding]:
    """The motions that seed a rollout or an in-between."""
    yield from _files(
        assets,
        manifests,
        ("motion",),
        profile,
        wanted="the motions that the entry points start from",
        why="a rollout starts from data/stand.pkl",
        remedy="from DART's Drive folder, or dartenv assets import FILE.zip",
        good="motions",
        fix="assets.motions",
    )


@check("assets.smplx", needs=("source.root",))
def smplx(assets: AssetsFacts, profile: Profile, manifests: Manifests) -> Iterator[Finding]:
    """SMPL-X body models where data_paths.py looks for them."""
    bodies = [f for f in assets.files if f.role in ("smplx", "body")]
    yield from _files(
        assets,
        manifests,
        ("smplx", "body"),
        profile,
        wanted="SMPLX_MALE.npz and SMPLX_FEMALE.npz (smplx_lockedhead_20230207)",
        why="both are read when any entry point is imported, before its arguments are",
        remedy=smplx_remedy(bodies),
        good="body models",
        fix=None if named_elsewhere(bodies) else "assets.smplx",
    )


@check("assets.smplh", needs=("source.root",))
def smplh(assets: AssetsFacts, profile: Profile) -> Iterator[Finding]:
    """SMPL-H body models, for the HumanML3D checkpoints only."""
    if profile.kind == "sandbox":
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    files = [f for f in assets.files if f.role == "smplh"]
    present = [f for f in files if f.exists and not f.problem]
    if files and len(present) == len(files):
        yield finding(Status.OK, f"{len(files)} SMPL-H models found")
        return
    yield finding(
        Status.INFO,
        "SMPL-H models are not there; only the HumanML3D checkpoints need them",
        evidence=[f"{f.path}: {f.problem or 'missing'}" for f in files if f not in present],
    )


@check("assets.clip")
def clip(assets: AssetsFacts, profile: Profile, manifests: Manifests) -> Iterator[Finding]:
    """CLIP's ViT-B-32.pt in its cache: whole, and the file OpenAI published."""
    yield from _files(
        assets,
        manifests,
        ("clip",),
        profile,
        wanted="ViT-B-32.pt with OpenAI's SHA-256",
        why="a partial file is not resumed: clip starts over every time it meets one"
        if any(f.exists for f in assets.files if f.role == "clip")
        else "the text encoder: clip downloads it at DART's first start",
        remedy=clip_remedy(assets, manifests),
        good="CLIP files",
        fix="assets.clip",
        source="openai/CLIP clip/clip.py, whose address holds the hash",
    )


@check("assets.pickles")
def pickles(assets: AssetsFacts) -> Iterator[Finding]:
    """Pickled files that would run code when loaded."""
    bad = [f for f in assets.files if f.foreign_globals]
    if not bad:
        yield finding(Status.OK, "no pickled asset names anything that would run code")
        return
    yield finding(
        Status.WARN,
        f"{len(bad)} pickled files would call {bad[0].foreign_globals[0]} when loaded",
        found=f"{bad[0].path}: {', '.join(bad[0].foreign_globals)}",
        wanted="tensors, arrays and plain containers only",
        evidence=[f"{f.path}: {', '.join(f.foreign_globals)}" for f in bad],
        why="loading such a file runs what its author wrote; dartenv only looked at it",
        remedy="replace the file with the published one",
        commands=("dartenv assets verify", *_AGAIN[:1]),
        source="Python documentation, pickle: only load what you trust",
    )


def _files(
    assets: AssetsFacts,
    manifests: Manifests,
    roles: Tuple[str, ...],
    profile: Profile,
    *,
    wanted: str,
    why: str,
    remedy: str,
    good: str,
    fix: Optional[str] = None,
    source: str = _FILES_SOURCE,
) -> Iterator[Finding]:
    """One finding for all files of these roles: the first bad one leads, the rest are evidence."""
    if profile.assets and not set(roles) & set(profile.assets):
        yield finding(Status.OK, f"not needed by profile {profile.id}")
        return
    files = [f for f in assets.files if f.role in roles]
    if not files:
        yield finding(
            Status.FAIL,
            f"no {good} to look at",
            found=f"no {good}",
            wanted=wanted,
            why=why,
            remedy=remedy,
            commands=_AGAIN,
            source=source,
        )
        return
    bad = [f for f in files if (not f.exists and not f.optional) or f.problem or f.mismatches]
    if not bad:
        size = sum(f.size or 0 for f in files)
        present = sum(f.exists for f in files)
        made = [f for f in files if f.stand_in]
        label = f"; {len(made)} of them stand-ins, not the real ones" if made else ""
        yield finding(
            Status.INFO if made else Status.OK,
            f"{present} {good} fit ({size / _MEGABYTE:.1f} MB){label}",
            evidence=_notes(files),
        )
        return
    first = bad[0]
    yield finding(
        Status.FAIL,
        f"{len(bad)} of {len(files)} {good} not right: {_words(first)}",
        found=_words(first),
        wanted=wanted,
        evidence=[*_details(bad), *_notes(bad)],
        why=why,
        remedy="; ".join([remedy, *_downloads(bad, manifests)]),
        fix=fix,
        source=source,
    )


def _downloads(files: Sequence[FileAsset], manifests: Manifests) -> List[str]:
    """Which licensed downloads hold the missing files: the page and what it is called there."""
    wanted = {f.id for f in files if not f.exists}
    found: List[str] = []
    for stem in manifests.stems("assets"):
        for one in manifests.read("assets", stem, AssetsSpec).downloads:
            if wanted & set(one.gives) and one.kind == "login" and not one.manual:
                found.append(f"{one.file} from {one.page}")
    return list(dict.fromkeys(found))


def clip_remedy(assets: AssetsFacts, manifests: Manifests) -> str:
    spec = manifests.read("assets", "dart", AssetsSpec).clip
    size = spec.size if spec is not None else 0
    for file in assets.files:
        if file.role == "clip" and file.kind == "partial":
            left = size - (file.size or 0)
            return f"resumes, {left / _MEGABYTE:.1f} MB"
    return f"downloads {size / _MEGABYTE:.1f} MB, can be undone"


def _notes(files: Sequence[FileAsset]) -> List[str]:
    return [f"{f.path}: {note}" for f in files for note in f.notes]


def _words(file: FileAsset) -> str:
    if not file.exists:
        return f"{file.path} is missing" + (
            f"; found at {file.elsewhere[0]}" if file.elsewhere else ""
        )
    if file.problem:
        return f"{file.path}: {file.problem}"
    return f"{file.path}: {file.mismatches[0]}"


def _details(files: Sequence[FileAsset]) -> List[str]:
    lines: List[str] = []
    for file in files[1:]:
        lines.append(_words(file))
    first: Optional[FileAsset] = files[0] if files else None
    if first is not None and first.exists and not first.problem:
        lines = [*first.mismatches[1:], *lines]
    return lines
