"""The CUDA probe: every place a toolkit may lie, its version, and what chooses it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import msgspec
import pytest

from dartenv.facts.cuda import CudaSources, probe_cuda
from dartenv.facts.model import CudaFacts
from dartenv.facts.windows import real_registry
from dartenv.manifests.compat_gpu import ToolkitTable, toolkit_table
from dartenv.manifests.loader import Manifests
from dartenv.testing import ScriptedRegistry, ScriptedRunner, ended, hung

SPEC = toolkit_table(Manifests())
KEY = SPEC.registry[0]
NVCC = b"nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 11.8, V11.8.89\n"


class Machine:
    """A Windows in a folder: toolkits, variables, registry."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env: Dict[str, str] = {"ProgramFiles": str(root / "Program Files")}
        self.keys: Dict[str, Any] = {}
        self.answers: Dict[str, Any] = {}
        self.system = "Windows"
        self.spec: ToolkitTable = SPEC

    @property
    def usual(self) -> Path:
        return self.root / "Program Files" / "NVIDIA GPU Computing Toolkit" / "CUDA"

    def toolkit(self, path: Path, version: Optional[str] = None, nvcc: bool = True) -> Path:
        """A toolkit folder; with ``version``, a version.json as CUDA 11.1 and newer have it."""
        (path / "bin").mkdir(parents=True)
        if nvcc:
            name = "nvcc.exe" if self.system == "Windows" else "nvcc"
            (path / "bin" / name).write_bytes(b"")
        if version is not None:
            release = ".".join(version.split(".")[:2])
            data = {
                "cuda": {"name": "CUDA SDK", "version": f"{release}.20220929"},
                "cuda_nvcc": {"name": "CUDA NVCC", "version": version},
            }
            (path / "version.json").write_text(json.dumps(data), encoding="utf-8")
        return path

    def probe(self) -> Tuple[CudaFacts, List[str], ScriptedRunner]:
        runner = ScriptedRunner(self.answers)
        sources = CudaSources(
            system=self.system, registry=ScriptedRegistry(self.keys), cwd=str(self.root / "work")
        )
        result = probe_cuda(self.env, runner, self.spec, sources)
        assert result.value is not None
        return result.value, [failure.reason for failure in result.failures], runner


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_one_folder_found_in_five_ways_is_one_toolkit(machine: Machine) -> None:
    folder = machine.toolkit(machine.usual / "v11.8", "11.8.89")
    machine.env.update(
        CUDA_PATH=str(folder) + os.sep,
        CUDA_HOME=f'"{folder}"',
        CUDA_PATH_V11_8=str(folder),
        PATH=str(folder / "bin"),
    )
    machine.keys[KEY] = {}
    machine.keys[KEY + "\\v11.8"] = {"InstallDir": str(folder)}
    facts, failures, runner = machine.probe()
    assert [t.version for t in facts.toolkits] == ["11.8.89"]
    assert set(facts.toolkits[0].found_by) == {
        "CUDA_HOME",
        "CUDA_PATH",
        "CUDA_PATH_V11_8",
        "registry",
        "Program Files",
        "PATH",
    }
    assert facts.toolkits[0].version_from == "version.json"
    assert facts.nvcc_on_path == str(folder / "bin" / "nvcc.exe")
    assert (failures, runner.calls, facts.env_broken) == ([], [], {})


def test_several_toolkits_stay_apart(machine: Machine) -> None:
    machine.toolkit(machine.usual / "v11.8", "11.8.89")
    newer = machine.toolkit(machine.usual / "v12.4", "12.4.131")
    machine.env["CUDA_PATH"] = str(newer)
    facts, _, _ = machine.probe()
    by_version = {t.version: t.found_by for t in facts.toolkits}
    assert by_version == {"11.8.89": ("Program Files",), "12.4.131": ("CUDA_PATH", "Program Files")}


def test_version_json_of_the_release_counts_where_the_compiler_is_not_in_it(
    machine: Machine,
) -> None:
    folder = machine.toolkit(machine.usual / "v12.1")
    text = json.dumps({"cuda": {"version": "12.1.20230525"}})
    (folder / "version.json").write_text("\ufeff" + text, encoding="utf-8")
    assert machine.probe()[0].toolkits[0].version == "12.1.20230525"


def test_an_old_toolkit_has_version_txt(machine: Machine) -> None:
    folder = machine.toolkit(machine.usual / "v10.2")
    (folder / "version.txt").write_text("CUDA Version 10.2.89\r\n", encoding="utf-8")
    toolkit = machine.probe()[0].toolkits[0]
    assert (toolkit.version, toolkit.version_from) == ("10.2.89", "version.txt")


