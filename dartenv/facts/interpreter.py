"""The target interpreter, asked in a child process that imports nothing of it.

The scripts inside.py, inside_packages.py and inside_modules.py run there. A short starter, which
every Python since 2.6 can read, says the version first, so that an interpreter too old for the
scripts is named instead of failing in their syntax.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

import msgspec

from dartenv.facts import places
from dartenv.facts.activation import read_activation
from dartenv.facts.exits import crash_name, last_line, spelled_exit
from dartenv.facts.model import InterpreterFacts, ProbeFailure
from dartenv.facts.probed import Probed
from dartenv.facts.runner import Completed, Runner
from dartenv.manifests.compat import ModuleTable
from dartenv.manifests.loader import Manifests, default_manifests
from dartenv.typed import convert

PROBE = "interpreter"
SCRIPTS = ("inside.py", "inside_packages.py", "inside_modules.py")
OLDEST = (3, 6)  # what the scripts' syntax needs

# argv[1] is the request, the rest are scripts executed one after the other into one namespace.
STARTER = """
import sys
sys.stdout.write('\\n<<dartenv python %d.%d.%d>>\\n' % tuple(sys.version_info[:3]))
sys.stdout.flush()
if sys.version_info >= (3, 6):
    sys.path[:1] = []
    space = {'__name__': 'dartenv_inside', '__builtins__': __builtins__}
    for name in sys.argv[2:]:
        stream = open(name, 'rb')
        code = stream.read()
        stream.close()
        exec(compile(code, name, 'exec'), space)
    space['main'](sys.argv[1])
