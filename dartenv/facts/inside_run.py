"""Runs in the target interpreter: imports in steps, each told as it ends.

What happens is written line by line to the process's first standard output; everything the
imports print goes to standard error, so a crash leaves every earlier step and the name of the
import it happened in. The tasks stand in the other ``inside_*.py`` files, executed into the same
namespace before :func:`main` is called.
"""

import faulthandler
import gc
import json
import os
import sys
import time

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, List, Optional

    Step = Callable[[Dict[str, str]], None]
    Plan = List[Any]

state: "Dict[str, Any]" = {
    "channel": 1,
    "armed": 0.0,
    "idle": 20.0,
    "skip": [],
    "passed": [],
    "stop": False,
}


def main(request: "str") -> "None":
    """Run the tasks of the request, all steps but those to be skipped, and leave at once."""
    asked = json.loads(request)
    prepare(asked)
    for task in asked["tasks"]:
        if state["stop"]:
            break
        # Each task is a function of one of the other files, called by its name.
        globals()["task_" + task](asked)
    say("end", {})
    os._exit(0)


def prepare(asked: "Dict[str, Any]") -> "None":
    """Keep a channel for ourselves, send prints to standard error, and watch over imports."""
    state["channel"] = os.dup(1)
    os.dup2(2, 1)
    state["idle"] = asked["idle"]
    state["skip"] = asked["skip"]
    state["passed"] = asked["passed"]
    # Importing makes objects and throws hardly any away: looking through them again and again
    # takes a third of the time, and this process ends with its last import.
    gc.disable()
    quiet_crashes()
    if "aside" not in asked["tasks"]:
        behind()
    faulthandler.enable(2)
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, Watcher())
    if asked.get("root"):
        sys.path.insert(0, asked["root"])
    say("path", {"path": list(sys.path)})


def behind() -> "None":
    """Let the process that loads torch go first: it takes longest, and all others wait for it."""
    give_way()
    # Where each session is a group of its own for the scheduler, only the group's value counts.
    try:
        with open("/proc/self/autogroup", "w") as stream:
            stream.write("5")
    except OSError:
        return


def give_way() -> "None":
    """Less of a processor that others want as well, where the system knows of that."""
    if hasattr(os, "nice"):
        os.nice(5)


def quiet_crashes() -> "None":
    """No window of the operating system may wait for a click when a library crashes."""
    if os.name == "nt":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x0001 | 0x0002 | 0x8000)  # type: ignore[attr-defined,unused-ignore]


def say(kind: "str", value: "Dict[str, Any]") -> "None":
    """One line on our channel. It is complete before anything else can happen."""
    text = json.dumps(dict(value, kind=kind), ensure_ascii=True)
    data = ("\n<<dartenv %s>>\n" % text).encode("ascii")
    while data:
        data = data[os.write(state["channel"], data) :]


class Watcher:
    """First on sys.meta_path: notes each import that begins, finds nothing itself."""

    def find_spec(self, name: "str", path: "Any" = None, target: "Any" = None) -> "None":
        os.write(state["channel"], ("<<%s>>\n" % name).encode("ascii", "backslashreplace"))
        arm()


def arm(seconds: "Optional[float]" = None) -> "None":
    """Put off the alarm that ends this process with its stack when nothing happens any more."""
    now = time.time()
    if seconds is not None or now - state["armed"] > 1.0:
        state["armed"] = now
        faulthandler.dump_traceback_later(seconds or state["idle"], exit=True)


def step(name: "str", action: "Step", seconds: "Optional[float]" = None) -> "bool":
    """Run one step and tell how it went; ``action`` fills in details. True when it went well.

    A step that an earlier process has done is not run again; its outcome stands.
    """
    if name in state["skip"]:
        return name in state["passed"]
    say("begin", {"name": name})
    os.write(2, ("\n<<dartenv step %s>>\n" % name).encode("ascii", "backslashreplace"))
    details: Dict[str, str] = {}
    started = time.time()
    arm(seconds)
    try:
        action(details)
        answer: Dict[str, Any] = {"ok": True, "outcome": "ok"}
    except BaseException as error:  # SystemExit too: a module may call exit() when imported
        answer = told(error)
    if seconds is not None:
        arm(state["idle"])  # what comes next has no longer patience than usual
    answer.update(name=name, seconds=round(time.time() - started, 3))
    answer["details"] = dict(details, **answer.get("details", {}))
    say("result", plain(answer))
    return bool(answer["ok"])


def told(error: "BaseException") -> "Dict[str, Any]":
    """An exception as facts: its type, last line, and the module it came from."""
    missing = isinstance(error, ImportError) and type(error).__name__ == "ModuleNotFoundError"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    details: Dict[str, str] = {}
    path = getattr(error, "path", None)
    if path:
        details["file"] = str(path)
        if os.name == "nt" and "DLL load failed" in str(error):
            lost = missing_libraries(str(path))
            if lost:
                details["missing_dll"] = ", ".join(lost)
    return {
        "ok": False,
        "outcome": "missing" if missing else "error",
        "error": (lines[0] if lines else type(error).__name__)[:400],
        "error_type": type(error).__name__,
        "module": getattr(error, "name", None) or raised_in(error),
        "details": details,
    }


def raised_in(error: "BaseException") -> "Optional[str]":
    """The module whose top level was running when the exception was raised, innermost first."""
    trace = error.__traceback__
    name = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" and "importlib" not in code.co_filename:
            name = trace.tb_frame.f_globals.get("__name__", name)
        trace = trace.tb_next
    return name if name != "dartenv_inside" else None


def plain(value: "Any") -> "Any":
    """The value with every text made of real characters."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    return value


def missing_libraries(path: "str") -> "List[str]":
    """The libraries that a Windows library needs and that cannot be loaded, one level deep."""
    import ctypes

    lost = []
    folder = os.path.dirname(path)
    try:
        needed = imported_libraries(path)
    except (OSError, ValueError, IndexError, KeyError):
        return []
    for name in needed:
        beside = os.path.join(folder, name)
        try:
            ctypes.WinDLL(beside if os.path.isfile(beside) else name)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            lost.append(name)
    return lost


def imported_libraries(path: "str") -> "List[str]":
    """The names in the import table of a PE file (Microsoft's PE format specification).

    Raises OSError, ValueError or IndexError for a file that is not one.
    """
    import struct

    with open(path, "rb") as stream:
        data = stream.read()

    def number(place: "int", size: "int" = 4) -> "int":
        return int(struct.unpack_from({2: "<H", 4: "<I"}[size], data, place)[0])

    header = number(0x3C) if data[:2] == b"MZ" else len(data)
    if data[header : header + 4] != b"PE\0\0":
        raise ValueError("not a PE file")
    sections, optional = number(header + 6, 2), number(header + 20, 2)
    start = header + 24
    directories = start + (112 if number(start, 2) == 0x20B else 96)
    table = [
        (number(place + 12), number(place + 8), number(place + 20))
        for place in range(start + optional, start + optional + 40 * sections, 40)
    ]

    def offset(address: "int") -> "int":
        for virtual, size, raw in table:
            if virtual <= address < virtual + max(size, 1):
                return address - virtual + raw
        raise ValueError("an address outside every section")

    names = []
    place = number(directories + 8)
    place = offset(place) if place else 0
    while place and number(place + 12):
        at = offset(number(place + 12))
        names.append(data[at : data.index(b"\0", at)].decode("ascii", "replace"))
        place += 20
    return names
