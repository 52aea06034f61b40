"""Facts that can be shared: names and secrets replaced by stable placeholders.

A placeholder keeps what checks look at: a name with a space becomes one with a space, a name
outside ASCII becomes one outside ASCII. The same name becomes the same placeholder everywhere,
so two paths below one home folder stay below one home folder.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Pattern, Tuple
from urllib.parse import quote

import msgspec

from dartenv.facts import redact_rules as rules
from dartenv.facts.addresses import CONDA_TOKEN, CREDENTIALS
from dartenv.facts.model import Facts, Redaction
from dartenv.facts.redact_names import placeholders, user_names, vocabulary
from dartenv.manifests.compat_tools import ToolsTable
from dartenv.manifests.loader import Manifests

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "pip_proxy")

Replacer = Callable[["re.Match[str]"], str]


def redact(facts: Facts, env: Optional[Mapping[str, str]] = None) -> Facts:
    """``facts`` with user names, host names, proxies, credentials, tokens, mail addresses and
    serials replaced; what was replaced is counted in :attr:`Facts.redactions`.

    ``env`` is the environment that the facts were taken in: its proxies are hidden as well.
    """
    table = Manifests().read("compat", "tools", ToolsTable)
    data = msgspec.json.decode(msgspec.json.encode(facts))
    earlier = data.pop("redactions", [])
    worker = _Redactor(facts, data, env or {}, table)
    data = worker.walk(data)
    data["redactions"] = [*earlier, *(msgspec.to_builtins(item) for item in worker.summary())]
    before, after = facts.target.dart_root, data["target"]["dart_root"]
    if before is not None and after != before and facts.target.root_length is None:
        # How long paths will become is judged by the real one.
        data["target"]["root_length"] = len(before)
    return msgspec.convert(data, Facts)


class _Redactor:
    def __init__(self, facts: Facts, data: Any, env: Mapping[str, str], table: ToolsTable) -> None:
        self._names: Dict[Tuple[str, str], str] = {}
        self._counts: Dict[Tuple[str, str], int] = {}
        self._public = table.public_hosts
        self._owners = table.public_owners
        self._taken = placeholders(data)
        self._vocabulary = vocabulary(facts)
        self._words: List[Tuple[Pattern[str], Replacer]] = []
        self._prose: List[Tuple[Pattern[str], Replacer]] = []
        host = facts.host
        names = user_names(facts, data)
        for name in names:
            self._placeholder("user", name, count=False)
        for name in sorted(names, key=len, reverse=True):
            self._know_user(name)
        if host is not None and host.hostname:
            self._know_host(host.hostname)
        for value in (v for k, v in env.items() if k.lower() in _PROXIES and v):
            self._know_proxy(value)

    # What is known beforehand

    def _know_user(self, name: str) -> None:
        """Look for ``name`` as a folder on other drives as well, as in /data/NAME/DART."""
        if name.lower() in self._vocabulary:
            return
        for kind, spelling in rules.spellings(name):
            body = re.escape(spelling)
            replace = self._user(name, quoted=kind == "quoted")
            if kind != "plain" or (not name.isascii() and len(name) > 1):
                self._words.append((re.compile(body), replace))
                continue
            folder = rf"(?i)(?<=[\\/~:@]){body}(?=[\\/\"'\s,;:)\]]|$)"
            self._words.append((re.compile(folder), replace))
            if len(name) > 1:
                at = rf"(?i)(?<![\w.@-]){body}(?=@[\w-])"
                self._words.append((re.compile(at), replace))
            if len(name) > 2:
                word = rf"(?i)(?<![\w.-]){body}(?![\w-])"
                self._prose.append((re.compile(word), replace))

    def _know_host(self, name: str) -> None:
        for part in dict.fromkeys((name, name.split(".")[0])):
            if len(part) < 4 or part.lower() in self._vocabulary:
                continue
            pattern = re.compile(rf"(?i)(?<![\w.-]){re.escape(part)}(?![\w-])")
            self._words.append((pattern, self._as("host")))

    def _know_proxy(self, value: str) -> None:
        server = value.split("://")[-1].split("@")[-1].split("/")[0].rsplit(":", 1)[0]
        if server and not self._is_public(server):
            pattern = re.compile(rf"(?i)(?<![\w.-]){re.escape(server)}(?![\w-])")
            self._words.append((pattern, self._as("proxy")))

    # Going through

    def walk(self, node: Any, prose: bool = False) -> Any:
        """A copy of plain data with every string, and every mapping's key, cleaned."""
        if isinstance(node, str):
            return self._text(node, prose)
        if isinstance(node, dict):
            return {
                self._text(k) if isinstance(k, str) else k: self._field(k, v, node)
                for k, v in node.items()
            }
        if isinstance(node, (list, tuple)):
            return [
                self._placeholder("secret", item)
                if number and isinstance(item, str) and _is_flag(node[number - 1])
                else self.walk(item, prose)
                for number, item in enumerate(node)
            ]
        return node

    def summary(self) -> List[Redaction]:
        """What was replaced: kind and placeholder, never the name itself."""
        return [
            Redaction(kind=kind, placeholder=self._names[kind, name], count=count)
            for (kind, name), count in sorted(self._counts.items(), key=lambda i: self._names[i[0]])
        ]

    def _field(self, key: Any, value: Any, around: Mapping[Any, Any]) -> Any:
        if isinstance(value, str) and value:
            if key == "user":
                return self._placeholder("user", value.replace("/", "\\").split("\\")[-1])
            if key == "hostname":
                return self._placeholder("host", value)
            # A setting of pip or git: its name stands beside its value.
            name = around.get("key") if key == "value" else key
            last = name.rsplit(".", 1)[-1] if isinstance(name, str) else ""
            if rules.SECRET_NAME.search(last) and not value.isdigit():
                return self._placeholder("secret", value)
            if key == "git_remote":
                value = rules.OWNER.sub(self._owner, value)
            if last == "proxy":
                return self._proxy(value)
            if last == "trusted-host":
                server, colon, port = value.partition(":")
                return self._server(server) + colon + port
            if key == "name" and "is_base" in around:  # a conda environment, called as its folder
                return self._text(value, prose=True)
        return self.walk(value, prose=key in rules.PROSE)

    def _text(self, text: str, prose: bool = False) -> str:
        text = CREDENTIALS.sub(self._credentials, text)
        text = rules.BARE_CREDENTIALS.sub(self._credentials, text)
        text = rules.SECRET_PAIR.sub(self._inner("secret"), text)
        text = rules.SECRET_OPTION.sub(self._inner("secret"), text)
        text = rules.BEARER.sub(self._inner("token"), text)
        text = rules.TOKEN.sub(self._as("token"), text)
        text = CONDA_TOKEN.sub(self._as("token"), text)
        for pattern, replace in self._words:
            text = pattern.sub(replace, text)
        text = rules.USER_FOLDER.sub(self._user_folder, text)
        text = rules.MAIL.sub(self._mail, text)
        text = rules.SERIAL.sub(self._as("serial"), text)
        text = rules.CLOUD.sub(
            lambda m: m.group(1) + self._placeholder("company", m.group(2)), text
        )
        text = rules.URL_HOST.sub(lambda m: m.group(1) + self._server(m.group(2)), text)
        text = rules.SHARE.sub(lambda m: m.group(1) + self._server(m.group(2)), text)
        for pattern, replace in self._prose if prose else ():
            text = pattern.sub(replace, text)
        return text

    # Single replacements

    def _as(self, kind: str) -> Replacer:
        return lambda match: self._placeholder(kind, match.group())

    def _inner(self, kind: str) -> Replacer:
        """Only the group is secret; quotation marks around it stay."""

        def replace(match: re.Match[str]) -> str:
            value = match.group(1)
            mark = value[0] if value[0] in "\"'" else ""
            inner = self._placeholder(kind, value.strip(mark) if mark else value)
            start = match.start(1) - match.start()
            return match.group()[:start] + mark + inner + mark

        return replace

    def _user(self, name: str, quoted: bool = False) -> Replacer:
        def replace(_: re.Match[str]) -> str:
            placeholder = self._placeholder("user", name)
            return quote(placeholder) if quoted else placeholder

        return replace

    def _user_folder(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name.lower() in rules.SHARED:
            return match.group()
        start = match.start(1) - match.start()
        plain = rules.unspelled(name)
        placeholder = self._placeholder("user", plain)
        return match.group()[:start] + (quote(placeholder) if "%" in name else placeholder)

    def _credentials(self, match: re.Match[str]) -> str:
        """A name alone, or a name and a password: which of the two is what pip.index asks."""
        text = match.group()
        if text.lower() == "git" or rules.PLACEHOLDER.match(text):
            return text
        return self._placeholder("credentials", text) + (":hidden" if ":" in text else "")

    def _mail(self, match: re.Match[str]) -> str:
        name, _, server = match.group().partition("@")
        if (
            name == "hidden"
            or rules.PLACEHOLDER.match(name)
            or (name.lower() == "git" and self._is_public(server))
        ):
            return match.group()
        return self._placeholder("mail", match.group())

    def _owner(self, match: re.Match[str]) -> str:
        """Whose fork it is."""
        name = match.group()
        return name if name.lower() in self._owners else self._placeholder("user", name)

    def _proxy(self, value: str) -> str:
        head, scheme, rest = value.rpartition("://")
        who, at, where = rest.rpartition("@")
        server, colon, port = where.partition(":")
        if who and not rules.PLACEHOLDER.match(who):
            who = self._placeholder("credentials", who) + (":hidden" if ":" in who else "")
        return head + scheme + who + at + self._placeholder("proxy", server) + colon + port

    def _server(self, name: str) -> str:
        if self._is_public(name):
            return name
        hidden = self._placeholder("host", name)
        # What makes a channel a Python index may stand in the name of its server.
        is_index = name.lower().startswith("pypi") and not hidden.startswith("pypi")
        return f"pypi.{hidden}" if is_index else hidden

    def _is_public(self, server: str) -> bool:
        low = server.lower()
        return low in rules.KEPT_HOSTS or any(
            low == one or low.endswith("." + one) for one in self._public
        )

    def _placeholder(self, kind: str, name: str, count: bool = True) -> str:
        if rules.PLACEHOLDER.match(name):
            return name  # facts that were redacted before stay as they are
        key = (kind, name if kind in ("credentials", "secret", "token") else name.lower())
        if key not in self._names:
            number = sum(k == kind for k, _ in self._names) + 1
            while _shaped(kind, number, name).lower() in self._taken:
                number += 1
            self._names[key] = _shaped(kind, number, name)
            self._taken.add(self._names[key].lower())
        if count:
            self._counts[key] = self._counts.get(key, 0) + 1
        return self._names[key]


def _is_flag(value: Any) -> bool:
    return isinstance(value, str) and rules.SECRET_FLAG.match(value) is not None


def _shaped(kind: str, number: int, name: str) -> str:
    """A placeholder that a check of characters treats like the name."""
    if kind != "user":
        return f"redacted-{kind}-{number}"
    gap = " " if " " in name else "-"
    word = "user" if name.isascii() else "用户"
    return f"{word}{gap}{number}"
