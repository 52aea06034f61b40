"""Which names of an archive may become files, on Windows and elsewhere alike.

A name is refused by the rules of every system at once: an archive is right here only when it is
right on a Windows machine too.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Dict, Iterable, List, Optional, Tuple

LONGEST_PART = 255
LONGEST_NAME = 1024
DEEPEST = 32
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
# Also with an extension, with blanks before it, and with the superscript digits.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])$", re.I)
_DRIVE = re.compile(r"^[A-Za-z]:")


def parts_of(name: str) -> Tuple[str, ...]:
    """The parts of a member's name; ``\\`` parts it as well, ``.`` and doubled ``/`` go."""
    return tuple(p for p in name.replace("\\", "/").split("/") if p not in ("", "."))


def name_fault(name: str) -> Optional[str]:
    """Why a member must not have this name, in a few words; ``None`` where it may."""
    plain = name.replace("\\", "/")
    if "\x00" in plain:
        return "a zero byte in its name"
    if plain.startswith("/") or _DRIVE.match(plain):
        return "an absolute path"
    parts = parts_of(plain)
    if not parts:
        return "no name"
    if ".." in parts:
        return "it leads out of the folder (..)"
    if len(plain) > LONGEST_NAME or len(parts) > DEEPEST:
        return "a path too long to be meant"
    for part in parts:
        fault = _part_fault(part)
        if fault is not None:
            return fault
    return None


def _part_fault(part: str) -> Optional[str]:
    forbidden = _FORBIDDEN.search(part)
    if forbidden:
        return f"{forbidden.group()!a} in its name, which Windows forbids"
    if part.endswith((" ", ".")):
        return "a blank or dot at the end of a name, which Windows drops"
    if _DEVICES.match(part.split(".")[0].rstrip(" ")):
        return f"{part!a} is a device on Windows"
    if len(part.encode("utf-8", "surrogatepass")) > LONGEST_PART:
        return "a name too long for a file system"
    if any(0xD800 <= ord(character) <= 0xDFFF for character in part):
        return "a name that is not Unicode"
    return None


def collisions(names: Iterable[Tuple[str, bool]]) -> List[str]:
    """Names that would be one file on Windows or macOS, or a file where a folder must be.

    ``names`` come with whether each is a folder.
    """
    seen: Dict[str, Tuple[str, bool]] = {}
    found: List[str] = []
    for name, folder in names:
        parts = parts_of(name)
        for depth in range(1, len(parts)):
            key = folded(parts[:depth])
            known = seen.setdefault(key, ("/".join(parts[:depth]), True))
            if not known[1]:
                found.append(f"{name}: {known[0]} is a file")
            elif known[0] != "/".join(parts[:depth]):
                found.append(f"{'/'.join(parts[:depth])} and {known[0]} are one folder on Windows")
        key, mine = folded(parts), "/".join(parts)
        if key in seen and not (folder and seen[key] == (mine, True)):
            other = seen[key][0]
            same = other == mine
            found.append(f"{mine} twice" if same else f"{mine} and {other} are one on Windows")
        seen.setdefault(key, (mine, folder))
    return list(dict.fromkeys(found))


def folded(parts: Iterable[str]) -> str:
    """A name as file systems that ignore case compare it."""
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def decoded(raw: bytes) -> str:
    """A zip name without the UTF-8 mark: UTF-8 where it is, else GBK, else code page 437.

    Windows in Chinese writes GBK; GBK text is hardly ever valid UTF-8.
    """
    for encoding in ("utf-8", "gbk"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437")
