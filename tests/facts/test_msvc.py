"""The host compiler probe: vswhere's answers, folders without it, gcc on Linux."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import msgspec
import pytest

from dartenv.facts.model import MsvcFacts
from dartenv.facts.msvc import MsvcSources, probe_msvc
from dartenv.facts.windows import real_registry
from dartenv.manifests.compat_gpu import msvc_table
from dartenv.manifests.loader import Manifests
from dartenv.testing import ScriptedRegistry, ScriptedRunner, ended, hung

SPEC = msvc_table(Manifests())


class Machine:
    """A Windows in a folder, with Visual Studio installations."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env: Dict[str, str] = {
            "ProgramFiles": str(root / "Program Files"),
            "ProgramFiles(x86)": str(root / "Program Files (x86)"),
        }
        self.keys: Dict[str, Any] = {}
        self.answers: Dict[str, Any] = {}
        self.spec = SPEC
        self.vswhere = (
            root / "Program Files (x86)/Microsoft Visual Studio/Installer" / "vswhere.exe"
        )

    def installation(
        self, edition: str, toolsets: Tuple[str, ...], default: Optional[str] = None
    ) -> Path:
        path = self.root / "Program Files" / "Microsoft Visual Studio" / "2022" / edition
        for version in toolsets:
            compiler = path / SPEC.toolsets / version / SPEC.compiler
            compiler.parent.mkdir(parents=True)
            compiler.write_bytes(b"")
        if default is not None:
            file = path / SPEC.default_toolset
            file.parent.mkdir(parents=True)
            file.write_bytes(default.encode("ascii") + b" \r\n")
        return path

    def listing(self, *entries: Dict[str, Any]) -> None:
        """vswhere is there and answers with ``entries``."""
        self.answer(json.dumps(entries, ensure_ascii=False).encode("utf-8"))

    def answer(self, answer: Any) -> None:
        self.vswhere.parent.mkdir(parents=True, exist_ok=True)
        self.vswhere.write_bytes(b"")
        self.answers[str(self.vswhere)] = answer

    def probe(self) -> Tuple[MsvcFacts, List[str], ScriptedRunner]:
        runner = ScriptedRunner(self.answers)
        sources = MsvcSources(
            system="Windows",
            registry=ScriptedRegistry(self.keys),
            encoding="gbk",
            cwd=str(self.root / "work"),
        )
        result = probe_msvc(self.env, runner, self.spec, sources)
        assert result.value is not None
        return result.value, [failure.reason for failure in result.failures], runner


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def entry(path: Path, **more: Any) -> Dict[str, Any]:
    return {
        "installationPath": str(path),
        "installationVersion": "17.14.36310.24",
        "displayName": "Visual Studio 生成工具 2022",
        "productId": "Microsoft.VisualStudio.Product.BuildTools",
        "isComplete": True,
        "isLaunchable": True,
        "isRebootRequired": False,
        **more,
    }


def test_every_toolset_of_an_installation_is_listed(machine: Machine) -> None:
    path = machine.installation("BuildTools", ("14.44.35207", "14.36.32532"), "14.44.35207")
    machine.listing(entry(path))
    facts, failures, runner = machine.probe()
    assert len(facts.instances) == 1
    one = facts.instances[0]
    assert one.toolsets == ("14.36.32532", "14.44.35207")
    assert one.default_toolset == "14.44.35207"
    assert (one.name, one.complete, one.found_by) == (
        "Visual Studio 生成工具 2022",
        True,
        "vswhere",
    )
    assert failures == []
    assert runner.calls[0].argv[1:] == SPEC.vswhere_arguments
    assert runner.calls[0].timeout <= 8


def test_the_arguments_show_build_tools_and_what_is_unfinished() -> None:
    arguments = " ".join(SPEC.vswhere_arguments)
    for wanted in ("-products *", "-all", "-format json", "-utf8"):
        assert wanted in arguments


def test_toolsets_are_sorted_as_numbers_and_need_a_64_bit_compiler(machine: Machine) -> None:
    path = machine.installation("Community", ("14.9.1", "14.16.27023"))
    (path / SPEC.toolsets / "14.50.1").mkdir()
    (path / SPEC.toolsets / "notes").mkdir()
    machine.listing(entry(path))
    assert machine.probe()[0].instances[0].toolsets == ("14.9.1", "14.16.27023")


def test_an_unfinished_installation_is_listed_as_such(machine: Machine) -> None:
    path = machine.installation("Community", ())
    machine.listing(entry(path, isComplete=False, isLaunchable=False, isRebootRequired=True))
    one = machine.probe()[0].instances[0]
    assert (one.complete, one.launchable, one.reboot_required) == (False, False, True)
    assert (one.toolsets, one.default_toolset) == ((), None)


