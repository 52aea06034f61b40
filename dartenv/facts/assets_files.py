"""One asset file as a fact: looked at, and held against what it should hold."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from dartenv.assets.args_yaml import ArgsFault, DartArgs
from dartenv.assets.clip_file import inspect_clip
from dartenv.assets.layouts import Shape, clip_text_tensors, fits, motion_layout, shown
from dartenv.assets.npz import inspect_npz
from dartenv.assets.pickle_file import inspect_pickle
from dartenv.assets.pickle_values import Value
from dartenv.assets.shapes import expected_tensors, mismatches, optional_tensors, summarised
from dartenv.assets.sniff import sniff
from dartenv.assets.spec import AssetsSpec, BodySpec, ClipSpec, FileSpec, MotionSpec
from dartenv.assets.torch_file import TorchFile, inspect_torch
from dartenv.facts.model import FileAsset, TensorFacts

_MAX_ARRAYS = 64


def checkpoint(asset_id: str, role: str, path: str, args: Optional[DartArgs]) -> FileAsset:
    """A checkpoint; its tensors against those that ``args`` describes, when it describes any."""
    found = inspect_torch(path)
    problem, wrong = found.problem, _against(found, args)
    if found.kind == "torchscript":
        problem = problem or "a TorchScript archive, where DART loads a state dict"
    elif found.readable and not found.tensors:
        problem = problem or "holds no state dict of tensors"
    return FileAsset(
        id=asset_id,
        path=path,
        role=role,
        exists=found.kind != "absent",
        size=found.size,
        kind=found.kind,
        problem=problem,
        mismatches=wrong,
        foreign_globals=found.foreign_globals,
        locations=found.locations,
        modules=found.modules,
        steps=found.steps,
    )


def _against(found: TorchFile, args: Optional[DartArgs]) -> Tuple[str, ...]:
    if args is None or not found.tensors or args.kind not in ("denoiser", "vae"):
        return ()
    try:
        wanted = expected_tensors(args)
    except ArgsFault as error:
        return (f"its args.yaml: {error.render()}",)
    shapes = {name: value.shape for name, value in found.tensors.items()}
    return summarised(mismatches(shapes, wanted, optional_tensors(args)))


def statistics(
    asset_id: str, path: str, feature_dim: Optional[int], features: Mapping[str, int]
) -> FileAsset:
    """mean_std*.pkl: a pair of tensors [1, 1, D], or the old form, a dictionary of features."""
    found = inspect_pickle(path)
    wrong: List[str] = []
    arrays: List[TensorFacts] = []
    if found.shape_of == "dict":
        wrong += _old_statistics(found.nested, features)
    elif found.values:
        pair = [found.values.get("0"), found.values.get("1")]
        for name, value in zip(("mean", "standard deviation"), pair):
            if value is None or value.kind not in ("tensor", "array"):
                wrong.append(f"the {name} is no tensor")
                continue
            arrays.append(TensorFacts(name=name, shape=value.shape, dtype=value.dtype))
            if feature_dim is not None and not fits(value.shape, (1, 1, feature_dim)):
                wrong.append(
                    f"the {name} is {shown(value.shape)}, args.yaml wants (1, 1, {feature_dim})"
                )
        if len(found.values) != 2:
            wrong.append(f"holds {len(found.values)} values, not a mean and a standard deviation")
    return FileAsset(
        id=asset_id,
        path=path,
        role="statistics",
        exists=found.kind != "absent",
        size=found.size,
        kind=found.kind,
        problem=found.problem,
        mismatches=tuple(wrong),
        foreign_globals=found.foreign_globals,
        locations=found.locations,
        modules=found.modules,
        arrays=tuple(arrays),
    )


def _old_statistics(
    nested: Mapping[str, Mapping[str, Value]], features: Mapping[str, int]
) -> List[str]:
    wrong: List[str] = []
    for name, count in features.items():
        part = nested.get(name, {})
        for key in ("mean", "std"):
            value = part.get(key)
            if value is None:
                wrong.append(f"{key} of {name} is missing")
            elif not value.shape or value.shape[-1] != count:
                wrong.append(f"{key} of {name} is {shown(value.shape)}, not {count} numbers")
    return wrong


def plain_file(spec: FileSpec, path: str, motion: Optional[MotionSpec]) -> FileAsset:
    """A motion, another pickle, or any file that only has to be there."""
    if spec.form == "any":
        seen = sniff(path)
        return FileAsset(
            id=spec.id,
            path=path,
            role=spec.role,
            exists=seen.exists,
            size=seen.size,
            kind=seen.kind,
            problem=seen.problem,
        )
    found = inspect_pickle(path)
    wrong: List[str] = []
    if found.values:
        if found.shape_of != "dict":
            wrong.append(f"holds a {found.shape_of}, not a dictionary")
        else:
            wrong += [f"{key} is missing" for key in spec.keys if key not in found.values]
            if spec.form == "motion" and motion is not None:
                wrong += _motion_faults(found.values, motion, spec.min_frames)
    return FileAsset(
        id=spec.id,
        path=path,
        role=spec.role,
        exists=found.kind != "absent",
        size=found.size,
        kind=found.kind,
        problem=found.problem,
        mismatches=tuple(wrong),
        foreign_globals=found.foreign_globals,
        locations=found.locations,
        modules=found.modules,
        arrays=_arrays(found.values),
    )


def _motion_faults(values: Mapping[str, Value], motion: MotionSpec, min_frames: int) -> List[str]:
    wrong = [f"{key} is missing" for key in motion.required if key not in values]
    frames: Dict[str, int] = {}
    for key in motion.required:
        value = values.get(key)
        if value is None:
            continue
        if value.kind not in ("array", "tensor") or not value.shape:
            wrong.append(f"{key} is no array")
            continue
        frames[key] = value.shape[0]
        wanted = motion_layout(value.shape[0], motion.body_joints, motion.betas).get(key)
        if wanted is None or fits(value.shape, wanted) or _matrices(key, value.shape, motion):
            continue
        wrong.append(f"{key} is {shown(value.shape)}, not {shown(wanted)}")
    if len(set(frames.values())) > 1:
        lengths = ", ".join(f"{count} in {key}" for key, count in frames.items())
        wrong.append(f"its arrays differ in frames: {lengths}")
    elif frames and min(frames.values()) < min_frames:
        wrong.append(f"has {min(frames.values())} frames, at least {min_frames} are read")
    betas = values.get("betas")
    if betas is not None and (not betas.shape or betas.shape[-1] < motion.betas):
        wrong.append(f"betas is {shown(betas.shape)}, not {shown((motion.betas,))}")
    return wrong


def _matrices(key: str, shape: Shape, motion: MotionSpec) -> bool:
    joints = {"body_pose": (motion.body_joints,), "global_orient": ()}.get(key)
    return joints is not None and shape[1:] == (*joints, 3, 3)


def body_file(asset_id: str, spec: BodySpec, path: str) -> FileAsset:
    """A body model: the arrays that are read from it and their shapes."""
    wanted = spec.wanted()
    if spec.form == "npz":
        npz = inspect_npz(path)
        kind, size, problem, values = npz.kind, npz.size, npz.problem, npz.arrays
        foreign: Tuple[str, ...] = npz.foreign_globals
        modules: Tuple[str, ...] = ()
    else:
        pkl = inspect_pickle(path)
        kind, size, problem, values = pkl.kind, pkl.size, pkl.problem, pkl.values
        foreign, modules = pkl.foreign_globals, pkl.modules
    wrong: List[str] = []
    for name, shape in wanted.items():
        value = values.get(name)
        if value is None:
            if values:
                wrong.append(f"{name} is missing, the model needs {shown(shape)}")
        elif value.kind in ("array", "tensor") and not fits(value.shape, shape):
            wrong.append(f"{name} is {shown(value.shape)}, the model needs {shown(shape)}")
    return FileAsset(
        id=asset_id,
        path=path,
        role=spec.role,
        exists=kind != "absent",
        size=size,
        kind=kind,
        problem=problem,
        mismatches=summarised(tuple(wrong)),
        foreign_globals=foreign,
        modules=modules,
        arrays=_arrays(values, tuple(wanted)),
        notes=(f"{len(values)} arrays",) if values else (),
    )


def clip_file(spec: ClipSpec, path: str) -> FileAsset:
    """CLIP's weights in the cache; hashed only when the size fits."""
    found = inspect_clip(path, spec.size, spec.sha256, spec.time_limit)
    wrong: Tuple[str, ...] = ()
    if found.state == "other-torchscript":
        tensors = inspect_torch(path).tensors
        wanted = clip_text_tensors(spec.numbers())
        lacking = [
            f"{name} is {shown(tensors[name].shape) if name in tensors else 'missing'}, "
            f"the text encoder needs {shown(shape)}"
            for name, shape in wanted.items()
            if name not in tensors or tensors[name].shape != shape
        ]
        wrong = summarised(tuple(lacking))
    unsure = found.state == "unhashed"
    return FileAsset(
        id=spec.id,
        path=path,
        role="clip",
        exists=found.state != "absent",
        size=found.size,
        kind=found.state,
        sha256=found.sha256,
        problem=None if unsure else found.problem,
        mismatches=wrong,
        needed_by=spec.needed_by,
        notes=(found.problem,) if unsure and found.problem else (),
    )


def _arrays(values: Mapping[str, Value], only: Sequence[str] = ()) -> Tuple[TensorFacts, ...]:
    found = [
        TensorFacts(name=name, shape=value.shape, dtype=value.dtype)
        for name, value in values.items()
        if value.kind in ("array", "tensor") and (not only or name in only)
    ]
    return tuple(found[:_MAX_ARRAYS])


def is_stand_in(path: str, spec: AssetsSpec) -> bool:
    """Whether a file beside the asset marks it as synthetic."""
    if not spec.stand_in_suffix:
        return False
    try:
        return Path(path + spec.stand_in_suffix).exists()
    except (OSError, ValueError):
        return False
