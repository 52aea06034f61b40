"""Every frame to every receiver, without waiting for any of them.

Each receiver has a queue of its own that holds a few frames. One that is slow loses its oldest
frames, which are counted; the motion and the other receivers do not notice.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Deque, Dict, List, Optional

if TYPE_CHECKING:
    from dartenv.live.frame import LiveFrame

DEPTH = 4


class Tally:
    """What became of a kind of receiver's frames; several receivers may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent = 0
        self.dropped = 0
        self.failed = 0

    def add(self, sent: int = 0, dropped: int = 0, failed: int = 0) -> None:
        """Count frames."""
        with self._lock:
            self.sent += sent
            self.dropped += dropped
            self.failed += failed

    def numbers(self) -> Dict[str, int]:
        """For the page and the statistics."""
        with self._lock:
            return {"sent": self.sent, "dropped": self.dropped, "failed": self.failed}


class Queue:
    """One receiver's frames. ``put`` never waits; ``get`` waits for a frame or the end."""

    def __init__(self, tally: Tally, depth: int = DEPTH) -> None:
        self._frames: Deque[LiveFrame] = deque()
        self._depth = depth
        self._tally = tally
        self._ready = threading.Condition()
        self._closed = False

    def put(self, frame: LiveFrame) -> None:
        """Add a frame; the oldest leaves where there is no room."""
        with self._ready:
            if self._closed:
                return
            if len(self._frames) >= self._depth:
                self._frames.popleft()
                self._tally.add(dropped=1)
            self._frames.append(frame)
            self._ready.notify()

    def get(self, seconds: Optional[float] = None) -> Optional[LiveFrame]:
        """The oldest frame that is there, ``None`` when the queue was closed or none came in
        ``seconds``."""
        with self._ready:
            self._ready.wait_for(lambda: self._frames or self._closed, seconds)
            return self._frames.popleft() if self._frames else None

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def close(self) -> None:
        """End whoever waits in ``get``."""
        with self._ready:
            self._closed = True
            self._frames.clear()
            self._ready.notify_all()


class Bus:
    """The queues that frames go to."""

    def __init__(self) -> None:
        self._queues: List[Queue] = []
        self._lock = threading.Lock()
        self.tallies: Dict[str, Tally] = {}

    def tally(self, kind: str) -> Tally:
        """The counts of a kind of receiver, which outlive the receivers."""
        with self._lock:
            return self.tallies.setdefault(kind, Tally())

    def join(self, kind: str, depth: int = DEPTH) -> Queue:
        """A new receiver's queue."""
        queue = Queue(self.tally(kind), depth)
        with self._lock:
            self._queues.append(queue)
        return queue

    def leave(self, queue: Queue) -> None:
        """Close a queue and forget it; a second time does nothing."""
        queue.close()
        with self._lock:
            if queue in self._queues:
                self._queues.remove(queue)

    def publish(self, frame: LiveFrame) -> None:
        """Give a frame to every receiver."""
        with self._lock:
            queues = list(self._queues)
        for queue in queues:
            queue.put(frame)

    def close(self) -> None:
        """Close every queue."""
        with self._lock:
            queues, self._queues = self._queues, []
        for queue in queues:
            queue.close()
