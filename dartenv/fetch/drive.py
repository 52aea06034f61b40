"""What lies in a shared Google Drive folder, by the optional package gdown.

gdown lists; the files themselves come the same way as every other one, resumed and verified.
"""

from __future__ import annotations

import inspect
from pathlib import PurePosixPath
from typing import Any, Callable, Dict, List, Sequence

from dartenv.fetch.remote import FetchFault, Remote

# The address of a folder -> path within it -> file id.
Lister = Callable[[str], Dict[str, str]]


def list_folder(url: str) -> Dict[str, str]:
    """Every file of the folder, path within it to id. Raises FetchFault."""
    try:
        import gdown
    except ImportError:
        raise FetchFault(
            "gdown",
            "gdown is not installed here, which lists the Drive folder",
            "dartenv with its extra for assets",
            'pip install "dartenv[assets]", or download the folder in a browser and run '
            "dartenv assets import FILE.zip ...",
        ) from None
    wanted: Dict[str, Any] = {"quiet": True, "use_cookies": False, "skip_download": True}
    # gdown 5 stops at 50 files in a folder unless told otherwise; 6 has neither limit nor flag.
    wanted["remaining_ok"] = True
    wanted.update(retries=3, timeout=30.0)
    known = inspect.signature(gdown.download_folder).parameters
    try:
        found = gdown.download_folder(
            url=url, output=".", **{name: value for name, value in wanted.items() if name in known}
        )
    except Exception as error:  # gdown has its own errors, requests' and plain ones
        raise FetchFault(
            "drive",
            f"the Drive folder cannot be listed ({type(error).__name__})",
            f"the folder {url}",
            "open it in a browser; what you download there: dartenv assets import FILE.zip ...",
        ) from None
    if not found:
        raise FetchFault("drive", "the Drive folder lists no file", f"files in {url}")
    return {str(PurePosixPath(*_parts(one.path))): str(one.id) for one in found}


def _parts(path: str) -> List[str]:
    return [part for part in str(path).replace("\\", "/").split("/") if part not in ("", ".")]


def file_address(remote: Remote, listing: Dict[str, str]) -> str:
    """The address of ``remote`` in its folder. Raises FetchFault where it is not there."""
    wanted = _parts(remote.name)
    endings = [path for path in listing if _parts(path)[-len(wanted) :] == wanted]
    if len(endings) == 1:
        return remote.file_url.replace("{id}", listing[endings[0]])
    problem = "is there more than once" if endings else "is not there"
    raise FetchFault(
        "drive",
        f"{remote.name} {problem}; the folder holds {_some(sorted(listing))}",
        f"the file in {remote.url}",
        f"look at {remote.page or remote.url} in a browser",
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
