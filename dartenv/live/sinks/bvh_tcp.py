"""BVH over TCP: whoever connects gets the header and then a line a frame, as long as it reads.

``Frames:`` is 0 in the header, for nobody knows how many will come. A receiver that reads slowly
loses whole frames, never part of a line.
"""

from __future__ import annotations

import socket
import threading
from typing import List

from dartenv.live.address import listen
from dartenv.live.bus import Bus
from dartenv.motion.bvh import BvhStream
from dartenv.motion.skeleton import Skeleton

KIND = "bvh"
MOST_RECEIVERS = 4
# Small, so that what a slow receiver gets is seconds old and not minutes.
SEND_BUFFER = 32 * 1024
_LOOK = 0.5  # seconds between looks at whether to end
_PATIENCE = 60.0  # seconds for a receiver to take one line, before its place is given to another


class BvhServer:
    """Listens on 127.0.0.1. ``port`` 0 lets the system choose; :attr:`port` is what it is."""

    def __init__(self, bus: Bus, port: int, skeleton: Skeleton, fps: float) -> None:
        self._bus, self._skeleton, self._fps = bus, skeleton, fps
        self._tally = bus.tally(KIND)
        self._listener = listen(port, "--bvh-tcp")
        self._listener.settimeout(_LOOK)
        self.port = int(self._listener.getsockname()[1])
        self._receivers: List[socket.socket] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="live-bvh", daemon=True)

    def start(self) -> None:
        """Begin to take receivers."""
        self._thread.start()

    def stop(self) -> None:
        """Let all receivers go."""
        self._stopping.set()
        self._thread.join(timeout=5)
        self._listener.close()
        with self._lock:
            receivers = list(self._receivers)
        for receiver in receivers:
            _hang_up(receiver)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                receiver, _ = self._listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            with self._lock:
                full = len(self._receivers) >= MOST_RECEIVERS
                if not full:
                    self._receivers.append(receiver)
            if full:
                _hang_up(receiver)
                continue
            threading.Thread(
                target=self._serve, args=(receiver,), name="live-bvh-receiver", daemon=True
            ).start()

    def _serve(self, receiver: socket.socket) -> None:
        stream = BvhStream(self._skeleton, self._fps)
        queue = self._bus.join(KIND)
        try:
            receiver.settimeout(_PATIENCE)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            receiver.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            receiver.sendall(stream.header(0).encode("ascii"))
            while True:
                frame = queue.get()
                if frame is None:
                    break
                line = stream.line(frame.rotations, frame.translation)
                receiver.sendall(line.encode("ascii"))
                self._tally.add(sent=1)
        except OSError:
            pass  # it went away, or reads no more
        finally:
            self._bus.leave(queue)
            with self._lock:
                self._receivers.remove(receiver)
            _hang_up(receiver)


def _hang_up(receiver: socket.socket) -> None:
    """Close it, also under a thread that waits to send."""
    try:
        receiver.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    receiver.close()
