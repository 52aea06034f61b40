"""What is personal in a text: the patterns that :mod:`dartenv.facts.redact` replaces."""

from __future__ import annotations

import re
from typing import Iterator, Tuple
from urllib.parse import quote, unquote

# The name below a folder of homes, which may be written in escapes. An apostrophe may be part of
# it (O'Brien), or end a quotation.
USER_FOLDER = re.compile(
    r"(?i)(?<=[\\/])(?:Users|home|Documents and Settings)[\\/]+"
    r"(u[0-9a-f]{4}(?:\\{1,2}u[0-9a-f]{4})*(?=[\\/\"'])"
    r"|(?:[^\\/:;\"'<>|]|'(?=[^\\/:;\"'<>|\s]+[\\/]))+)"
)
BARE_CREDENTIALS = re.compile(
    r"(?<![\w:/\\.@+-])[\w.+-]{2,}:[^\s/\\@:\"'<>]+(?=@[\w.-]+(?::\d+)?(?:[/\s\"']|$))"
)
_ESCAPED = re.compile(r"(?i)u[0-9a-f]{4}(?:\\{1,2}u[0-9a-f]{4})*")
TOKEN = re.compile(
    r"(?i)\b(?:gh[pousr]_[a-z0-9]{16,}|github_pat_\w{16,}|gl(?:pat|dt|rt)-[\w-]{16,}"
    r"|hf_[a-z0-9]{16,}|sk-[\w-]{16,}|pypi-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|npm_[a-z0-9]{20,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
)
BEARER = re.compile(r"(?i)\b(?:bearer|basic)\s+([\w+/=.~-]{8,})")
_SECRET = (
    r"pass(?:word|wd|phrase)?|pwd|(?:[a-z0-9]+[_-])*(?:token|secret)"
    r"|(?:[a-z0-9]+[_-])*(?:api|access|private)[_-]?key|auth|credentials?|sig"
)
SECRET_PAIR = re.compile(
    rf"(?i)\b(?:{_SECRET})[\"']?\s*[=:]\s*(\"[^\"]{{2,}}\"|'[^']{{2,}}'|[^\s&;,\"']{{3,}})"
)
SECRET_OPTION = re.compile(rf"(?i)(?<![\w-])--?(?:{_SECRET})\s+([^\s\"']{{3,}})")
SECRET_NAME = re.compile(rf"(?i)(?:^|[._-])(?:{_SECRET})$")
SECRET_FLAG = re.compile(rf"(?i)^--?(?:[a-z0-9]+[_-])*(?:{_SECRET})$")
MAIL = re.compile(r"[\w.+-]+(?<!\.git)@(?:[\w-]+\.)+[^\W\d_][\w-]+")
SERIAL = re.compile(
    r"(?i)\b(?:MIG-)?GPU-[0-9a-f-]{8,}\b|\bMIG-[0-9a-f-]{8,}\b"
    r"|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"  # volumes, machines
    r"|\b\d{5}-\d{5}-\d{5}-[0-9A-Z]{5}\b|\b(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}\b"  # Windows' own
    r"|\bS-1-5-21(?:-\d+){3,}\b|\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"  # accounts, network cards
)
CLOUD = re.compile(r"(?i)(?<=[\\/])(OneDrive - )([^\\/:;\"'<>|]+)")
OWNER = re.compile(r"(?<=[:/])[^/:@\s]+(?=/[^/:@\s]+/?$)")  # of a repository
URL_HOST = re.compile(r"(?<=://)((?:[^/@\s\"']*@)?)(\[[0-9a-fA-F:.]+\]|[^/@:\s\"'<>\[\]]+)")
SHARE = re.compile(r"((?<![\w:\\/])\\{2,4}|^//)(?![\\/?.])([^\\/\s:\"'<>|?*]+)(?=[\\/])")

PLACEHOLDER = re.compile(r"(?:user|用户)[- ]\d+$|(?:pypi\.)?redacted-\w+-\d+(?::hidden)?$")
# Names below a folder of homes that are nobody's.
SHARED = frozenset(("public", "default", "all users", "shared", "default user"))
# Names that machines give to folders and things: one that is called so is told nowhere else than
# below home, and replacing it there and in other paths would change what they mean.
_COMMON = (
    "root user users admin administrator ubuntu dart data envs env conda mamba micromamba "
    "anaconda3 miniconda3 miniforge3 bin lib lib64 opt usr var tmp temp home mnt media src etc proc srv "
    "work python site-packages scripts include share local windows linux darwin system32 program nvidia "
    "cuda cudnn gpu cpu cache clip torch numpy mld mvae model control diffusion utils visualize "
    "data_loaders config_files base none true false devices fixed network vae denoiser policy ok "
    "error missing needed repaired localhost host"
)
COMMON = frozenset(_COMMON.split())
# Servers of one's own that a name without a point, or one of these, stands for.
KEPT_HOSTS = frozenset(("localhost", "127.0.0.1", "[::1]", "0.0.0.0", "wsl$", "wsl.localhost"))
# Facts that hold sentences, in which a name may stand by itself.
PROSE = frozenset(
    ("reason", "error", "problem", "note", "notes", "tried", "mismatches", "environment")
)


def unspelled(name: str) -> str:
    """A name as :data:`USER_FOLDER` finds it, without the escapes of a URL or of JSON."""
    if _ESCAPED.fullmatch(name):
        return "".join(chr(int(code, 16)) for code in re.findall(r"u([0-9a-fA-F]{4})", name))
    return unquote(name)


def spellings(name: str) -> Iterator[Tuple[str, str]]:
    """``name`` as it may stand in a text: kind of spelling, spelling.

    ``plain``, and for a name outside ASCII its escapes (JSON's, a URL's) and what wrong decoding
    makes of it.
    """
    yield "plain", name
    if name.isascii():
        return
    escaped = name.encode("unicode_escape").decode("ascii")
    yield "escaped", escaped
    yield "escaped", escaped.replace("\\", "\\\\")
    yield "quoted", quote(name)
    for wrote, read in (
        ("utf-8", "gbk"),
        ("gbk", "latin-1"),
        ("utf-8", "latin-1"),
        ("gbk", "cp1252"),
    ):
        try:
            garbled = name.encode(wrote).decode(read)
        except UnicodeError:
            continue
        if len(garbled) > 1:
            yield "garbled", garbled
