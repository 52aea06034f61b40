"""Put one fault at a time into a tree and see smoke go red and name it.

    python scripts/fault_matrix.py --python TARGET [--only NAME,NAME] [--markdown]
    python scripts/fault_matrix.py --python TARGET --tree DART [--only ...]

Without --tree a repaired sandbox is used, whose trained weights let the judges of motion speak.
With --tree a copy of that (repaired) tree is damaged; stand-ins replace what it lacks, so only
faults of source, files and processes can be seen there. Exit code 1 where a fault stayed green,
or was blamed on something else.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

import msgspec
from _faults import FAULTS, Fault, Tree

from dartenv.assets.spec import AssetsSpec
from dartenv.manifests.loader import default_manifests
from dartenv.smoke import SmokeResult, load_scenario, run_scenario, to_findings
from dartenv.smoke.scenario import Scenario


@dataclass
class Row:
    """What one fault led to."""

    fault: str
    red: bool
    named: bool
    check: str
    says: str
    seconds: float = 0.0


@dataclass
class Runner:
    """Runs the rollout scenario on damaged copies of one tree."""

    python: str
    base: Path
    kind: str
    folder: Path
    scenario: Scenario = field(init=False)

    def __post_init__(self) -> None:
        self.manifests = default_manifests()
        whole = load_scenario("rollout", self.manifests)
        wanted = "walk" if self.kind == "sandbox" else ""
        variants = tuple(v for v in whole.variants_for(self.kind) if v.id == wanted)
        judges = tuple(j for j in whole.judges if j.metric != "repeat_difference")
        self.scenario = msgspec.structs.replace(
            whole, variants=variants, repeat=None, judges=judges
        )

    def run(self, fault: Optional[Fault]) -> SmokeResult:
        """The scenario on a copy of the tree with ``fault`` in it."""
        root = self.folder / "tree"
        shutil.rmtree(str(root), ignore_errors=True)
        shutil.copytree(str(self.base), str(root), symlinks=True)
        scenario = self.scenario
        env: Dict[str, str] = {}
        if fault is not None:
            tree = Tree(root, self.kind, self.folder)
            fault.inject(tree)
            env = tree.env
            size = msgspec.structs.replace(
                scenario.size("quick"),
                time_limit=fault.time_limit or scenario.size("quick").time_limit,
                memory_limit=fault.memory_limit or scenario.size("quick").memory_limit,
            )
            scenario = msgspec.structs.replace(scenario, sizes={"quick": size})
        spec = self.manifests.read("assets", self.kind, AssetsSpec)
        values = {}
        if self.kind == "sandbox":
            role = next(c.path for c in spec.checkpoints if c.role == "denoiser")
            values = {"denoiser_checkpoint": f"./{role}"}
        os.environ.update(env)  # where CLIP's cache is, dartenv asks its own environment
        return run_scenario(
            str(root),
            self.python,
            scenario,
            device="cpu",
            state_dir=str(self.folder / "state"),
            cache_dir=str(self.folder / "cache"),
            stand_ins=fault is None or fault.stand_ins,
            values=values,
            assets=spec,
            tree_kind=self.kind,
            manifests=self.manifests,
            env=env,
        )


def judge(fault: Fault, result: SmokeResult, seconds: float) -> Row:
    """Whether the result is red, and says what the fault is."""
    (finding,) = to_findings(result)
    text = " ".join([finding.summary, finding.cause or "", *finding.evidence])
    named = all(word in text for word in fault.says)
    return Row(
        fault.name,
        not result.passed,
        named,
        finding.cause or "-",
        finding.summary.partition("failed: ")[2] or finding.summary,
        seconds,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs DART")
    parser.add_argument("--tree", help="a repaired DART tree; default: the sandbox")
    parser.add_argument("--only", help="names of faults, separated by commas")
    parser.add_argument("--markdown", action="store_true", help="print a table")
    options = parser.parse_args()
    kind = "dart" if options.tree else "sandbox"
    chosen = [f for f in FAULTS if kind in f.trees and (os.name == "nt" or not f.windows)]
    if options.only:
        names = options.only.split(",")
        unknown = [n for n in names if n not in {f.name for f in chosen}]
        if unknown:
            parser.error(f"no such fault: {', '.join(unknown)}")
        chosen = [f for f in chosen if f.name in names]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        base = Path(options.tree) if options.tree else _sandbox(folder / "base")
        runner = Runner(options.python, base, kind, folder)
        healthy = runner.run(None)
        print(f"without a fault: {healthy.verdict}", flush=True)
        rows = [_one(runner, fault) for fault in chosen]
    _print(rows, options.markdown)
    return 0 if healthy.passed and all(r.red and r.named for r in rows) else 1


def _one(runner: Runner, fault: Fault) -> Row:
    started = time.monotonic()
    row = judge(fault, runner.run(fault), time.monotonic() - started)
    print(f"{fault.name}: {'red' if row.red else 'GREEN'}, {row.says}", flush=True)
    return row


def _sandbox(root: Path) -> Path:
    """A sandbox with its faults repaired, as ``dartenv fix`` leaves it."""
    from _sandbox_assets import mend

    from dartenv.sandbox.writer import write_sandbox

    made = write_sandbox(root).root
    mend(made)
    return made


def _print(rows: List[Row], markdown: bool) -> None:
    if markdown:
        print("\n| fault | red | check | what the finding says |\n|---|---|---|---|")
        for row in rows:
            says = row.says.replace("|", "\\|").replace("\n", " ")
            print(f"| {row.fault} | {'yes' if row.red else 'NO'} | {row.check} | {says} |")
    good = sum(row.red and row.named for row in rows)
    print(f"\n{good} of {len(rows)} faults red with their cause named")


if __name__ == "__main__":
    sys.exit(main())