def test_an_answer_in_the_code_page_of_the_machine_is_read(machine: Machine) -> None:
    path = machine.installation("BuildTools", ("14.36.32532",))
    machine.answer(json.dumps([entry(path)], ensure_ascii=False).encode("gbk"))
    facts, failures, _ = machine.probe()
    assert facts.instances[0].name == "Visual Studio 生成工具 2022"
    assert failures == []


@pytest.mark.parametrize(
    "answer", [b"", b"\xff\xfe\x00garbage", b"{}", b"<html>", hung(), ended(87, b"[]")]
)
def test_an_answer_that_is_none_leaves_the_usual_folders(machine: Machine, answer: Any) -> None:
    machine.installation("BuildTools", ("14.36.32532",), "14.36.32532")
    machine.answer(answer)
    facts, failures, _ = machine.probe()
    assert [(one.toolsets, one.found_by) for one in facts.instances] == [
        (("14.36.32532",), "folder")
    ]
    assert len(failures) == 1
    assert "vswhere" in failures[0]


@pytest.mark.parametrize("odd", [{}, {"installationPath": 3}, {"installationPath": "VS"}, 7])
def test_an_entry_without_a_path_does_not_hide_the_others(machine: Machine, odd: Any) -> None:
    path = machine.installation("BuildTools", ("14.36.32532",))
    machine.listing(odd, entry(path))
    facts, failures, _ = machine.probe()
    assert [one.path for one in facts.instances] == [str(path)]
    assert len(failures) == 1


def test_without_vswhere_the_registry_and_the_folders_are_read_once(machine: Machine) -> None:
    path = machine.installation("BuildTools", ("14.36.32532",))
    machine.keys[SPEC.registry[0]] = {"15.0": str(path) + os.sep, "16.0": 5}
    facts, failures, runner = machine.probe()
    assert facts.vswhere is None
    assert [(one.path, one.found_by) for one in facts.instances] == [(str(path), "registry")]
    assert runner.calls == []
    assert [one.rpartition(": ")[2] for one in failures] == ["16.0 is no text"]


def test_no_visual_studio_at_all(machine: Machine) -> None:
    facts, failures, _ = machine.probe()
    assert (facts.instances, facts.vswhere, facts.cl_on_path, failures) == ((), None, None, [])


def test_the_prompt_and_the_compiler_on_path(machine: Machine) -> None:
    path = machine.installation("BuildTools", ("14.36.32532",))
    folder = (path / SPEC.toolsets / "14.36.32532" / SPEC.compiler).parent
    machine.env.update({"PATH": str(folder), "vscmd_ver": "17.14.9", "CUB_HOME": "cub"})
    facts, _, _ = machine.probe()
    assert facts.cl_on_path == str(folder / "cl.exe")
    assert facts.env == {"VSCMD_VER": "17.14.9", "CUB_HOME": "cub"}
    assert facts.cub_header is False


def test_cub_is_told_by_its_header(machine: Machine) -> None:
    header = machine.root / "cub-1.17.2" / SPEC.cub_header
    header.parent.mkdir(parents=True)
    header.write_bytes(b"")
    machine.env["CUB_HOME"] = str(machine.root / "cub-1.17.2")
    assert machine.probe()[0].cub_header is True


@pytest.mark.parametrize(
    ("answer", "version", "failed"),
    [
        (b"12.2.0\n", "12.2.0", False),
        (b"11\n", "11", False),
        (hung(), None, True),
        (b"", None, True),
    ],
)
def test_gcc_on_linux(tmp_path: Path, answer: Any, version: Optional[str], failed: bool) -> None:
    gcc = tmp_path / "gcc"
    gcc.write_bytes(b"")
    spec = msgspec.structs.replace(SPEC, gcc=(str(gcc),))
    runner = ScriptedRunner({str(gcc): answer})
    result = probe_msvc({}, runner, spec, MsvcSources(system="Linux"))
    assert result.value is not None
    assert (result.value.gcc, result.value.gcc_version) == (str(gcc), version)
    assert bool(result.failures) is failed


@pytest.mark.skipif(sys.platform != "win32", reason="the registry is on Windows")
def test_a_real_registry_leads_to_an_installation(machine: Machine) -> None:
    import winreg

    path = machine.root / "D盘 VS"
    compiler = path / SPEC.toolsets / "14.36.32532" / SPEC.compiler
    compiler.parent.mkdir(parents=True)
    compiler.write_bytes(b"")
    key_path = r"Software\dartenv-test-msvc"
    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key_path) as key:
        try:
            winreg.SetValueEx(key, "15.0", 0, winreg.REG_SZ, str(path))
            spec = msgspec.structs.replace(SPEC, registry=("HKCU\\" + key_path,), folders=())
            sources = MsvcSources(system="Windows", registry=real_registry())
            facts = probe_msvc({}, ScriptedRunner(), spec, sources).value
        finally:
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key_path)
    assert facts is not None
    assert [(one.path, one.toolsets) for one in facts.instances] == [(str(path), ("14.36.32532",))]
