"""The host checks, each with a machine that passes and one that does not."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional, Sequence

import msgspec
import pytest

import dartenv.checks.host
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    AssetsFacts,
    DistributionFacts,
    DriveFacts,
    Facts,
    FileAsset,
    HostFacts,
    InterpreterFacts,
    SourceFacts,
    TargetFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

MANIFESTS = Manifests()  # read once: files are slow to open on some systems
GIB = 1024**3
NOW = 1_800_000_000.0  # January 2027

WINDOWS = HostFacts(
    system="windows",
    release="10",
    version="10.0.22631",
    machine="AMD64",
    bits=64,
    build=22631,
    server=False,
    memory_total=32 * GIB,
    swap_total=8 * GIB,
    long_paths=False,
    code_page=936,
    utf8_mode=False,
    now=NOW,
    cache=r"C:\Users\li\.cache",
    drives=(
        DriveFacts(path=r"D:\DART", role="dart_root", mount="D:\\", free=90 * 10**9, kind="fixed"),
        DriveFacts(
            path=r"C:\envs\dart", role="environment", mount="C:\\", free=50 * 10**9, kind="fixed"
        ),
        DriveFacts(
            path=r"C:\Users\li\.cache", role="cache", mount="C:\\", free=50 * 10**9, kind="fixed"
        ),
    ),
)
LINUX = HostFacts(
    system="linux",
    release="6.1.0-18-amd64",
    version="#1 SMP",
    machine="x86_64",
    bits=64,
    distro="Debian GNU/Linux 12 (bookworm)",
    libc="glibc 2.36",
    wsl=0,
    memory_total=32 * GIB,
    swap_total=0,
    now=NOW,
    cache="/home/li/.cache",
    drives=(
        DriveFacts(path="/home/li", role="environment", mount="/", free=50 * 10**9, kind="fixed"),
    ),
)
PYTHON = InterpreterFacts(
    executable=r"C:\envs\dart\python.exe", version="3.8.8", prefix=r"C:\envs\dart"
)
TARGET = TargetFacts(dart_root=r"D:\DART")


def profile(name: str = "windows-x", **changes: Any) -> Profile:
    fields: Dict[str, Any] = {
        "id": name,
        "title": name,
        "source": "test",
        "system": name.split("-")[0],
        "compute": "cu118",
        "cuda": "11.8",
        "torch": "2.4.1+cu118",
        "memory_min": 8 * GIB,
        "disk_min": 12 * 10**9,
    }
    fields.update(changes)
    return Profile(**fields)


def findings(
    check_id: str,
    host: HostFacts,
    the_profile: Optional[Profile] = None,
    profiles: Sequence[Profile] = (),
    **facts: Any,
) -> List[Finding]:
    manifests = copy.copy(MANIFESTS)
    manifests.profiles = lambda: list(profiles)  # type: ignore[method-assign]
    facts.setdefault("target", TARGET)
    context = Context(Facts(host=host, **facts), the_profile or profile(), manifests)
    return run_checks(context, REGISTRY.select([check_id]))


def verdict(check_id: str, host: HostFacts, *args: Any, **facts: Any) -> Finding:
    found = findings(check_id, host, *args, **facts)
    assert len(found) == 1, [f.summary for f in found]
    return found[0]


def changed(host: HostFacts, **fields: Any) -> HostFacts:
    return msgspec.structs.replace(host, **fields)


def test_the_topic_registers_all_its_checks() -> None:
    assert dartenv.checks.host is not None
    assert [c.id for c in REGISTRY.select(["host"])] == [
        "host.os",
        "host.memory",
        "host.long-paths",
        "host.code-page",
        "host.clock",
        "host.disk",
        "host.path-charset",
    ]


class TestOs:
    @pytest.mark.parametrize(
        ("host", "name"),
        [
            (WINDOWS, "Windows 11 (build 22631)"),
            (changed(WINDOWS, build=19045), "Windows 10 (build 19045)"),
            (changed(WINDOWS, build=20348, server=True), "Windows Server 2022 (build 20348)"),
        ],
    )
    def test_windows_passes_under_its_own_name(self, host: HostFacts, name: str) -> None:
        found = verdict("host.os", host)
        assert (found.status, name in found.summary) == (Status.OK, True)

    def test_an_old_windows_fails(self) -> None:
        found = verdict("host.os", changed(WINDOWS, build=9600, release="8.1"))
        assert found.status is Status.FAIL
        assert "9600" in (found.found or "")

    def test_linux_passes(self) -> None:
        found = verdict("host.os", LINUX, profile("linux-x"))
        assert (found.status, "Debian" in found.summary) == (Status.OK, True)

    def test_wsl2_is_named_and_passes(self) -> None:
        host = changed(LINUX, wsl=2, release="5.15.153.1-microsoft-standard-WSL2")
        found = verdict("host.os", host, profile("linux-x"))
        assert found.status is Status.INFO
        assert "WSL2" in found.summary

    def test_wsl1_fails_with_the_command_that_converts_it(self) -> None:
        found = verdict("host.os", changed(LINUX, wsl=1), profile("linux-x"))
        assert found.status is Status.FAIL
        assert found.remedy is not None
        assert "wsl --set-version NAME 2" in found.remedy.commands

    def test_wine_is_named(self) -> None:
        found = verdict("host.os", changed(WINDOWS, wine="8.0"))
        assert found.status is Status.INFO
        assert "Wine 8.0" in found.summary

    def test_a_profile_for_another_system_fails_and_names_one_that_fits(self) -> None:
        chosen = profile("windows-x", falls_back_to=("linux-b",))
        others = [profile("linux-a"), profile("linux-b"), profile("windows-x")]
        found = verdict("host.os", LINUX, chosen, others)
        assert found.status is Status.FAIL
        assert found.remedy is not None
        assert found.remedy.commands == (
            "dartenv doctor --profile linux-b",
            "dartenv doctor --profile linux-a",
        )

    def test_arm_fails_with_cuda_and_is_info_on_cpu(self) -> None:
        host = changed(LINUX, machine="aarch64")
        assert verdict("host.os", host, profile("linux-x")).status is Status.FAIL
        cpu = profile("linux-x", compute="cpu", cuda=None, torch=None)
        assert verdict("host.os", host, cpu).status is Status.INFO

    def test_32_bit_fails_even_on_cpu(self) -> None:
        cpu = profile("windows-x", compute="cpu", cuda=None, torch=None)
        host = changed(WINDOWS, machine="x86", bits=32)
        assert verdict("host.os", host, cpu).status is Status.FAIL

    def test_macos_fails_with_cuda_and_is_info_in_the_sandbox(self) -> None:
        host = changed(LINUX, system="darwin", distro=None, libc=None)
        anywhere = profile("x", system="any")
        assert verdict("host.os", host, anywhere).status is Status.FAIL
        sandbox = profile("x", system="any", compute="cpu", cuda=None)
        assert verdict("host.os", host, sandbox).status is Status.INFO

    @pytest.mark.parametrize(
        ("libc", "torch", "status"),
        [
            ("glibc 2.17", "2.4.1+cu118", Status.OK),
            ("glibc 2.12", "2.4.1+cu118", Status.FAIL),
            ("glibc 2.17", "2.7.1+cu128", Status.FAIL),
            ("glibc 2.28", "2.7.1+cu128", Status.OK),
            ("musl 1.2.4", "2.4.1+cu118", Status.FAIL),
        ],
    )
    def test_the_c_library_against_the_wheels_of_that_torch(
        self, libc: str, torch: str, status: Status
    ) -> None:
        found = verdict("host.os", changed(LINUX, libc=libc), profile("linux-x", torch=torch))
        assert found.status is status


class TestDisk:
    def test_enough_room(self) -> None:
        assert verdict("host.disk", WINDOWS).status is Status.OK

    def test_a_full_environment_drive_fails_and_says_what_is_still_to_come(self) -> None:
        drives = (*WINDOWS.drives[:1], changed(WINDOWS.drives[1], free=6 * 10**9))
        found = verdict("host.disk", changed(WINDOWS, drives=drives))
        assert found.status is Status.FAIL
        assert "6.0 GB" in (found.found or "")
        assert "12.0 GB" in (found.wanted or "")

    def test_what_is_installed_already_needs_no_room(self) -> None:
        drives = (changed(WINDOWS.drives[1], free=6 * 10**9),)
        torch = DistributionFacts(name="torch", version="2.4.1+cu118")
        python = msgspec.structs.replace(PYTHON, distributions=(torch,))
        host = changed(WINDOWS, drives=drives)
        assert verdict("host.disk", host, interpreter=python).status is Status.OK

    def test_assets_count_where_they_go_and_only_for_what_is_missing(self) -> None:
        small = profile(disk_min=0)
        free = 1_100_000_000
        drives = (
            changed(WINDOWS.drives[0], free=free),
            changed(WINDOWS.drives[2], free=free),
        )
        host = changed(WINDOWS, drives=drives)
        missing = FileAsset(id="clip", path="x", role="clip", exists=False)
        half = msgspec.structs.replace(missing, exists=True, size=300_000_000, problem="partial")
        there = msgspec.structs.replace(missing, exists=True, size=353_976_522)
        found = verdict("host.disk", host, small, assets=AssetsFacts(files=(missing,)))
        assert (found.status, "C:\\" in found.summary) == (Status.FAIL, True)
        for asset in (half, there):
            good = verdict("host.disk", host, small, assets=AssetsFacts(files=(asset,)))
            assert good.status is Status.OK

    def test_two_needs_on_one_drive_add_up(self) -> None:
        clip = AssetsFacts(files=(FileAsset(id="clip", path="x", role="clip"),))
        drives = [changed(one, free=13_200_000_000) for one in WINDOWS.drives[1:]]
        host = changed(WINDOWS, drives=tuple(drives))
        assert verdict("host.disk", host).status is Status.OK
        assert verdict("host.disk", host, assets=clip).status is Status.FAIL

    def test_a_drive_that_cannot_be_asked_is_no_failure(self) -> None:
        drives = (changed(WINDOWS.drives[1], free=None),)
        assert verdict("host.disk", changed(WINDOWS, drives=drives)).status is Status.SKIP

    def test_a_nearly_full_drive_with_nothing_to_come_is_a_warning(self) -> None:
        drives = (changed(LINUX.drives[0], free=10**8),)
        found = verdict("host.disk", changed(LINUX, drives=drives), profile("linux-x", disk_min=0))
        assert found.status is Status.WARN


class TestMemory:
    def test_enough(self) -> None:
        assert verdict("host.memory", WINDOWS).status is Status.OK

    def test_the_page_file_counts(self) -> None:
        host = changed(WINDOWS, memory_total=4 * GIB, swap_total=4 * GIB)
        assert verdict("host.memory", host).status is Status.OK

    @pytest.mark.parametrize("host", [WINDOWS, LINUX])
    def test_too_little_warns(self, host: HostFacts) -> None:
        found = verdict("host.memory", changed(host, memory_total=4 * GIB, swap_total=None))
        assert found.status is Status.WARN
        assert "4.0 GiB" in (found.found or "")

    def test_unknown_is_said_so(self) -> None:
        assert verdict("host.memory", changed(LINUX, memory_total=None)).status is Status.SKIP


class TestLongPaths:
    def source(self, longest: int) -> SourceFacts:
        return SourceFacts(root=r"D:\DART", exists=True, is_dir=True, longest_path=longest)

    def test_linux_needs_none(self) -> None:
        assert verdict("host.long-paths", LINUX, profile("linux-x")).status is Status.SKIP

    def test_a_short_root_needs_none(self) -> None:
        found = verdict("host.long-paths", WINDOWS, source=self.source(120))
        assert found.status is Status.OK

    def test_a_long_root_would_pass_the_limit_with_its_outputs(self) -> None:
        target = TargetFacts(dart_root="D:\\" + "x" * 60)
        found = verdict("host.long-paths", WINDOWS, source=self.source(120), target=target)
        assert found.status is Status.WARN
        assert "275" in found.summary
        assert found.remedy is not None
        assert found.remedy.fix == "host.long-paths"
        assert "LongPathsEnabled" in found.remedy.commands[0]

    def test_a_path_close_to_the_limit_warns(self) -> None:
        assert verdict("host.long-paths", WINDOWS, source=self.source(201)).status is Status.WARN
        assert verdict("host.long-paths", WINDOWS, source=self.source(200)).status is Status.OK

    def test_long_paths_that_are_on_settle_it(self) -> None:
        host = changed(WINDOWS, long_paths=True)
        assert verdict("host.long-paths", host, source=self.source(400)).status is Status.OK

    def test_a_registry_that_could_not_be_read_is_not_off(self) -> None:
        host = changed(WINDOWS, long_paths=None)
        found = verdict("host.long-paths", host, source=self.source(400))
        assert (found.status, "not readable" in found.summary) == (Status.WARN, True)


class TestPathCharset:
    def test_plain_local_paths_pass(self) -> None:
        found = verdict("host.path-charset", WINDOWS, interpreter=PYTHON)
        assert found.status is Status.OK

    @pytest.mark.parametrize(
        ("root", "words"),
        [
            (r"D:\文件\DART", "文件"),
            (r"D:\my projects\DART", "a space"),
            (r"C:\Users\li\OneDrive - Lab\DART", "OneDrive"),
            (r"\\nas\share\DART", "network"),
        ],
    )
    def test_each_doubtful_thing_is_named(self, root: str, words: str) -> None:
        found = verdict("host.path-charset", WINDOWS, target=TargetFacts(dart_root=root))
        assert found.status is Status.WARN
        assert words in (found.found or "")

    def test_a_user_name_outside_ascii_reaches_environment_and_cache(self) -> None:
        python = msgspec.structs.replace(PYTHON, prefix=r"C:\Users\李明\anaconda3\envs\dart")
        host = changed(WINDOWS, cache=r"C:\Users\李明\.cache")
        found = verdict("host.path-charset", host, interpreter=python)
        assert "2 doubtful things" in found.summary
        assert "torch.jit.load" in (found.found or "")
        assert "cache" in found.evidence[0]

    def test_a_windows_drive_seen_from_wsl(self) -> None:
        drives = (DriveFacts(path="/mnt/c/DART", role="dart_root", kind="wsl-windows"),)
        host = changed(LINUX, wsl=2, drives=drives)
        target = TargetFacts(dart_root="/mnt/c/DART")
        found = verdict("host.path-charset", host, profile("linux-x"), target=target)
        assert (found.status, "WSL" in (found.found or "")) == (Status.WARN, True)

    def test_a_folder_that_only_contains_the_word_is_no_cloud_folder(self) -> None:
        target = TargetFacts(dart_root=r"D:\NotOneDriveAtAll\DART")
        assert verdict("host.path-charset", WINDOWS, target=target).status is Status.OK


class TestCodePage:
    def test_gbk_without_utf8_mode_warns_and_sets_it_for_the_environment(self) -> None:
        conda = msgspec.structs.replace(PYTHON, conda_prefix=r"C:\envs\dart")
        found = verdict("host.code-page", WINDOWS, interpreter=conda)
        assert found.status is Status.WARN
        assert "936" in (found.found or "")
        assert found.remedy is not None
        assert found.remedy.fix == "host.code-page"
        assert "conda env config vars set" in found.remedy.commands[0]

    def test_without_conda_the_user_sets_it(self) -> None:
        found = verdict("host.code-page", WINDOWS, interpreter=PYTHON)
        assert found.remedy is not None
        assert found.remedy.commands == ('setx PYTHONUTF8 "1"',)

    def test_utf8_passes_in_each_form(self) -> None:
        utf8 = changed(WINDOWS, utf8_mode=True)
        assert verdict("host.code-page", utf8).status is Status.OK
        assert verdict("host.code-page", changed(WINDOWS, code_page=65001)).status is Status.OK
        python = msgspec.structs.replace(PYTHON, env={"PYTHONUTF8": "1"})
        assert verdict("host.code-page", WINDOWS, interpreter=python).status is Status.OK
        newer = msgspec.structs.replace(PYTHON, version="3.15.0")
        assert verdict("host.code-page", WINDOWS, interpreter=newer).status is Status.OK

    def test_linux_and_the_unknown(self) -> None:
        assert verdict("host.code-page", LINUX, profile("linux-x")).status is Status.SKIP
        assert verdict("host.code-page", changed(WINDOWS, code_page=None)).status is Status.SKIP


class TestClock:
    def test_a_right_clock(self) -> None:
        host = changed(LINUX, newest_file=NOW - 60)
        assert verdict("host.clock", host, profile("linux-x")).status is Status.OK

    def test_files_of_the_future_show_a_slow_clock(self) -> None:
        host = changed(WINDOWS, newest_file=NOW + 3 * 86400, newest_file_path=r"D:\DART\a.py")
        found = verdict("host.clock", host)
        assert found.status is Status.WARN
        assert r"D:\DART\a.py" in (found.wanted or "")

    def test_a_time_zone_mistake_is_not_a_wrong_day(self) -> None:
        assert verdict("host.clock", changed(WINDOWS, newest_file=NOW + 43_000)).status is Status.OK

    def test_a_clock_from_before_dartenv(self) -> None:
        found = verdict("host.clock", changed(LINUX, now=0.0), profile("linux-x"))
        assert (found.status, "1970-01-01" in (found.found or "")) == (Status.WARN, True)

    def test_an_absurd_time_is_no_crash(self) -> None:
        host = changed(LINUX, now=1e18)
        assert verdict("host.clock", host, profile("linux-x")).status is Status.OK

    def test_no_clock(self) -> None:
        assert verdict("host.clock", changed(LINUX, now=None)).status is Status.SKIP
