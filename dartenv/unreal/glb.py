"""glTF 2.0 in one file (GLB), written from numpy arrays.

Source: Khronos glTF 2.0 specification, sections 3.6 (buffers), 4.4 (GLB), 5.1 (accessors).
"""

from __future__ import annotations

import json
import struct
from typing import Any, Dict, List, Optional

import numpy as np

_COMPONENTS = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}
_KINDS = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
VERTICES, INDICES = 34962, 34963  # bufferView.target


class Glb:
    """Collects a document and its one buffer. ``document`` is glTF's JSON, to be filled."""

    def __init__(self, extras: Optional[Dict[str, Any]] = None) -> None:
        from dartenv import __version__

        asset: Dict[str, Any] = {"version": "2.0", "generator": f"dartenv {__version__}"}
        if extras:
            asset["extras"] = extras
        self.document: Dict[str, Any] = {"asset": asset}
        self._parts: List[bytes] = []
        self._length = 0

    def add(self, kind: str, value: Dict[str, Any]) -> int:
        """Append ``value`` to the document's list ``kind``; its index there."""
        listed: List[Any] = self.document.setdefault(kind, [])
        listed.append(value)
        return len(listed) - 1

    def accessor(
        self, values: Any, code: str, target: Optional[int] = None, bounds: bool = False
    ) -> int:
        """The index of an accessor for ``values`` [n, ...] as ``code``: u1, u2, u4 or f4.

        Matrices are given row by row, as numpy has them, and turned here. ``bounds`` writes
        min and max, which positions, times and morphs must have.
        """
        data = np.ascontiguousarray(values, dtype="<" + code)
        entry: Dict[str, Any] = {
            "componentType": _COMPONENTS[code],
            "count": int(data.shape[0]),
            "type": _KINDS[data.shape[1:]],
        }
        if bounds:
            flat = data.reshape(len(data), -1)
            # Of the rounded numbers: the validator compares exactly.
            entry["min"] = [float(x) for x in flat.min(axis=0)]
            entry["max"] = [float(x) for x in flat.max(axis=0)]
        if data.ndim == 3:
            data = np.ascontiguousarray(data.transpose(0, 2, 1))
        entry["bufferView"] = self._view(data.tobytes(), target)
        return self.add("accessors", entry)

    def sparse(self, values: Any, smallest: float) -> int:
        """An accessor of float vectors [n, 3] that are zero but for those longer than ``smallest``.

        As full as any other where more than half are not zero: it would be larger then.
        """
        moved = np.flatnonzero(np.abs(values).max(axis=1) > smallest)
        if len(moved) * 2 > len(values):
            return self.accessor(values, "f4", VERTICES, bounds=True)
        data: Any = np.zeros((len(values), 3), "<f4")
        data[moved] = values[moved]
        entry: Dict[str, Any] = {
            "componentType": _COMPONENTS["f4"],
            "count": len(data),
            "type": "VEC3",
            "min": [float(x) for x in data.min(axis=0)],
            "max": [float(x) for x in data.max(axis=0)],
        }
        if len(moved):
            code = "u2" if moved[-1] < 65535 else "u4"
            entry["sparse"] = {
                "count": len(moved),
                "indices": {
                    "bufferView": self._view(moved.astype("<" + code).tobytes(), None),
                    "componentType": _COMPONENTS[code],
                },
                "values": {"bufferView": self._view(data[moved].tobytes(), None)},
            }
        return self.add("accessors", entry)

    def _view(self, data: bytes, target: Optional[int]) -> int:
        view: Dict[str, Any] = {
            "buffer": 0,
            "byteOffset": self._length,
            "byteLength": len(data),
        }
        if target is not None:
            view["target"] = target
        padded = data + b"\0" * (-len(data) % 4)
        self._parts.append(padded)
        self._length += len(padded)
        return self.add("bufferViews", view)

    def bytes(self) -> bytes:
        """The whole file."""
        self.document["buffers"] = [{"byteLength": self._length}]
        text = json.dumps(self.document, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        text += b" " * (-len(text) % 4)
        length = 12 + 8 + len(text) + 8 + self._length
        head = struct.pack("<4sII", b"glTF", 2, length)
        chunks = [struct.pack("<I4s", len(text), b"JSON"), text]
        chunks += [struct.pack("<I4s", self._length, b"BIN\0"), *self._parts]
        return b"".join([head, *chunks])
