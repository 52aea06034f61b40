"""The GPU checks: three answers, drivers at their limits, cards against torch's architectures."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional, Sequence

import msgspec
import pytest

import dartenv.checks.gpu
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Context, run_checks
from dartenv.facts.model import (
    DistributionFacts,
    Facts,
    GpuDevice,
    GpuFacts,
    HostFacts,
    InterpreterFacts,
    ModuleFacts,
)
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Profile

MANIFESTS = Manifests()  # read once: files are slow to open on some systems
GIB = 1024**3
WINDOWS = HostFacts(
    system="windows", release="10", version="10.0.22631", machine="AMD64", bits=64, build=22631
)
LINUX = HostFacts(system="linux", release="6.1", version="#1", machine="x86_64", bits=64, wsl=0)
WSL = msgspec.structs.replace(LINUX, wsl=2)


def card(name: str = "NVIDIA GeForce RTX 4090", capability: Optional[str] = "8.9") -> GpuDevice:
    return GpuDevice(name=name, capability=capability, memory_total=24 * GIB, memory_free=20 * GIB)


def gpus(*devices: GpuDevice, driver: Optional[str] = "552.22") -> GpuFacts:
    return GpuFacts(state="devices", driver=driver, devices=devices or (card(),), read_by="nvml")


def profile(name: str, **changes: Any) -> Profile:
    system, _, compute = name.partition("-")
    cuda = {"cu118": "11.8", "cu128": "12.8"}.get(compute)
    torch = {"cu118": "2.4.1+cu118", "cu128": "2.7.1+cu128", "cpu": "2.4.1"}.get(compute)
    fields: Dict[str, Any] = {
        "id": name,
        "title": name,
        "source": "test",
        "system": system,
        "compute": compute,
        "cuda": cuda,
        "torch": torch,
        "gpu": "info" if compute == "cpu" else "fail",
        "gpu_memory_min": 0 if compute == "cpu" else 4 * GIB,
    }
    fields.update(changes)
    return Profile(**fields)


ALL = [
    profile(f"{system}-{compute}")
    for system in ("linux", "windows")
    for compute in ("cpu", "cu118", "cu128")
]


def findings(
    check_id: str,
    gpu: GpuFacts,
    the_profile: Profile,
    host: HostFacts = WINDOWS,
    profiles: Sequence[Profile] = ALL,
    **facts: Any,
) -> List[Finding]:
    manifests = copy.copy(MANIFESTS)
    manifests.profiles = lambda: list(profiles)  # type: ignore[method-assign]
    context = Context(Facts(host=host, gpu=gpu, **facts), the_profile, manifests)
    return run_checks(context, REGISTRY.select([check_id]))


def verdict(check_id: str, gpu: GpuFacts, name: str, *args: Any, **facts: Any) -> Finding:
    chosen = next(one for one in ALL if one.id == name)
    found = findings(check_id, gpu, chosen, *args, **facts)
    assert len(found) == 1, [f.summary for f in found]
    return found[0]


def test_the_topic_registers_all_its_checks() -> None:
    assert dartenv.checks.gpu is not None
    assert [c.id for c in REGISTRY.select(["gpu"])] == [
        "gpu.present",
        "gpu.driver",
        "gpu.capability",
        "gpu.memory",
    ]


class TestPresent:
    def test_a_gpu_is_named_with_its_driver(self) -> None:
        found = verdict("gpu.present", gpus(), "windows-cu118")
        assert found.status is Status.OK
        assert "RTX 4090" in found.summary
        assert "552.22" in found.summary

    def test_the_three_answers_differ(self) -> None:
        nothing = GpuFacts(state="no-driver", reason="library-not-found", tried=("NVML: x",))
        no_gpu = GpuFacts(state="no-devices", driver="552.22")
        unknown = GpuFacts(state="unknown", reason="timeout")
        shown = [verdict("gpu.present", one, "windows-cu118") for one in (nothing, no_gpu, unknown)]
        assert [one.status for one in shown] == [Status.FAIL, Status.FAIL, Status.WARN]
        assert len({one.found for one in shown}) == 3
        assert shown[0].evidence == ("NVML: x",)
        assert "552.22" in shown[1].summary
        assert "could not tell" in shown[2].summary

    @pytest.mark.parametrize("state", ["no-driver", "no-devices", "unknown"])
    def test_a_cpu_profile_only_notes_it(self, state: str) -> None:
        found = verdict("gpu.present", GpuFacts(state=state), "windows-cpu")
        assert (found.status, "needs none" in found.summary) == (Status.INFO, True)

    def test_a_profile_for_cpu_is_proposed_for_that_system(self) -> None:
        found = verdict("gpu.present", GpuFacts(state="no-driver"), "linux-cu118", LINUX)
        assert found.remedy is not None
        assert found.remedy.commands == ("dartenv doctor --profile linux-cpu",)

    @pytest.mark.parametrize(
        ("state", "reason", "words"),
        [
            ("no-driver", "not-loaded", "not loaded"),
            ("unknown", "version-mismatch", "updated"),
            ("unknown", "gpu-lost", "no longer answers"),
        ],
    )
    def test_what_a_restart_cures_is_said_so(self, state: str, reason: str, words: str) -> None:
        found = verdict("gpu.present", GpuFacts(state=state, reason=reason), "linux-cu118", LINUX)
        assert found.status is Status.FAIL
        assert words in (found.found or "")
        assert found.remedy is not None
        assert "restart" in found.remedy.text

    def test_in_wsl_the_driver_belongs_to_windows(self) -> None:
        found = verdict("gpu.present", GpuFacts(state="no-driver"), "linux-cu118", WSL)
        assert found.remedy is not None
        assert "never inside WSL" in found.remedy.text

    def test_what_follows_from_a_missing_driver_is_folded_under_it(self) -> None:
        for check_id in ("gpu.driver", "gpu.capability", "gpu.memory"):
            found = verdict(check_id, GpuFacts(state="no-driver"), "windows-cu118")
            assert (found.status, found.cause) == (Status.SKIP, "gpu.present")


class TestDriver:
    @pytest.mark.parametrize(
        ("host", "name", "driver", "status"),
        [
            (WINDOWS, "windows-cu118", "552.22", Status.OK),
            (WINDOWS, "windows-cu118", "520.06", Status.OK),
            (WINDOWS, "windows-cu118", "472.12", Status.INFO),
            (WINDOWS, "windows-cu118", "452.39", Status.INFO),
            (WINDOWS, "windows-cu118", "451.82", Status.FAIL),
            (LINUX, "linux-cu118", "450.80.02", Status.INFO),
            (LINUX, "linux-cu118", "450.51.06", Status.FAIL),
            (LINUX, "linux-cu128", "550.127.08", Status.INFO),
            (LINUX, "linux-cu128", "525.60.13", Status.INFO),
            (LINUX, "linux-cu128", "470.256.02", Status.FAIL),
            (WINDOWS, "windows-cu128", "576.52", Status.OK),
            # In WSL the number is the one of Windows: 531 is no Linux driver of that age.
            (WSL, "linux-cu128", "572.00", Status.OK),
            (WSL, "linux-cu118", "451.82", Status.FAIL),
        ],
    )
    def test_against_the_minimum_of_the_major_version(
        self, host: HostFacts, name: str, driver: str, status: Status
    ) -> None:
        assert verdict("gpu.driver", gpus(driver=driver), name, host).status is status

    def test_the_failure_names_both_drivers_and_its_source(self) -> None:
        found = verdict("gpu.driver", gpus(driver="451.82"), "windows-cu118")
        assert found.found == "driver 451.82"
        assert "452.39" in (found.wanted or "")
        assert "520.06" in (found.wanted or "")
        assert "compatibility" in (found.source or "")

    def test_cpu_and_the_unknown(self) -> None:
        assert verdict("gpu.driver", gpus(), "windows-cpu").status is Status.SKIP
        assert verdict("gpu.driver", gpus(driver=None), "windows-cu118").status is Status.SKIP

    def test_a_cuda_that_the_table_lacks_is_no_failure(self) -> None:
        strange = profile("windows-cu118", cuda="10.2")
        assert findings("gpu.driver", gpus(), strange)[0].status is Status.SKIP


class TestCapability:
    @pytest.mark.parametrize(
        ("capability", "host", "name", "status"),
        [
            ("8.9", WINDOWS, "windows-cu118", Status.OK),  # runs the code for 8.6
            ("8.9", LINUX, "linux-cu118", Status.OK),
            ("9.0", LINUX, "linux-cu118", Status.OK),
            ("6.1", LINUX, "linux-cu118", Status.OK),  # runs the code for 6.0
            ("5.2", WINDOWS, "windows-cu118", Status.OK),
            ("3.5", WINDOWS, "windows-cu118", Status.FAIL),
            ("12.0", WINDOWS, "windows-cu118", Status.FAIL),
            ("12.0", LINUX, "linux-cu118", Status.FAIL),
            ("10.0", LINUX, "linux-cu118", Status.FAIL),
            ("12.0", WINDOWS, "windows-cu128", Status.OK),
            ("12.1", LINUX, "linux-cu128", Status.OK),
            ("6.1", LINUX, "linux-cu128", Status.FAIL),
        ],
    )
    def test_against_what_torch_was_compiled_for(
        self, capability: str, host: HostFacts, name: str, status: Status
    ) -> None:
        found = verdict("gpu.capability", gpus(card("card", capability)), name, host)
        assert found.status is status

    def test_an_rtx_50_card_is_led_to_the_profile_that_serves_it(self) -> None:
        device = card("NVIDIA GeForce RTX 5070", "12.0")
        found = verdict("gpu.capability", gpus(device), "windows-cu118")
        assert "RTX 5070" in (found.found or "")
        assert "sm_120" in (found.found or "")
        assert found.remedy is not None
        assert found.remedy.commands == ("dartenv doctor --profile windows-cu128",)
        assert "no kernel image" in found.why

    def test_an_old_card_is_led_away_from_cuda_12_8(self) -> None:
        device = card("NVIDIA GeForce GTX 1080", "6.1")
        found = verdict("gpu.capability", gpus(device), "linux-cu128", LINUX)
        assert found.remedy is not None
        assert found.remedy.commands == ("dartenv doctor --profile linux-cu118",)

    def test_a_card_for_which_no_profile_has_a_torch_goes_to_cpu(self) -> None:
        found = verdict("gpu.capability", gpus(card("Tesla K40", "3.5")), "windows-cu118")
        assert found.remedy is not None
        assert found.remedy.commands == ("dartenv doctor --profile windows-cpu",)

    def test_the_proposal_of_the_profile_comes_first(self) -> None:
        extra = profile("windows-cu128", id="windows-a")
        chosen = profile("windows-cu118", falls_back_to=("windows-cu128", "windows-cpu"))
        found = findings("gpu.capability", gpus(card("x", "12.0")), chosen, profiles=[extra, *ALL])[
            0
        ]
        assert found.remedy is not None
        assert found.remedy.commands[0] == "dartenv doctor --profile windows-cu128"

    def python(self, version: str, **constants: str) -> InterpreterFacts:
        return InterpreterFacts(
            executable="python",
            version="3.11.9",
            distributions=(DistributionFacts(name="torch", version=version),),
            modules=(ModuleFacts(name="torch", path="torch", constants=constants),),
        )

    @pytest.mark.parametrize(
        ("python_torch", "constants", "status"),
        [
            ("2.7.1+cu128", {}, Status.OK),
            ("2.4.1+cu118", {}, Status.FAIL),
            ("2.4.1+cpu", {}, Status.FAIL),  # judged by what the profile will install
            ("2.7.1", {"cuda": "12.8"}, Status.OK),  # conda's torch carries no tag
            ("2.7.1", {"cuda": "None"}, Status.FAIL),
        ],
    )
    def test_the_installed_torch_counts_where_it_has_cuda(
        self, python_torch: str, constants: Dict[str, str], status: Status
    ) -> None:
        found = verdict(
            "gpu.capability",
            gpus(card("x", "12.0")),
            "windows-cu118",
            interpreter=self.python(python_torch, **constants),
        )
        assert found.status is status

    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("Tesla T4", Status.OK),
            ("Quadro RTX 5000", Status.OK),
            ("NVIDIA RTX 5000 Ada Generation", Status.OK),
            ("NVIDIA GeForce RTX 5080", Status.FAIL),
            ("Some Card", Status.SKIP),
        ],
    )
    def test_without_a_capability_the_name_tells_it(self, name: str, status: Status) -> None:
        found = verdict("gpu.capability", gpus(card(name, None)), "windows-cu118")
        assert found.status is status

    def test_two_cards_of_which_one_runs(self) -> None:
        both = gpus(card("NVIDIA GeForce RTX 5090", "12.0"), card("NVIDIA GeForce RTX 3090", "8.6"))
        found = verdict("gpu.capability", both, "windows-cu118")
        assert found.status is Status.WARN
        assert "RTX 5090" in (found.found or "")
        assert "RTX 3090" not in (found.found or "")

    def test_a_torch_that_the_table_lacks_is_no_failure(self) -> None:
        found = verdict(
            "gpu.capability",
            gpus(card("x", "12.0")),
            "windows-cu118",
            interpreter=self.python("9.9+cu999"),
        )
        assert found.status is Status.SKIP


class TestMemory:
    def test_enough(self) -> None:
        assert verdict("gpu.memory", gpus(), "windows-cu118").status is Status.OK

    def test_a_small_card_warns(self) -> None:
        small = msgspec.structs.replace(card(), memory_total=2 * GIB, memory_free=2 * GIB)
        found = verdict("gpu.memory", gpus(small), "windows-cu118")
        assert (found.status, "2.0 GiB" in (found.found or "")) == (Status.WARN, True)

    def test_a_busy_card_warns_differently(self) -> None:
        busy = msgspec.structs.replace(card(), memory_free=1 * GIB)
        found = verdict("gpu.memory", gpus(busy), "windows-cu118")
        assert found.status is Status.WARN
        assert "1.0 GiB of it free" in (found.found or "")

    def test_the_card_with_the_most_room_counts(self) -> None:
        busy = msgspec.structs.replace(card("busy"), memory_free=1 * GIB)
        found = verdict("gpu.memory", gpus(busy, card("idle")), "windows-cu118")
        assert (found.status, "idle" in found.summary) == (Status.OK, True)

    def test_cpu_and_the_unknown(self) -> None:
        assert verdict("gpu.memory", gpus(), "windows-cpu").status is Status.SKIP
        bare = GpuDevice(name="NVIDIA GB10")
        assert verdict("gpu.memory", gpus(bare), "linux-cu128", LINUX).status is Status.SKIP
