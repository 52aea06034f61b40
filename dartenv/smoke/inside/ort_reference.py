"""What DART's own functions give, written down for exported models to be held against.

Request: ``{"checkpoint", "motion", "clip", "guidance", "seed", "prompts", "folder", "cases":
[{"name", "respacing", "batch", "predicted", "count"}]}``. Each case becomes ``folder/name.npz``:
inputs and, stacked over ``count`` primitives in a row, texts, noise and outputs; the prompts follow
each other, each for as many primitives. Answer: ``{"cases":
[{"name", "ms"}], "versions", "cuda"}``. Python 3.6 syntax.
"""

import sys
import time
from pathlib import Path
from typing import Any, Dict, List

from . import heavy
from .dart_loop import NEXT, STAGES, Dart, closed_loop


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Write every case of ``request``."""
    np, torch = heavy.numpy(), heavy.torch()
    torch.set_num_threads(int(request.get("threads", 1)))
    dart = Dart(request["checkpoint"], request["motion"], request.get("clip"))
    guidance = float(request["guidance"])
    prompts = request["prompts"]
    known = dart.texts(prompts)
    cases = []
    for case in request["cases"]:
        batch, predicted = int(case["batch"]), bool(case["predicted"])
        count = int(case["count"])
        order = [index * len(prompts) // count for index in range(count)]
        many = known[order].unsqueeze(1).repeat(1, batch, 1)
        began = time.perf_counter()
        outs, noises = closed_loop(
            dart,
            case["respacing"],
            many,
            guidance,
            predicted,
            int(request["seed"]),
        )
        seconds = time.perf_counter() - began
        start = dart.start(batch)
        arrays = {"in_" + name: start[name] for name in start if name != "betas"}
        arrays["in_text"], arrays["texts"] = many[0], many
        arrays["in_guidance"] = torch.full((batch, 1), guidance)
        arrays["in_rest_joints"] = _rest_joints(dart, batch)
        arrays["noise"] = torch.stack(noises)
        for name in STAGES + NEXT:
            arrays["out_" + name] = torch.stack([out[name] for out in outs])
        path = Path(request["folder"]) / (case["name"] + ".npz")
        with path.open("wb") as stream:
            np.savez(stream, **{key: value.numpy() for key, value in arrays.items()})
        cases.append({"name": case["name"], "ms": seconds / count * 1e3})
    return {
        "cases": cases,
        "std": dart.dataset.tensor_std.reshape(-1).tolist(),
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "cuda": bool(torch.cuda.is_available()),
        "guidance": guidance,
        "tokens": _tokens(prompts[0]),
    }


def _tokens(prompt: str) -> List[int]:
    """CLIP's tokens of ``prompt`` to the end-of-text one; none where texts are not CLIP's."""
    clip = sys.modules.get("clip")
    if clip is None or not hasattr(clip, "tokenize"):
        return []
    row = clip.tokenize([prompt])[0].tolist()
    return [int(token) for token in row[: row.index(max(row)) + 1]]


def _rest_joints(dart: Dart, batch: int) -> Any:
    """The rest joints [B, 22, 3] of DART's body model at zero shape."""
    torch = heavy.torch()
    body = dart.utility.get_smpl_model("male")
    return body(betas=torch.zeros(batch, 10)).joints[:, :22].detach()
