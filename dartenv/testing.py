"""Machines written down, for tests of probes: here, and in packages that extend dartenv."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from dartenv.facts.runner import Completed
from dartenv.facts.windows import RegistryNames, RegistryValue


@dataclass
class Call:
    """One program that was started."""

    argv: Tuple[str, ...]
    timeout: float
    env: Optional[Mapping[str, str]]
    cwd: Optional[str]


@dataclass
class ScriptedRunner:
    """A runner whose programs answer what was written down; it starts none.

    ``answers`` maps the beginning of a command line (the program, or the program and some
    arguments, separated by a space) to bytes or a :class:`Completed`; the longest beginning
    counts. A program that is not written down is "not-found".
    """

    answers: Mapping[str, Union[bytes, Completed]] = field(default_factory=dict)
    calls: List[Call] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        """Answer for ``argv`` and remember the call."""
        self.calls.append(Call(tuple(argv), timeout, env, cwd))
        line = " ".join(argv)
        fitting = [start for start in self.answers if line.startswith(start)]
        if not fitting:
            return Completed(argv, None, failure="not-found")
        answer = self.answers[max(fitting, key=len)]
        return Completed(argv, 0, answer) if isinstance(answer, bytes) else answer

    @property
    def programs(self) -> List[str]:
        """What was started, in order."""
        return [call.argv[0] for call in self.calls]


def hung(limit: float = 8.0) -> Completed:
    """A program that did not end within its limit."""
    return Completed((), None, failure="timeout", seconds=limit)


def ended(rc: int, out: bytes = b"", err: bytes = b"") -> Completed:
    """A program that ended with ``rc``."""
    return Completed((), rc, out, err)


class ScriptedRegistry:
    r"""A registry: ``{r"HKLM\SOFTWARE\X": {"Name": value}}``.

    A key whose content is a string cannot be read, for that reason.
    """

    def __init__(self, keys: Mapping[str, Union[str, Mapping[str, Any]]]) -> None:
        self._keys = dict(keys)
        self._lower: Dict[str, str] = {key.lower(): key for key in keys}

    def _content(self, key: str) -> Union[str, Mapping[str, Any]]:
        return self._keys.get(self._lower.get(key.lower(), ""), {})

    def value(self, key: str, name: str) -> RegistryValue:
        """The value, or the key's fault."""
        content = self._content(key)
        if isinstance(content, str):
            return RegistryValue(problem=f"{key}: {content}")
        return RegistryValue(content.get(name))

    def subkeys(self, key: str) -> RegistryNames:
        """The keys directly below."""
        content = self._content(key)
        if isinstance(content, str):
            return RegistryNames(problem=f"{key}: {content}")
        start = len(key) + 1
        below = (
            one[start:] for low, one in self._lower.items() if low.startswith(key.lower() + "\\")
        )
        return RegistryNames(tuple(name for name in below if "\\" not in name))

    def values(self, key: str) -> RegistryNames:
        """The names of the key's values."""
        content = self._content(key)
        if isinstance(content, str):
            return RegistryNames(problem=f"{key}: {content}")
        return RegistryNames(tuple(content))
