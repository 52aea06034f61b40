"""Variables that an environment sets when it is activated, read from dartenv's scripts in it.

conda runs what lies in ``etc/conda/activate.d``; a virtual environment has no such folder, so
dartenv puts a script beside its own, ``dartenv-activate``, that calls it. The script of the
system's own shell is the record: one line a variable, in one spelling, which :func:`parse_bat`
and :func:`parse_sh` read back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Dict, NamedTuple, Optional

from dartenv.facts.model import InterpreterFacts

CONDA_NAME = "dartenv"
VENV_NAME = "dartenv-activate"
_MAX_BYTES = 200_000

_BAT_LINE = re.compile(r'^@(?:if defined ([A-Za-z]\w*) @)?set "([A-Za-z]\w*)=(.*)"$')
_SH_LINE = re.compile(
    r"^(?:\[ -z \"\$\{([A-Za-z]\w*)-\}\" \] \|\| )?export ([A-Za-z]\w*)='(.*)'$", re.ASCII
)


class Variable(NamedTuple):
    """A value; ``when`` names a variable that must be there for it to be set."""

    value: str
    when: str = ""


@dataclass(frozen=True)
class Home:
    """The folder of an environment, in the spelling of its machine."""

    prefix: str
    conda: bool
    windows: bool

    def path(self, *parts: str) -> str:
        """A path below the folder."""
        folder: PurePath = PureWindowsPath(self.prefix)
        if not self.windows:
            folder = PurePosixPath(self.prefix)
        return str(folder.joinpath(*parts))

    @property
    def record(self) -> str:
        """The script that says which variables are set."""
        ending = ".bat" if self.windows else ".sh"
        if self.conda:
            return self.path("etc", "conda", "activate.d", CONDA_NAME + ending)
        return self.path(VENV_NAME + ending)


def home_of(interpreter: InterpreterFacts) -> Optional[Home]:
    """The environment of ``interpreter``; ``None`` for conda's base and a Python without one."""
    windows = (interpreter.platform or "").startswith("win")
    if interpreter.conda_prefix:
        if interpreter.environment == "conda base":
            return None
        return Home(interpreter.conda_prefix, conda=True, windows=windows)
    if interpreter.in_venv and interpreter.prefix:
        return Home(interpreter.prefix, conda=False, windows=windows)
    return None


def read_activation(interpreter: InterpreterFacts) -> Dict[str, str]:
    """What a new shell of the environment will have; nothing where that cannot be read."""
    home = home_of(interpreter)
    if home is None:
        return {}
    try:
        with Path(home.record).open("rb") as stream:
            text = stream.read(_MAX_BYTES).decode("utf-8", errors="replace")
    except (OSError, ValueError):
        return {}
    return {name: one.value for name, one in parse_script(text, home.windows).items()}


def parse_script(text: str, windows: bool) -> Dict[str, Variable]:
    """The variables of a record."""
    return parse_bat(text) if windows else parse_sh(text)


def parse_bat(text: str) -> Dict[str, Variable]:
    """Lines as ``@set "NAME=value"``, or ``@if defined OTHER @set "NAME=value"``."""
    found: Dict[str, Variable] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        match = _BAT_LINE.match(line)
        if match is not None:
            value = match.group(3).replace("%%", "%")
            found[match.group(2)] = Variable(value, match.group(1) or "")
    return found


def parse_sh(text: str) -> Dict[str, Variable]:
    """Lines as ``export NAME='value'``, after a test of another variable where there is one."""
    found: Dict[str, Variable] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        match = _SH_LINE.match(line)
        if match is not None:
            value = match.group(3).replace("'\\''", "'")
            found[match.group(2)] = Variable(value, match.group(1) or "")
    return found
