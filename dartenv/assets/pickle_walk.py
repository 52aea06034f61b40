"""Reading a pickle without loading it.

An own stack machine over the pickle opcodes (pickletools of the standard library lists them).
Where the real one would import or call, this one makes a :class:`Global` or :class:`Call` record;
long strings stay in the file. Operations and held text are limited, and the memo is a dictionary,
so neither a long pickle nor a wild memo index costs memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Iterable, Tuple

from dartenv.assets.pickle_machine import Machine, PickleFault
from dartenv.assets.pickle_nodes import Call, Global, Pid, is_known
from dartenv.assets.pickle_ops import OPS
from dartenv.assets.window import CutOff, Window

__all__ = ["PickleFault", "Walk", "walk_pickle"]


@dataclass(frozen=True)
class Walk:
    """One pickle read to its STOP.

    ``globals`` are the names it would import, in order; ``calls`` every call it would make, also
    of values it throws away again; ``pids`` every persistent id.
    """

    value: Any
    globals: Tuple[Global, ...]
    calls: Tuple[Call, ...]
    pids: Tuple[Pid, ...]
    protocol: int

    @property
    def foreign(self) -> Tuple[str, ...]:
        """Globals that do not merely rebuild data."""
        return _foreign(self.globals)

    @property
    def modules(self) -> Tuple[str, ...]:
        """The modules that loading would import, in order."""
        return tuple(dict.fromkeys(name.module for name in self.globals))


def walk_pickle(window: Window) -> Walk:
    """Read one pickle at the window's position, which then stands behind it.

    Raises PickleFault (not a pickle, or beyond the limits) and CutOff (it ends too early).
    """
    machine = Machine(window)
    try:
        value = machine.run(OPS)
    except (PickleFault, CutOff) as fault:
        fault.foreign = _foreign(machine.globals)
        raise
    except (IndexError, KeyError, struct.error, ValueError, TypeError, AttributeError) as error:
        at = window.pos
        broken = PickleFault(f"not a pickle: {_reason(error)} before byte {at}")
        broken.foreign = _foreign(machine.globals)
        raise broken from None
    return Walk(
        value=value,
        globals=tuple(dict.fromkeys(machine.globals)),
        calls=tuple(machine.calls),
        pids=tuple(machine.pids),
        protocol=machine.protocol,
    )


def _foreign(names: Iterable[Global]) -> Tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for name in names if not is_known(name)))


def _reason(error: Exception) -> str:
    if isinstance(error, IndexError):
        return "its stack is empty"
    if isinstance(error, KeyError):
        return f"it refers to a value it never stored ({error})"
    return str(error) or type(error).__name__
