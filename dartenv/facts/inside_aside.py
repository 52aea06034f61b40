"""Runs in the target after inside_run.py: imports beside the others, in a fork that has torch.

Where the system can fork, a copy of the process that has loaded torch imports some of what loads
torch too, at the same time. What it says and how it ends is what its parent says and how its
parent ends. Elsewhere these imports come one after the other. The fork is made before CUDA is.
"""

import faulthandler
import os

MYPY = False
if MYPY:
    from typing import Any, Dict

    from dartenv.facts.inside_dart import import_group
    from dartenv.facts.inside_run import arm, give_way, state

beside = {"process": 0, "channel": -1, "errors": -1}


def begin_aside(asked: "Dict[str, Any]") -> "None":
    """Begin the imports of ``aside`` in a fork, if there are any and the system has forks."""
    if not asked.get("aside") or not hasattr(os, "fork"):
        return
    # Unnamed files and not pipes: nobody reads before the end, and a pipe would be full.
    beside["channel"] = temporary()
    beside["errors"] = temporary()
    faulthandler.cancel_dump_traceback_later()  # its thread would be missing in the fork
    state["armed"] = 0.0
    process = os.fork()
    if process:
        beside["process"] = process
        arm()
        return
    give_way()
    os.dup2(beside["errors"], 2)
    os.dup2(beside["errors"], 1)
    os.close(state["channel"])
    state["channel"] = beside["channel"]
    import_group(asked, "aside")
    os._exit(0)


def task_aside(asked: "Dict[str, Any]") -> "None":
    """Tell what came of the fork, and end as it ended; without a fork, import here."""
    if not beside["process"]:
        import_group(asked, "aside")
        return
    import signal  # not later: the last import told must be the fork's

    faulthandler.cancel_dump_traceback_later()  # the fork watches over itself
    status = os.waitpid(beside["process"], 0)[1]
    copy(beside["errors"], 2)
    copy(beside["channel"], state["channel"])
    if status:
        faulthandler.disable()
        if os.WIFSIGNALED(status):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
            os.kill(os.getpid(), os.WTERMSIG(status))
        os._exit(os.WEXITSTATUS(status))
    arm()


def temporary() -> "int":
    import tempfile

    with tempfile.TemporaryFile() as stream:
        return os.dup(stream.fileno())


def copy(source: "int", target: "int") -> "None":
    """All of one open file into another."""
    os.lseek(source, 0, os.SEEK_SET)
    data = os.read(source, 65536)
    while data:
        while data:
            data = data[os.write(target, data) :]
        data = os.read(source, 65536)
