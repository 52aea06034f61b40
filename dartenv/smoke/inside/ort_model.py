"""dartenv's own networks in torch, held against DART's numbers.

Request: ``{"package": folder that holds dartenv, "root", "places": {"denoiser", "bodies",
"motions", "legacy"}, "cases": [{"name", "path", "respacing", "predicted"}], "exact"}``. Answer:
``{"cases": [{"name", "primitive", "loop", "path"}]}`` as of ort_run; with ``exact`` of the networks in
float64: ``loop`` is what single precision costs DART then, and their joints are kept beside the case
where nothing exact is there yet; else ``exact`` is how far they are from it.
Needs Python 3.8, as dartenv does.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Dict

from . import heavy
from .ort_run import exact_joints, keep_exact


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Run every case with dartenv.model."""
    torch = heavy.torch()
    torch.set_num_threads(1)
    sys.path.append(request["package"])  # behind everything: the tree's own names come first
    module: Any = importlib.import_module("dartenv.model.source")
    model: Any = importlib.import_module("dartenv.model.primitive")
    given = request["places"]
    places = module.Places(
        denoiser=Path(given["denoiser"]),
        bodies=Path(given["bodies"]),
        motions=given["motions"],
        clip=None,
        legacy_statistics=given["legacy"],
    )
    source = module.read_source(Path(request["root"]), places)
    return {
        "cases": [
            _case(model, source, case, bool(request.get("exact"))) for case in request["cases"]
        ]
    }


def _case(model: Any, source: Any, case: Dict[str, Any], exact: bool) -> Dict[str, Any]:
    np, torch = heavy.numpy(), heavy.torch()
    data = np.load(case["path"])
    primitive = model.PrimitiveModel(source, case["respacing"], exact)
    given = {n[3:]: torch.from_numpy(data[n]) for n in data.files if n.startswith("in_")}
    history = given["history"]
    world = model.World(given["world_rotation"], given["world_translation"])
    rest = None if case["predicted"] else given["rest_joints"]
    first: Dict[str, float] = {}
    loop, path, place = 0.0, 0.0, world.translation
    kept, right, strays = [], exact_joints(case), 0.0
    for index, noise in enumerate(data["noise"]):
        out = primitive(
            history,
            torch.from_numpy(data["texts"][index]),
            torch.from_numpy(noise),
            given["guidance"],
            world,
            given["pelvis_offset"],
            rest,
        )
        if index == 0:
            pairs = {
                "motion": out.motion,
                "rotations": out.rotations,
                "translation": out.translation,
                "joints": out.joints,
                "next_history": out.history,
                "next_world_rotation": out.world.rotation,
                "next_world_translation": out.world.translation,
            }
            for name, value in pairs.items():
                wanted = data["out_" + name][0].reshape(tuple(value.shape))
                gap = np.abs(value.numpy() - wanted)
                first[name] = float(
                    (gap * source.std).max() if name == "next_history" else gap.max()
                )
        wanted = data["out_joints"][index].reshape(tuple(out.joints.shape))
        loop = max(loop, float(np.abs(out.joints.numpy() - wanted).max()))
        kept.append(out.joints.numpy())
        if right is not None:
            strays = max(strays, float(np.abs(kept[-1] - right[index]).max()))
        path += float((out.world.translation - place).norm(dim=-1).max())
        history, world, place = out.history, out.world, out.world.translation
    found = {"name": case["name"], "primitive": first, "loop": loop, "path": path}
    if right is not None:
        found["exact"] = strays
    elif exact:
        keep_exact(case, np.stack(kept))
    return found
