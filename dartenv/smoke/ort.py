"""The ONNX Runtime smoke test: export, load on the provider asked for, and hold against DART.

DART's functions, dartenv's networks and ONNX Runtime run in the target, each in a child of its
own; the export runs in whichever of dartenv's and the target's interpreter has what it needs.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import msgspec

from dartenv.smoke.mine import Cause, read_tail
from dartenv.smoke.ort_asking import OrtRun, StopError
from dartenv.smoke.ort_judges import Floor, astray, double_lines, model_lines, provider_lines
from dartenv.smoke.ort_needs import exporter
from dartenv.smoke.ort_timing import Timing
from dartenv.smoke.result import RunRecord
from dartenv.smoke.runner import Outcome
from dartenv.smoke.target import Interpreter

PACKAGE = Path(__file__).resolve().parents[2]  # the folder that holds dartenv
CPU = "CPUExecutionProvider"


def run_ort(run: OrtRun) -> Tuple[List[RunRecord], str, Dict[str, str]]:
    """(records, device it ran on, versions). The first step that fails is the last."""
    steps = _Steps(run)
    try:
        steps.all()
    except StopError:
        pass
    finally:  # a gigabyte a run; `dartenv export` makes one to keep
        shutil.rmtree(str(steps.bundle), ignore_errors=True)
    return steps.records, steps.ran_on, steps.versions


class _Steps(Timing):
    def __init__(self, run: OrtRun) -> None:
        super().__init__(run)
        self.floors: Dict[str, Floor] = {}

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

    def dart(self) -> None:
        """DART's own numbers, written down."""
        answer, outcome, log = self.ask("ort_reference", self._dart(self.cases()), "DART")
        self.reference = answer
        self.versions.update(answer["versions"])
        self.record("DART", outcome, log, (), {})

    def _dart(self, cases: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
        """What DART's own loop needs for ``cases``."""
        run = self.run
        return {
            "checkpoint": str(run.values["denoiser_checkpoint"]),
            "motion": run.spec.motion,
            "clip": list(run.ready.clip) if run.ready.clip else None,
            "guidance": run.values["guidance"],
            "seed": run.seed,
            "prompts": list(run.spec.prompts),
            "folder": str(run.folder),
            "cases": list(cases),
        }

    def networks(self) -> None:
        """dartenv.model against DART."""
        name, cases = "dartenv.model", self.cases()
        answer, outcome, log = self._networks(name, cases)
        if self._worked_out(answer["cases"]):
            answer, outcome, log = self._networks(name, cases)
        lines = model_lines(answer["cases"], self.run.spec, self.floors)
        self.record(name, outcome, log, tuple(lines), {})

    def _worked_out(self, seen: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a case of ``seen`` is astray; it is then there in double precision, to be held
        against, with what single precision costs DART's own loop."""
        names = astray(seen, self.run.spec)
        cases = [c for c in self.cases() if c["name"] in names and c["name"] not in self.floors]
        if cases:
            self._in_double(cases)
        return bool(names)

    def _in_double(self, cases: Sequence[Mapping[str, Any]]) -> None:
        """``cases`` by DART's own functions, or by dartenv's networks where those will not."""
        answer, _, _ = self.ask("ort_exact", self._dart(cases), "DART in float64")
        own = {case["name"]: case for case in answer["cases"]}
        name = "dartenv.model in float64"
        answer, outcome, log = self._networks(name, cases, exact=True)
        both = []
        for case in answer["cases"]:
            dart = own[case["name"]]
            if dart["problem"]:
                floor = Floor(case["loop"], f"dartenv.model (DART's own: {dart['problem']})")
            else:
                floor = Floor(dart["loop"], "DART's own loop")
                both.append(case)
            self.floors[case["name"]] = floor
        self.record(name, outcome, log, tuple(double_lines(both, self.run.spec)), {})

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
            raise StopError
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
            raise StopError
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
                    for case in self.cases()
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
        if self._worked_out([case for model in full for case in model["cases"]]):
            answer, outcome, log = self.ask("ort_run", request, short)
        lines = provider_lines(answer["models"], precisions, run.spec, self.floors)
        self.record(short, outcome, log, tuple(lines), {})
        if required or all(line.passed is not False for line in lines):
            self.ran_on = short.lower()
        return list(answer["available"])
