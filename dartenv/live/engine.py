"""Makes motion a little ahead and gives out one frame at each tick of the clock.

Three threads: the maker asks the runtime for frames until so many lie ready; the player gives one
of them to the bus at each tick; the prompter works out a new prompt's embedding, which may take
longer than a frame. A new prompt is taken by the maker before the next frame it makes: it shows
after the frames that lie ready, fewer than one motion primitive.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any, Callable, Deque, List, Optional

from dartenv.errors import UsageFault
from dartenv.live.bus import Bus
from dartenv.live.clock import FrameClock
from dartenv.live.figures import Figures
from dartenv.live.frame import LiveFrame, is_sound, live_frame
from dartenv.live.prompts import Order, Prompts
from dartenv.runtime.host import check_guidance

# The frames of one primitive that may be under way besides those that lie ready: the one that the
# maker is at when a prompt comes, and the first that shows it.
_UNDER_WAY = 2


class Engine:
    """Motion without end. ``host`` is :class:`dartenv.runtime.host.Host`, or has its ``bundle``,
    ``skeleton``, ``embed``, ``notes`` and ``stream``. ``respacing`` names another sampler of the bundle.

    Every method may be called from any thread. ``clock`` makes the frame clock, for tests.
    """

    def __init__(
        self,
        host: Any,
        bus: Bus,
        *,
        prompt: str = "",
        seed: int = 0,
        guidance: Optional[float] = None,
        respacing: Optional[str] = None,
        clock: Callable[..., FrameClock] = FrameClock,
    ) -> None:
        self._host, self._bus = host, bus
        self.fps = float(host.bundle.fps)
        self.future = int(host.bundle.sizes.future)
        self.ahead = max(self.future - _UNDER_WAY, 1)
        self.figures = Figures(1.0 / self.fps)
        self.prompts = Prompts(host.bundle.skeleton.body, prompt)
        self.seed = seed
        self.guidance = check_guidance(host.bundle.guidance if guidance is None else guidance)
        self.paused = False
        self.fault: Optional[BaseException] = None
        self.note = ""
        self._noted = 0  # of the host's notes
        self.version = 0  # rises with each change that a page shows
        self.ended = threading.Event()
        self._ready: Deque[LiveFrame] = deque()
        self._changed = threading.Condition()
        self._new_seed: Optional[int] = None
        self._made = 0
        self._taken = self.prompts.ready
        self._resumed = 0.0
        self._clock = clock(self.fps, wait=self._doze)
        self._threads: List[threading.Thread] = []
        # Here, so that a prompt or seed that cannot be ends the command before anything starts.
        self._respacing = respacing
        self._stream = self._begin(self.prompts.wanted.text, seed, self.guidance)

    def start(self) -> None:
        """Begin; the first frame is given out when a primitive lies ready."""
        for work in (self._make, self._play, self._prompt):
            name = f"live-{work.__name__.strip('_')}"
            thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End all threads and wait for them."""
        self._end()
        for thread in self._threads:
            thread.join(timeout=10)

    def ask(self, text: str) -> None:
        """Show ``text`` from the next primitive on. UsageFault: a prompt that cannot be."""
        with self._changed:
            self.prompts.ask(text, self.figures.frames)
            self.note = ""  # it was about another one
            self._tell()

    def pause(self, on: bool) -> None:
        """Hold the motion, or let it go on; nothing is lost."""
        with self._changed:
            self.paused = on
            self._tell()

    def begin_again(self, seed: int) -> None:
        """Go back to the seed motion, with the noise of ``seed``. UsageFault: no whole number."""
        check_seed(seed)
        with self._changed:
            self.seed = self._new_seed = seed
            self._tell()

    def guide(self, guidance: float) -> None:
        """Follow the text so strongly from the next primitive on. UsageFault: no such strength."""
        value = check_guidance(guidance)
        with self._changed:
            self.guidance = value
            self._tell()

    def _begin(self, text: str, seed: int, guidance: float) -> Any:
        """A stream from the seed's pose on."""
        return self._host.stream(text, seed=seed, guidance=guidance, respacing=self._respacing)

    def _tell(self) -> None:
        self.version += 1
        self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self.ended.set()
            self._changed.notify_all()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:
            self.fault = self.fault or fault
            self._end()

    def _doze(self, seconds: float) -> None:
        """Sleep until the next tick; the end and a pause come no sooner than that."""
        self.ended.wait(seconds)

    # The maker

    def _make(self) -> None:
        while True:
            with self._changed:
                while not self.ended.is_set() and len(self._ready) >= self.ahead:
                    self._changed.wait()
                if self.ended.is_set():
                    return
                seed, self._new_seed = self._new_seed, None
                order = self._order()
                guidance = self.guidance
            if seed is not None:
                self._stream = self._begin(order.text, seed, guidance)
            self._stream.prompt, self._stream.guidance = order.text, guidance
            frame = self._next(order.number)
            with self._changed:
                self._ready.append(frame)
                self._changed.notify_all()

    def _order(self) -> Order:
        """The prompt of the next frame. A new one costs a primitive, so frames that are made
        already are first laid ready, as long as it still shows within one primitive: then prompts
        may come quicker than primitives are made."""
        order, lying = self.prompts.ready, len(self._ready)
        passed = self.figures.frames - order.frames
        if (
            self._stream.left
            and lying < self.ahead - 1
            and passed + lying + _UNDER_WAY <= self.future
        ):
            return self._taken
        self._taken = order
        return order

    def _next(self, prompt: int) -> LiveFrame:
        """The next sound frame; motion that ran out of numbers begins again from the seed's."""
        for attempt in range(3):
            before, began = self._stream.primitives, time.perf_counter()
            raw = next(self._stream)
            if (
                self._stream.primitives != before and self._made > self.future
            ):  # the models are open
                self.figures.primitive.add(time.perf_counter() - began)
            frame = live_frame(
                self._made, prompt, raw.text, raw.rotations, raw.translation, self._host.skeleton
            )
            if is_sound(frame):
                self._made += 1
                return frame
            self.figures.restarts += 1
            self.note = f"the motion had values that are no numbers at frame {self._made}"
            other = (self.seed + attempt + 1) % 2**63
            self._stream = self._begin(raw.text, other, self.guidance)
        raise ArithmeticError(f"{self.note}, three times in a row")

    # The player

    def _play(self) -> None:
        self._wait_for(self.ahead)
        self._clock.restart()
        while not self.ended.is_set():
            if self._wait_while_paused():
                self._resumed = time.perf_counter()
                self._clock.restart()
                self.figures.broken()
            tick = self._clock.tick(self.ended.is_set)
            began = time.perf_counter()
            frame = self._wait_for(1)
            if frame is None or self.ended.is_set():
                return
            now = time.perf_counter()
            self.figures.given(tick.late + (now - began), tick.skipped, now)
            with self._changed:
                if self.prompts.shown(frame.prompt, self.figures.frames, now, self._resumed):
                    self.version += 1
            self._bus.publish(replace(frame, due=time.time()))

    def _wait_for(self, count: int) -> Optional[LiveFrame]:
        """Wait until ``count`` frames lie ready; with a count of one, take it."""
        with self._changed:
            while len(self._ready) < count and not self.ended.is_set():
                self._changed.wait()
            if self.ended.is_set() or count != 1:
                return None
            frame = self._ready.popleft()
            self._changed.notify_all()
            return frame

    def _wait_while_paused(self) -> bool:
        with self._changed:
            if not self.paused:
                return False
            while self.paused and not self.ended.is_set():
                self._changed.wait()
            return True

    # The prompter

    def _prompt(self) -> None:
        while True:
            with self._changed:
                while not self.ended.is_set() and self.prompts.ready is self.prompts.wanted:
                    self._changed.wait()
                if self.ended.is_set():
                    return
                order = self.prompts.wanted
            try:
                self._host.embed(order.text)
            except Exception as fault:  # as a bundle without a text model: the motion goes on
                with self._changed:
                    self.prompts.refuse(order)
                    self.note = str(fault)
                    self._tell()
                continue
            with self._changed:
                self.prompts.ready = order
                said = self._host.notes  # as a text of which CLIP reads the beginning alone
                if len(said) > self._noted:
                    self.note, self._noted = said[-1], len(said)
                self._tell()


def check_seed(seed: int) -> int:
    """``seed`` where it can be meant. Raises UsageFault."""
    if type(seed) is not int or not 0 <= seed < 2**53:  # what a page's numbers hold
        raise UsageFault(f"seed {seed}", "a whole number from 0 to 9007199254740991")
    return seed
