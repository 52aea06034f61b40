"""pip's and git's settings, read from their files and variables without running either."""

from __future__ import annotations

import configparser
import os
import re
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

from dartenv.facts import places
from dartenv.facts.model import ConfigValue, FileProblem, GitFacts, PipFacts
from dartenv.facts.probed import Probed
from dartenv.manifests.compat_tools import ToolsTable

_SECTION = re.compile(r'^\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*$')
_SETTING = re.compile(r"^\s*([A-Za-z][\w-]*)\s*(?:=\s*(.*?))?\s*$")
_MAX_BYTES = 1_000_000
NO_VERIFY = "GIT_SSL_NO_VERIFY"


def probe_pip(
    env: Mapping[str, str], table: ToolsTable, is_windows: bool = os.name == "nt"
) -> Probed[PipFacts]:
    """pip's index settings, files in pip's order, then PIP_* variables, which win."""
    values: List[ConfigValue] = []
    problems: List[FileProblem] = []
    files = places.expand_all(table.pip_windows if is_windows else table.pip_posix, env)
    for path in files:
        text = _read(path, problems)
        if text is None:
            continue
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(text)
        except configparser.Error as error:
            first = str(error).splitlines()[0]
            problems.append(FileProblem(path=path, reason=f"not a pip configuration: {first}"))
            continue
        for section in parser.sections():
            for key in table.pip_keys:
                if parser.has_option(section, key):
                    values.extend(
                        ConfigValue(key=f"{section}.{key}", value=one, where=path)
                        for one in parser.get(section, key).split()
                    )
    for key in table.pip_keys:
        variable = "PIP_" + key.upper().replace("-", "_")
        for one in (places.lookup(env, variable) or "").split():
            values.append(ConfigValue(key=f"env.{key}", value=one, where=variable))
    return Probed(PipFacts(values=tuple(values), problems=tuple(problems)))


def probe_git(
    env: Mapping[str, str], table: ToolsTable, is_windows: bool = os.name == "nt"
) -> Probed[GitFacts]:
    """``http.sslverify`` as the user's and the system's git configuration have it."""
    values: List[ConfigValue] = []
    problems: List[FileProblem] = []
    for path in places.expand_all(table.git_windows if is_windows else table.git_posix, env):
        text = _read(path, problems)
        if text is not None:
            values.extend(_ssl_values(text, path))
    no_verify = places.lookup(env, NO_VERIFY)
    if no_verify is not None:
        values.append(ConfigValue(key="http.sslverify", value="false", where=NO_VERIFY))
    return Probed(GitFacts(values=tuple(values), problems=tuple(problems)))


def _ssl_values(text: str, path: str) -> List[ConfigValue]:
    found: List[ConfigValue] = []
    section: Optional[str] = None
    for line in text.splitlines():
        header = _SECTION.match(line)
        if header is not None:
            name, sub = header.group(1).lower(), header.group(2)
            section = f"{name}.{sub}" if sub else name
            continue
        setting = _SETTING.match(line)
        if section is None or setting is None or line.lstrip()[:1] in "#;":
            continue
        if setting.group(1).lower() == "sslverify" and section.split(".")[0] == "http":
            raw = setting.group(2)
            value = "true" if raw is None else raw.split("#")[0].split(";")[0].strip().strip('"')
            found.append(ConfigValue(key=f"{section}.sslverify", value=value.lower(), where=path))
    return found


def _read(path: str, problems: List[FileProblem]) -> Optional[str]:
    obstacle = places.obstacle(path)
    if obstacle is not None:
        problems.append(FileProblem(path=path, reason=obstacle))
    if obstacle is not None or not places.is_file(path):
        return None
    try:
        size = Path(path).stat().st_size
        if size > _MAX_BYTES:
            problems.append(FileProblem(path=path, reason=f"{size} bytes, too many to be read"))
            return None
        data = Path(path).read_bytes()
    except OSError as error:
        problems.append(FileProblem(path=path, reason=f"cannot be read: {error.strerror}"))
        return None
    return places.decoded(data, "utf-8-sig", "gbk")


def is_off(value: str) -> bool:
    """Whether a git boolean says no."""
    return value.lower() in ("false", "no", "off", "0", "")


def named(values: Sequence[ConfigValue], key: str) -> List[ConfigValue]:
    """Settings called ``key`` in any section."""
    return [v for v in values if v.key.rsplit(".", 1)[-1] == key]
