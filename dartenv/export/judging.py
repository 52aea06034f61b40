"""Which gate a reduced model is held against, and what the gates share."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

from dartenv.bundle.contract import Parity
from dartenv.export import gate, gate_parts, measure
from dartenv.export.conditions import Conditions
from dartenv.export.prompts import ClipTexts
from dartenv.manifests.export import ExportSpec
from dartenv.model.diffusion import Sampler

# A reduced model to what was found.
Gate = Callable[[Any], List[Parity]]


class Judging:
    """Gates under ``conditions`` and ``spec``, for files that sample with ``sampler``.

    ``clip`` gives CLIP's way from prompts to embeddings and ``primitive`` the full primitive's
    model, in whose loops the separate models are judged; both ``None`` where there is none.
    ``judge`` is the smoke tests'.
    """

    def __init__(
        self,
        conditions: Conditions,
        spec: ExportSpec,
        sampler: Sampler,
        judge: Optional[gate.JudgeMotion],
        clip: Callable[[], Optional[ClipTexts]],
        primitive: Callable[[], Optional[Any]],
    ) -> None:
        self.conditions, self.spec, self.sampler, self.judge = conditions, spec, sampler, judge
        self._clip, self._primitive = clip, primitive
        self._texts: Optional[Dict[str, Any]] = None
        self._loops: Optional[Dict[str, measure.Loop]] = None

    def against(self, name: str, full: Any) -> Gate:
        """What reduced models are held against ``full`` with."""
        if name.startswith("primitive"):
            return self._of_primitive(full, name == "primitive_body").judged
        session = measure.open_session(full.SerializeToString())
        held = self._of_text(session) if name == "clip_text" else self._of_part(name, session)

        def judged(model: Any) -> List[Parity]:
            return held(measure.open_session(model.SerializeToString()))

        return judged

    def _of_primitive(self, full: Any, body: bool) -> gate.PrimitiveGate:
        spec, steps = self.spec, self.sampler.steps
        args = (self.conditions, body, self._embeddings(), spec.gate, spec.guidance, steps)
        made = gate.PrimitiveGate(full, *args, self.judge)
        if not body:
            self._loops = made.full
        return made

    def _of_part(self, name: str, full: Any) -> Gate:
        if self._loops is None:
            primitive = self._primitive()
            if primitive is None:
                return self._of_anything(name, full)
            self._of_primitive(primitive, body=False)
        assert self._loops is not None
        spec = self.spec
        parts = gate_parts.PartsGate(
            self._loops, self.conditions, spec.gate, self.sampler, spec.guidance
        )
        return lambda reduced: parts.judged(name, reduced, full)

    def _of_text(self, full: Any) -> Gate:
        clip, spec = self._clip(), self.spec.gate
        if clip is None:
            return self._of_anything("clip_text", full)
        feeds = [clip.feed(prompt) for prompt in spec.prompts]
        return lambda reduced: gate_parts.judge_texts(reduced, full, feeds, spec)

    def _of_anything(self, name: str, full: Any) -> Gate:
        c, spec = self.conditions, self.spec.gate
        return lambda reduced: gate.judge_tensors(reduced, full, name, c, spec)

    def _embeddings(self) -> Dict[str, Any]:
        """Embeddings [1, C] of the gate's prompts, or ones of the same kind."""
        if self._texts is None:
            clip, c = self._clip(), self.conditions
            self._texts = {
                prompt: clip(prompt) if clip else measure.text_like(c, seed, prompt)
                for seed, prompt in enumerate(self.spec.gate.prompts)
            }
        return self._texts
