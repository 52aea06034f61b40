"""How fast the exported models are, beside DART's own loop and from a cold process."""

from __future__ import annotations

from typing import Any, Dict

from dartenv.smoke.ort_asking import Asking
from dartenv.smoke.ort_judges import cold_lines, speed_lines


class Timing(Asking):
    """The steps that measure time."""

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
                "case": self.cases()[0]["path"],
                "primitives": run.values["cold"],
                "threads": 2,
                "clip": clip,
            }
            name = f"cold {precision}"
            answer, outcome, log = self.ask("ort_cold", request, name, launched=True)
            self.record(name, outcome, log, tuple(cold_lines(answer, outcome.peak_memory)), {})
