"""The host compiler checks: gates, defaults, unfinished installations, prompts."""

from __future__ import annotations

from typing import Any, Dict, Optional

import pytest

import dartenv.checks.msvc
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.checks.toolsets import msc_ver
from dartenv.facts.model import Facts, HostFacts, MsvcFacts, VsInstance
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

WINDOWS = HostFacts(
    system="windows", release="10", version="10.0.22631", machine="AMD64", bits=64, build=22631
)
LINUX = HostFacts(system="linux", release="6.1", version="#1", machine="x86_64", bits=64, wsl=0)
MANIFESTS = Manifests()  # read once: files are slow to open on some systems
PATH = r"C:\Program Files\Microsoft Visual Studio\2022\BuildTools"
VSWHERE = r"C:\Program Files (x86)\Microsoft Visual Studio\Installer\vswhere.exe"
COMPONENT = "Microsoft.VisualStudio.Component.VC.14.36.17.6.x86.x64"


def profile(**changes: Any) -> Profile:
    fields: Dict[str, Any] = {
        "id": "windows-cu118",
        "title": "t",
        "source": "s",
        "system": "windows",
        "compute": "cu118",
        "cuda": "11.8",
        "torch": "2.4.1+cu118",
    }
    fields.update(changes)
    return Profile(**fields)


BUILDS = profile(msvc="fail")
CPU = profile(id="windows-cpu", compute="cpu", cuda=None)


def instance(*toolsets: str, default: Optional[str] = None, **changes: Any) -> VsInstance:
    fields: Dict[str, Any] = {
        "path": PATH,
        "name": "Visual Studio Build Tools 2022",
        "version": "17.14.36310.24",
        "complete": True,
        "launchable": True,
        "toolsets": toolsets,
        "default_toolset": default or (toolsets[-1] if toolsets else None),
    }
    fields.update(changes)
    return VsInstance(**fields)


def studio(*instances: VsInstance, **changes: Any) -> MsvcFacts:
    return MsvcFacts(vswhere=VSWHERE, instances=instances, **changes)


def verdict(
    check_id: str,
    msvc: MsvcFacts,
    the_profile: Optional[Profile] = None,
    host: HostFacts = WINDOWS,
) -> Finding:
    context = Context(Facts(host=host, msvc=msvc), the_profile or profile(), MANIFESTS)
    found = run_checks(context, REGISTRY.select([check_id]))
    assert len(found) == 1, [f.summary for f in found]
    return found[0]


def test_the_topic_registers_all_its_checks() -> None:
    assert dartenv.checks.msvc is not None
    assert [c.id for c in REGISTRY.select(["msvc"])] == [
        "msvc.installed",
        "msvc.toolset",
        "msvc.environment",
        "msvc.cub",
    ]


@pytest.mark.parametrize(
    ("toolset", "number"),
    [("14.36.32532", 1936), ("14.16.27023", 1916), ("14.50.1", 1950), ("2022", 0), ("x", 0)],
)
def test_a_toolsets_number(toolset: str, number: int) -> None:
    assert msc_ver(toolset) == number


class TestInstalled:
    def test_a_whole_installation(self) -> None:
        found = verdict("msvc.installed", studio(instance("14.36.32532")))
        assert (found.status, PATH in found.summary) == (Status.OK, True)

    @pytest.mark.parametrize(
        ("the_profile", "status"), [(profile(), Status.INFO), (BUILDS, Status.FAIL)]
    )
    def test_none_weighs_by_use(self, the_profile: Profile, status: Status) -> None:
        found = verdict("msvc.installed", MsvcFacts(), the_profile)
        assert found.status is status
        assert (found.remedy is not None) is (status is Status.FAIL)

    def test_the_command_installs_the_reference_toolset_with_the_build_tools(self) -> None:
        found = verdict("msvc.installed", MsvcFacts(), BUILDS)
        assert found.remedy is not None
        command = found.remedy.commands[0]
        assert command.startswith("vs_BuildTools.exe ")
        assert "Workload.VCTools" in command
        assert COMPONENT in command

    def test_an_unfinished_one_is_named_and_not_relied_on(self) -> None:
        found = verdict("msvc.installed", studio(instance("14.36.32532", complete=False)), BUILDS)
        assert found.status is Status.FAIL
        assert "not complete" in (found.found or "")

    def test_one_that_waits_for_a_restart(self) -> None:
        waiting = instance("14.36.32532", reboot_required=True)
        found = verdict("msvc.installed", studio(waiting), BUILDS)
        assert found.remedy is not None
        assert "restart" in found.remedy.text

    def test_an_unfinished_one_beside_a_whole_one_is_only_evidence(self) -> None:
        other = instance("14.44.35207", complete=False, path=PATH + "2")
        found = verdict("msvc.installed", studio(instance("14.36.32532"), other), BUILDS)
        assert found.status is Status.OK
        assert "not complete" in found.evidence[0]

    def test_an_editor_without_the_cpp_tools_is_modified_not_installed_anew(self) -> None:
        found = verdict("msvc.installed", studio(instance()), BUILDS)
        assert found.status is Status.FAIL
        assert "without the C++ tools" in (found.found or "")
        assert found.remedy is not None
        assert f'modify --installPath "{PATH}"' in found.remedy.commands[0]

    def test_linux_has_none(self) -> None:
        assert verdict("msvc.installed", MsvcFacts(), BUILDS, LINUX).status is Status.SKIP


