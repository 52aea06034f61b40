"""Several downloads at once, each asked for once a run, into one folder."""

from __future__ import annotations

import concurrent.futures
import hashlib
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Sequence, Union

from dartenv.fetch.download import Tools, download
from dartenv.fetch.drive import Lister, file_address, list_folder
from dartenv.fetch.login import Login, stored_login
from dartenv.fetch.part import seed
from dartenv.fetch.progress import Progress
from dartenv.fetch.remote import Fetched, FetchFault, Remote, megabytes
from dartenv.longpath import CHUNK, native

Outcome = Union[Fetched, FetchFault]
LoginOf = Callable[[str], Optional[Login]]


@dataclass
class Fetcher:
    """Fetches remotes into ``folder``; what came, and what did not, is remembered for this run.

    A file that is wanted later finds itself there already; one that could not be had is not
    asked for again.
    """

    folder: Path
    tools: Tools = field(default_factory=Tools)
    login_of: LoginOf = stored_login
    lister: Lister = list_folder
    progress: Progress = field(default_factory=Progress)
    _outcomes: Dict[str, Outcome] = field(default_factory=dict)
    _listings: Dict[str, Union[Dict[str, str], FetchFault]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self, remote: Remote) -> Path:
        """Where ``remote`` comes to lie."""
        return self.folder / _safe(remote.id) / _safe(remote.name)

    def get(self, remote: Remote, begun: Optional[str] = None) -> Fetched:
        """Bring ``remote``; ``begun`` is a file that holds its beginning. Raises FetchFault."""
        outcome = self._outcomes.get(remote.key)
        if outcome is None or (isinstance(outcome, Fetched) and not outcome.path.exists()):
            outcome = self._outcomes[remote.key] = self._outcome(remote, begun)
        if isinstance(outcome, FetchFault):
            raise outcome
        return outcome

    def get_all(
        self, remotes: Sequence[Remote], begun: Optional[Mapping[str, str]] = None
    ) -> Dict[str, Outcome]:
        """Bring all of them, several at once: outcomes by key. Raises Stopped.

        Ctrl-C lets every download put its bytes down before it goes on as KeyboardInterrupt.
        """
        unique = list({remote.key: remote for remote in remotes}.values())
        self._refuse_space(unique)
        several = max(1, self.tools.limits.several)
        with concurrent.futures.ThreadPoolExecutor(several, "dartenv-fetch") as pool:
            futures = {
                remote.key: pool.submit(self._quiet, remote, (begun or {}).get(remote.key))
                for remote in unique
            }
            try:
                # In slices: on Windows a wait without an end does not hear Ctrl-C.
                while concurrent.futures.wait(futures.values(), timeout=0.2).not_done:
                    continue
                return {key: future.result() for key, future in futures.items()}
            except BaseException:
                self.tools.clock.stop()
                for future in futures.values():
                    future.cancel()
                raise

    def _quiet(self, remote: Remote, begun: Optional[str]) -> Outcome:
        try:
            return self.get(remote, begun)
        except FetchFault as fault:
            return fault

    def _outcome(self, remote: Remote, begun: Optional[str]) -> Outcome:
        self.progress.start(remote.key, remote.name, remote.expected_bytes or None)
        try:
            found = self._bring(remote, begun)
        except FetchFault as fault:
            self.progress.done(remote.key, str(fault))
            return fault
        self.progress.done(remote.key)
        return found

    def _bring(self, remote: Remote, begun: Optional[str]) -> Fetched:
        final = self.place(remote)
        already = _already(final, remote)
        if already is not None:
            return already
        if begun is not None:
            try:
                seed(final, begun)
            except OSError:
                pass  # then it comes from the beginning
        url, login = remote.url, None
        if remote.kind == "drive-folder":
            url = file_address(remote, self._listing(remote.url))
        elif remote.kind == "login":
            login = self.login_of(remote.login)
            if login is None:
                raise no_login(remote)
        return download(remote, url, final, self.tools, self.progress, login)

    def _listing(self, url: str) -> Dict[str, str]:
        with self._lock:
            found = self._listings.get(url)
            if found is None:
                try:
                    found = self.lister(url)
                except FetchFault as fault:
                    found = fault
                self._listings[url] = found
        if isinstance(found, FetchFault):
            raise found
        return found

    def _refuse_space(self, remotes: Sequence[Remote]) -> None:
        """All of them together must fit: found out before the first byte. Raises FetchFault."""
        self.folder.mkdir(parents=True, exist_ok=True)
        left = sum(max(0, r.expected_bytes - self._have(r)) for r in remotes)
        free = self.tools.free(self.folder)
        if left and left + self.tools.limits.margin > free:
            raise FetchFault(
                "disk-full",
                f"{self.folder}: {megabytes(free)} free",
                f"{megabytes(left + self.tools.limits.margin)} for {len(remotes)} downloads",
                "make room, or set DARTENV_STATE_DIR to a folder on another drive",
            )

    def _have(self, remote: Remote) -> int:
        final = str(self.place(remote))
        for path in (native(final), native(final + ".part")):
            try:
                return path.stat().st_size
            except OSError:
                continue
        return 0

    def outcome(self, remote: Remote) -> Optional[Outcome]:
        """What became of ``remote`` in this run; ``None`` where it was not asked for."""
        return self._outcomes.get(remote.key)

    def forget(self, remote: Remote) -> None:
        """Remove what the download folder holds of ``remote``. Never raises."""
        self._outcomes.pop(remote.key, None)
        final = str(self.place(remote))
        for path in (final, final + ".part", final + ".part.json"):
            try:
                native(path).unlink()
            except OSError:
                pass


def _already(final: Path, remote: Remote) -> Optional[Fetched]:
    """The file of an earlier run: it has its name only because it was whole."""
    path = native(str(final))
    digest, md5, size = hashlib.sha256(), hashlib.md5(), 0
    try:
        with path.open("rb") as stream:
            for chunk in iter(lambda: stream.read(CHUNK), b""):
                digest.update(chunk)
                if remote.md5:
                    md5.update(chunk)
                size += len(chunk)
    except OSError:
        return None
    fits = not remote.sure or (
        (remote.size is None or remote.size == size)
        and (remote.sha256 is None or remote.sha256.lower() == digest.hexdigest())
        and (remote.md5 is None or remote.md5.lower() == md5.hexdigest())
    )
    if fits:
        return Fetched(final, size, digest.hexdigest())
    try:
        path.unlink()
    except OSError:
        pass
    return None


def _safe(name: str) -> str:
    """``name`` as one name of the download folder, on every system."""
    plain = re.sub(r"[^A-Za-z0-9.+-]", "_", name)[-80:]
    if plain == name:
        return plain
    return f"{hashlib.sha256(name.encode('utf-8')).hexdigest()[:8]}-{plain}"


def no_login(remote: Remote) -> FetchFault:
    """The fault of a licensed file without a login: page, file and what to do with it."""
    from dartenv.fetch.login import variables

    names = " and ".join(variables(remote.login))
    return FetchFault(
        "no-login",
        f"{remote.name} is licensed ({remote.licence or 'see its page'}), and no login is known",
        f"your own login for {remote.page or remote.place}",
        f"download {remote.name} there and run dartenv assets import {remote.name}, "
        f"or run dartenv assets fetch {remote.id} on a terminal, or set {names}",
    )
