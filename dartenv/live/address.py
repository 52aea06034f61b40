"""HOST:PORT as it is given on the command line."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

from dartenv.errors import UsageFault


class Target(NamedTuple):
    """Where datagrams go: a numeric address, and the name it was given as."""

    address: str
    port: int
    family: int
    name: str

    @property
    def is_here(self) -> bool:
        """Whether it is this machine's own loopback."""
        return ipaddress.ip_address(self.address.split("%")[0]).is_loopback

    def __str__(self) -> str:
        return f"{self.name}:{self.port}"


def target(text: str, option: str) -> Target:
    """``text`` as HOST:PORT, or PORT on this machine. UsageFault: no port, no such host."""
    host, colon, port_text = text.strip().rpartition(":")
    if not colon:
        host = "127.0.0.1"
    host = host.strip("[]") or "127.0.0.1"
    if not port_text.isascii() or not port_text.isdigit() or not 1 <= int(port_text) <= 65535:
        raise UsageFault(f"{option} {text}", "HOST:PORT with a port from 1 to 65535")
    try:
        found = socket.getaddrinfo(host, int(port_text), type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageFault(
            f"{option} {text}: {host}: {reason}", "a host that is known here"
        ) from None
    family, _, _, _, address = found[0]
    return Target(str(address[0]), int(port_text), int(family), host)


def check_port(port: int, option: str) -> int:
    """``port`` to listen on: 0 lets the system choose. Raises UsageFault."""
    if not 0 <= port <= 65535:
        raise UsageFault(f"{option} {port}", "0 (the system's choice) to 65535")
    return port


def listen(port: int, option: str) -> socket.socket:
    """A socket that listens on this machine alone. UsageFault: the port is taken."""
    try:
        return socket.create_server(("127.0.0.1", check_port(port, option)))
    except OSError as error:
        raise UsageFault(
            f"{option} {port}: {error.strerror or error}", "a port that is free", f"{option} 0"
        ) from None
