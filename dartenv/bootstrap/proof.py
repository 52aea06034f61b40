"""Smoke tests at the end of a bootstrap, and when one that passed still holds."""

from __future__ import annotations

import datetime
import hashlib
import os
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from dartenv.bootstrap.record import Proof
from dartenv.examine import Request, collected
from dartenv.prove import SmokeOptions, run_smokes
from dartenv.smoke.progress import Progress
from dartenv.smoke.result import SmokeResult

SCENARIOS = ("rollout", "ort")
# What a run reads: sources, settings, networks, body models, motions.
_READ = (".py", ".yaml", ".yml", ".json", ".pt", ".npz", ".npy", ".pkl", ".gz")
_NOT_INTO = (".git", "__pycache__", ".vscode", "outputs", "wandb", "runs")


def digest(request: Request) -> str:
    """What a proof depends on: the packages, and every file of the tree that a run may read."""
    lines: List[str] = []
    facts = collected(request, ["interpreter"])
    if facts.interpreter is not None:
        lines.append(facts.interpreter.version)
        lines += sorted(f"{one.name}=={one.version}" for one in facts.interpreter.distributions)
    root = request.target.dart_root
    for here, folders, names in os.walk(root) if root is not None else ():
        folders[:] = sorted(name for name in folders if name not in _NOT_INTO)
        for name in sorted(names):
            if name.lower().endswith(_READ):
                path = Path(here, name)
                seen = path.stat()
                lines.append(f"{os.path.relpath(path, root)} {seen.st_size} {seen.st_mtime_ns}")
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def to_run(proofs: Dict[str, Proof], on: str) -> Tuple[str, ...]:
    """The scenarios whose proof is missing or of something else."""
    return tuple(name for name in SCENARIOS if name not in proofs or proofs[name].on != on)


def prove(
    request: Request,
    name: str,
    stand_ins: bool,
    progress: Optional[Progress] = None,
    stage: Optional[Callable[[str], None]] = None,
) -> SmokeResult:
    """Run one scenario at its quick size."""
    options = SmokeOptions(names=(name,), stand_ins=stand_ins)
    (result,) = run_smokes(request, options, progress, stage)
    return result


def proof_of(result: SmokeResult, on: str, seconds: float) -> Proof:
    """The record of a scenario that passed."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    count = len({one.id for one in result.stand_ins})
    return Proof(on=on, at=now, stand_ins=count, seconds=round(seconds, 1))
