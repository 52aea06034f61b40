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

from dartenv.runtime.host import Host, load

__all__ = ["Host", "load"]
