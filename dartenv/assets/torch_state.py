"""Where the state dict is in a checkpoint's top level, and the tensors in it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from dartenv.assets.pickle_nodes import Call, Pairs
from dartenv.assets.pickle_values import Value, Values

# What DART's trainers write; the others are common elsewhere and read all the same.
STATE_KEYS = ("model_state_dict", "state_dict", "model")
STEP_KEYS = ("num_steps", "step", "global_step")
MAX_TENSORS = 20_000
_MAX_DEPTH = 60

State = Tuple[Dict[str, Value], Dict[str, Value], Optional[int], Optional[str]]


def find_state(node: Any, values: Values) -> State:
    """(tensors, top-level entries, steps, the key that held the tensors) of a saved object."""
    pairs = _mapping(node)
    if pairs is None:
        return {}, {"": values.describe(node)}, None, None
    top = {k: v for k, v in pairs if isinstance(k, str)}
    entries = {k: values.describe(v) for k, v in list(top.items())[:MAX_TENSORS]}
    steps = None
    for key in STEP_KEYS:
        value = top.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            steps = value
            break
    for key in STATE_KEYS:
        inner = _mapping(top.get(key))
        if inner is not None:
            return _tensors(inner, values), entries, steps, key
    flat = {k: v for k, v in entries.items() if v.kind == "tensor"}
    return flat, entries, steps, "" if flat else None


def module_state(node: Any, values: Values) -> Dict[str, Value]:
    """The tensors of a TorchScript module tree, by dotted attribute names."""
    found: Dict[str, Value] = {}
    waiting: List[Tuple[str, Any, int]] = [("", node, 0)]
    visited = 0
    while waiting and visited < MAX_TENSORS:
        visited += 1
        prefix, item, depth = waiting.pop()
        state = item.state if isinstance(item, Call) else None
        if not isinstance(state, Pairs) or depth > _MAX_DEPTH:
            continue
        for name, value in state.text_keys().items():
            dotted = f"{prefix}.{name}" if prefix else name
            described = values.describe(value)
            if described.kind == "tensor":
                found[dotted] = described
            elif isinstance(value, Call):
                waiting.append((dotted, value, depth + 1))
    return found


def _mapping(node: Any) -> Optional[List[Tuple[Any, Any]]]:
    if isinstance(node, Pairs):
        return node.items
    if isinstance(node, Call) and node.of("collections.OrderedDict", "collections.defaultdict"):
        return node.pairs
    return None


def _tensors(pairs: List[Tuple[Any, Any]], values: Values) -> Dict[str, Value]:
    found: Dict[str, Value] = {}
    for key, node in pairs[:MAX_TENSORS]:
        if isinstance(key, str):
            described = values.describe(node)
            if described.kind == "tensor":
                found[key] = described
    return found
