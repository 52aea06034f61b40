"""The prompts of a run: what was asked for, what is ready to be shown, and what shows."""

from __future__ import annotations

import re
import time
import unicodedata
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Deque, Dict, List, Optional

from dartenv.errors import UsageFault
from dartenv.live.clock import Spread
from dartenv.runtime.prompt import composed

MOST_CHARACTERS = 1000  # CLIP reads 77 tokens
_KEPT = 50
_COUNTED = re.compile(r"\*\s*[0-9]+\s*([,;]|$)")


@dataclass(frozen=True)
class Order:
    """One prompt: its number from 0 on, when it was asked for, and how many frames had been
    given out by then."""

    number: int
    text: str
    asked: float = field(default_factory=time.perf_counter)
    frames: int = 0


def checked(text: str, body: str) -> str:
    """``text`` as the networks know it. Raises UsageFault: too long, or a list with counts."""
    # Marks that join emoji or turn the way of writing are not words, and are not seen.
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = " ".join(text.split())
    if len(text) > MOST_CHARACTERS:
        raise UsageFault(f"a prompt of {len(text)} characters", f"{MOST_CHARACTERS} at most")
    if not text.isprintable():
        raise UsageFault("a prompt with characters that cannot be seen", "words")
    if _COUNTED.search(text):
        raise UsageFault(
            f"the prompt {text[:60]!r} counts primitives",
            "one action; it goes on until the next prompt",
        )
    return composed(text, body)


class Prompts:
    """Not locked: the engine calls it under its own lock."""

    def __init__(self, body: str, first: str) -> None:
        self._body = body
        self.wanted = self.ready = self.showing = Order(0, checked(first, body))
        self._waiting: Dict[int, Order] = {}
        self._history: Deque[str] = deque([self.wanted.text] if first.strip() else [], _KEPT)
        self.latency = Spread()
        self.most_frames = 0
        self.last: Optional[Dict[str, Any]] = None

    def ask(self, text: str, frames: int) -> Order:
        """A new prompt, after so many ``frames``. UsageFault as :func:`checked`."""
        text = checked(text, self._body)
        order = Order(self.wanted.number + 1, text, frames=frames)
        self.wanted = self._waiting[order.number] = order
        if text and (not self._history or self._history[-1] != text):
            self._history.append(text)
        return order

    def refuse(self, order: Order) -> None:
        """``order`` cannot be shown: what is shown stays wanted, unless another came meanwhile."""
        self._waiting.pop(order.number, None)
        if self.wanted is order:
            self.wanted = self.ready = Order(order.number, self.ready.text)

    def shown(self, number: int, frames: int, now: float, since: float = 0.0) -> bool:
        """The frame just given out, the ``frames``-th, shows prompt ``number``; whether that is
        new. Its latency counts from ``since`` where the motion was held when it was asked for."""
        if number == self.showing.number:
            return False
        order = self._waiting.get(number)
        for older in [n for n in self._waiting if n <= number]:
            del self._waiting[older]  # those that were overtaken never show
        if order is None:  # it was refused, and what showed goes on
            self.showing = Order(number, self.showing.text)
            return False
        self.showing = order
        took = now - max(order.asked, since)
        self.latency.add(took)
        self.most_frames = max(self.most_frames, frames - order.frames)
        self.last = {"ms": round(took * 1e3, 1), "frames": frames - order.frames}
        return True

    @property
    def history(self) -> List[str]:
        """The texts asked for, the newest last."""
        return list(self._history)
