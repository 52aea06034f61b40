"""Downloads of a plan, brought and shown before its steps are done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Sequence

if TYPE_CHECKING:
    from dartenv.fetch.fetcher import Fetcher
    from dartenv.fetch.login import Login
    from dartenv.fixes.steps import AnyStep


def fetched(
    steps: Sequence[AnyStep],
    state: Path,
    login_of: Optional[Callable[[str], Optional[Login]]] = None,
) -> Fetcher:
    """A fetcher that has tried everything the steps download, several at once.

    What did not come is told when its step is done. The caller holds the lock of ``state``: two
    dartenvs must not write one part. Raises FetchFault where there is no room.
    """
    from dartenv.bring import remotes_of
    from dartenv.fetch.fetcher import Fetcher
    from dartenv.fetch.login import stored_login
    from dartenv.fetch.progress import Progress
    from dartenv.fixes.room import refuse_full_drives
    from dartenv.report.transfer import watching

    fetcher = Fetcher(state / "downloads", login_of=login_of or stored_login)
    remotes, begun = remotes_of(steps)
    if remotes:
        refuse_full_drives(steps, state)
        with watching(sys.stderr) as progress:
            fetcher.progress = progress
            fetcher.get_all(remotes, begun)
        fetcher.progress = Progress()
    return fetcher
