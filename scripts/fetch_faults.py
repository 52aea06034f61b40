"""Every fault of the network, one after the other, against a server on loopback:

    python scripts/fetch_faults.py [--markdown]

For each: what came of it, how many requests it took, how long dartenv would have waited (the
clock is a false one), and what is kept for the next run. Exit code 1 where a file came that is
not the right one, or none came where it could have.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import importlib.util
import io
import os
import random
import ssl
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Dict, List, NamedTuple, Optional, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dartenv.fetch.download import Tools
from dartenv.fetch.fetcher import Fetcher
from dartenv.fetch.limits import Clock, Limits
from dartenv.fetch.remote import FetchFault, Remote

HERE = Path(__file__).resolve().parent
SIZE = 1_000_000
BODY = random.Random(1).getrandbits(8 * SIZE).to_bytes(SIZE, "little")
TENTHS = [SIZE * tenth // 10 for tenth in range(1, 10)]
PAGE = b"<!DOCTYPE html><html><head><title>Quota exceeded</title></head></html>"
GOOD, NONE = "the right file", "none"


class Case(NamedTuple):
    """One fault and what has to come of it."""

    name: str
    wanted: str
    fault: Dict[str, Any]
    tick: float = 0.0
    room: Optional[int] = None
    tls: bool = False


CASES = [
    Case("nothing wrong", GOOD, {}),
    *(Case(f"drop at {n}0 %", GOOD, {"drops": [at]}) for n, at in enumerate(TENTHS, 1)),
    Case("drop at every tenth in turn", GOOD, {"drops": list(TENTHS)}),
    Case("drop at byte 5, always, no ranges", NONE, {"drops": [5] * 999, "ranges": False}),
    Case("one byte corrupt, once", GOOD, {"corrupt": 1}),
    Case("one byte corrupt, always", NONE, {"corrupt": 999}),
    Case("more announced than is published", NONE, {"announced": SIZE + 10}),
    Case("less announced than is published", NONE, {"body": BODY[:-10]}),
    Case("no ranges, drop at half", GOOD, {"ranges": False, "drops": [SIZE // 2]}),
    Case("endless redirect", NONE, {"redirect": "SELF"}),
    Case("slow-loris, a byte a second", NONE, {"trickle": True}, tick=1.0),
    Case("silence after the headers", NONE, {"stall": True}),
    Case("429 twice, Retry-After 17", GOOD, {"statuses": [429, 429], "retry_after": "17"}),
    Case("503 twice, Retry-After 17", GOOD, {"statuses": [503, 503], "retry_after": "17"}),
    Case("503, Retry-After a day", NONE, {"statuses": [503] * 99, "retry_after": "86400"}),
    Case("503 always", NONE, {"statuses": [503] * 99}),
    Case("404", NONE, {"statuses": [404] * 99}),
    Case("HTML with status 200", NONE, {"page": PAGE}),
    Case("self-signed certificate", NONE, {}, tls=True),
    Case("disk full at 40 %", NONE, {}, room=SIZE * 4 // 10),
]


class FalseClock(Clock):
    """Time passes by waiting, or by ``tick`` a look."""

    def __init__(self, tick: float) -> None:
        super().__init__()
        self.now, self.tick, self.waited = 1.7e9, tick, 0.0

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now

    def time(self) -> float:
        return self.now

    def random(self) -> float:
        return 0.5

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waited += seconds


class FullFile(io.RawIOBase):
    """A file on a disk that has ``room`` bytes left."""

    def __init__(self, path: Path, room: List[int]) -> None:
        super().__init__()
        self._file, self._room = path.open("ab"), room

    def write(self, data: Any) -> int:
        taken = self._file.write(data[: self._room[0]])
        self._file.flush()
        self._room[0] -= taken
        if taken < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return taken

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
        super().close()


def server_module() -> Any:
    """The fault server of the tests."""
    spec = importlib.util.spec_from_file_location(
        "fault_server", str(HERE.parent / "tests" / "fetch" / "server.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fault_server"] = module
    spec.loader.exec_module(module)
    return module


def self_signed() -> Optional[ssl.SSLContext]:
    """A certificate that nobody trusts; ``None`` without trustme."""
    try:
        import trustme
    except ImportError:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def measured(case: Case, module: Any, folder: Path) -> Optional[List[str]]:
    """One row: fault, what came, requests, seconds waited, bytes kept; ``None`` where it is
    skipped."""
    context = self_signed() if case.tls else None
    if case.tls and context is None:
        return None
    room = [case.room or 0]

    def opener(path: Path, mode: str) -> IO[bytes]:
        return FullFile(path, room)  # type: ignore[return-value]

    clock = FalseClock(case.tick)
    limits = Limits(read=0.2, margin=0)
    tools = Tools(limits=limits, clock=clock, opener=opener if case.room else None)
    with module.FaultServer(context) as server:
        fault = dict(case.fault)
        if fault.get("redirect"):
            fault["redirect"] = server.url("file")
        server.files["file"] = module.Fault(fault.pop("body", BODY), **fault)
        remote = Remote(
            id="case",
            kind="http",
            url=server.url("file"),
            name="file",
            size=SIZE,
            sha256=hashlib.sha256(BODY).hexdigest(),
        )
        fetcher = Fetcher(folder, tools)
        reason = ""
        try:
            path = fetcher.get(remote).path
            came = GOOD if path.read_bytes() == BODY else "A WRONG FILE"
        except FetchFault as found:
            came, reason = (
                (NONE if not fetcher.place(remote).exists() else "A FILE LEFT"),
                found.reason,
            )
        place = fetcher.place(remote)
        part = place.with_name(place.name + ".part")
        kept = part.stat().st_size if part.exists() else 0
        verdict = came if came == case.wanted else f"{came}, WANTED {case.wanted}"
        requests = str(len(server.seen))
    shown = f"{verdict} ({reason})" if reason else verdict
    return [case.name, shown, requests, f"{clock.waited:.0f}", f"{kept:,}" if kept else "-"]


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args(argv)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    module = server_module()
    rows = [["fault", "what came", "requests", "waited, s", "kept, bytes"]]
    with tempfile.TemporaryDirectory(prefix="dartenv-faults-") as made:
        for number, case in enumerate(CASES):
            row = measured(case, module, Path(made, str(number)))
            if row is not None:
                rows.append(row)
    if options.markdown:
        rows.insert(1, ["---"] * 5)
        print("\n".join("| " + " | ".join(row) + " |" for row in rows))
    else:
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        for row in rows:
            print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    wrong = [row for row in rows if any(word in row[1] for word in ("WRONG", "LEFT", "WANTED"))]
    limits = Limits()
    print(
        f"\nstated: {limits.retries} retries in a row without progress, {limits.corrupt} more after "
        f"corrupt bytes, {limits.redirects} redirects; {len(rows) - 1} faults, {len(wrong)} wrong",
        file=sys.stderr,
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