@pytest.mark.parametrize("broken", ["", "{", "[1]", '{"cuda": {"version": 11}}', "\x00\xff"])
def test_a_broken_version_json_falls_through_to_the_compiler(machine: Machine, broken: str) -> None:
    folder = machine.toolkit(machine.usual / "v11.8")
    (folder / "version.json").write_text(broken, encoding="utf-16")
    compiler = str(folder / "bin" / "nvcc.exe")
    machine.answers[compiler] = NVCC
    facts, _, runner = machine.probe()
    assert (facts.toolkits[0].version, facts.toolkits[0].version_from) == ("11.8.89", "nvcc")
    assert runner.calls[0].timeout <= 8


def test_the_header_and_then_the_folder_name_tell_where_the_compiler_hangs(
    machine: Machine,
) -> None:
    with_header = machine.toolkit(machine.usual / "v11.8")
    (with_header / "include").mkdir()
    (with_header / "include" / "cuda.h").write_text(
        "// CUDA\n#define CUDA_VERSION 11080\n", encoding="utf-8"
    )
    bare = machine.toolkit(machine.usual / "v12.4")
    for folder in (with_header, bare):
        machine.answers[str(folder / "bin" / "nvcc.exe")] = hung()
    facts, failures, runner = machine.probe()
    assert [(t.version, t.version_from) for t in facts.toolkits] == [
        ("11.8", "cuda.h"),
        ("12.4", "folder name"),
    ]
    assert len(failures) == 2
    assert "no answer within 8 s" in failures[0]
    assert len(runner.calls) == 1  # two that hang would take the whole probe's time


def test_a_compiler_outside_trusted_places_is_not_run(machine: Machine) -> None:
    folder = machine.toolkit(machine.root / "work" / "cuda-11.8")
    machine.env.update(CUDA_HOME=str(folder), PATH=str(folder / "bin"))
    facts, _, runner = machine.probe()
    assert runner.calls == []
    assert (facts.toolkits[0].version, facts.toolkits[0].version_from) == ("11.8", "folder name")


def test_neither_relative_path_entries_nor_the_current_folder_count(machine: Machine) -> None:
    work = machine.root / "work"
    work.mkdir()
    (work / "nvcc.exe").write_bytes(b"")
    machine.env["PATH"] = os.pathsep.join([".", "", "bin", str(work)])
    assert machine.probe()[0].nvcc_on_path is None


def test_variables_that_lead_nowhere_are_told_with_their_reason(machine: Machine) -> None:
    empty = machine.root / "empty"
    empty.mkdir()
    machine.env.update(
        CUDA_HOME=str(machine.root / "gone"),
        CUDA_PATH=str(empty),
        CUDA_PATH_V12_1="cuda",
        CUDA_PATH_V12_4=f"{empty}{os.pathsep}{empty}",
    )
    facts, failures, _ = machine.probe()
    assert facts.toolkits == ()
    assert "does not exist" in facts.env_broken["CUDA_HOME"]
    assert "without a CUDA toolkit" in facts.env_broken["CUDA_PATH"]
    assert "relative" in facts.env_broken["CUDA_PATH_V12_1"]
    assert "several" in facts.env_broken["CUDA_PATH_V12_4"]
    assert set(facts.env) == set(facts.env_broken)
    assert failures == []


def test_what_an_uninstaller_left_behind_is_no_toolkit(machine: Machine) -> None:
    (machine.usual / "v11.8" / "extras").mkdir(parents=True)
    assert machine.probe()[0].toolkits == ()


def test_a_runtime_without_a_compiler_is_told_apart(machine: Machine) -> None:
    machine.toolkit(machine.usual / "v11.8", "11.8.89", nvcc=False)
    assert machine.probe()[0].toolkits[0].nvcc is False


@pytest.mark.parametrize(
    ("content", "words"),
    [({"InstallDir": 17}, "is no text"), ("could not be read (WinError 5)", "WinError 5")],
)
def test_a_registry_that_cannot_be_read_is_told(machine: Machine, content: Any, words: str) -> None:
    machine.keys[KEY] = {}
    machine.keys[KEY + "\\v11.8"] = content
    facts, failures, _ = machine.probe()
    assert facts.toolkits == ()
    assert any(words in reason for reason in failures)


