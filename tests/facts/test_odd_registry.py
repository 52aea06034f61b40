"""Registry values of the wrong type, and texts that are none: told, never raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List

import msgspec
import pytest

from dartenv.checks.conda import tools_table
from dartenv.facts.collect import speakable
from dartenv.facts.conda import probe_conda
from dartenv.facts.cuda import CudaSources, probe_cuda
from dartenv.facts.host import HostSources, probe_host
from dartenv.facts.model import Facts, ProbeFailure, TargetFacts
from dartenv.facts.msvc import MsvcSources, probe_msvc
from dartenv.facts.probed import Probed
from dartenv.facts.unreal import probe_unreal
from dartenv.facts.windows import RegistryNames, RegistryValue
from dartenv.manifests.compat_editor import UnrealTable
from dartenv.manifests.compat_gpu import host_table, msvc_table, toolkit_table
from dartenv.manifests.loader import Manifests
from dartenv.testing import ScriptedRunner

MANIFESTS = Manifests()


class Odd:
    """A registry in which every value is the same odd one."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def value(self, key: str, name: str) -> RegistryValue:
        return RegistryValue(self._value)

    def subkeys(self, key: str) -> RegistryNames:
        return RegistryNames(("v11.8", "5.5", "{x}"))

    def values(self, key: str) -> RegistryNames:
        return RegistryNames(("17.0",))


def windows(folder: Path, value: Any) -> Dict[str, Callable[[], Probed[Any]]]:
    env = {name: str(folder) for name in ("USERPROFILE", "ProgramFiles", "LOCALAPPDATA")}
    env["PATH"] = ""
    registry, runner = Odd(value), ScriptedRunner()
    unreal = MANIFESTS.read("compat", "unreal", UnrealTable)
    host = HostSources(system=lambda: "Windows", registry=registry)
    msvc = MsvcSources(registry=registry, system="windows")
    return {
        "conda": lambda: probe_conda(env, runner, tools_table(MANIFESTS), registry, True),
        "cuda": lambda: probe_cuda(
            env, runner, toolkit_table(MANIFESTS), CudaSources(registry=registry)
        ),
        "msvc": lambda: probe_msvc(env, runner, msvc_table(MANIFESTS), msvc),
        "host": lambda: probe_host(env, runner, [], host_table(MANIFESTS), host),
        "unreal": lambda: probe_unreal(env, runner, unreal, None, registry, True),
    }


PROBES = ("conda", "cuda", "msvc", "host", "unreal")


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize(
    "value", [b"\xff\x00", ["a", "b"], [], 3.5], ids=["bytes", "list", "empty", "float"]
)
def test_a_value_of_the_wrong_type_is_told(tmp_path: Path, value: Any, probe: str) -> None:
    probed = windows(tmp_path, value)[probe]()
    assert probed.value is not None
    told = [one.reason for one in probed.failures]
    assert any("no text" in text or "where a number belongs" in text for text in told), told


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize(
    "value",
    [0, -1, 2**63, True, "", "\0", "C:\\a\0b", "x" * 40_000, "\ud800", "\\\\?\\x"],
    ids=lambda value: ascii(value)[:20],
)
def test_no_value_raises(tmp_path: Path, value: Any, probe: str) -> None:
    assert windows(tmp_path, value)[probe]().value is not None


def test_what_is_no_text_is_escaped_in_the_facts() -> None:
    names: List[str] = ["/home/\udcff/env", "half \ud800"]
    facts = Facts(
        target=TargetFacts(dart_root=names[0]),
        probe_failures=(ProbeFailure(probe="x", reason=names[1]),),
        extra={names[0]: [names[1]]},
    )
    clean = speakable(facts)
    assert clean.target.dart_root == "/home/\\udcff/env"
    assert clean.probe_failures[0].reason == "half \\ud800"
    assert msgspec.json.decode(msgspec.json.encode(clean), type=Facts) == clean
    assert speakable(clean) is clean
