"""A host whose motion can be worked out by hand, and a clock that ticks when it is told to."""

from __future__ import annotations

import importlib.util
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

FUTURE = 8
# Of an adult: the shape matters to whoever looks at the page, and to nothing else.
REST = [
    (0.0, 0.0, 0.0),
    (0.07, -0.09, 0.0),
    (-0.07, -0.09, 0.0),
    (0.0, 0.11, -0.03),
    (0.11, -0.47, 0.0),
    (-0.11, -0.47, 0.0),
    (0.0, 0.25, -0.02),
    (0.1, -0.87, -0.04),
    (-0.1, -0.87, -0.04),
    (0.0, 0.3, 0.0),
    (0.12, -0.92, 0.09),
    (-0.12, -0.92, 0.09),
    (0.0, 0.5, -0.03),
    (0.08, 0.41, -0.02),
    (-0.08, 0.41, -0.02),
    (0.0, 0.58, 0.02),
    (0.19, 0.42, -0.04),
    (-0.19, 0.42, -0.04),
    (0.45, 0.41, -0.06),
    (-0.45, 0.41, -0.06),
    (0.7, 0.42, -0.06),
    (-0.7, 0.42, -0.06),
]


def pytest_collection_modifyitems(items):
    """Frames are arrays."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(str(item.fspath)).parents and importlib.util.find_spec("numpy") is None:
            item.add_marker(pytest.mark.skip(reason="needs numpy"))


class FakeStream:
    """Frame n of "walk" lies n centimetres along x; other texts stand. Primitives of FUTURE frames;
    a new prompt begins one, as the runtime's stream does."""

    def __init__(self, host, text, seed, guidance):
        self.host, self.prompt, self.seed, self.guidance = host, text, seed, guidance
        self.primitives, self.left, self._text, self._x = 0, 0, None, 0.0

    def __next__(self):
        import numpy as np

        if self.left == 0 or self.prompt != self._text:
            self.host.gate.wait(10)
            if self.host.breaks is not None:
                raise self.host.breaks
            self._text, self.left = self.prompt, FUTURE
            self.primitives += 1
        self.left -= 1
        self._x += 0.01 if self._text.startswith("walk") else 0.0
        x, self.host.sick = (float("nan"), self.host.sick - 1) if self.host.sick else (self._x, 0)
        rotations = np.broadcast_to(np.eye(3), (22, 3, 3)).copy()
        rotations[0] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]  # upright in a world with z up
        return SimpleNamespace(
            text=self._text, rotations=rotations, translation=np.array([x, self.seed, 0.95])
        )


class FakeHost:
    """What the engine needs of :class:`dartenv.runtime.host.Host`."""

    def __init__(self, fps=30, kind="sandbox"):
        from dartenv.motion.skeleton import of_rest_joints

        self.skeleton = of_rest_joints(REST)
        self.bundle = SimpleNamespace(
            fps=fps,
            kind=kind,
            guidance=5.0,
            sizes=SimpleNamespace(future=FUTURE),
            skeleton=SimpleNamespace(body="smplx"),
        )
        self.folder, self.label = Path("a bundle"), "sandbox: a test's" if kind != "dart" else ""
        self.gate, self.embedding = threading.Event(), threading.Event()
        self.gate.set()
        self.embedding.set()
        self.breaks = None
        self.notes = []
        self.sick = 0  # so many frames hold no numbers
        self.streams = []

    def embed(self, text):
        from dartenv.errors import UsageFault

        self.embedding.wait(10)
        if text == "unheard of":
            raise UsageFault("the bundle has no clip_text model")
        if text.startswith("on and on"):
            self.notes.append("the last 3 tokens were left out")

    def stream(self, text, *, seed, guidance, respacing=None):
        self.respacing = respacing
        self.streams.append(FakeStream(self, text, seed, guidance))
        return self.streams[-1]


class HandClock:
    """Ticks when :meth:`let` says so."""

    def __init__(self, fps, wait=None):
        self.period = 1 / fps
        self._ticks = threading.Semaphore(0)

    def let(self, count=1):
        for _ in range(count):
            self._ticks.release()

    def restart(self):
        pass

    def tick(self, stopped):
        from dartenv.live.clock import Tick

        while not self._ticks.acquire(timeout=0.05) and not stopped():
            pass
        return Tick(0.0, 0)


@pytest.fixture
def host():
    return FakeHost()


class Driven:
    """An engine under a hand-driven clock, and a receiver that keeps every frame."""

    def __init__(self, host, **options):
        from dartenv.live.bus import Bus
        from dartenv.live.engine import Engine

        self.host, self.bus, self.clock = host, Bus(), HandClock(host.bundle.fps)
        self.engine = Engine(host, self.bus, clock=lambda *_, **__: self.clock, **options)
        self._queue = self.bus.join("test", 1000)

    def frames(self, count=1):
        self.clock.let(count)
        found = [self._queue.get(10) for _ in range(count)]
        assert None not in found, self.engine.fault
        return found

    def steadily(self, count):
        """Frames at a rate that the maker keeps up with."""
        found = []
        for _ in range(count):
            self.until(lambda: len(self.engine._ready) == self.engine.ahead)
            found += self.frames(1)
        return found

    def nothing_comes(self):
        return self._queue.get(0.15) is None

    def until(self, what):
        """Wait for what a thread of the engine is about to do."""
        end = time.monotonic() + 10
        with self.engine._changed:
            while not what():
                assert time.monotonic() < end, self.engine.fault
                self.engine._changed.wait(0.01)

    def ask(self, text):
        self.engine.ask(text)
        self.until(lambda: self.engine.prompts.ready is self.engine.prompts.wanted)


@pytest.fixture
def driven(host):
    made = Driven(host, prompt="walk")
    made.engine.start()
    yield made
    host.gate.set()
    host.embedding.set()
    made.engine.stop()
    made.bus.close()


@pytest.fixture
def posed(host):
    """A frame in a pose whose rotations are about single axes, turned and away from the origin."""
    import numpy as np

    from dartenv.live.frame import live_frame
    from dartenv.motion.rotations import matrix_from_axis_angle

    turns = np.zeros((22, 3))
    turns[16] = [0, 0, np.pi / 2]  # the left arm, along +x at rest, goes up
    turns[4] = [np.pi / 3, 0, 0]  # the left knee
    turns[15] = [0, np.pi / 4, 0]  # the head looks to its left
    rotations = matrix_from_axis_angle(turns)
    upright = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    rotations[0] = matrix_from_axis_angle([0, 0, np.pi / 2]) @ upright  # turned to its left
    return live_frame(7, 0, "a pose", rotations, np.array([1.0, 2.0, 0.95]), host.skeleton)
