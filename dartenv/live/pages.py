"""The files of the page, read once, and the headers that they are sent with."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

FOLDER = Path(__file__).resolve().parent / "assets"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)


class Page(NamedTuple):
    """A file as it is sent."""

    body: bytes
    headers: List[Tuple[str, str]]


def pages(origins: List[str]) -> Dict[str, Page]:
    """Every file by its path in the address; nothing else can be asked for."""
    found: Dict[str, Page] = {}
    for path in sorted(FOLDER.rglob("*")):
        kind = _TYPES.get(path.suffix)
        if kind is None or not path.is_file():
            continue
        body = path.read_bytes()
        if path.suffix != ".js":
            body = body.replace(b"\r\n", b"\n")
        headers = [
            ("Content-Type", kind),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        if path.suffix == ".html":
            headers += [
                ("Content-Security-Policy", _policy(body, origins)),
                ("Cross-Origin-Opener-Policy", "same-origin"),
            ]
        found["/" + path.relative_to(FOLDER).as_posix()] = Page(body, headers)
    found["/"] = found["/index.html"]
    return found


def _policy(body: bytes, origins: List[str]) -> str:
    """Nothing but this server's own files; the one script inside the page by its hash."""
    inside = _IMPORT_MAP.search(body)
    digest = base64.b64encode(hashlib.sha256(inside.group(1) if inside else b"").digest()).decode()
    sockets = " ".join(origin.replace("http:", "ws:") for origin in origins)
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
        f"img-src 'self'; connect-src {sockets}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
