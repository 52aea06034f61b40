"""The host probe: systems it has to tell apart, and parts that cannot be told."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

import pytest

from dartenv.facts.drives import Drives, DriveSources
from dartenv.facts.host import HostSources, probe_host
from dartenv.facts.runner import SubprocessRunner
from dartenv.facts.windows import WindowsVersion, real_registry
from dartenv.manifests.compat_gpu import host_table
from dartenv.manifests.loader import Manifests
from dartenv.testing import ScriptedRegistry, ScriptedRunner, ended, hung

SPEC = host_table(Manifests())
UBUNTU = 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"\n'


def mounts_of(text: str = "/dev/sda1 / ext4 rw 0 0\n") -> Any:
    return lambda: text


def linux(files: Optional[Mapping[str, str]] = None, **changes: Any) -> HostSources:
    texts = {
        "/etc/os-release": UBUNTU,
        "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
        "/proc/version": "Linux version 6.1.0-18-amd64 (gcc-12)\n",
        **(files or {}),
    }
    fields: Dict[str, Any] = {
        "system": lambda: "Linux",
        "release": lambda: "6.1.0-18-amd64",
        "version": lambda: "#1 SMP",
        "machine": lambda: "x86_64",
        "windows_version": lambda: None,
        "wine_version": lambda: None,
        "code_page": lambda: None,
        "registry": ScriptedRegistry({}),
        "read_text": texts.get,
        "memory": lambda: (32 * 1024**3, 0),
        "libc": lambda: ("glibc", "2.36"),
        "home": lambda: Path("/home/li"),
        "temp": lambda: "/tmp",
        "now": lambda: 1.0,
        "drives": DriveSources(ScriptedRunner(), mounts=mounts_of(), usage=lambda p: (5, 9)),
    }
    fields.update(changes)
    return HostSources(**fields)


def windows(keys: Optional[Mapping[str, Any]] = None, **changes: Any) -> HostSources:
    fields: Dict[str, Any] = {
        "system": lambda: "Windows",
        "release": lambda: "10",
        "machine": lambda: "AMD64",
        "windows_version": lambda: WindowsVersion(10, 0, 22631, False),
        "code_page": lambda: 936,
        "registry": ScriptedRegistry(keys or {}),
        "read_text": lambda path: None,
    }
    fields.update(changes)
    return linux(**fields)


def probed(sources: HostSources, env: Optional[Mapping[str, str]] = None) -> Tuple[Any, Any]:
    result = probe_host(env or {}, ScriptedRunner(), [], SPEC, sources)
    assert result.value is not None
    return result.value, [failure.reason for failure in result.failures]


def test_a_linux_is_named_by_its_distribution_and_c_library() -> None:
    facts, failures = probed(linux())
    assert (facts.system, facts.distro, facts.libc) == (
        "linux",
        "Ubuntu 22.04.4 LTS",
        "glibc 2.36",
    )
    assert (facts.wsl, facts.bits, failures) == (0, 64, [])


@pytest.mark.parametrize(
    ("kernel", "wsl"),
    [
        ("5.15.153.1-microsoft-standard-WSL2", 2),
        ("4.4.0-19041-Microsoft", 1),
        ("6.1.0-18-amd64", 0),
    ],
)
def test_wsl_is_told_by_its_kernel(kernel: str, wsl: int) -> None:
    files = {"/proc/sys/kernel/osrelease": kernel, "/proc/version": f"Linux version {kernel}"}
    assert probed(linux(files))[0].wsl == wsl


def test_a_kernel_that_tells_nothing_is_not_taken_for_plain_linux() -> None:
    files = {"/proc/sys/kernel/osrelease": "", "/proc/version": ""}
    assert probed(linux(files))[0].wsl is None


def test_musl_is_told_by_its_loader() -> None:
    sources = linux(libc=lambda: ("", ""), listed=lambda p: ["/lib/ld-musl-x86_64.so.1"])
    assert probed(sources)[0].libc == "musl"


def test_windows_shows_its_real_build_and_code_page() -> None:
    facts, _ = probed(windows())
    assert (facts.system, facts.build, facts.version) == ("windows", 22631, "10.0.22631")
    assert (facts.code_page, facts.server, facts.distro) == (936, False, None)


@pytest.mark.parametrize(
    ("content", "wanted", "reason"),
    [
        ({"LongPathsEnabled": 1}, True, None),
        ({"LongPathsEnabled": 0}, False, None),
        ({}, False, None),
        ({"LongPathsEnabled": "yes"}, None, "a str where a number belongs"),
        ("could not be read (WinError 5)", None, "WinError 5"),
    ],
)
def test_long_paths(content: Any, wanted: Optional[bool], reason: Optional[str]) -> None:
    facts, failures = probed(windows({SPEC.long_paths_key: content}))
    assert facts.long_paths is wanted
    if reason is None:
        assert failures == []
    else:
        assert any(reason in one for one in failures)


def test_utf8_mode_is_read_in_any_case_of_the_variable() -> None:
    assert probed(windows(), {"pythonutf8": "1"})[0].utf8_mode is True
    assert probed(windows(), {"PYTHONUTF8": "0"})[0].utf8_mode is False


def test_a_part_that_fails_leaves_the_others_standing() -> None:
    def broken() -> Any:
        raise RuntimeError("performance counters are off")

    facts, failures = probed(windows(memory=broken, code_page=broken))
    assert (facts.memory_total, facts.code_page, facts.build) == (None, None, 22631)
    assert len(failures) == 2


def test_the_newest_file_is_found_one_level_down_but_not_on_a_network_drive() -> None:
    times = {"/data/DART": 10.0, "/data/DART/a.py": 50.0, "/nas/env": 99.0}
    touched = []

    def modified(path: str) -> Optional[float]:
        touched.append(path)
        return times.get(path)

    table = "/dev/sda1 / ext4 rw 0 0\nnas:/e /nas nfs4 rw 0 0\n"
    sources = linux(
        modified=modified,
        listed=lambda p: ["/data/DART/a.py"] if p == "/data/DART" else [],
        drives=DriveSources(
            ScriptedRunner(), mounts=mounts_of(table), usage=lambda p: (5, 9), windows=False
        ),
    )
    places = [("dart_root", "/data/DART"), ("environment", "/nas/env")]
    facts = probe_host({}, ScriptedRunner(), places, SPEC, sources).value
    assert facts is not None
    assert (facts.newest_file, facts.newest_file_path) == (50.0, "/data/DART/a.py")
    assert "/nas/env" not in touched


class TestDrives:
    def drive(self, path: str, **changes: Any) -> Any:
        fields: Dict[str, Any] = {"runner": ScriptedRunner(), "usage": lambda p: (5, 9)}
        wsl = changes.pop("wsl", False)
        fields.update(changes)
        return Drives(SPEC, DriveSources(**fields), wsl).describe("dart_root", path)

    def test_the_longest_mount_point_counts_and_escapes_are_undone(self) -> None:
        table = "/dev/a / ext4 rw 0 0\n/dev/b /my\\040data ext4 rw 0 0\n"
        facts, problem = self.drive("/my data/DART", windows=False, mounts=mounts_of(table))
        assert (facts.mount, facts.kind, facts.free, problem) == ("/my data", "fixed", 5, None)

    def test_a_sibling_with_the_same_beginning_is_not_inside(self) -> None:
        table = "/dev/a / ext4 rw 0 0\nx /data nfs rw 0 0\n"
        assert self.drive("/database", windows=False, mounts=mounts_of(table))[0].mount == "/"

    def test_a_network_drive_is_asked_in_a_child_with_a_limit(self) -> None:
        runner = ScriptedRunner({"/py": ended(0, b"[7, 70]")})
        facts, problem = self.drive(
            "/nas/DART",
            windows=False,
            runner=runner,
            executable="/py",
            mounts=mounts_of("n:/ /nas cifs rw 0 0\n"),
            usage=lambda p: pytest.fail("a network drive was touched"),
        )
        assert (facts.kind, facts.free, facts.total, problem) == ("network", 7, 70, None)
        assert 0 < runner.calls[0].timeout <= 8

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (hung(), "no answer within"),
            (ended(1, b"", b"Traceback\nPermissionError: 13"), "PermissionError"),
            (ended(0, b"not json"), "no answer"),
        ],
    )
    def test_a_dead_network_drive_is_said_so(self, answer: Any, words: str) -> None:
        facts, problem = self.drive(
            "/nas/DART",
            windows=False,
            runner=ScriptedRunner({"/py": answer}),
            executable="/py",
            mounts=mounts_of("n:/ /nas nfs rw 0 0\n"),
        )
        assert facts.free is None
        assert words in problem

    def test_dead_network_drives_are_not_waited_for_one_by_one(self) -> None:
        runner = ScriptedRunner({"/py": hung()})
        table = "n:/ /nas nfs rw 0 0\nm:/ /other nfs rw 0 0\n"
        sources = DriveSources(runner, mounts=mounts_of(table), executable="/py", windows=False)
        drives = Drives(SPEC, sources)
        problems = [drives.describe("cache", path)[1] for path in ("/nas/a", "/nas/b", "/other/c")]
        assert len(runner.calls) == 1
        assert all(problems)

    def test_one_network_drive_is_asked_once_for_all_its_paths(self) -> None:
        runner = ScriptedRunner({"/py": ended(0, b"[7, 70]")})
        table = "n:/ /nas nfs rw 0 0\n"
        sources = DriveSources(runner, mounts=mounts_of(table), executable="/py", windows=False)
        drives = Drives(SPEC, sources)
        assert [drives.describe("cache", path)[0].free for path in ("/nas/a", "/nas/b")] == [7, 7]
        assert len(runner.calls) == 1

    def test_a_windows_drive_under_wsl(self) -> None:
        table = "/dev/a / ext4 rw 0 0\nC: /mnt/c 9p rw 0 0\n"
        args: Dict[str, Any] = {"windows": False, "mounts": mounts_of(table)}
        assert self.drive("/mnt/c/DART", wsl=True, **args)[0].kind == "wsl-windows"
        assert self.drive("/mnt/c/DART", wsl=False, **args)[0].kind == "fixed"

    def test_drive_letters_and_unc_paths(self) -> None:
        kinds = {"D:\\": "fixed", "Z:\\": "network"}
        runner = ScriptedRunner({"py": ended(0, b"[1, 2]")})
        args: Dict[str, Any] = {"windows": True, "drive_kind": kinds.get, "runner": runner}
        args["executable"] = "py"
        assert self.drive("d:/DART", **args)[0].mount == "D:\\"
        assert self.drive("z:\\DART", **args)[0].kind == "network"
        unc = self.drive("\\\\server\\share\\DART", **args)[0]
        assert (unc.mount, unc.kind) == ("\\\\server\\share", "network")
        assert self.drive("\\\\?\\UNC\\server\\share\\x", **args)[0].kind == "network"
        assert self.drive("\\\\?\\D:\\DART", **args)[0].mount == "D:\\"

    def test_a_path_that_does_not_exist_yet_counts_for_its_parent(self, tmp_path: Path) -> None:
        asked = []
        usage = lambda path: (asked.append(path), (1, 2))[1]  # noqa: E731
        self.drive(str(tmp_path / "not" / "yet"), usage=usage, mounts=lambda: None)
        assert asked == [str(tmp_path)]


def test_this_machine_can_be_read() -> None:
    result = probe_host(os.environ, SubprocessRunner(), [("dart_root", str(Path.cwd()))], SPEC)
    facts = result.value
    assert facts is not None
    assert facts.memory_total
    assert facts.drives[0].free
    assert facts.system == ("windows" if os.name == "nt" else sys.platform[:5])


@pytest.mark.skipif(sys.platform != "win32", reason="the registry is on Windows")
class TestRegistry:
    def test_values_of_each_kind_and_what_is_not_there(self) -> None:
        import winreg

        path = r"Software\dartenv-test-host"
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, path) as key:
            try:
                winreg.SetValueEx(key, "Number", 0, winreg.REG_DWORD, 1)
                winreg.SetValueEx(key, "Path", 0, winreg.REG_EXPAND_SZ, r"%SystemRoot%\x")
                winreg.CreateKey(key, "v11.8").Close()
                registry, spelled = real_registry(), "HKCU\\" + path
                assert registry.value(spelled, "Number").number() == 1
                assert registry.value(spelled, "Number").text() is None
                text = registry.value(spelled, "Path").text()
                assert text is not None
                assert text.lower() == (os.environ["SYSTEMROOT"] + r"\x").lower()
                assert registry.value(spelled, "Absent").value is None
                assert registry.value(spelled + r"\nope", "x").problem is None
                assert registry.subkeys(spelled).names == ("v11.8",)
                assert sorted(registry.values(spelled).names) == ["Number", "Path"]
                assert registry.value("NOHIVE\\x", "y").problem is not None
            finally:
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, path + r"\v11.8")
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, path)

    def test_this_machine_says_which_windows_it_is(self) -> None:
        result = probe_host(os.environ, SubprocessRunner(), [], SPEC)
        facts = result.value
        assert facts is not None
        assert facts.build
        assert facts.code_page
        assert facts.swap_total is not None
        assert facts.drives[0].kind == "fixed"
