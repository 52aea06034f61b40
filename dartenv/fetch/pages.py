"""A web page in place of the file: what it says, as the reason that the file did not come."""

from __future__ import annotations

import re
from typing import Optional

from dartenv.assets.sniff import is_html
from dartenv.fetch.remote import FetchFault, Remote

LONGEST = 1 << 16  # of a page that is looked at
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})</title>", re.I)
# Google Drive's page when a file was fetched too often that day.
_QUOTA = re.compile(r"quota exceeded|too many (?:users|accesses)|download quota", re.I)
_LOGIN = re.compile(r"type=[\"']?password|sign[ -]?in|log[ -]?in|password", re.I)


def looks_like_page(head: bytes, content_type: str) -> bool:
    """Whether a body that begins with ``head`` is a page and not the file."""
    if is_html(head):
        return True
    return content_type.split(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")


def page_fault(page: bytes, remote: Remote, url: str) -> FetchFault:
    """Why ``page`` came in place of ``remote``."""
    text = page.decode("utf-8", "replace")
    title = _title(text)
    shown = f' titled "{title}"' if title else ""
    where = f"{remote.name} from {url}"
    if _QUOTA.search(text):
        return FetchFault(
            "quota",
            f"{where}: Google Drive gives it out no more today (a web page{shown} came instead)",
            "the file",
            f"try again tomorrow, or download it in a browser from {remote.page or remote.url} "
            "and run dartenv assets import FILE.zip",
        )
    if remote.kind == "login":
        return FetchFault(
            "login",
            f"{where}: the login was not taken (a web page{shown} came instead of the file)",
            f"the user name and password registered at {remote.page or remote.url}, "
            "with its licence accepted",
            "check the login in a browser, then run this again",
        )
    why = "a login or portal page" if _LOGIN.search(text) else "a web page"
    return FetchFault(
        "html",
        f"{where}: {why}{shown} came instead of the file",
        "the file itself",
        "open the address in a browser: a proxy or portal may want an answer first",
    )


def _title(text: str) -> Optional[str]:
    found = _TITLE.search(text)
    return " ".join(found.group(1).split())[:80] if found else None
