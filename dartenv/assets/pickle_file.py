"""Plain pickles of DART: statistics and motions, described without loading them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from dartenv.assets.pickle_nodes import Call, Pairs
from dartenv.assets.pickle_values import LOAD_BYTES, Value, Values, nested_torch
from dartenv.assets.pickle_walk import PickleFault, Walk, walk_pickle
from dartenv.assets.sniff import os_reason, sniff
from dartenv.assets.window import CutOff, Window

MAX_KEYS = 10_000


@dataclass(frozen=True)
class PickleFile:
    """What a pickle file holds.

    ``shape_of`` is ``dict``, ``list``, ``tuple`` or ``value``: a dictionary is described by its
    keys, a list or tuple by the positions "0", "1", ..., anything else under "".
    """

    path: str
    kind: str
    size: Optional[int] = None
    problem: Optional[str] = None
    shape_of: str = ""
    values: Dict[str, Value] = field(default_factory=dict)
    nested: Dict[str, Dict[str, Value]] = field(default_factory=dict)  # dictionaries one deeper
    foreign_globals: Tuple[str, ...] = ()
    modules: Tuple[str, ...] = ()
    protocol: int = 0

    @property
    def locations(self) -> Tuple[str, ...]:
        """Devices that its tensors were saved from, but for the CPU."""
        every = [
            *self.values.values(),
            *(v for inner in self.nested.values() for v in inner.values()),
        ]
        found = [str(v.location) for v in every if v.location not in (None, "cpu")]
        return tuple(dict.fromkeys(found))


def inspect_pickle(path: str) -> PickleFile:
    """Describe the pickle at ``path``; nothing in it is imported, called or loaded.

    Never raises: what is wrong stands in ``problem``.
    """
    seen = sniff(path)
    if seen.problem or not seen.exists:
        return PickleFile(path, seen.kind, seen.size, seen.problem)
    if seen.kind not in ("pickle", "torch-legacy", "text", "unknown"):
        return PickleFile(path, seen.kind, seen.size, f"{seen.kind} data, not a pickle")
    size = seen.size or 0
    try:
        with Path(path).open("rb") as stream:
            window = Window(stream, 0, size)
            return _described(path, window, size)
    except (PickleFault, CutOff) as error:
        # A file without a pickle's header is one only if it reads as one to the end.
        surely = seen.kind in ("pickle", "torch-legacy")
        problem = str(error) if surely else "not a pickle"
        foreign = error.foreign if surely else ()
        kind = "pickle" if surely else seen.kind
        return PickleFile(path, kind, size, problem, foreign_globals=foreign)
    except (OSError, RecursionError) as error:
        return PickleFile(path, "unreadable", size, f"cannot be read: {os_reason(error)}")


def _described(path: str, window: Window, size: int) -> PickleFile:
    walk = walk_pickle(window)
    values = Values(window)
    form, found, deeper = _entries(walk.value, values)
    foreign, modules = names_with_nested(window, walk)
    problems = [f"{key}: {v.problem}" for key, v in found.items() if v.problem]
    return PickleFile(
        path=path,
        kind="pickle",
        size=size,
        problem="; ".join(problems[:3]) or None,
        shape_of=form,
        values=found,
        nested=deeper,
        foreign_globals=foreign,
        modules=modules,
        protocol=walk.protocol,
    )


def names_with_nested(window: Window, walk: Walk) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """(foreign globals, modules) of ``walk`` and of every torch file packed into it."""
    foreign: List[str] = list(walk.foreign)
    modules: List[str] = list(walk.modules)
    for call in walk.calls:
        if not call.of(LOAD_BYTES):
            continue
        try:
            _, inner = nested_torch(window, call)
        except (PickleFault, CutOff) as error:
            # torch.load runs whatever these bytes are.
            foreign.extend([*error.foreign, f"{LOAD_BYTES} of unreadable bytes"])
            continue
        foreign.extend(inner.foreign)
        modules.extend(inner.walk.modules)
        if any(c.of(LOAD_BYTES) for c in inner.walk.calls):
            foreign.append(f"{LOAD_BYTES} inside itself")
    return tuple(dict.fromkeys(foreign)), tuple(dict.fromkeys(modules))


def _entries(
    node: Any, values: Values
) -> Tuple[str, Dict[str, Value], Dict[str, Dict[str, Value]]]:
    pairs = _pairs(node)
    if pairs is not None:
        if len(pairs) > MAX_KEYS:
            raise PickleFault(f"a dictionary of more than {MAX_KEYS} keys")
        found = {_key(k): values.describe(v) for k, v in pairs}
        deeper = {}
        for key, value in pairs[:100]:
            inner = _pairs(value)
            if inner is not None and len(inner) <= 100:
                deeper[_key(key)] = {_key(k): values.describe(v) for k, v in inner}
        return "dict", found, deeper
    if isinstance(node, (list, tuple)) and len(node) <= MAX_KEYS:
        found = {str(i): values.describe(item) for i, item in enumerate(node)}
        return type(node).__name__, found, {}
    return "value", {"": values.describe(node)}, {}


def _pairs(node: Any) -> Optional[List[Tuple[Any, Any]]]:
    if isinstance(node, Pairs):
        return node.items
    if isinstance(node, Call) and node.of("collections.OrderedDict", "collections.defaultdict"):
        return node.pairs
    return None


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    # No repr of a container: shared parts can make it endless.
    plain = isinstance(key, (int, float, bool)) or key is None
    return f"({type(key).__name__}) {key}" if plain else f"({type(key).__name__})"