"""

# Where a folder keeps its interpreter, Windows and conda first.
IN_FOLDER = ("python.exe", "Scripts/python.exe", "bin/python", "bin/python3")

_VERSION = re.compile(rb"<<dartenv python (\d+)\.(\d+)\.(\d+)>>")
_FACTS = re.compile(rb"<<dartenv facts\r?\n(.*)\r?\ndartenv facts>>", re.DOTALL)


def probe_interpreter(
    python: str,
    runner: Runner,
    timeout: float = 15,
    manifests: Optional[Manifests] = None,
) -> Probed[InterpreterFacts]:
    """What ``python`` (an interpreter, or an environment's folder) is and what surrounds it.

    Every way of not being a usable Python gives ``None`` and one failure that says which: no
    such file, a folder without Python, not a program, not Python, too old, hanging, crashing.
    """
    resolved = resolve(python)
    if isinstance(resolved, ProbeFailure):
        return Probed(None, (resolved,))
    request = json.dumps(_request(manifests or default_manifests()))
    argv = [resolved, "-c", STARTER, request, *(str(script_path(name)) for name in SCRIPTS)]
    with neutral_folder() as neutral:
        done = runner.run(argv, timeout, env=child_env(), cwd=neutral)
        facts, failure = _answer(resolved, done, timeout)
        if facts is None and failure is None:
            failure = _diagnosis(resolved, done, runner, neutral)
    if failure is not None:
        return Probed(None, (ProbeFailure(probe=PROBE, reason=failure),))
    if facts is not None:
        facts = msgspec.structs.replace(facts, activation=read_activation(facts))
        return Probed(
            facts, tuple(ProbeFailure(probe=PROBE, reason=one) for one in facts.unreadable)
        )
    return Probed(facts)


def resolve(python: str) -> Union[str, ProbeFailure]:
    """The interpreter's absolute path; a folder stands for the Python of that environment."""
    # Not resolved: the link in a virtual environment is what makes it one.
    path = Path(os.path.abspath(Path(python).expanduser()))  # noqa: PTH100
    obstacle = places.obstacle(str(path))
    if places.is_dir(str(path)):
        for inside in IN_FOLDER:
            if places.is_file(str(path / inside)):
                return str(path / inside)
            denied = places.obstacle(str(path / inside))
            if denied is not None:
                return ProbeFailure(probe=PROBE, reason=f"{path}: {denied}")
        looked = ", ".join(IN_FOLDER)
        return ProbeFailure(probe=PROBE, reason=f"{path} is a folder without {looked}")
    if obstacle is not None:
        return ProbeFailure(probe=PROBE, reason=f"{path}: {obstacle}")
    if not places.is_file(str(path)):
        return ProbeFailure(probe=PROBE, reason=f"no such file: {path}")
    return str(path)


def script_path(name: str) -> Path:
    """A script beside this module that runs in the target."""
    return Path(__file__).resolve().parent / name


def child_env(extra: Optional[Mapping[str, str]] = None) -> Dict[str, str]:
    """The user's own environment, save that the child leaves no bytecode behind."""
    env = dict(os.environ)
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env.update(extra or {})
    return env


@contextlib.contextmanager
def neutral_folder() -> Iterator[str]:
    """An empty folder to run in, so that nothing of the current one shadows a module."""
    folder = tempfile.mkdtemp(prefix="dartenv-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _request(manifests: Manifests) -> Dict[str, Any]:
    table = manifests.read("compat", "modules", ModuleTable)
    modules: List[Any] = [msgspec.to_builtins(module) for module in table.modules]
    return {"modules": modules}


def _answer(
    python: str, done: Completed, timeout: float
) -> Tuple[Optional[InterpreterFacts], Optional[str]]:
    """Facts, or why there are none, or neither where the cause needs another look."""
    version = _VERSION.search(done.out)
    name = f"Python {b'.'.join(version.groups()).decode()}" if version else ""
    if version and tuple(int(part) for part in version.groups())[:2] < OLDEST:
        floor = ".".join(str(part) for part in OLDEST)
        return None, f"{python} is {name}, older than {floor}, which dartenv can examine"
    if done.failure is not None:
        return None, _not_run(python, name, done.failure, timeout)
    match = _FACTS.search(done.out)
    if match is None:
        return None, None
    try:
        return convert(json.loads(match.group(1)), InterpreterFacts), None
    except (ValueError, msgspec.ValidationError) as error:
        return None, f"{python} ({name}) gave an answer that is not facts: {error}"


def _not_run(python: str, name: str, failure: str, timeout: float) -> str:
    if failure == "timeout":
        what = "it hangs, perhaps in its start-up files"
        if name:
            what = f"{name} started, and its packages could not be read in that time"
        return f"{python} gave no answer within {timeout:.0f} s: {what}"
    if failure == "flood":
        return f"{python} is not Python: its output has no end"
    if failure == "not-executable":
        return f"{python} is not a program that this user may run"
    if failure.startswith("os-error"):
        return f"{python} is not a program for this system ({failure[len('os-error: ') :]})"
    return f"{python} could not be run: {failure}"


def _diagnosis(python: str, done: Completed, runner: Runner, cwd: str) -> str:
    """Why an interpreter, or whatever it is, ended without facts."""
    rc = done.rc if done.rc is not None else 0
    said = "".join(f": {line}" for line in last_line(done.err, done.out) if not _echoes(line))
    version = _VERSION.search(done.out)
    if version:
        name = f"Python {b'.'.join(version.groups()).decode()}"
        return f"{python} ({name}) started and then {spelled_exit(rc)}{said}"
    # -I and -S leave out every file and variable that could be at fault before the first line.
    bare = runner.run(
        [python, "-I", "-S", "-c", STARTER.replace(">= (3, 6)", ">= (99,)")], 5, child_env(), cwd
    )
    version = _VERSION.search(bare.out)
    if version:
        name = f"Python {b'.'.join(version.groups()).decode()}"
        return (
            f"{python} ({name}) starts only without its environment: PYTHONHOME, a sitecustomize"
            f" or a .pth file ends it ({spelled_exit(rc)}{said})"
        )
    if crash_name(rc):
        return f"{python} {spelled_exit(rc)} before it answered{said}"
    size = len(done.out) + len(done.err)
    printed = f"{size:,} bytes that are no answer" if size else "nothing"
    return f"{python} is not Python: it printed {printed} and {spelled_exit(rc)}{said}"


def _echoes(line: str) -> bool:
    """Whether a program that is not Python only complains about what we gave it."""
    return any(part in line for part in ('{"modules"', "import sys", SCRIPTS[0]))
