"""DART's motion from a bundle, with numpy and ONNX Runtime alone. Start at :func:`load`.

from dartenv.runtime import load

host = load("BUNDLE", precision="int8")
motion = host.generate("walk forward*6, turn left*2", seed=0)[0]

stream = host.stream("walk forward")
for frame in stream:                  # one frame at a time, for ever
    if frame.index == 60:
        stream.prompt = "wave right hand"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dartenv.runtime.host import Host, load

__all__ = ["Host", "load"]


def __getattr__(name: str) -> Any:
    """Import what needs numpy only when it is asked for: prompts and tokens do not."""
    if name in __all__:
        from dartenv.runtime import host

        return getattr(host, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
