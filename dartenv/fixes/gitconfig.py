"""Taking ``http.sslverify = false`` out of git's configuration files.

git reads its files as bytes, and so does this: a line in any encoding stays as it is.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Union

from dartenv.checks.hardware import is_windows
from dartenv.facts.model import Facts, TargetFacts
from dartenv.facts.tools import NO_VERIFY, is_off
from dartenv.fixes.file_steps import Unreadable, possible, read_bytes, write_step
from dartenv.fixes.paths import key as path_key
from dartenv.fixes.paths import real
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, fixer
from dartenv.fixes.steps import AnyStep, DisplayOnly
from dartenv.manifests.loader import Manifests

FIX = "git.tls"
_BOM = "\xef\xbb\xbf"  # UTF-8's mark, as Latin-1 shows it
_HEADER = re.compile(r'[ \t]*\[[ \t]*([-.\w]+)(?:[ \t]+"(?:[^"\\\r\n]|\\.)*")?[ \t]*\]', re.ASCII)
_SETTING = re.compile(r"([ \t]*)sslverify([ \t]*=[ \t]*(.*?))?[ \t]*\Z", re.ASCII | re.IGNORECASE)


class Line(NamedTuple):
    """One line: what stays of it if its setting goes, and whether that setting is "off"."""

    text: str
    kept: str
    off: bool


@fixer(FIX)
def plan_tls(facts: Facts, manifests: Manifests, target: TargetFacts) -> Planned:
    """A step for each file that turns the check off; a variable is only shown."""
    found: List[Union[AnyStep, Refusal]] = []
    files: Dict[str, str] = {}
    for value in facts.git.values if facts.git is not None else ():
        if is_off(value.value) and value.where == NO_VERIFY:
            found.append(_variable(is_windows(facts.host)))
        elif is_off(value.value):
            files.setdefault(path_key(real(value.where)), value.where)
    for path in files.values():
        data = read_bytes(path)
        if data is None:
            continue
        if isinstance(data, Unreadable):
            found.append(Refusal(fix=FIX, reason=data.reason, path=path))
            continue
        new = without_off(data)
        if new == data:
            reason = "http.sslverify is not where it was: remove it by hand"
            found.append(Refusal(fix=FIX, reason=reason, path=path))
            continue
        reason = "let git check the servers it talks to"
        looked = possible(write_step((FIX,), path, data, new, reason), path)
        found += looked if isinstance(looked, tuple) else (looked,)
    return found


def without_off(data: bytes) -> bytes:
    """``data`` without the settings of http sections that turn ``sslverify`` off.

    A section that is left without settings keeps its header.
    """
    lines = _lines(data.decode("latin-1"))
    return "".join(line.kept if line.off else line.text for line in lines).encode("latin-1")


def _lines(text: str) -> List[Line]:
    found: List[Line] = []
    http = continued = False
    for line in re.findall(r"[^\n]*\n|[^\n]+\Z", text):
        body = line.rstrip("\r\n")
        start = len(_BOM) if not found and body.startswith(_BOM) else 0
        if continued:
            continued = _continues(body)
            found.append(Line(line, line, False))
            continue
        header = _HEADER.match(body, start)
        if header is not None:
            http = header.group(1).lower().split(".")[0] == "http"
            start = header.end()
        setting = _SETTING.match(body, start)
        comment = body[start:].lstrip()[:1] in ("#", ";")
        continued = not comment and _continues(body)
        off = http and not continued and setting is not None and _off(setting.group(3))
        kept = line[: header.end()] + line[len(body) :] if header is not None else ""
        found.append(Line(line, kept, off))
    return found


def _off(raw: Union[str, None]) -> bool:
    """Whether the text after the ``=`` is a boolean that says no; without ``=`` it says yes."""
    if raw is None:
        return False
    return is_off(re.split("[#;]", raw)[0].strip().strip('"'))


def _continues(body: str) -> bool:
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _variable(windows: bool) -> DisplayOnly:
    registered = f'reg delete "HKCU\\Environment" /v {NO_VERIFY} /f'
    return DisplayOnly(
        id=f"{FIX}:{NO_VERIFY}",
        fixes=(FIX,),
        reason=f"{NO_VERIFY} turns the check off, whatever the files say",
        text=f"unset {NO_VERIFY}, here and where it is set for every shell",
        commands=(f"set {NO_VERIFY}=", registered) if windows else (f"unset {NO_VERIFY}",),
    )