class TestToolset:
    @pytest.mark.parametrize(
        ("toolset", "cuda", "fits"),
        [
            ("14.36.32532", "11.8", True),
            ("14.39.33519", "11.8", True),
            ("14.40.33807", "11.8", False),  # Visual Studio 2022 as well, refused all the same
            ("14.44.35207", "11.8", False),
            ("14.16.27023", "11.8", True),
            ("14.0.24215", "11.8", False),
            ("14.39.33519", "12.1", True),
            ("14.40.33807", "12.1", False),
            ("14.44.35207", "12.4", True),
            ("14.50.1", "12.8", False),
        ],
    )
    def test_the_gate_of_each_cuda(self, toolset: str, cuda: str, fits: bool) -> None:
        found = verdict("msvc.toolset", studio(instance(toolset)), profile(cuda=cuda, msvc="fail"))
        assert found.status is (Status.OK if fits else Status.FAIL)

    def test_only_14_44_leads_to_the_side_by_side_component(self) -> None:
        found = verdict("msvc.toolset", studio(instance("14.44.35207")), BUILDS)
        assert found.found == "toolsets 14.44.35207"
        assert "14.39" in (found.wanted or "")
        assert found.remedy is not None
        assert found.remedy.fix is None  # installers are not run for anybody
        command = found.remedy.commands[0]
        assert command.startswith('"C:\\Program Files (x86)\\Microsoft Visual Studio\\Installer')
        assert "vs_installer.exe" in command
        assert f'--installPath "{PATH}" --add {COMPONENT}' in command

    def test_the_second_gate_is_told_for_17_11_and_newer(self) -> None:
        def notes(toolset: str, cuda: str = "11.8") -> str:
            found = verdict("msvc.toolset", studio(instance(toolset)), profile(cuda=cuda))
            return " ".join(found.evidence)

        assert "STL1002" in notes("14.41.34120")
        assert "STL1002" not in notes("14.40.33807")
        assert "STL1002" not in notes("14.44.35207", "12.4")

    def test_a_wheel_profile_only_notes_it(self) -> None:
        found = verdict("msvc.toolset", studio(instance("14.44.35207")))
        assert found.status is Status.INFO
        assert found.remedy is not None
        assert "only where something is compiled" in found.remedy.text
        assert "--add Microsoft.VisualStudio.Component.VC.14.36.17.6" in found.remedy.commands[0]

    def test_the_reference_beside_a_newer_default_needs_a_prompt(self) -> None:
        both = instance("14.36.32532", "14.44.35207", default="14.44.35207")
        found = verdict("msvc.toolset", studio(both), BUILDS)
        assert found.status is Status.FAIL
        assert "14.44.35207" in (found.found or "")
        assert found.remedy is not None
        assert "-vcvars_ver=14.36" in found.remedy.commands[0]
        assert found.remedy.commands[1] == "set DISTUTILS_USE_SDK=1"

    def test_the_default_of_the_newest_installation_counts(self) -> None:
        old = instance("14.29.30133", version="16.11.35", path=PATH + "19")
        new = instance("14.44.35207")
        found = verdict("msvc.toolset", studio(old, new), BUILDS)
        assert found.status is Status.FAIL
        assert "takes 14.44.35207 by default" in found.summary

    def test_none_at_all_leaves_the_command_to_msvc_installed(self) -> None:
        found = verdict("msvc.toolset", studio(), BUILDS)
        assert (found.status, found.found) == (Status.FAIL, "no MSVC toolset")
        assert found.remedy is not None
        assert found.remedy.commands == ()

    def test_cpu_and_a_cuda_without_a_row(self) -> None:
        assert verdict("msvc.toolset", studio(instance("14.44.1")), CPU).status is Status.SKIP
        strange = profile(cuda="10.2")
        assert verdict("msvc.toolset", studio(instance("14.44.1")), strange).status is Status.SKIP

    @pytest.mark.parametrize(
        ("gcc", "status"),
        [("11.4.0", Status.OK), ("9.4.0", Status.OK), ("12.2.0", Status.INFO), (None, Status.INFO)],
    )
    def test_gcc_on_linux_is_never_more_than_info(self, gcc: Optional[str], status: Status) -> None:
        msvc = MsvcFacts(gcc="/usr/bin/gcc", gcc_version=gcc)
        on_linux = profile(id="linux-cu118", system="linux", msvc="fail")
        assert verdict("msvc.toolset", msvc, on_linux, LINUX).status is status


