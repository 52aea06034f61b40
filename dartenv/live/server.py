"""The page and its WebSocket, on 127.0.0.1 and nowhere else."""

from __future__ import annotations

import json
import logging
import socket
import threading
import weakref
from typing import Any, Callable, Dict, Optional, Set, Tuple

from dartenv.errors import UsageFault
from dartenv.live.address import listen
from dartenv.live.bus import Bus
from dartenv.live.control import MOST_BYTES, Bucket, obey
from dartenv.live.engine import Engine
from dartenv.live.gate import Gate
from dartenv.live.pages import pages
from dartenv.live.sinks.browser import PageSender

MOST_PAGES = 8
# A page that goes on asking after so many refusals in a row is no page.
_MOST_REFUSED = 50
_PATIENCE = 3.0  # seconds for a handshake, and for a farewell
# Small, so that what a slow page gets is seconds old and not minutes.
_SEND_BUFFER = 64 * 1024


class LiveServer:
    """Serves until :meth:`stop`. ``about`` is told to each page once, ``statistics`` every second.

    ``port`` 0 lets the system choose. Raises UsageFault: the port is taken, or websockets is not
    installed.
    """

    def __init__(
        self,
        engine: Engine,
        bus: Bus,
        port: int,
        about: Dict[str, Any],
        statistics: Callable[[], Dict[str, Any]],
    ) -> None:
        serve, connection_class = _websockets()
        self._engine, self._bus = engine, bus
        self._about, self._statistics = about, statistics
        self._bucket = Bucket()
        self._open: Set[Any] = set()
        self._all: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.refused = 0
        listener = listen(port, "--port")
        self.port = int(listener.getsockname()[1])
        self.gate = Gate(self.port)
        self._pages = pages(self.gate.origins)
        quiet = logging.getLogger("dartenv.live.server")
        quiet.setLevel(logging.CRITICAL + 1)  # a broken request is the sender's affair
        quiet.propagate = False

        def connected(*args: Any, **kwargs: Any) -> Any:
            connection = connection_class(*args, **kwargs)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            self._all.add(connection)
            return connection

        self._server = serve(
            self._page,
            sock=listener,
            process_request=self._answer,
            compression=None,
            server_header=None,
            open_timeout=_PATIENCE,
            close_timeout=_PATIENCE,
            max_size=MOST_BYTES,
            logger=quiet,
            create_connection=connected,
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="live-server", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Cut all connections and answer no more.

        Cut, not closed in form: a page that reads nothing would keep the farewell waiting.
        """
        if not self._thread.is_alive():  # never started: nobody would notice a shutdown
            self._server.socket.close()
            return
        for connection in list(self._all):
            _cut(connection)
        self._server.shutdown()
        self._thread.join(timeout=_PATIENCE)

    @property
    def open_pages(self) -> int:
        """How many pages are connected."""
        with self._lock:
            return len(self._open)

    def _answer(self, connection: Any, request: Any) -> Optional[Any]:
        """An HTTP answer, or ``None`` for a WebSocket that may come in."""
        path, _, query = request.path.partition("?")
        fault = self.gate.host_fault(request.headers.get_all("Host"))
        if fault:
            return self._refuse(connection, 403, fault)
        if path == "/ws":
            fault = self.gate.socket_fault(request.headers.get_all("Origin"), query)
            if fault:
                return self._refuse(connection, 403, fault)
            if self.open_pages >= MOST_PAGES:
                return self._refuse(connection, 503, f"{MOST_PAGES} pages are open already")
            return None
        page = self._pages.get(path)
        if page is None:
            return connection.respond(404, "there is no such file\n")
        response = connection.respond(200, "")
        response.body = page.body
        del response.headers["Content-Type"], response.headers["Content-Length"]
        for name, value in page.headers:
            response.headers[name] = value
        response.headers["Content-Length"] = str(len(page.body))
        return response

    def _refuse(self, connection: Any, status: int, fault: str) -> Any:
        with self._lock:
            self.refused += 1
        return connection.respond(status, f"refused: {fault}\n")

    def _page(self, connection: Any) -> None:
        """One page from its first message to its last."""
        from websockets.exceptions import ConnectionClosed

        with self._lock:
            if len(self._open) >= MOST_PAGES:
                return
            self._open.add(connection)
        sender = PageSender(
            self._bus,
            connection.send,
            lambda: self._engine.version,
            lambda: state_of(self._engine),
            self._statistics,
        )
        try:
            connection.send(json.dumps({"is": "about", **self._about, "token": self.gate.token}))
            sender.start()
            self._listen(connection)
        except ConnectionClosed:
            pass
        finally:
            sender.stop()
            with self._lock:
                self._open.discard(connection)

    def _listen(self, connection: Any) -> None:
        refused = 0
        for message in connection:
            if self._bucket.take():
                fault, refused = obey(self._engine, message), 0
            else:
                fault, refused = "too many commands at once; the motion goes on", refused + 1
            if refused > _MOST_REFUSED:
                _cut(connection)  # a farewell would wait behind all that it has sent
                return
            if fault and refused <= 1:
                connection.send(json.dumps({"is": "fault", "text": fault}))


def state_of(engine: Engine) -> Dict[str, Any]:
    """What a page shows of the engine, where it changes seldom."""
    prompts = engine.prompts
    return {
        "wanted": {"number": prompts.wanted.number, "text": prompts.wanted.text},
        "showing": {"number": prompts.showing.number, "text": prompts.showing.text},
        "latency": prompts.last,
        "history": prompts.history,
        "paused": engine.paused,
        "seed": engine.seed,
        "guidance": engine.guidance,
        "note": engine.note,
    }


def _cut(connection: Any) -> None:
    """End a connection under whatever thread waits on it."""
    try:
        connection.socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended


def _websockets() -> Tuple[Any, Any]:
    """(serve, ServerConnection) of websockets. Raises UsageFault where it is not installed."""
    try:
        from websockets.sync.server import ServerConnection, serve
    except ImportError as error:
        raise UsageFault(
            f"websockets cannot be imported: {error}",
            "websockets 13.1 or newer, for the page",
            'pip install "dartenv[live]"',
        ) from None
    return serve, ServerConnection
