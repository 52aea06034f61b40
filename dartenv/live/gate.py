"""Who may load the page and who may speak to the motion.

The server listens on loopback alone, but every page that a browser on this machine has open can
reach it. So the Host header must be loopback's own name (against DNS that is bound anew), a
WebSocket's Origin must be this server's page, and a token must be known that only the console
shows. The token comes in the address's fragment, which browsers do not send, and is no cookie, which
they would send by themselves.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import List, Optional
from urllib.parse import parse_qs

NAMES = ("127.0.0.1", "localhost")


class Gate:
    """The rules for a server at ``port``."""

    def __init__(self, port: int) -> None:
        self.hosts = [f"{name}:{port}" for name in NAMES]
        self.origins = [f"http://{host}" for host in self.hosts]
        self.token = secrets.token_urlsafe(24)
        # Given to a browser on its command line, which others can read: it works once.
        self._once: Optional[str] = secrets.token_urlsafe(24)
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """What the console shows."""
        return f"{self.origins[0]}/#token={self.token}"

    def once_address(self) -> str:
        """The same for one use, for a browser that dartenv opens."""
        with self._lock:
            self._once = secrets.token_urlsafe(24)
            return f"{self.origins[0]}/#once={self._once}"

    def host_fault(self, hosts: List[str]) -> str:
        """ "" or why a request with these Host headers is turned away."""
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return "the Host header is not this server's own address"
        return ""

    def socket_fault(self, origins: List[str], query: str) -> str:
        """ "" or why a WebSocket is turned away. A program sends no Origin; a browser always does."""
        if origins and (len(origins) != 1 or origins[0].lower() not in self.origins):
            return "the Origin is not this server's own page"
        try:
            given = parse_qs(query, max_num_fields=4)
        except ValueError:
            given = {}
        if self._known(given.get("token", [])) or self._known_once(given.get("once", [])):
            return ""
        return "the token is not the one that the console shows"

    def _known(self, given: List[str]) -> bool:
        return len(given) == 1 and _same(given[0], self.token)

    def _known_once(self, given: List[str]) -> bool:
        with self._lock:
            if self._once is None or len(given) != 1 or not _same(given[0], self._once):
                return False
            self._once = None
            return True


def _same(one: str, other: str) -> bool:
    """Compare in a time that says nothing about where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8"))
