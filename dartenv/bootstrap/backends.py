"""What makes the environment: conda and its kin, uv, or the standard library's venv.

Each is used as it is on the machine. Where one is missing that is said; none is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple, Union

from dartenv.bootstrap.pythons import BasePython, ask, find_python
from dartenv.errors import UsageFault
from dartenv.facts.model import CondaFacts
from dartenv.facts.runner import Runner, SubprocessRunner, clean_env
from dartenv.install.settings import InstallConfig
from dartenv.install.tools import find_uv, on_path
from dartenv.manifests.schema import Profile
from dartenv.target import environment_python

CONDA_KINDS = ("conda", "mamba", "micromamba")
BACKENDS = ("auto", *CONDA_KINDS, "uv", "venv")
# Never a mirror of a Python index: conda reads channels alone.
CHANNEL = "conda-forge"


@dataclass(frozen=True)
class Backend:
    """How the environment is made: ``kind``, the Python it will hold, and the command."""

    kind: str
    python: str  # "3.8.10" where known, else "3.8"
    program: str  # the tool's own path, or the Python's
    why: str = ""

    def command(self, prefix: str) -> List[str]:
        """The command that makes ``prefix``."""
        if self.kind == "venv":
            return [self.program, "-m", "venv", prefix]
        if self.kind == "uv":
            python = ["--python", self.python, "--no-python-downloads"]
            return [self.program, "venv", "--no-project", "--no-progress", *python, prefix]
        channel = ["--override-channels", "-c", CHANNEL]
        return [
            self.program,
            "create",
            "--yes",
            "-p",
            prefix,
            *channel,
            f"python={self.python}",
            "pip",
        ]

    def executable(self, prefix: str, windows: bool) -> str:
        """Where the environment's interpreter will be."""
        found = environment_python(Path(prefix))
        if found is not None:
            return str(found)
        if self.kind in CONDA_KINDS:
            parts: Tuple[str, ...] = ("python.exe",) if windows else ("bin", "python")
        else:
            parts = ("Scripts", "python.exe") if windows else ("bin", "python")
        return str(Path(prefix, *parts))


class Choosing:
    """Chooses a backend for a profile; ``conda`` gives the facts of conda when they are needed."""

    def __init__(
        self,
        profile: Profile,
        settings: InstallConfig,
        conda: Callable[[], Optional[CondaFacts]],
        runner: Optional[Runner] = None,
    ) -> None:
        self.profile = profile
        self.settings = settings
        self.conda = conda
        self.runner = runner or SubprocessRunner()

    def choose(self, asked: str, python: Optional[str]) -> Backend:
        """The backend asked for, or the first that can make the profile's Python.

        ``python`` is a version ("3.8") or an interpreter. Raises UsageFault where none can, with
        what is missing from each.
        """
        if asked not in BACKENDS:
            raise UsageFault(f"--backend {asked!r}", "one of: " + ", ".join(BACKENDS))
        base = self._given(python)
        wanted = self._versions(python, base)
        exact = self.profile.python_reference
        order: Sequence[str] = (asked,)
        if asked == "auto":
            order = ("uv", "venv", "conda")
            if self.profile.backend == "conda":
                order = ("conda",)
        missing: List[str] = []
        for kind in order:
            found = self._try(kind, wanted, base, exact, any_conda=asked == "auto")
            if isinstance(found, Backend):
                return found
            missing.append(found)
        raise UsageFault(
            "no environment can be made: " + "; ".join(missing),
            f"Python {' or '.join(wanted)} (profile {self.profile.id}), or a tool that brings one",
            "install one of them, or name a Python: dartenv bootstrap --python EXE",
        )

    def _try(
        self,
        kind: str,
        wanted: Sequence[str],
        base: Optional[BasePython],
        exact: Optional[str],
        any_conda: bool,
    ) -> Union[Backend, str]:
        if kind == "venv":
            found = base or find_python(wanted, self.runner, exact)
            if found is None:
                return f"no Python {' or '.join(wanted)} with venv is on this machine"
            if not found.venv:
                return f"{found.executable} has no venv or no ensurepip"
            return Backend("venv", found.version, found.executable)
        if kind == "uv":
            return self._uv(wanted, base)
        return self._conda(kind, wanted, exact, any_conda)

    def _uv(self, wanted: Sequence[str], base: Optional[BasePython]) -> Union[Backend, str]:
        uv = find_uv(self.settings)
        if uv is None:
            return "uv is not on PATH"
        if base is not None:
            return Backend("uv", base.executable, uv)
        for minor in wanted:
            done = self.runner.run(
                [uv, "python", "find", "--no-project", "--no-python-downloads", minor],
                30.0,
                env=clean_env(),
            )
            if done.ok and done.text().strip():
                found = ask(done.text().strip().splitlines()[-1], self.runner)
                if found is not None and found.minor == minor and found.bits == 64:
                    return Backend("uv", found.executable, uv)
        return f"uv knows no Python {' or '.join(wanted)} here (uv python install {wanted[0]})"

    def _conda(
        self, kind: str, wanted: Sequence[str], exact: Optional[str], any_kind: bool
    ) -> Union[Backend, str]:
        program: Optional[str] = None
        facts = self.conda()
        if facts is not None and facts.kind is not None and facts.executable is not None:
            program, found_kind = facts.executable, facts.kind
            if not any_kind and found_kind != kind:
                beside = on_path(kind)
                if beside is None:
                    return f"{kind} is not on PATH ({found_kind} is there)"
                program, found_kind = beside, kind
        else:
            named = [kind] if not any_kind else list(CONDA_KINDS)
            found_kind = next((name for name in named if on_path(name)), "")
            program = on_path(found_kind) if found_kind else None
        if program is None:
            return f"{'conda, mamba and micromamba are' if any_kind else kind + ' is'} not on PATH"
        version = exact if exact and exact.startswith(wanted[0] + ".") else wanted[0]
        return Backend(found_kind, version, program)

    def _given(self, python: Optional[str]) -> Optional[BasePython]:
        if python is None or _is_version(python):
            return None
        path = Path(python).expanduser()
        inside = environment_python(path) if path.is_dir() else path
        found = ask(str(inside.absolute()), self.runner) if inside is not None else None
        if found is None:
            raise UsageFault(
                f"{python}: no Python that runs", "an interpreter, or a version as 3.8", None
            )
        if found.minor not in self.profile.python:
            raise UsageFault(
                f"{python} is Python {found.version}",
                f"one of {', '.join(self.profile.python)} (profile {self.profile.id})",
            )
        return found

    def _versions(self, python: Optional[str], base: Optional[BasePython]) -> Tuple[str, ...]:
        if base is not None:
            return (base.minor,)
        if python is None:
            return self.profile.python
        minor = ".".join(python.split(".")[:2])
        if minor not in self.profile.python:
            raise UsageFault(
                f"--python {python}",
                f"one of {', '.join(self.profile.python)} (profile {self.profile.id})",
            )
        return (minor,)


def _is_version(text: str) -> bool:
    return all(part.isdigit() for part in text.split(".")) and bool(text)
