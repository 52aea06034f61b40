"""One file from the network: resumed, retried, verified, and only then given its name."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Optional

from dartenv.fetch.answers import RANGE, differs, refuse_page, refuse_status, version_of
from dartenv.fetch.limits import Broken, Clock, Limits, Speed, backoff
from dartenv.fetch.login import Login
from dartenv.fetch.part import Opener, Part
from dartenv.fetch.progress import Progress
from dartenv.fetch.remote import Fetched, FetchFault, Remote, megabytes, shown_url
from dartenv.fetch.transport import Answer, SessionFactory, new_session, open_url

if TYPE_CHECKING:
    import requests

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def _free(folder: Path) -> int:
    return shutil.disk_usage(str(folder)).free


@dataclass
class Tools:
    """What a download acts with; tests put their own in."""

    session: SessionFactory = new_session
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=Clock)
    free: Callable[[Path], int] = _free
    opener: Optional[Opener] = None


def download(
    remote: Remote,
    url: str,
    final: Path,
    tools: Tools,
    progress: Progress,
    login: Optional[Login] = None,
) -> Fetched:
    """Bring ``remote`` from ``url`` to the file ``final``.

    Takes up ``<final>.part`` where one is there and the server still has that version. Raises
    FetchFault when it cannot be had; ``final`` then is absent, and the part stays to be taken up.
    Raises Stopped when the clock was stopped.
    """
    return _Download(remote, url, final, tools, progress, login).whole()


class _Download:
    def __init__(
        self,
        remote: Remote,
        url: str,
        final: Path,
        tools: Tools,
        progress: Progress,
        login: Optional[Login],
    ) -> None:
        self.remote = remote
        self.url = url
        self.tools = tools
        self.limits, self.clock = tools.limits, tools.clock
        self.progress = progress
        self.login = login
        self.part = Part(final, remote.md5 is not None, tools.opener)
        self.notes: List[str] = []
        self.corrupt = 0
        self.forbidden_ranges = False
        self.total: Optional[int] = None  # as the server last said

    def whole(self) -> Fetched:
        """Attempts until the file is there or patience ends."""
        try:
            self.part.resume()
            with self.tools.session() as session:
                self._until_done(session)
            self._verified_on_disk()
        except OSError as error:
            raise self._disk_fault(error) from None
        finally:
            self.part.close()
        return Fetched(self.part.final, self.part.size, self.part.sha256, tuple(self.notes))

    def _until_done(self, session: requests.Session) -> None:
        attempts = barren = 0
        best = self.part.size  # what was had before and thrown away is no progress
        while True:
            try:
                self.clock.check()
                self._attempt(session)
                return
            except Broken as broken:
                self.part.settle()
                attempts += 1
                barren = 0 if self._got_on(best) else barren + 1
                best = max(best, self.part.size)
                if barren > self.limits.retries or attempts > self.limits.attempts:
                    raise self._given_up(broken, attempts) from None
                wait = self._wait(broken, barren)
                self.progress.retry(self.remote.key, str(broken), wait)
                self.clock.sleep(wait)

    def _attempt(self, session: requests.Session) -> None:
        part, remote = self.part, self.remote
        if remote.size is not None and remote.sure and part.size > remote.size:
            part.restart()
        if part.size and not self._resumable():
            part.restart()
        if part.size and part.size == remote.size:
            self._check_hashes()
            return
        answer = open_url(session, self.url, self._range_headers(), self.limits, self.login)
        try:
            self._receive(answer)
        finally:
            answer.close()
        self._check_hashes()

    def _resumable(self) -> bool:
        """Whether what follows can be told to be of the same version: by the server, or by hash."""
        if self.forbidden_ranges:
            return False
        if self.remote.sha256 or self.remote.md5:
            return True
        version = self.part.version
        return version is not None and bool(version.validator)

    def _range_headers(self) -> Dict[str, str]:
        if not self.part.size:
            return {}
        headers = {"Range": f"bytes={self.part.size}-"}
        version = self.part.version
        if version is not None and version.validator:
            headers["If-Range"] = version.validator
        return headers

    # One answer

    def _receive(self, answer: Answer) -> None:
        refuse_status(answer, self.remote, self.part, self.clock.time())
        if answer.status == 416:
            return  # all of it is here already; the hash has the last word
        chunk = answer.read()
        if answer.status == 200:
            refuse_page(chunk, answer, self.remote, self.part)
        total = self._started(answer)
        self._write_all(answer, chunk, total)
        if total is not None and self.part.size < total:
            raise Broken("dropped", f"the answer ended at {self.part.size} of {total} bytes")
        if not self.part.size:
            raise Broken("empty", "the answer was empty")

    def _write_all(self, answer: Answer, chunk: bytes, total: Optional[int]) -> None:
        self.total = total
        self.progress.total(self.remote.key, total, self.part.size)
        speed = Speed(self.limits, self.clock)
        while chunk:
            self.clock.check()
            if total is not None and self.part.size + len(chunk) > total:
                self.part.restart()
                raise Broken("size", f"more came than the {total} bytes announced")
            self.part.write(chunk)
            self.progress.advance(self.remote.key, len(chunk))
            speed.check(len(chunk))
            chunk = answer.read()

    def _started(self, answer: Answer) -> Optional[int]:
        """The size of the whole file as announced; the part is ready for what follows."""
        total = answer.length
        if answer.status == 206:
            total = self._continued(answer)
        elif self.part.size:
            self.part.restart()  # the whole file again: no ranges here, or another version
        version = version_of(answer, total)
        known = self.part.version
        if self.part.size and known is not None and differs(known, version):
            self.part.restart()
            raise Broken("changed", "the file changed on the server meanwhile")
        self._refuse_size(total)
        self._refuse_space(total)
        self.part.begin(version)
        return total

    def _continued(self, answer: Answer) -> Optional[int]:
        found = RANGE.match(answer.headers.get("Content-Range", ""))
        if found is None or found.group(1) is None or int(found.group(1)) != self.part.size:
            self.forbidden_ranges = True
            self.part.restart()
            raise Broken("range", "another range came than was asked for")
        return int(found.group(3)) if found.group(3) != "*" else None

    def _refuse_size(self, total: Optional[int]) -> None:
        wanted = self.remote.size
        if wanted is None or total is None or total == wanted:
            return
        words = f"{self.remote.name}: {total} bytes are offered, {wanted} expected"
        if not self.remote.sure:
            self._note(f"{words} (by one public listing)")
            return
        self.part.restart()
        raise FetchFault(
            "size", words, "the published file", f"look at {self.remote.page or self.remote.place}"
        )

    def _refuse_space(self, total: Optional[int]) -> None:
        folder = self.part.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        left = (total or self.remote.expected_bytes) - self.part.size
        free = self.tools.free(folder)
        if left + self.limits.margin > free:
            raise FetchFault(
                "disk-full",
                f"{folder}: {megabytes(free)} free",
                f"{megabytes(left + self.limits.margin)} for {self.remote.name}",
                "make room, or set DARTENV_STATE_DIR to a folder on another drive",
            )

    # The end

    def _check_hashes(self) -> None:
        """Raises Broken for bytes that are not those published; FetchFault when that repeats."""
        remote, part = self.remote, self.part
        pairs = [("SHA-256", remote.sha256, part.sha256), ("MD5", remote.md5, part.md5)]
        wrong = [(kind, w, f) for kind, w, f in pairs if w and w.lower() != f.lower()]
        if not wrong:
            return
        kind, wanted, found = wrong[0]
        words = f"{remote.name}: {kind} {found[:12]}..., expected {str(wanted).lower()[:12]}..."
        if not remote.sure:
            self._note(f"{words} (by one public listing)")
            return
        self.corrupt += 1
        part.restart()
        if self.corrupt > self.limits.corrupt:
            raise FetchFault(
                "hash",
                f"{words}, {self.corrupt} times over",
                f"the published file ({remote.place})",
                "try another network; a proxy may be changing it",
            )
        raise Broken("hash", "the bytes that came are not those published")

    def _verified_on_disk(self) -> None:
        self.part.sync()
        there = self.part.path.stat().st_size
        if there != self.part.size:
            raise FetchFault(
                "disk", f"{self.part.path}: {there} bytes", f"{self.part.size} written"
            )
        self.part.finish()

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # Patience

    def _got_on(self, before: int) -> bool:
        whole = self.total or self.remote.expected_bytes
        step = min(self.limits.progress_bytes, whole // 50) if whole else self.limits.progress_bytes
        return self.part.size - before >= max(step, 1)

    def _wait(self, broken: Broken, barren: int) -> float:
        wait = backoff(self.limits, barren, self.clock.random())
        if broken.after is None:
            return wait
        if broken.after > self.limits.longest_retry_after:
            raise FetchFault(
                "busy",
                f"{broken} and wants to be asked again in {broken.after:.0f} s",
                f"at most {self.limits.longest_retry_after:.0f} s",
                "run this again then; what is here is kept",
            ) from None
        return max(wait, broken.after)

    def _given_up(self, broken: Broken, attempts: int) -> FetchFault:
        kept = f"; {megabytes(self.part.size)} are kept to go on from" if self.part.size else ""
        return FetchFault(
            broken.reason,
            f"{self.remote.name}: {broken}; given up after {attempts} attempts{kept}",
            f"an answer from {shown_url(self.url)}",
            "run this again on a line that holds",
        )

    def _disk_fault(self, error: OSError) -> FetchFault:
        full = error.errno in _DISK_FULL
        words = "no space left on its drive" if full else (error.strerror or type(error).__name__)
        return FetchFault(
            "disk-full" if full else "disk",
            f"{self.part.path}: {words}",
            f"room for {self.remote.name}",
            "make room and run again: what is there is kept" if full else None,
        )
