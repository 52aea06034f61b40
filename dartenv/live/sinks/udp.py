"""Frames as datagrams: a thread that packs and sends, and asks nothing of the receiver."""

from __future__ import annotations

import socket
import threading
from typing import Callable, List

from dartenv.live.address import Target
from dartenv.live.bus import Bus
from dartenv.live.frame import LiveFrame

Pack = Callable[[LiveFrame], List[bytes]]


class UdpSink:
    """Sends what ``pack`` makes of each frame to ``target``.

    A frame of which a datagram could not be sent (no route, a full buffer) counts as failed.
    """

    def __init__(self, bus: Bus, kind: str, target: Target, pack: Pack) -> None:
        self._bus, self._pack = bus, pack
        self._to = (target.address, target.port)
        self._socket = socket.socket(target.family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._tally = bus.tally(kind)
        self._queue = bus.join(kind)
        self._thread = threading.Thread(target=self._run, name=f"live-{kind}", daemon=True)

    def start(self) -> None:
        """Begin sending."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._bus.leave(self._queue)
        self._thread.join(timeout=5)
        self._socket.close()

    def _run(self) -> None:
        while True:
            frame = self._queue.get()
            if frame is None:
                return
            datagrams = self._pack(frame)
            try:
                for data in datagrams:
                    self._socket.sendto(data, self._to)
            except OSError:
                self._tally.add(failed=1)
                continue
            self._tally.add(sent=1)
