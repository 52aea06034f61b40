"""What only the user can do for an asset, as a step that is shown."""

from __future__ import annotations

from typing import Tuple

from dartenv.assets.catalog import download_of
from dartenv.assets.spec import AssetsSpec, DownloadSpec
from dartenv.fetch.login import variables
from dartenv.fixes.steps import AnyStep, DisplayOnly, Safety

BY_HAND = ":by-hand"


def step_id(fixes: Tuple[str, ...], download_id: str) -> str:
    """The id of the step by hand for one download."""
    return f"{fixes[0]}:{download_id}{BY_HAND}"


def shown_step(
    spec: AssetsSpec, fixes: Tuple[str, ...], download: DownloadSpec, why: str
) -> AnyStep:
    """What to download, where, and the command that sorts it in."""
    name = download.file or "the folder (a browser makes several zips of it)"
    files = download.file or "FILE.zip ..."
    if download.merge is not None:
        other = download_of(spec, download.merge.hands_from)
        name += f" and {other.file}"
        files += f" {other.file}"
    commands = [f"dartenv assets import {files}"]
    if download.kind == "login":
        if download.merge is None:
            commands.append(f"dartenv assets fetch {download.id}")
        first, second = variables(download.login)
        why += f"; {first} and {second} would do"
    return DisplayOnly(
        id=step_id(fixes, download.id),
        fixes=fixes,
        reason=why,
        safety=Safety.DISPLAY_ONLY,
        text=f"download {name} from {download.page or download.url} for",
        commands=tuple(commands),
    )