class TestEnvironment:
    def cl(self, toolset: str) -> str:
        return rf"{PATH}\VC\Tools\MSVC\{toolset}\bin\Hostx64\x64\cl.exe"

    def test_no_prompt_and_no_compiler_on_path(self) -> None:
        assert verdict("msvc.environment", studio()).status is Status.OK

    def test_an_accepted_compiler_on_path(self) -> None:
        found = verdict("msvc.environment", studio(cl_on_path=self.cl("14.36.32532")))
        assert (found.status, "14.36.32532" in found.summary) == (Status.OK, True)

    def test_a_refused_one_is_noted(self) -> None:
        found = verdict("msvc.environment", studio(cl_on_path=self.cl("14.44.35207")))
        assert found.status is Status.INFO
        assert "14.44.35207" in found.summary

    def test_a_prompt_without_the_sdk_variable(self) -> None:
        found = verdict("msvc.environment", studio(env={"VSCMD_VER": "17.14.9"}))
        assert found.status is Status.INFO
        assert found.remedy is not None
        assert found.remedy.fix == "msvc.environment"
        assert "DISTUTILS_USE_SDK" in found.remedy.commands[0]

    def test_a_prompt_with_it(self) -> None:
        env = {"VSCMD_VER": "17.14.9", "DISTUTILS_USE_SDK": "1"}
        assert verdict("msvc.environment", studio(env=env)).status is Status.OK

    def test_a_compiler_in_an_unusual_place_is_no_crash(self) -> None:
        found = verdict("msvc.environment", studio(cl_on_path=r"D:\tools\cl.exe"))
        assert (found.status, r"D:\tools\cl.exe" in found.summary) == (Status.OK, True)

    def test_linux(self) -> None:
        assert verdict("msvc.environment", MsvcFacts(), host=LINUX).status is Status.SKIP


class TestCub:
    def test_wheels_need_none(self) -> None:
        assert verdict("msvc.cub", studio()).status is Status.SKIP

    def test_a_build_with_11_8_brings_its_own(self) -> None:
        found = verdict("msvc.cub", studio(), BUILDS)
        assert (found.status, found.remedy) == (Status.INFO, None)

    def test_a_build_below_11_7_wants_one(self) -> None:
        found = verdict("msvc.cub", studio(), profile(cuda="11.6", msvc="fail"))
        assert found.status is Status.INFO
        assert found.remedy is not None
        assert "CUB_HOME" in found.remedy.commands[0]

    def test_one_that_is_set_and_whole(self) -> None:
        msvc = studio(env={"CUB_HOME": r"D:\cub"}, cub_header=True)
        assert verdict("msvc.cub", msvc, BUILDS).status is Status.OK

    def test_one_that_leads_nowhere(self) -> None:
        msvc = studio(env={"CUB_HOME": r"D:\cub"}, cub_header=False)
        found = verdict("msvc.cub", msvc, BUILDS)
        assert (found.status, r"D:\cub" in (found.found or "")) == (Status.INFO, True)
