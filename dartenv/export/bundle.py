"""Making a bundle: build every model, hold it against its reference, write it, describe it all."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

import dartenv
from dartenv.bundle.contract import (
    BUNDLE_FILE,
    BUNDLE_SCHEMA,
    PRECISIONS,
    Bundle,
    Kind,
    Refused,
    Schedule,
    Sizes,
    Skeleton,
    Source,
    Start,
    Statistics,
)
from dartenv.bundle.files import save_bundle
from dartenv.bundle.skeleton import joint_names
from dartenv.errors import UsageFault
from dartenv.export.describe import features
from dartenv.export.models import MODELS, default_sampler
from dartenv.export.texts import TABLE_FILE, VOCABULARY_FILE, check_vocabulary, text_files
from dartenv.export.writer import FORMATS, VARIANTS, ExportOptions, ModelWriter, Say, check_names
from dartenv.manifests.export import export_spec
from dartenv.manifests.loader import Manifests
from dartenv.model.diffusion import respacings, sampler
from dartenv.model.layout import JOINTS
from dartenv.model.source import BETAS, DartSource
from dartenv.whole import PART

_MODEL = re.compile(
    r"({})\.({})(\.portable)?\.({})".format(*map("|".join, (MODELS, PRECISIONS, FORMATS)))
)


@dataclass
class Exported:
    """A written bundle and what was left out of it.

    ``added``: the files that are new in a bundle that was there, ``None`` where all are.
    """

    bundle: Bundle
    folder: Path
    refused: List[Refused] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    added: Optional[List[str]] = None


def export_bundle(
    source: DartSource,
    out: Path,
    kind: Kind,
    options: ExportOptions,
    manifests: Manifests,
    say: Say = lambda text: None,
) -> Exported:
    """Write the bundle of ``source`` into ``out``, which is made.

    Raises UsageFault: a model or precision that there is not, a folder that holds other things,
    a full disk, weights that are not there.
    """
    _check(options, source)
    _prepare(out)
    writer = ModelWriter(source, out, options, manifests, say)
    models = [writer.model(name) for name in _wanted(options, source)]
    files, tokenizer = text_files(source, out, options.vocabulary, options.stand_ins)
    bundle = Bundle(
        schema=BUNDLE_SCHEMA,
        dartenv=dartenv.__version__,
        kind=kind,
        stand_ins=list(options.stand_ins),
        sizes=_sizes(source),
        fps=source.fps,
        schedule=default_sampler(source, options.respacing).name,
        schedules=_schedules(source),
        guidance=export_spec(manifests).guidance,
        latent_scale=float(np.asarray(source.latent_scale).reshape(-1)[0]),
        features=features(),
        statistics=Statistics(mean=source.mean.tolist(), std=source.std.tolist()),
        skeleton=_skeleton(source),
        start=_start(source),
        tokenizer=tokenizer,
        models=[model for model in models if model.files],
        files=files,
        sources=_sources(source, options.stand_ins),
        created_with=_versions(),
        refused=writer.refused,
    )
    save_bundle(bundle, out)
    return Exported(bundle, out, writer.refused, writer.notes)


def _check(options: ExportOptions, source: DartSource) -> None:
    check_names(options.models, MODELS, "model")
    check_names(options.precisions, PRECISIONS, "precision")
    check_names(options.variants, VARIANTS, "variant")
    check_names(options.formats, FORMATS, "format")
    sampler(source.diffusion, options.respacing)
    if options.vocabulary is not None and source.clip_state is not None:
        check_vocabulary(options.vocabulary)


def _wanted(options: ExportOptions, source: DartSource) -> List[str]:
    names = options.models or [name for name in MODELS if name != "primitive_body"]
    if source.clip_state is None:
        if "clip_text" in options.models:
            raise UsageFault("clip_text: no CLIP weights", "ViT-B-32.pt", "dartenv fix assets.clip")
        names = [name for name in names if name != "clip_text"]
    return [name for name in MODELS if name in names]


def _prepare(out: Path) -> None:
    """Make ``out``; refuse one that holds something other than a bundle, or than what an export
    that was cut short left of one."""
    if out.exists() and not out.is_dir():
        raise UsageFault(f"{out}: a file", "a folder to write the bundle into")
    if out.is_dir() and not (out / BUNDLE_FILE).is_file() and not all(map(_ours, out.iterdir())):
        raise UsageFault(f"{out}: holds other things", "an empty folder or a bundle")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (out / BUNDLE_FILE).exists():
            # A bundle that is written over must not pass for whole while it is not.
            (out / BUNDLE_FILE).unlink()
    except OSError as error:
        raise UsageFault(f"{out}: {error.strerror}", "a folder that can be written") from None


def _ours(path: Path) -> bool:
    """Whether ``path`` is called as a bundle's own files are."""
    name = path.name[: -len(PART)] if path.name.endswith(PART) else path.name
    known = (TABLE_FILE, BUNDLE_FILE, VOCABULARY_FILE.split("/")[0])
    return name in known or _MODEL.fullmatch(name) is not None


def _sizes(source: DartSource) -> Sizes:
    tokens, latent = source.denoiser.noise
    return Sizes(
        history=source.history_frames,
        future=source.future_frames,
        features=source.vae.features,
        tokens=tokens,
        latent=latent,
        text=source.denoiser.text,
        joints=JOINTS,
    )


def _schedules(source: DartSource) -> List[Schedule]:
    found = []
    for respacing in ("", *respacings(source.diffusion.steps)):
        made = sampler(source.diffusion, respacing)
        found.append(
            Schedule(
                name=made.name,
                respacing=respacing,
                timesteps=list(made.timesteps),
                coefficients=made.coefficients.tolist(),
                stochastic=made.stochastic,
            )
        )
    return found


def _skeleton(source: DartSource) -> Skeleton:
    rest = source.rest_joints.tolist()
    names, parents = joint_names(len(rest)), list(source.parents)
    whole: Dict[str, Any] = {}
    if len(rest) > JOINTS:
        whole = {"names_55": names, "parents_55": parents, "rest_joints_55": rest}
    return Skeleton(
        body=source.body,  # type: ignore[arg-type]
        gender=source.gender,
        betas=[0.0] * BETAS,
        names=names[:JOINTS],
        parents=parents[:JOINTS],
        rest_joints=rest[:JOINTS],
        pelvis_offset=rest[0],
        **whole,
    )


def _start(source: DartSource) -> Start:
    return Start(
        source=source.motion,
        history=source.history.tolist(),
        world_rotation=np.eye(3).tolist(),
        world_translation=[0.0, 0.0, 0.0],
    )


# How the ids of stand-ins begin, by the role of the file that they are for.
_IDS = {
    "denoiser": "checkpoint.denoiser",
    "vae": "checkpoint.vae",
    "statistics": "statistics",
    "motion": "motion",
    "body": "SMPL",
    "clip": "ViT",
}


def _sources(source: DartSource, stand_ins: Sequence[str]) -> List[Source]:
    found = []
    for file in source.files:
        try:
            shown = file.path.resolve().relative_to(source.root.resolve()).as_posix()
        except ValueError:
            shown = file.path.name
        made_up = any(name.startswith(_IDS[file.role]) for name in stand_ins)
        found.append(
            Source(
                role=file.role,
                path=shown,
                sha256=file.sha256,
                size=file.size,
                stand_in=made_up,
            )
        )
    return found


def _versions() -> Dict[str, str]:
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in ("numpy", "onnx", "onnxruntime", "torch"):
        module = sys.modules.get(name)
        if module is not None:
            found[name] = str(module.__version__)
    return found
