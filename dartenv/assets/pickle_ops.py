"""What each pickle opcode does to the machine; their meanings are in the library's pickletools."""

from __future__ import annotations

import struct
from typing import Any, Callable, Dict, List

from dartenv.assets.pickle_machine import Machine, PickleFault, paired
from dartenv.assets.pickle_nodes import Pairs


def _global_line(m: Machine) -> None:
    module = m.line().decode("utf-8")
    m.name(module, m.line().decode("utf-8"))


def _stack_global(m: Machine) -> None:
    name = m.stack.pop()
    m.name(m.stack.pop(), name)


def _reduce(m: Machine) -> None:
    args = m.stack.pop()
    m.call(m.stack.pop(), args)


def _newobj_ex(m: Machine) -> None:
    m.stack.pop()  # keyword arguments: only data passes through them
    _reduce(m)


def _inst(m: Machine) -> None:
    module = m.line().decode("utf-8")
    name = m.line().decode("utf-8")
    args = tuple(m.since_mark())
    m.name(module, name)
    m.call(m.stack.pop(), args)


def _obj(m: Machine) -> None:
    items = m.since_mark()
    m.call(items[0], tuple(items[1:]))


def _extension(form: str) -> Callable[[Machine], None]:
    # Resolved through copyreg's registry of the process that loads: unknowable here.
    return lambda m: m.name("copyreg", f"extension_registry[{m.number(form)}]")


def _tuple(count: int) -> Callable[[Machine], None]:
    def make(m: Machine) -> None:
        if len(m.stack) < count:
            raise IndexError
        cut = len(m.stack) - count
        items = tuple(m.stack[cut:])
        del m.stack[cut:]
        m.push(items)

    return make


def _string(m: Machine) -> None:
    data = m.line().strip()
    if len(data) < 2 or data[:1] not in (b"'", b'"') or data[-1:] != data[:1]:
        raise ValueError("a quoted string without its quotes")
    m.push(data[1:-1].decode("latin-1"))


def _put(m: Machine, index: int) -> None:
    m.memo[index] = m.stack[-1]


def _set_item(m: Machine) -> None:
    value = m.stack.pop()
    key = m.stack.pop()
    m.set_items([key, value])


def _append_one(m: Machine) -> None:
    value = m.stack.pop()
    m.append([value])


def _pop(m: Machine) -> None:
    # As in the real machine: with an empty frame, POP takes the mark away.
    if m.stack:
        m.stack.pop()
    else:
        m.since_mark()


def _protocol(m: Machine) -> None:
    m.protocol = m.number("<B")
    if m.protocol > 5:
        raise ValueError(f"protocol {m.protocol}")


def _out_of_band(m: Machine) -> None:
    raise PickleFault("a pickle whose buffers are kept outside it")


def _push_since(m: Machine, make: Callable[[List[Any]], Any]) -> None:
    items = m.since_mark()
    m.push(make(items))


OPS: Dict[bytes, Callable[[Machine], Any]] = {
    b"(": Machine.mark,
    b"0": _pop,
    b"1": Machine.since_mark,
    b"2": lambda m: m.push(m.stack[-1]),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"I": lambda m: m.integer(m.line()),
    b"L": lambda m: m.integer(m.line()),
    b"J": lambda m: m.push(m.number("<i")),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"\x8a": lambda m: m.long(m.number("<B")),
    b"\x8b": lambda m: m.long(m.number("<i")),
    b"F": lambda m: m.push(float(m.line())),
    b"G": lambda m: m.push(struct.unpack(">d", m.window.take(8))[0]),
    b"S": _string,
    b"T": lambda m: m.text(m.number("<i"), "latin-1"),
    b"U": lambda m: m.text(m.number("<B"), "latin-1"),
    b"B": lambda m: m.text(m.number("<I"), "bytes"),
    b"C": lambda m: m.text(m.number("<B"), "bytes"),
    b"\x8e": lambda m: m.text(m.number("<Q"), "bytes"),
    b"\x96": lambda m: m.text(m.number("<Q"), "bytes"),
    b"V": lambda m: m.push(m.line().decode("raw-unicode-escape")),
    b"X": lambda m: m.text(m.number("<I"), "utf-8"),
    b"\x8c": lambda m: m.text(m.number("<B"), "utf-8"),
    b"\x8d": lambda m: m.text(m.number("<Q"), "utf-8"),
    b")": lambda m: m.push(()),
    b"t": lambda m: _push_since(m, tuple),
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"]": lambda m: m.push([]),
    b"l": lambda m: _push_since(m, list),
    b"a": _append_one,
    b"e": lambda m: m.append(m.since_mark()),
    b"}": lambda m: m.push(Pairs()),
    b"d": lambda m: _push_since(m, lambda items: Pairs(paired(items))),
    b"s": _set_item,
    b"u": lambda m: m.set_items(m.since_mark()),
    b"\x8f": lambda m: m.push([]),
    b"\x90": lambda m: m.append(m.since_mark()),
    b"\x91": lambda m: _push_since(m, tuple),
    b"p": lambda m: _put(m, int(m.line())),
    b"q": lambda m: _put(m, m.number("<B")),
    b"r": lambda m: _put(m, m.number("<I")),
    b"\x94": lambda m: _put(m, len(m.memo)),
    b"g": lambda m: m.push(m.memo[int(m.line())]),
    b"h": lambda m: m.push(m.memo[m.number("<B")]),
    b"j": lambda m: m.push(m.memo[m.number("<I")]),
    b"\x80": _protocol,
    b"\x95": lambda m: m.number("<Q"),
    b"c": _global_line,
    b"\x93": _stack_global,
    b"R": _reduce,
    b"b": Machine.build,
    b"i": _inst,
    b"o": _obj,
    b"\x81": _reduce,
    b"\x92": _newobj_ex,
    b"P": lambda m: m.pid(m.line().decode("utf-8")),
    b"Q": lambda m: m.pid(m.stack.pop()),
    b"\x82": _extension("<B"),
    b"\x83": _extension("<H"),
    b"\x84": _extension("<i"),
    b"\x97": _out_of_band,
    b"\x98": lambda m: None,
}
