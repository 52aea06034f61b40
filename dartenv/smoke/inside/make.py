"""Make stand-ins: the request lists files, each with a kind and an absolute path.

Request: ``{"files": [{"kind": ..., "path": ..., ...}]}``. Answer: ``{"made": [{"path", "bytes",
"seconds"}]}``. Archives are made with the target's own torch and numpy, because those of a newer
one do not load in an older. Each file is written under a temporary name first. Python 3.6 syntax.
"""

import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from . import bodies, checkpoints, clip_archive, motions

Maker = Callable[[Dict[str, Any]], None]


MAKERS: Dict[str, Maker] = {
    "torch-checkpoint": checkpoints.torch_checkpoint,
    "mean-std": checkpoints.mean_std,
    "motion": motions.standing,
    "smplx": bodies.body_model,
    "smplh": bodies.body_model,
    "clip": clip_archive.clip_archive,
}


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Make every file of ``request``; the first failure ends the program with its traceback."""
    made: List[Dict[str, Any]] = []
    for item in request["files"]:
        started = time.time()
        path = Path(item["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        MAKERS[item["kind"]](dict(item, path=str(part)))
        part.replace(path)
        seconds = time.time() - started
        made.append({"path": str(path), "bytes": path.stat().st_size, "seconds": seconds})
        sys.stdout.write(f"made {item['kind']} {path} ({seconds:.1f} s)\n")
        sys.stdout.flush()
    return {"made": made}
