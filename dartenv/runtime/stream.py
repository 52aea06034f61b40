"""Motion one frame at a time, while the prompt changes under it, as mld.rollout_demo shows it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, List, Optional

import numpy as np

from dartenv.runtime.features import Placed
from dartenv.runtime.host import Host, check_guidance
from dartenv.runtime.noise import Noise
from dartenv.runtime.prompt import composed


@dataclass(frozen=True)
class Frame:
    """One frame in the world, z up: rotations [22, 3, 3] (the root's in the world, the others
    relative to their parents), translation [3] in metres (SMPL's transl), joints [22, 3] in metres
    as predicted; ``text`` is what it was asked to show."""

    index: int
    text: str
    rotations: Any
    translation: Any
    joints: Any


class Stream:
    """An endless iterator of frames, the seed's first.

    Setting :attr:`prompt`, from any thread, takes effect at the next frame: frames that were made
    for the old one and not yet given out are dropped, and the last H given out are the history.
    """

    def __init__(
        self,
        host: Host,
        prompt: str,
        seed: int,
        guidance: Optional[float],
        respacing: Optional[str],
    ) -> None:
        self._host = host
        self._schedule = host.schedule(respacing)
        self._noise = Noise(host.bundle, self._schedule, seed, 1)
        self._guidance = check_guidance(host.bundle.guidance if guidance is None else guidance)
        self.primitives = 0  # made so far
        self._state = host.start(1)
        self._kept = host.bundle.sizes.history
        self._lock = threading.Lock()
        self._index = 0
        history = host.features.denormalised(self._state.history)
        self._before = history[:, :0]  # frames of this primitive's frame that lie before it
        self._frames = history
        self._placed: Placed = host.features.placed(history, self._state.world)
        self._world = self._state.world
        self._given = 0
        self._changed = False
        self._seeding = True
        self._text = ""
        self._embedding = host.embed("")
        self.prompt = prompt
        self._changed = False

    @property
    def prompt(self) -> str:
        """What is being shown; set it to show something else. "" is motion without text."""
        return self._text

    @prompt.setter
    def prompt(self, text: str) -> None:
        text = composed(text, self._host.bundle.skeleton.body)
        embedding = self._host.embed(text)
        with self._lock:
            if text != self._text:
                self._text, self._embedding, self._changed = text, embedding, True

    @property
    def left(self) -> int:
        """How many frames of the primitive at hand are not given out yet."""
        return int(self._frames.shape[1]) - self._given

    @property
    def guidance(self) -> float:
        """How strongly the text is followed; set from any thread, it counts from the next
        primitive on. Raises UsageFault: no number from 0 on."""
        return self._guidance

    @guidance.setter
    def guidance(self, value: float) -> None:
        self._guidance = check_guidance(value)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Frame:
        with self._lock:
            text, embedding = self._text, self._embedding
            changed, self._changed = self._changed, False
        # As in rollout_demo the seed is shown whole, whatever comes meanwhile.
        if self._given >= self._frames.shape[1] or (changed and not self._seeding):
            self._advance(embedding)
        place = self._given
        self._given += 1
        frame = Frame(
            self._index,
            text,
            self._placed.rotations[0, place],
            self._placed.translation[0, place],
            self._placed.joints[0, place],
        )
        self._index += 1
        return frame

    def take(self, count: int) -> List[Frame]:
        """The next ``count`` frames."""
        return [next(self) for _ in range(count)]

    def _advance(self, embedding: Any) -> None:
        """Make the next primitive, after what was given out."""
        if not self._seeding and self._given < self._frames.shape[1]:
            shown = np.concatenate([self._before, self._frames[:, : self._given]], axis=1)
            self._state = self._host.canonical(shown[:, -self._kept :], self._world)
        self._world = self._state.world
        self._before = self._host.features.denormalised(self._state.history)
        made = self._host.step(
            self._state, embedding, next(self._noise), self._guidance, self._schedule
        )
        self._frames, self._placed, self._state = made.motion, made.placed, made.after
        self._given, self._seeding = 0, False
        self.primitives += 1
