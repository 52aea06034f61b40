"""What an answer says before its bytes count: refused, a page, another version."""

from __future__ import annotations

import re
from typing import Optional

from dartenv.fetch.limits import Broken, retry_after
from dartenv.fetch.pages import LONGEST, looks_like_page, page_fault
from dartenv.fetch.part import Part, Version
from dartenv.fetch.remote import FetchFault, Remote, shown_url
from dartenv.fetch.transport import Answer

RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
AGAIN = (408, 425, 429, 500, 502, 503, 504)


def refuse_status(answer: Answer, remote: Remote, part: Part, now: float) -> None:
    """Raises Broken or FetchFault for an answer that brings no bytes of the file.

    With 416 it returns where all bytes are here already, by the server's own count.
    """
    status, where = answer.status, shown_url(answer.url)
    if status in (200, 206):
        encoding = answer.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("", "identity"):
            raise FetchFault("encoding", f"{where} sends {encoding}", "the bytes of the file")
        return
    if status == 416:
        found = RANGE.match(answer.headers.get("Content-Range", ""))
        known = remote.sha256 or remote.md5
        if known and found is not None and found.group(3) == str(part.size):
            return
        part.restart()
        raise Broken("range", "the part here is no part of the file there")
    if status in AGAIN:
        after = retry_after(answer.headers.get("Retry-After"), now)
        raise Broken("busy", f"{where} answers {status}", after)
    if status in (401, 403) and remote.kind == "login":
        raise FetchFault(
            "login",
            f"{where} answers {status}: the login was not taken",
            f"the user name and password registered at {remote.page or where}",
            "check the login in a browser, then run this again",
        )
    raise FetchFault(
        "status",
        f"{where} answers {status}",
        f"{remote.name} (status 200)",
        f"look at {remote.page or where} in a browser",
    )


def refuse_page(chunk: bytes, answer: Answer, remote: Remote, part: Part) -> None:
    """Raises FetchFault where the body, which begins with ``chunk``, is a web page."""
    kind = answer.headers.get("Content-Type", "")
    if not looks_like_page(chunk, kind) or remote.name.lower().endswith((".html", ".htm")):
        return
    page = chunk
    while len(page) < LONGEST:
        more = answer.read()
        if not more:
            break
        page += more
    part.restart()
    raise page_fault(page, remote, shown_url(answer.url))


def version_of(answer: Answer, total: Optional[int]) -> Version:
    """What the server calls the file that it sends."""
    return Version(
        address=shown_url(answer.url),
        etag=answer.headers.get("ETag", ""),
        modified=answer.headers.get("Last-Modified", ""),
        total=total,
    )


def differs(known: Version, now: Version) -> bool:
    """Whether the server names another version; the address may be another mirror's."""
    pairs = [(known.etag, now.etag), (known.total, now.total)]
    if not (known.etag and now.etag):
        pairs.append((known.modified, now.modified))
    return any(a and b and a != b for a, b in pairs)
