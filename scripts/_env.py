"""An environment of its own under the checkout, made and kept up to date for try.py and test.py.

Standard library only. Everything said goes to stderr: stdout belongs to what the scripts run.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NoReturn, Optional, Sequence, Tuple

from _download import planned, reached, summary, with_sizes
from _stack import PROFILE, BadManifest, read_stack, torch_plan

CHECKOUT = Path(__file__).resolve().parents[1]
STAMP = "dartenv-stamp.json"
SET_UP_FAILED = 4

# pip tells its plan (--report) and reads metadata without the whole wheel from here on.
PIP_FLOOR = (23, 2)
# A last resort each: a stalled connection ends much earlier, through pip's own limit.
PACKAGES_LIMIT = 30 * 60
TORCH_LIMIT = 2 * 60 * 60
VENV_LIMIT = 5 * 60


class SetUpFailed(Exception):
    """The environment could not be made; the message is for the person at the terminal."""


def say(text: str) -> None:
    """One line of talk."""
    print(text, file=sys.stderr, flush=True)


def key_of(*parts: str) -> str:
    """A short digest of what a layer depends on; CRLF and LF checkouts give the same one."""
    text = "\0".join(part.replace("\r\n", "\n") for part in parts)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def environment_folder(purpose: str, checkout: Path = CHECKOUT) -> Path:
    """``.venvs/test-3.11-linux``: one for each Python and system, which may share a checkout."""
    return checkout / ".venvs" / "{}-{}.{}-{}".format(purpose, *sys.version_info[:2], sys.platform)


class Environment:
    """A virtual environment built in layers, each repeated only when its key changes.

    The keys stand in a stamp file that is written after the layer is complete, so that an
    interrupted set-up is done again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = scripts / ("python.exe" if os.name == "nt" else "python")
        self._stamps = self._read()

    def layer(self, name: str, key: str, install: Callable[[], None]) -> bool:
        """Runs ``install`` unless the layer stands with this key; tells whether it ran."""
        if self._stamps.get(name) == key and self.python.exists():
            return False
        self._stamps.pop(name, None)
        self._write()
        install()
        self._stamps[name] = key
        self._write()
        return True

    def create(self, fresh: bool = False) -> None:
        """The bare environment with a pip that tells its plans."""
        key = key_of(sys.version, platform.machine(), sys.base_prefix, str(self.folder))
        if fresh or self._stamps.get("python") != key:
            self._remove()
        self.layer("python", key, self._create)

    def pip(self, arguments: Sequence[str], limit: float) -> None:
        """``pip install`` in the environment, its progress shown on a terminal."""
        command = [str(self.python), "-m", "pip", "install", *_pip_options(), *arguments]
        code = _run(command, limit) if sys.stderr.isatty() else _run_telling(command, limit)
        if code is None:
            raise SetUpFailed(f"pip did not finish within {limit / 60:.0f} minutes and was stopped")
        if code:
            raise SetUpFailed(
                f"pip could not install {' '.join(arguments)} (exit code {code}, reason above).\n"
                "If it did not reach its index: `python -m pip config list` shows the index and "
                "proxy in use. Run this again when it is reachable; what is there is kept."
            )

    def announce(self, arguments: Sequence[str], what: str) -> None:
        """Says what ``pip install`` of ``arguments`` would download, before it does."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            command = [str(self.python), "-m", "pip", "install", "--quiet", "--dry-run"]
            command += ["--report", str(report), *_pip_options(), *arguments]
            if _run(command, PACKAGES_LIMIT) or not report.exists():
                raise SetUpFailed(
                    f"pip could not work out what {what} needs (reason above).\n"
                    "If it did not reach its index: `python -m pip config list` shows the index "
                    "and proxy in use."
                )
            downloads = with_sizes(planned(report.read_text(encoding="utf-8")))
        say(f"{what}: {summary(downloads)}")

    def install_dartenv(self, extra: str = "") -> None:
        """dartenv from this checkout, editable, so that edits count without installing again."""
        project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
        target = f"{CHECKOUT}[{extra}]" if extra else str(CHECKOUT)

        def install() -> None:
            # All small. Planning first, as for torch, would double the time.
            say("installing dartenv and the packages that pyproject.toml names for it")
            self.pip(["-e", target], PACKAGES_LIMIT)

        # An editable install holds the checkout's path.
        self.layer("dartenv", key_of(project, target), install)

    def install_sandbox_needs(self) -> None:
        """CPU torch and the other packages of the sandbox, as its profile says."""
        path = CHECKOUT / PROFILE
        try:
            stack = read_stack(path)
        except BadManifest as error:
            raise SetUpFailed(str(error)) from None

        def install() -> None:
            index = stack.torch_cpu_index.rstrip("/") + "/"
            plan = torch_plan(stack, sys.version_info[:2], sys.platform, reached(index + "torch/"))
            say(f"{plan.requirement}: {plan.why}")
            # An older wheel before a newer source archive, which would ask for a compiler.
            wheels = ["--prefer-binary", plan.requirement, *stack.requirements]
            if plan.index_url:
                torch = ["--no-deps", "--index-url", plan.index_url, plan.requirement]
                self.announce(torch, "torch")
                self.pip(torch, TORCH_LIMIT)
            self.announce(wheels, "the sandbox's packages")
            self.pip(wheels, TORCH_LIMIT)

        self.layer("sandbox", key_of(path.read_text(encoding="utf-8")), install)

    def run(self, arguments: Sequence[str]) -> int:
        """The environment's Python on ``arguments`` in the checkout; its exit code."""
        return subprocess.call([str(self.python), *arguments], cwd=str(CHECKOUT))

    def _create(self) -> None:
        say(f"making {self.folder} with Python {platform.python_version()}")
        plain = [sys.executable, "-m", "venv"]
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            import ensurepip  # noqa: F401
        except OSError as error:
            raise SetUpFailed(f"cannot make {self.folder}: {error}") from None
        except ImportError:
            # Debian and Ubuntu keep ensurepip in a package of its own; a recent pip can stand in.
            outer = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "pip"]
            made = _run([*plain, "--without-pip", str(self.folder)], VENV_LIMIT) == 0
            if not made or _run([*outer, "--quiet", *_pip_options()], PACKAGES_LIMIT) != 0:
                raise SetUpFailed(
                    f"{sys.executable} cannot make virtual environments: it has no ensurepip.\n"
                    "On Debian and Ubuntu: apt install python{}.{}-venv".format(
                        *sys.version_info[:2]
                    )
                ) from None
        else:
            if _run([*plain, str(self.folder)], VENV_LIMIT) != 0:
                raise SetUpFailed(f"`{' '.join(plain)} {self.folder}` failed, reason above")
        if self._pip_version() < PIP_FLOOR:
            self.pip(["--upgrade", "pip"], PACKAGES_LIMIT)

    def _pip_version(self) -> Tuple[int, ...]:
        asked = subprocess.run(
            [str(self.python), "-c", "import pip; print(pip.__version__)"],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            timeout=VENV_LIMIT,
        )
        return tuple(int(part) for part in asked.stdout.strip().split(".")[:2] if part.isdigit())

    def _remove(self) -> None:
        self._stamps = {}
        if self.folder.exists():
            if not self._ours():
                raise SetUpFailed(f"{self.folder} is no virtual environment: left as it is")
            shutil.rmtree(str(self.folder), onerror=_writable_then_again)

    def _ours(self) -> bool:
        return (
            (self.folder / STAMP).exists()
            or (self.folder / "pyvenv.cfg").exists()
            or (self.folder.is_dir() and not any(self.folder.iterdir()))
        )

    def _read(self) -> Dict[str, str]:
        try:
            stamps = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return dict(stamps) if isinstance(stamps, dict) else {}

    def _write(self) -> None:
        if self.folder.is_dir():
            path = self.folder / STAMP
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(self._stamps, indent=1), encoding="utf-8")
            fresh.replace(path)