def test_windows_variables_count_in_any_case(machine: Machine) -> None:
    folder = machine.toolkit(machine.usual / "v11.8", "11.8.89")
    machine.env["Cuda_Path"] = str(folder)
    assert machine.probe()[0].env == {"CUDA_PATH": str(folder)}


def test_linux_folders_and_a_script_on_path(machine: Machine, tmp_path: Path) -> None:
    """A wrapper on PATH belongs to the toolkit whose version it answers with."""
    machine.system = "Linux"
    root = tmp_path / "usr" / "local"
    folder = machine.toolkit(root / "cuda-11.8", "11.8.89")
    wrapper = root / "bin" / "nvcc"
    wrapper.parent.mkdir()
    wrapper.write_bytes(b"#!/bin/sh\n")
    machine.env = {"PATH": str(wrapper.parent), "ROOT": str(tmp_path / "usr")}
    machine.spec = msgspec.structs.replace(
        SPEC, folders_linux=("%ROOT%/local/cuda-*",), trusted_linux=("%ROOT%",)
    )
    machine.answers[str(wrapper)] = NVCC
    facts, failures, _ = machine.probe()
    assert [(t.path, t.found_by) for t in facts.toolkits] == [
        (str(folder), (str(root), "PATH")),
    ]
    assert (facts.nvcc_on_path, failures) == (str(wrapper), [])


@pytest.mark.skipif(os.name == "nt", reason="links need a Linux")
def test_a_link_and_its_target_are_one_toolkit(machine: Machine, tmp_path: Path) -> None:
    machine.system = "Linux"
    folder = machine.toolkit(tmp_path / "opt" / "cuda-12.4", "12.4.131")
    (tmp_path / "opt" / "cuda").symlink_to(folder)
    machine.env = {"ROOT": str(tmp_path), "CUDA_HOME": str(tmp_path / "opt" / "cuda")}
    machine.spec = msgspec.structs.replace(SPEC, folders_linux=("%ROOT%/opt/cuda*",))
    facts, _, _ = machine.probe()
    assert [t.path for t in facts.toolkits] == [str(folder)]


def test_a_compiler_of_a_conda_environment_is_seen_but_not_run(machine: Machine) -> None:
    library = machine.root / "envs" / "dart" / "Library"
    machine.toolkit(library)
    machine.env["PATH"] = str(library / "bin")
    facts, _, runner = machine.probe()
    assert [(t.path, t.version, t.found_by) for t in facts.toolkits] == [
        (str(library), None, ("PATH",))
    ]
    assert runner.calls == []


def test_a_failing_compiler_is_a_reason_and_no_version(machine: Machine) -> None:
    folder = machine.toolkit(machine.usual / "nameless")
    machine.spec = msgspec.structs.replace(
        SPEC, folders_windows=("%ProgramFiles%/NVIDIA GPU Computing Toolkit/CUDA/*",)
    )
    machine.answers[str(folder / "bin" / "nvcc.exe")] = ended(1, b"")
    facts, failures, _ = machine.probe()
    assert facts.toolkits[0].version is None
    assert "exit code 1" in failures[0]


@pytest.mark.skipif(sys.platform != "win32", reason="the registry is on Windows")
def test_a_real_registry_leads_to_a_toolkit(machine: Machine) -> None:
    import winreg

    folder = machine.toolkit(machine.root / "D盘 tools" / "cuda", "11.8.89")
    path = r"Software\dartenv-test-cuda"
    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, path + r"\v11.8") as key:
        try:
            winreg.SetValueEx(key, "InstallDir", 0, winreg.REG_SZ, str(folder))
            machine.spec = msgspec.structs.replace(SPEC, registry=("HKCU\\" + path,))
            sources = CudaSources(system="Windows", registry=real_registry())
            facts = probe_cuda({}, ScriptedRunner(), machine.spec, sources).value
        finally:
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, path + r"\v11.8")
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, path)
    assert facts is not None
    assert [(t.version, t.found_by) for t in facts.toolkits] == [("11.8.89", ("registry",))]


def test_an_environment_that_is_not_text_for_paths(machine: Machine) -> None:
    """A NUL in a variable cannot be in a path; nothing breaks over it."""
    env: Mapping[str, str] = {"CUDA_HOME": "C:\\cu\0da" if os.name == "nt" else "/cu\0da"}
    result = probe_cuda(env, ScriptedRunner(), SPEC, CudaSources(system="Windows"))
    assert result.value is not None
    assert "CUDA_HOME" in result.value.env_broken
