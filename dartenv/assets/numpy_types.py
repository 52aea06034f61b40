"""numpy's element types by their short codes."""

from __future__ import annotations

from typing import Any, Tuple

from dartenv.assets.pickle_nodes import Call

_KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool"}


def numpy_dtype(node: Any) -> Tuple[str, int]:
    """(name, item size) of a pickled numpy dtype: ("float64", 8); size 0 when not fixed."""
    code = node.arg(0) if isinstance(node, Call) and node.of("numpy.dtype") else node
    return dtype_name(code) if isinstance(code, str) else ("unknown", 0)


def dtype_name(code: str) -> Tuple[str, int]:
    """numpy's type string as (name, item size): "<f8" -> ("float64", 8), "|O" -> ("object", 0)."""
    bare = code.lstrip("<>=|")
    if bare in ("O", "O8", "O4"):
        return "object", 0
    letter, digits = bare[:1], bare[1:]
    if bare in ("b1", "?"):
        return "bool", 1
    if letter in _KINDS and digits.isdigit() and len(digits) < 4:
        return f"{_KINDS[letter]}{int(digits) * 8}", int(digits)
    if letter in "SUVaMm" and letter:
        width = int(digits) if digits.isdigit() and len(digits) < 10 else 0
        return {"S": "bytes", "a": "bytes", "U": "str"}.get(letter, bare), width * (
            4 if letter == "U" else 8 if letter in "Mm" else 1
        )
    return bare or "unknown", 0
