"""A run of ``dartenv live``: the engine with its receivers, from start to summary."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

from dartenv.errors import UsageFault
from dartenv.live.address import Target
from dartenv.live.bus import Bus
from dartenv.live.clock import fine_timer
from dartenv.live.engine import Engine
from dartenv.live.server import LiveServer
from dartenv.live.sinks.bvh_tcp import BvhServer
from dartenv.live.sinks.udp import UdpSink
from dartenv.live.sinks.udp_json import pack_json, subject_name
from dartenv.live.sinks.vmc import pack_vmc

# Threads that wait for Python are let in after this long: the clock's must not wait 5 ms for others.
_SWITCH = 0.001


@dataclass(frozen=True)
class Wanted:
    """What a run consists of. ``bvh`` and ``page`` are ports; ``None`` is no such receiver."""

    prompt: str = ""
    seed: int = 0
    guidance: Optional[float] = None
    respacing: Optional[str] = None
    page: Optional[int] = 0
    udp: Tuple[Target, ...] = ()
    udp_form: str = "list"
    vmc: Tuple[Target, ...] = ()
    bvh: Optional[int] = None


@dataclass
class Session:
    """Made, started, run and stopped in this order. Raises UsageFault where a part cannot be."""

    host: Any
    wanted: Wanted
    bus: Bus = field(default_factory=Bus)

    def __post_init__(self) -> None:
        bundle, wanted = self.host.bundle, self.wanted
        skeleton = self.host.skeleton
        self.subject = subject_name(bundle.kind)
        if wanted.vmc and importlib.util.find_spec("pythonosc") is None:
            raise UsageFault(
                f"python-osc is not installed for {sys.executable}",
                "dartenv's live extra, for --vmc",
                'pip install "dartenv[live]"',
            )
        self.engine = Engine(
            self.host,
            self.bus,
            prompt=wanted.prompt,
            seed=wanted.seed,
            guidance=wanted.guidance,
            respacing=wanted.respacing,
        )
        self._parts: List[Any] = []
        self.server: Optional[LiveServer] = None
        self.bvh: Optional[BvhServer] = None
        self._began = time.monotonic()
        self._ended: Optional[float] = None
        try:
            if wanted.page is not None:
                self.server = LiveServer(
                    self.engine, self.bus, wanted.page, self._about(), self.statistics
                )
                self._parts.append(self.server)
            if wanted.bvh is not None:
                self.bvh = BvhServer(self.bus, wanted.bvh, skeleton, self.engine.fps)
                self._parts.append(self.bvh)
            for target in wanted.udp:
                pack = pack_json(skeleton, self.subject, wanted.udp_form)
                self._parts.append(UdpSink(self.bus, "udp", target, pack))
            for target in wanted.vmc:
                pack = pack_vmc(skeleton, self.engine.fps)
                self._parts.append(UdpSink(self.bus, "vmc", target, pack))
        except BaseException:
            self._stop_parts()
            raise

    def _about(self) -> Dict[str, Any]:
        bundle = self.host.bundle
        return {
            "bundle": str(getattr(self.host, "folder", "")),
            "kind": bundle.kind,
            "label": self.host.label,
            "fps": self.engine.fps,
            "future": self.engine.future,
            "names": list(self.host.skeleton.names),
            "parents": list(self.host.skeleton.parents),
            "guidance": bundle.guidance,
        }

    def run(
        self,
        seconds: Optional[float] = None,
        started: Callable[[], None] = lambda: None,
    ) -> None:
        """Show motion for so many seconds, or until it is interrupted (KeyboardInterrupt passes) or
        fails. Everything is stopped when it returns. Raises what the engine failed of."""
        switch = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH)
        try:
            with fine_timer():
                for part in self._parts:
                    part.start()
                self._began = time.monotonic()
                self.engine.start()
                started()
                end = None if seconds is None else time.monotonic() + seconds
                # In short waits: a long one cannot be interrupted on Windows.
                while not self.engine.ended.wait(0.25):
                    if end is not None and time.monotonic() >= end:
                        break
        finally:
            self._ended = time.monotonic()
            self.engine.stop()
            self._stop_parts()
            sys.setswitchinterval(switch)
        if self.engine.fault is not None:
            raise self.engine.fault

    def _stop_parts(self) -> None:
        self.bus.close()
        for part in self._parts:
            try:
                part.stop()
            except (OSError, RuntimeError):
                pass  # it was never started

    def statistics(self) -> Dict[str, Any]:
        """The figures so far: for the page, for --stats, for the summary."""
        engine = self.engine
        return {
            "fps": engine.fps,
            "seconds": round((self._ended or time.monotonic()) - self._began, 2),
            **engine.figures.numbers(),
            "prompt_ms": engine.prompts.latency.milliseconds(),
            "prompt_frames_most": engine.prompts.most_frames,
            "receivers": {kind: tally.numbers() for kind, tally in self.bus.tallies.items()},
            "pages": 0 if self.server is None else self.server.open_pages,
            "refused": 0 if self.server is None else self.server.refused,
        }