def script(main: Callable[[], int]) -> NoReturn:
    """Runs ``main`` and ends the process: a failed set-up or Ctrl-C is a line, no traceback."""
    start = time.monotonic()
    try:
        code = main()
    except SetUpFailed as error:
        say(f"set-up failed after {time.monotonic() - start:.0f} s: {error}")
        code = SET_UP_FAILED
    except KeyboardInterrupt:
        say("interrupted")
        code = 130
    sys.exit(code)


def _pip_options() -> List[str]:
    options = ["--disable-pip-version-check", "--no-input", "--retries", "2"]
    # A person behind a slow proxy may have set a longer wait.
    return options if "PIP_DEFAULT_TIMEOUT" in os.environ else [*options, "--timeout", "20"]


def _run(command: Sequence[str], limit: float) -> Optional[int]:
    """The exit code, or None when ``limit`` seconds were over; stdout goes where talk goes."""
    try:
        # A real file: under some test runners and pythonw there is none behind sys.stderr.
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, timeout=limit).returncode
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise SetUpFailed(f"{command[0]} cannot be started: {error}") from None


def _run_telling(command: Sequence[str], limit: float) -> Optional[int]:
    """As ``_run`` for ``pip install`` without a terminal: of its talk only what it downloads."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )

    def tell() -> None:
        for line in child.stdout or ():
            if line.lstrip().startswith("Downloading "):
                say("  " + line.strip())

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        code = child.wait(limit)
    except subprocess.TimeoutExpired:
        child.kill()
        return None
    except BaseException:
        child.kill()
        raise
    teller.join(10)
    return code


def _writable_then_again(function: Callable[[str], object], path: str, _: Any) -> None:
    Path(path).chmod(stat.S_IWRITE)
    function(path)
