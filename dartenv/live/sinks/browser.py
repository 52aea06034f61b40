"""Frames to a page by WebSocket, and what the page is told besides.

A frame is 284 bytes, little-endian: number uint32, prompt's number uint32, time it was given out
float64 (milliseconds since 1970), unused uint32, then 22 places of joints as float32 x, y, z in
DART's world (right-handed, z up, metres). Everything else is JSON text with a field ``is``.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from typing import Any, Callable, Dict

from dartenv.live.bus import Bus
from dartenv.live.frame import LiveFrame

KIND = "browser"
_HEAD = struct.Struct("<IIdI")
_STATISTICS_EVERY = 1.0
_LOOK = 0.2  # seconds between looks for news while no frame comes


def pack(frame: LiveFrame) -> bytes:
    """The message of a frame."""
    head = _HEAD.pack(frame.number & 0xFFFFFFFF, frame.prompt & 0xFFFFFFFF, frame.due * 1e3, 0)
    body: bytes = frame.places.astype("<f4").tobytes()
    return head + body


class PageSender:
    """Sends to one page, on a thread of its own; ``send`` may block as long as it likes.

    ``version`` rises with each change of what ``state`` tells; ``statistics`` is told every second.
    """

    def __init__(
        self,
        bus: Bus,
        send: Callable[[Any], None],
        version: Callable[[], int],
        state: Callable[[], Dict[str, Any]],
        statistics: Callable[[], Dict[str, Any]],
    ) -> None:
        self._bus, self._send = bus, send
        self._version, self._state, self._statistics = version, state, statistics
        self._tally = bus.tally(KIND)
        self._queue = bus.join(KIND)
        self._thread = threading.Thread(target=self._run, name="live-page", daemon=True)

    def start(self) -> None:
        """Begin to send frames and news."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._bus.leave(self._queue)

    def _run(self) -> None:
        told, due = -1, 0.0
        try:
            while not self._queue.closed:
                version, now = self._version(), time.monotonic()
                if version != told:
                    self._send(json.dumps({"is": "state", **self._state()}))
                    told = version
                if now >= due:
                    self._send(json.dumps({"is": "statistics", **self._statistics()}))
                    due = now + _STATISTICS_EVERY
                frame = self._queue.get(_LOOK)
                if frame is not None:
                    self._send(pack(frame))
                    self._tally.add(sent=1)
        except Exception:  # the page went away; its reader ends the connection
            self._bus.leave(self._queue)
