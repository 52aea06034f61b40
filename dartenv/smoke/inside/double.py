"""Let torch code that was written for float32 compute in float64, on the same numbers.

What is made in float32 beforehand (weights, statistics, a start) keeps its values; everything
computed from it is then exact to some 1e-16, whatever dtype the code asks for. Needs torch 1.13
(torch.overrides.TorchFunctionMode). Python 3.6 syntax.
"""

import contextlib
from typing import Any, Dict, Iterator, List, Tuple

from . import heavy


@contextlib.contextmanager
def computing_in_double(draws: List[Any]) -> Iterator[None]:
    """Inside, every float32 tensor that torch would give is float64, and torch.randn and randn_like
    give the tensors of ``draws`` instead, first to last. RuntimeError: torch cannot do this.
    """
    torch = heavy.torch()
    if not hasattr(torch.overrides, "TorchFunctionMode"):
        raise RuntimeError(f"torch {torch.__version__} has no TorchFunctionMode")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _mode(draws):
            yield
    finally:
        torch.set_default_dtype(before)


def widen(holder: Any, but: str = "") -> None:
    """Make float64 of every tensor and network that ``holder`` has as an attribute, ``but`` one."""
    for name, value in list(vars(holder).items()):
        found = value if name == but else _attribute(value)
        if found is not value:
            setattr(holder, name, found)


def _attribute(value: Any) -> Any:
    torch = heavy.torch()
    if isinstance(value, torch.nn.Module):
        return value.double()
    if isinstance(value, dict):
        return {key: _attribute(entry) for key, entry in value.items()}
    return _widened(value)


def _widened(value: Any) -> Any:
    """``value`` with float64 for float32: a tensor, a dtype, or a plain sequence of them."""
    torch = heavy.torch()
    if isinstance(value, torch.Tensor):
        return value.double() if value.dtype is torch.float32 else value
    if value is torch.float32:
        return torch.float64
    if type(value) in (list, tuple):  # a named tuple takes its fields one by one
        return type(value)(_widened(entry) for entry in value)
    return value


def _in_place(name: str) -> bool:
    return name in ("__setitem__", "__set__") or (name.endswith("_") and not name.endswith("__"))


def _mode(draws: List[Any]) -> Any:
    torch = heavy.torch()

    base: Any = torch.overrides.TorchFunctionMode

    class Double(base):  # type: ignore[misc]
        def __torch_function__(
            self, function: Any, types: Any, args: Tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            if function in (torch.randn, torch.randn_like):
                if not draws:
                    raise RuntimeError("more noise was drawn than the recorded steps have")
                return draws.pop(0)
            name = getattr(function, "__name__", "")
            if function is torch.Tensor.float:
                function = torch.Tensor.double
            # What is written to must stay itself.
            given: Dict[str, Any] = {
                k: v if k == "out" else _widened(v) for k, v in (kwargs or {}).items()
            }
            if _in_place(name):
                return function(args[0], *(_widened(value) for value in args[1:]), **given)
            if name == "__get__":
                return _widened(function(*args, **given))
            return _widened(function(*(_widened(value) for value in args), **given))

    return Double()
