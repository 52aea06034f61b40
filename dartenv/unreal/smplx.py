"""SMPL-X's body model file, read as data: nothing in it is unpickled."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from dartenv.errors import UsageFault
from dartenv.motion.skeleton import ALL_JOINTS, PARENTS_55, Skeleton, of_rest_joints

_SOURCE = "as SMPL-X's npz has (smpl-x.is.tue.mpg.de)"
_WANTED = ("v_template", "f", "weights", "J_regressor", "shapedirs", "kintree_table")
_HELP = "dartenv assets list"
# Columns of shapedirs: shape first, then expressions. Source: vchoutas/smplx body_models.py, whose
# SHAPE_SPACE_DIM is 300 and EXPRESSION_SPACE_DIM 100; files of the first release have 10 and 10.
_COLUMNS = {400: (300, 100), 20: (10, 10)}
STAND_IN = "stand-in body of dartenv: not SMPL-X's licensed model"


@dataclass(frozen=True)
class BodyModel:
    """A body model of V points and 55 joints, float64, in metres, y up.

    ``template`` [V, 3]; ``faces`` [F, 3]; ``weights`` [V, 55]; ``regressor`` [55, V]; ``shape``
    [V, 3, B] and ``expression`` [V, 3, E] per unit of a component; ``uv`` [T, 2] with ``uv_faces``
    [F, 3], v upwards as SMPL-X has it, empty where the file has none. ``label`` says what a
    stand-in is.
    """

    template: Any
    faces: Any
    weights: Any
    regressor: Any
    shape: Any
    expression: Any
    uv: Any
    uv_faces: Any
    gender: str
    label: str

    def rest_joints(self, betas: Tuple[float, ...] = ()) -> Any:
        """[55, 3]: the joints of the body with ``betas``. UsageFault: more than the model has."""
        return self.regressor @ self.shaped(betas)

    def shaped(self, betas: Tuple[float, ...]) -> Any:
        """[V, 3]: the template with ``betas``, at rest. UsageFault: more than the model has."""
        known = self.shape.shape[2]
        if len(betas) > known:
            raise UsageFault(f"{len(betas)} betas", f"at most {known}, which the body model has")
        return self.template + self.shape[:, :, : len(betas)] @ np.asarray(betas, np.float64)

    def skeleton(self, betas: Tuple[float, ...] = ()) -> Skeleton:
        """Its 55 joints with ``betas``."""
        return of_rest_joints(self.rest_joints(betas), self.gender, tuple(betas))


def read_body_model(path: Path) -> BodyModel:
    """The body model at ``path``.

    Raises UsageFault: not there, no npz, arrays missing, of another shape or with values that are
    no numbers, objects that would have to be unpickled, another model than SMPL-X.
    """
    arrays, names = _load(path)
    missing = [name for name in _WANTED if name not in arrays]
    if missing == ["f"] and "label" in names:
        raise UsageFault(
            f"{path}: a body without a mesh, as dartenv's sandbox has it",
            _SOURCE,
            "--bundle BUNDLE, for a clip of bones alone",
        )
    if missing:
        there = (", ".join(names) or "nothing")[:120]
        raise UsageFault(f"{path}: no {', '.join(missing)} in it, but {there}", _SOURCE, _HELP)
    for name in _WANTED:
        if arrays[name].dtype.kind not in "fiu":
            raise UsageFault(f"{path}: {name} is {arrays[name].dtype}, no numbers", _SOURCE)
    tree, weights = arrays["kintree_table"], arrays["weights"]
    joints = weights.shape[1] if weights.ndim == 2 else 0
    if joints == 52:
        raise UsageFault(
            f"{path}: 52 joints, which is SMPL-H (no jaw, no eyes)",
            f"SMPL-X's {ALL_JOINTS}: SMPLX_MALE.npz, SMPLX_FEMALE.npz or SMPLX_NEUTRAL.npz",
            _HELP,
        )
    if joints != ALL_JOINTS:
        raise UsageFault(
            f"{path}: weights of shape {weights.shape}", f"[points, {ALL_JOINTS}], {_SOURCE}"
        )
    points = weights.shape[0]
    _shapes(path, arrays, points)
    parents = [int(p) for p in tree[0].astype(np.int64)[1:]]
    if tuple(parents) != PARENTS_55[1:]:
        raise UsageFault(f"{path}: another tree of joints in kintree_table", _SOURCE)
    faces = arrays["f"].astype(np.int64)
    if faces.min() < 0 or faces.max() >= points:
        raise UsageFault(
            f"{path}: f names point {faces.max()} of {points}", "triangles of the model's points"
        )
    columns = arrays["shapedirs"].astype(np.float64)
    count = columns.shape[2]
    shapes, expressions = _COLUMNS.get(count, (count, 0))
    uv, uv_faces = _uv(arrays, faces)
    return BodyModel(
        template=arrays["v_template"].astype(np.float64),
        faces=faces,
        weights=weights.astype(np.float64),
        regressor=arrays["J_regressor"].astype(np.float64),
        shape=columns[:, :, :shapes],
        expression=columns[:, :, shapes : shapes + expressions],
        uv=uv,
        uv_faces=uv_faces,
        gender=_gender(path),
        label=_label(path, columns),
    )


def _load(path: Path) -> Tuple[Dict[str, Any], List[str]]:
    """The arrays that are used, and the names of all: SMPL-X's own file has two of objects."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
        if start[:2] != b"PK":
            kind = "a pickle" if start[:1] == b"\x80" else "no npz"
            raise UsageFault(
                f"{path}: {kind}, its first bytes are {start!r}",
                "SMPL-X's .npz; the .pkl of the same download is not read",
                _HELP,
            )
        with np.load(path, allow_pickle=False) as found:
            used = [name for name in found.files if name in (*_WANTED, "vt", "ft")]
            return {name: found[name] for name in used}, list(found.files)
    except FileNotFoundError:
        raise UsageFault(f"{path}: not there", "SMPL-X's npz", _HELP) from None
    except OSError as error:
        raise UsageFault(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as error:
        if "allow_pickle" in str(error):
            raise UsageFault(
                f"{path}: holds objects that would have to be unpickled",
                "arrays of numbers alone; it was not loaded",
                "dartenv explain assets.pickles",
            ) from None
        raise UsageFault(f"{path}: {error}", "a whole npz", _HELP) from None


def _shapes(path: Path, arrays: Dict[str, Any], points: int) -> None:
    wanted: Dict[str, Tuple[Any, ...]] = {
        "v_template": (points, 3),
        "f": (None, 3),
        "J_regressor": (ALL_JOINTS, points),
        "shapedirs": (points, 3, None),
        "kintree_table": (2, ALL_JOINTS),
    }
    for name, shape in wanted.items():
        found = arrays[name].shape
        fits = len(found) == len(shape) and all(w is None or w == n for n, w in zip(found, shape))
        if not fits or 0 in found[:2]:
            shown = ", ".join("any" if n is None else str(n) for n in shape)
            raise UsageFault(f"{path}: {name} of shape {found}", f"[{shown}], {_SOURCE}")
    for name in ("v_template", "weights", "J_regressor", "shapedirs"):
        if not np.isfinite(arrays[name]).all():
            raise UsageFault(f"{path}: {name} has values that are no numbers", "a whole body model")
    sums = arrays["weights"].sum(axis=1)
    if arrays["weights"].min() < -1e-6 or np.abs(sums - 1).max() > 1e-2:
        raise UsageFault(
            f"{path}: weights of a point sum to {sums[np.abs(sums - 1).argmax()]:.4g}",
            "weights of at least 0 that sum to 1",
        )


def _uv(arrays: Dict[str, Any], faces: Any) -> Tuple[Any, Any]:
    """Texture places and their triangles, or empty ones where they cannot be used."""
    none: Tuple[Any, Any] = np.zeros((0, 2)), np.zeros((0, 3), np.int64)
    uv, triangles = arrays.get("vt"), arrays.get("ft")
    if uv is None or triangles is None or uv.ndim != 2 or uv.shape[1] != 2:
        return none
    if triangles.shape != faces.shape or uv.dtype.kind != "f" or triangles.dtype.kind not in "iu":
        return none
    triangles = triangles.astype(np.int64)
    usable = (
        np.isfinite(uv).all() and uv.any() and 0 <= triangles.min() <= triangles.max() < len(uv)
    )
    return (uv.astype(np.float64), triangles) if usable else none


def _gender(path: Path) -> str:
    name = path.stem.lower()
    return next((g for g in ("female", "male", "neutral") if g in name), "neutral")


def _label(path: Path, columns: Any) -> str:
    """A stand-in says so by a file beside it; one of ours that lost it has no shape space."""
    marked = path.with_name(path.name + ".stand-in").exists()
    return STAND_IN if marked or not columns.any() else ""
