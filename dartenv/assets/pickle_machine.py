"""The stack machine that a pickle is a program for, with records in place of imports and calls."""

from __future__ import annotations

import struct
from typing import Any, Callable, Dict, List, Tuple

from dartenv.assets.pickle_nodes import Blob, Call, Global, Pairs, Pid
from dartenv.assets.window import Window

MAX_OPS = 500_000  # a checkpoint of DART has about 10,000
MAX_HELD = 32 * 1024 * 1024  # bytes of text kept as values
KEEP_TEXT = 4096  # longer strings stay in the file
MAX_LINE = 1024 * 1024
MAX_INT = 1024  # bytes of a long integer


class PickleFault(Exception):
    """One line: why this is not a pickle that can be read to its end.

    ``foreign`` are the globals that loading it would have met before that point, and used.
    """

    foreign: Tuple[str, ...] = ()


class Machine:
    def __init__(self, window: Window) -> None:
        self.window = window
        self.stack: List[Any] = []
        self.marks: List[List[Any]] = []
        self.memo: Dict[int, Any] = {}
        self.globals: List[Global] = []
        self.calls: List[Call] = []
        self.pids: List[Pid] = []
        self.protocol = 0
        self.held = 0

    def run(self, table: Dict[bytes, Callable[[Machine], Any]]) -> Any:
        """Run one pickle to its STOP by ``table`` (opcode -> handler)."""
        take = self.window.take
        for _ in range(MAX_OPS):
            code = take(1)
            if code == b".":
                return self.stack.pop()
            handler = table.get(code)
            if handler is None:
                raise ValueError(f"unknown opcode 0x{code[0]:02x}")
            handler(self)
        raise PickleFault(f"a pickle of more than {MAX_OPS} operations")

    # Values

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def number(self, form: str) -> int:
        size = struct.calcsize(form)
        return int(struct.unpack(form, self.window.take(size))[0])

    def text(self, length: int, form: str) -> None:
        if length > KEEP_TEXT:
            self.push(Blob(self.window.skip(length), length, form))
            return
        self.held += length
        if self.held > MAX_HELD:
            raise PickleFault(f"a pickle with more than {MAX_HELD >> 20} MiB of short strings")
        data = self.window.take(length)
        if form == "bytes":
            self.push(data)
        elif form == "latin-1":  # a Python 2 string: text or bytes, nobody knows
            self.push(data.decode("latin-1"))
        else:
            self.push(data.decode("utf-8", "surrogatepass"))

    def line(self) -> bytes:
        data = self.window.line(MAX_LINE)
        self.held += len(data)
        if self.held > MAX_HELD:
            raise PickleFault(f"a pickle with more than {MAX_HELD >> 20} MiB of short strings")
        return data

    def long(self, length: int) -> None:
        if length > MAX_INT:
            raise PickleFault(f"an integer of {length} bytes")
        self.push(int.from_bytes(self.window.take(length), "little", signed=True))

    # Collections

    def mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def since_mark(self) -> List[Any]:
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def append(self, items: List[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, Call):
            target.items.extend(items)
        else:
            raise TypeError("it appends to something that is no list")

    def set_items(self, items: List[Any]) -> None:
        pairs = paired(items)
        target = self.stack[-1]
        if isinstance(target, Pairs):
            target.items.extend(pairs)
        elif isinstance(target, Call):
            target.pairs.extend(pairs)
        else:
            raise TypeError("it sets keys of something that is no dictionary")

    # Names and calls

    def name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            found = Global("(computed)", "(computed)")  # a name put together while loading
        else:
            found = Global(module, name)
        self.globals.append(found)
        self.push(found)

    def call(self, target: Any, args: Any) -> None:
        made = Call(target, args)
        self.calls.append(made)
        self.push(made)

    def pid(self, value: Any) -> None:
        made = Pid(value)
        self.pids.append(made)
        self.push(made)

    def build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Call):
            target.state = state
        elif isinstance(target, Global):
            # A class patched while loading: never seen in data.
            self.globals.append(Global(str(target), "__setstate__"))

    def integer(self, data: bytes) -> None:
        if data in (b"00", b"01"):
            self.push(data == b"01")
        elif len(data) > MAX_INT:
            raise PickleFault(f"an integer of {len(data)} digits")
        else:
            self.push(int(data.rstrip(b"L"), 10))


def paired(items: List[Any]) -> List[Tuple[Any, Any]]:
    """Keys and values that stand alternately, as pairs. Raises ValueError."""
    if len(items) % 2:
        raise ValueError("a key without its value")
    return list(zip(items[::2], items[1::2]))
