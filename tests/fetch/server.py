"""A server on loopback with every fault that a download meets, each on purpose."""

from __future__ import annotations

import http.server
import re
import ssl
import threading
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

ETAG = '"v1"'
MODIFIED = "Wed, 01 Feb 2023 00:00:00 GMT"
QUOTA = (
    b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head>"
    b"<body>Too many users have viewed or downloaded this file recently.</body></html>"
)
LOGIN = (
    b"<html><head><title>Sign In</title></head><body><form>"
    b'<input type="password" name="password"></form></body></html>'
)


@dataclass
class Fault:
    """How one file is served.

    ``drops`` are the offsets at which the connection is closed, each once. ``corrupt`` is how
    many whole answers have one byte changed. ``statuses`` are given first, one a request.
    """

    body: bytes
    drops: List[int] = field(default_factory=list)
    corrupt: int = 0
    statuses: List[int] = field(default_factory=list)
    retry_after: Optional[str] = None
    ranges: bool = True
    etag: str = ETAG
    modified: str = MODIFIED
    announced: Optional[int] = None  # a wrong Content-Length
    no_length: bool = False
    redirect: str = ""
    redirect_status: int = 302
    page: Optional[bytes] = None
    page_type: str = "text/html; charset=utf-8"
    trickle: bool = False  # one byte at a time, for ever
    stall: bool = False  # headers, then nothing
    login: Optional[Tuple[str, str]] = None
    new_body_after: int = 0  # from this request on the file is another version
    new_body: bytes = b""


@dataclass
class Seen:
    """One request."""

    method: str
    path: str
    range: str
    body: bytes
    headers: Dict[str, str]


class FaultServer:
    """``with FaultServer() as server:`` serves ``server.files`` at ``server.url(name)``."""

    def __init__(self, context: Optional[ssl.SSLContext] = None) -> None:
        self.files: Dict[str, Fault] = {}
        self.seen: List[Seen] = []
        self.ending = threading.Event()
        server = self

        class Handler(_Handler):
            faults = server

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.scheme = "http"
        if context is not None:
            self.scheme = "https"
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FaultServer:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.ending.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self._http.server_address[1]}/{name}"

    def requests(self, name: str) -> List[Seen]:
        return [one for one in self.seen if one.path == "/" + name]


class _Handler(http.server.BaseHTTPRequestHandler):
    faults: FaultServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def log_message(self, *_: Any) -> None:
        return

    def end_headers(self) -> None:
        self.send_header("Connection", "close")  # so that no client meets a connection half closed
        super().end_headers()

    def _serve(self, body: bytes) -> None:
        self.close_connection = True
        path = self.path.split("?")[0]
        asked = self.headers.get("Range", "")
        self.faults.seen.append(Seen(self.command, path, asked, body, dict(self.headers)))
        fault = self.faults.files.get(path[1:])
        if fault is None:
            self._status(404)
            return
        try:
            self._answer(fault, body, len(self.faults.requests(path[1:])))
        except (ConnectionError, ssl.SSLError):
            pass  # the client has gone

    def _status(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, fault: Fault, sent: bytes, count: int) -> None:
        if fault.statuses:
            more = {"Retry_After": fault.retry_after} if fault.retry_after else {}
            self._status(fault.statuses.pop(0), **more)
            return
        if fault.redirect:
            self._status(fault.redirect_status, Location=fault.redirect)
            return
        if fault.login is not None and not _right(sent, fault.login):
            self._page(LOGIN, "text/html")
            return
        if fault.page is not None:
            self._page(fault.page, fault.page_type)
            return
        body, etag = fault.body, fault.etag
        if fault.new_body_after and count >= fault.new_body_after:
            body, etag = fault.new_body, '"v2"'
        self._file(fault, body, etag)

    def _page(self, page: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _file(self, fault: Fault, body: bytes, etag: str) -> None:
        start = self._start(fault, body, etag)
        if start is None:
            self._status(416, Content_Range=f"bytes */{len(body)}")
            return
        if start:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if etag:
            self.send_header("ETag", etag)
        if fault.modified:
            self.send_header("Last-Modified", fault.modified)
        self.send_header("Content-Type", "application/octet-stream")
        left = body[start:]
        if not fault.no_length:
            self.send_header("Content-Length", str(fault.announced or len(left)))
        self.end_headers()
        if fault.stall:
            self.wfile.flush()
            self.faults.ending.wait(20)
            return
        if fault.trickle:
            for byte in left:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                # Else a busy reader finds thousands at once, and the answer is none too slow.
                if self.faults.ending.wait(0.001):
                    return
            return
        if fault.corrupt and not start:
            fault.corrupt -= 1
            left = left[:7] + bytes([left[7] ^ 1]) + left[8:]
        drop = next((one for one in sorted(fault.drops) if one > start), None)
        if drop is not None:
            fault.drops.remove(drop)
            left = left[: drop - start]
        self.wfile.write(left)

    def _start(self, fault: Fault, body: bytes, etag: str) -> Optional[int]:
        """Where to begin; ``None`` where the range cannot be."""
        found = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not found or not fault.ranges:
            return 0
        if condition is not None and condition not in (etag, fault.modified):
            return 0
        start = int(found.group(1))
        return start if start < len(body) else None


def _right(sent: bytes, login: Tuple[str, str]) -> bool:
    from urllib.parse import parse_qs

    fields = parse_qs(sent.decode("ascii"))
    return (fields.get("username"), fields.get("password")) == ([login[0]], [login[1]])
