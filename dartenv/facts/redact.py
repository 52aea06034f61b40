"""Facts that can be shared: names and secrets replaced by stable placeholders.

A placeholder keeps what checks look at: a name with a space becomes one with a space, a name
outside ASCII becomes one outside ASCII. The same name becomes the same placeholder everywhere,
so two paths below one home folder stay below one home folder.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Pattern, Tuple

import msgspec

from dartenv.facts.model import Facts, Redaction

_USER_FOLDER = re.compile(
    r"(?i)(?<=[\\/])(?:Users|home|Documents and Settings)[\\/]+([^\\/:;\"'<>|]+)"
)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_TOKEN = re.compile(
    r"(?i)\b(?:gh[pousr]_[a-z0-9]{16,}|github_pat_\w{16,}|hf_[a-z0-9]{16,}|sk-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{16}|ey[\w-]{16,}\.[\w-]+\.[\w-]*)"
)
_SECRET_PAIR = re.compile(
    r"(?i)\b((?:pass(?:word|wd)?|token|secret|api_?key|auth)\s*[=:]\s*)([^\s&;,\"']{3,})"
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_UUID = re.compile(r"\bGPU-[0-9a-fA-F-]{8,}\b")
_PLACEHOLDER = re.compile(r"(?:user|用户)[- ]\d+$|redacted-\w+-\d+$")
_SHARED = frozenset(("public", "default", "all users", "shared"))
# User names that are also common names of folders: elsewhere than below home they tell nothing.
_COMMON = frozenset(("root", "user", "admin", "administrator", "ubuntu", "dart", "data", "envs"))


def redact(facts: Facts) -> Facts:
    """``facts`` with user names, host names, credentials, tokens, mail addresses and serials
    replaced; what was replaced is counted in :attr:`Facts.redactions`."""
    worker = _Redactor(facts)
    data = worker.walk(msgspec.json.decode(msgspec.json.encode(facts)))
    data["redactions"] = [msgspec.to_builtins(item) for item in worker.summary()]
    return msgspec.convert(data, Facts)


class _Redactor:
    def __init__(self, facts: Facts) -> None:
        self._names: Dict[Tuple[str, str], str] = {}
        self._counts: Dict[Tuple[str, str], int] = {}
        self._hostname = facts.host.hostname if facts.host is not None else None
        self._user = facts.host.user if facts.host is not None else None
        self._words: List[Tuple[Pattern[str], str]] = []
        if self._hostname and len(self._hostname) > 3:
            self._words.append(
                (re.compile(r"(?<![\w.-])" + re.escape(self._hostname) + r"(?![\w-])"), "host")
            )
        if self._user and len(self._user) > 1 and self._user.lower() not in _COMMON:
            # A folder of that name lies on other drives as well: /data/NAME/DART.
            folder = r"(?i)(?<=[\\/])" + re.escape(self._user) + r"(?=[\\/]|$)"
            self._words.append((re.compile(folder), "user"))

    def walk(self, node: Any) -> Any:
        """A copy of plain data with every string, and every mapping's key, cleaned."""
        if isinstance(node, str):
            return self._text(node)
        if isinstance(node, dict):
            return {
                self._text(k) if isinstance(k, str) else k: self._field(k, v)
                for k, v in node.items()
            }
        if isinstance(node, (list, tuple)):
            return [self.walk(item) for item in node]
        return node

    def summary(self) -> List[Redaction]:
        """What was replaced: kind and placeholder, never the name itself."""
        return [
            Redaction(kind=kind, placeholder=self._names[kind, name], count=count)
            for (kind, name), count in sorted(self._counts.items(), key=lambda i: self._names[i[0]])
        ]

    def _field(self, key: Any, value: Any) -> Any:
        if key in ("user", "hostname") and isinstance(value, str) and value:
            return self._placeholder("user" if key == "user" else "host", value)
        return self.walk(value)

    def _text(self, text: str) -> str:
        text = _USER_FOLDER.sub(self._user_folder, text)
        text = _CREDENTIALS.sub(lambda m: self._placeholder("credentials", m.group()), text)
        text = _TOKEN.sub(lambda m: self._placeholder("token", m.group()), text)
        text = _SECRET_PAIR.sub(
            lambda m: m.group(1) + self._placeholder("secret", m.group(2)), text
        )
        text = _MAIL.sub(lambda m: self._placeholder("mail", m.group()), text)
        text = _UUID.sub(lambda m: self._placeholder("serial", m.group()), text)
        for pattern, kind in self._words:
            text = pattern.sub(lambda m, kind=kind: self._placeholder(kind, m.group()), text)  # type: ignore[misc]
        return text

    def _user_folder(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name.lower() in _SHARED:
            return match.group()
        start = match.start(1) - match.start()
        return match.group()[:start] + self._placeholder("user", name)

    def _placeholder(self, kind: str, name: str) -> str:
        key = (kind, name.lower() if kind == "user" else name)
        if _PLACEHOLDER.match(name):
            return name  # facts that were redacted before stay as they are
        if key not in self._names:
            number = sum(k == kind for k, _ in self._names) + 1
            self._names[key] = _shaped(kind, number, name)
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._names[key]


def _shaped(kind: str, number: int, name: str) -> str:
    """A placeholder that a check of characters treats like the name."""
    if kind != "user":
        return f"redacted-{kind}-{number}"
    gap = " " if " " in name else "-"
    word = "user" if name.isascii() else "用户"
    return f"{word}{gap}{number}"
