"""The ONNX Runtime smoke test: export, load on the provider asked for, and hold against DART.

DART's functions, dartenv's networks and ONNX Runtime run in the target, each in a child of its
own; the export runs in whichever of dartenv's and the target's interpreter has what it needs.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.smoke.judges import Judged
from dartenv.smoke.mine import Cause, mine, read_tail
from dartenv.smoke.ort_judges import (
    astray,
    cold_lines,
    model_lines,
    provider_lines,
    speed_lines,
)
from dartenv.smoke.prepare import Prepared, Stage
from dartenv.smoke.result import RunRecord
from dartenv.smoke.runner import Limits, Outcome
from dartenv.smoke.scenario import ErrorTable, OrtSpec, Scenario, Size, Value, fill
from dartenv.smoke.target import Interpreter

PACKAGE = Path(__file__).resolve().parents[2]  # the folder that holds dartenv
_NEEDED = "import numpy, onnx, msgspec, typer, yaml, packaging, platformdirs, filelock, psutil"
CPU = "CPUExecutionProvider"


@dataclass
class OrtRun:
    """Everything the steps share."""

    scenario: Scenario
    spec: OrtSpec
    size: Size
    ready: Prepared
    root: Path  # of the workspace
    interpreter: Interpreter
    errors: ErrorTable
    device: str
    seed: int
    say: Stage

    @property
    def values(self) -> Dict[str, Value]:
        return {**self.ready.values, **self.size.values}

    @property
    def limits(self) -> Limits:
        return Limits(seconds=self.size.time_limit, memory=self.size.memory_limit)

    @property
    def folder(self) -> Path:
        return self.interpreter.folder


def run_ort(run: OrtRun) -> Tuple[List[RunRecord], str, Dict[str, str]]:
    """(records, device it ran on, versions). The first step that fails is the last."""
    steps = _Steps(run)
    try:
        steps.all()
    except _StopError:
        pass
    finally:  # a gigabyte a run; `dartenv export` makes one to keep
        shutil.rmtree(str(steps.bundle), ignore_errors=True)
    return steps.records, steps.ran_on, steps.versions


def ort_hindrance(python: str) -> Optional[str]:
    """Why the test cannot run with the target ``python``, or ``None``; nothing heavy is imported."""
    here = [name for name in ("numpy", "onnx") if importlib.util.find_spec(name) is None]
    if here and exporter(python) is None:
        missing = " and ".join(here)
        return (
            f'{missing} missing beside dartenv: {sys.executable} -m pip install "dartenv[export]"'
        )
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('onnxruntime') is None)"
    if not _runs(python, code):
        return "onnxruntime is not installed in the target"
    return None


def exporter(target: str) -> Optional[str]:
    """The interpreter that can export: dartenv's own, else the target's, else none."""
    return next((p for p in (sys.executable, target) if _runs(p, _NEEDED)), None)


def _runs(python: str, code: str) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class _StopError(Exception):
    """A step failed; its record says why."""


class _Steps:
    def __init__(self, run: OrtRun) -> None:
        self.run = run
        self.records: List[RunRecord] = []
        self.ran_on = ""
        self.versions: Dict[str, str] = {}
        self.reference: Dict[str, Any] = {}
        self.floors: Dict[str, float] = {}
        self.bundle = run.folder / "bundle"

    def all(self) -> None:
        self.dart()
        self.networks()
        self.export()
        described = msgspec.json.decode((self.bundle / "bundle.json").read_bytes())
        providers = self.run.spec.providers[self.run.device]
        available = self.provider(providers[0], described, required=True)
        for name in providers[1:]:
            if name in available and self._worth_trying(name):
                self.provider(name, described, required=False)
        self.speed(described)
        self.cold(described)

    def _worth_trying(self, provider: str) -> bool:
        """Wheels list what they were built for; without a GPU only DirectML may still work."""
        return provider.startswith("Dml") or bool(self.reference.get("cuda"))

    def _cases(self) -> List[Dict[str, Any]]:
        found = []
        for case in self.run.spec.cases:
            count = int(fill(case.count, self.run.values))
            entry = msgspec.to_builtins(case)
            found.append(
                {
                    **entry,
                    "count": count,
                    "path": str(self.run.folder / f"{case.name}.npz"),
                    "exact": str(self.run.folder / f"{case.name}.exact.npy"),
                }
            )
        return found

    def ask(
        self, program: str, request: Mapping[str, Any], name: str = "", launched: bool = False
    ) -> Tuple[Dict[str, Any], Outcome, str]:
        """An answer of one of our programs in the target; a failure ends the test."""
        self.run.say(f"running {name or program}")
        if launched:
            request = {**request, "launched": time.time()}
        outcome, data, log = self.run.interpreter.ask(program, request, self.run.limits, name)
        if data is None:
            text = read_tail(log)
            cause = mine(text, self.run.errors, self.run.root) or Cause(
                sentence=outcome.reason or f"{name or program} ended with {outcome.end}",
                error=text[-300:].strip(),
            )
            self.record(name or program, outcome, str(log), (), {}, cause)
            raise _StopError
        return msgspec.json.decode(data), outcome, str(log)

    def record(
        self,
        name: str,
        outcome: Outcome,
        log: str,
        judged: Tuple[Judged, ...],
        metrics: Dict[str, float],
        cause: Optional[Cause] = None,
    ) -> None:
        judged = tuple(msgspec.structs.replace(line, run=name) for line in judged)
        metrics = {"wall_seconds": outcome.seconds, **metrics} if metrics else metrics
        self.records.append(
            RunRecord(
                variant=name,
                command=(self.run.interpreter.python, name),
                log=log,
                outcome=outcome,
                judged=judged,
                metrics=metrics,
                cause=cause,
            )
        )

    def dart(self) -> None:
        """DART's own numbers, written down."""
        run = self.run
        request = {
            "checkpoint": str(run.values["denoiser_checkpoint"]),
            "motion": run.spec.motion,
            "clip": list(run.ready.clip) if run.ready.clip else None,
            "guidance": run.values["guidance"],
            "seed": run.seed,
            "prompts": list(run.spec.prompts),
            "folder": str(run.folder),
            "cases": self._cases(),
        }
        answer, outcome, log = self.ask("ort_reference", request, "DART")
        self.reference = answer
        self.versions.update(answer["versions"])
        self.record("DART", outcome, log, (), {})

    def networks(self) -> None:
        """dartenv.model against DART."""
        name, cases = "dartenv.model", self._cases()
        answer, outcome, log = self._networks(name, cases)
        if self._worked_out(answer["cases"]):
            answer, outcome, log = self._networks(name, cases)
        lines = model_lines(answer["cases"], self.run.spec, self.floors)
        self.record(name, outcome, log, tuple(lines), {})

    def _worked_out(self, seen: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a case of ``seen`` is astray; it is then there in double precision, to be held
        against, with what single precision costs DART's own loop."""
        names = astray(seen, self.run.spec)
        cases = [c for c in self._cases() if c["name"] in names and c["name"] not in self.floors]
        if cases:
            answer, _, _ = self._networks("dartenv.model in float64", cases, exact=True)
            self.floors.update((case["name"], float(case["loop"])) for case in answer["cases"])
        return bool(names)

    def _networks(
        self, name: str, cases: Sequence[Mapping[str, Any]], exact: bool = False
    ) -> Tuple[Dict[str, Any], Outcome, str]:
        """dartenv.model over ``cases``."""
        run = self.run
        values = run.values
        request = {
            "package": str(PACKAGE),
            "root": str(run.root),
            "places": {
                "denoiser": str(run.root / str(values["denoiser_checkpoint"])),
                "bodies": str(run.root / str(values.get("body_model_dir", ""))),
                "motions": {"": run.spec.motion},
                "legacy": "",
            },
            "cases": list(cases),
            "exact": exact,
        }
        return self.ask("ort_model", request, name)

    def export(self) -> None:
        """A bundle of the workspace's tree."""
        run = self.run
        python = exporter(run.interpreter.python)
        log = run.folder / "export.log"
        if python is None:
            cause = Cause(
                sentence="neither dartenv's Python nor the target has numpy and onnx",
                check="ort.package",
                error=f'{sys.executable} -m pip install "dartenv[export]"',
            )
            self.record("export", Outcome(end="not-started"), "", (), {}, cause)
            raise _StopError
        clip = ["--clip", run.ready.clip[1]] if run.ready.clip else []
        argv = [
            *(python, "-m", "dartenv", "export", "--dart-root", str(run.root)),
            *("--out", str(self.bundle), "--python", run.interpreter.python, *clip),
            *("--denoiser", str(run.values["denoiser_checkpoint"]), "--model", "all"),
            *("--precision", "fp32,int8", "--no-check", "--keep-below-gate"),
        ]
        run.say("exporting")
        shadow = Interpreter(python, self._environment(python), run.root, run.folder)
        outcome = shadow.run(argv, log, run.limits)
        if not outcome.ok:
            lines = read_tail(log).strip().splitlines()
            said = next((line for line in reversed(lines) if line.startswith("dartenv:")), "")
            cause = Cause(
                sentence=said or f"the export ended with {outcome.end}",
                error=lines[-1] if lines else "",
            )
            self.record("export", outcome, str(log), (), {}, cause)
            raise _StopError
        self.record("export", outcome, str(log), (), {})

    def _environment(self, python: str) -> Dict[str, str]:
        """The target's, with dartenv on the path of another interpreter than its own."""
        env = dict(self.run.interpreter.env)
        if python == sys.executable:
            env.pop("PYTHONPATH", None)
        env["PYTHONPATH"] = os.pathsep.join(
            part for part in (str(PACKAGE), env.get("PYTHONPATH", "")) if part
        )
        return env

    def _models(self, described: Any, provider: str) -> List[Dict[str, Any]]:
        """The primitive's files for ``provider``: all on the CPU, elsewhere the portable fp32."""
        schedules = {
            s["respacing"]: [s["timesteps"], s["coefficients"]] for s in described["schedules"]
        }
        found = []
        for model in described["models"]:
            if not model["name"].startswith("primitive"):
                continue
            predicted = model["name"] == "primitive"
            for file in model["files"]:
                if provider != CPU and file["precision"] != "fp32":
                    continue
                cases = [
                    {**case, "table": schedules[case["respacing"]]}
                    for case in self._cases()
                    if case["predicted"] is predicted
                    and (not file["portable"] or case["respacing"] == "")
                ]
                path = str(self.bundle / file["path"])
                found.append(
                    {
                        "name": file["path"],
                        "path": path,
                        "cases": cases,
                        "precision": file["precision"],
                    }
                )
        return found

    def provider(self, provider: str, described: Any, *, required: bool) -> List[str]:
        """Every model on ``provider``; answers the providers that the runtime was built with."""
        run = self.run
        models = self._models(described, provider)
        request = {
            "provider": provider,
            "threads": 1,
            "runs": run.values["runs"],
            "std": self.reference["std"],
            "models": models,
        }
        short = provider.replace("ExecutionProvider", "")
        answer, outcome, log = self.ask("ort_run", request, short)
        self.versions.update(answer["versions"])
        precisions = {m["name"]: m["precision"] for m in models}
        full = [m for m in answer["models"] if precisions[m["name"]] == "fp32"]
        seen = [case for model in full for case in model["cases"]]
        if not all("exact" in c for c in seen if c["name"] in astray([c], run.spec)):
            self._worked_out(seen)
            answer, outcome, log = self.ask("ort_run", request, short)
        lines = provider_lines(answer["models"], precisions, run.spec, self.floors)
        self.record(short, outcome, log, tuple(lines), {})
        if required or all(line.passed is not False for line in lines):
            self.ran_on = short.lower()
        return list(answer["available"])

    def _fastest(self, described: Any) -> Dict[str, str]:
        files = next(m["files"] for m in described["models"] if m["name"] == "primitive")
        return {
            file["precision"]: str(self.bundle / file["path"])
            for file in files
            if not file["portable"] and file["format"] == "onnx"
        }

    def speed(self, described: Any) -> None:
        """DART's loop and the graphs in alternating blocks, on the CPU."""
        run = self.run
        request = {
            "checkpoint": str(run.values["denoiser_checkpoint"]),
            "motion": run.spec.motion,
            "clip": list(run.ready.clip) if run.ready.clip else None,
            "respacing": "",
            "guidance": run.values["guidance"],
            "threads": [1],
            "blocks": run.values["blocks"],
            "runs": run.values["runs"],
            "models": [{"name": n, "path": p} for n, p in self._fastest(described).items()],
            "read_bytes": 64_000_000,
        }
        answer, outcome, log = self.ask("ort_bench", request, "speed")
        frames = int(described["sizes"]["future"])
        lines, metrics = speed_lines(answer["rows"], frames)
        self.record("speed", outcome, log, tuple(lines), metrics)

    def cold(self, described: Any) -> None:
        """Cold processes without torch: the first frames, all frames, memory."""
        run = self.run
        clips = {
            f["precision"]: str(self.bundle / f["path"])
            for m in described["models"]
            if m["name"] == "clip_text"
            for f in m["files"]
            if not f["portable"]
        }
        for precision, path in self._fastest(described).items():
            clip = None
            if precision in clips and self.reference["tokens"]:
                table = str(self.bundle / described["tokenizer"]["table"])
                clip = {
                    "model": clips[precision],
                    "table": table,
                    "tokens": self.reference["tokens"],
                }
            request = {
                "model": path,
                "case": self._cases()[0]["path"],
                "primitives": run.values["cold"],
                "threads": 2,
                "clip": clip,
            }
            name = f"cold {precision}"
            answer, outcome, log = self.ask("ort_cold", request, name, launched=True)
            self.record(name, outcome, log, tuple(cold_lines(answer, outcome.peak_memory)), {})
