"""packages.requirements, packages.clip, packages.conflicts and packages.duplicates."""

from __future__ import annotations

from typing import Any, Tuple

import pytest

from dartenv.checks.finding import Status
from dartenv.facts.lookup import import_name, requirements
from dartenv.facts.model import DistributionFacts, InterpreterFacts, ModuleFacts
from tests.checks.target_literals import MANIFESTS, dist, judge, linux, one, reference, windows

CLIP_REQUIRES = ("ftfy", "packaging", "regex", "tqdm", "torch", "torchvision")
CLIP = dist("clip", "1.0", requires=CLIP_REQUIRES, top_level=("clip",))


def complete(
    *, without: Tuple[str, ...] = (), version: str = "3.8.8", **more: Any
) -> InterpreterFacts:
    """The reference with every requirement of its profile, pinned."""
    profile = MANIFESTS.profile("windows-cu118")
    brought = [
        dist(one.name, one.pin or "1.0")
        for one in requirements(profile, windows(version=version))
        if one.name not in ("numpy", *without)
    ]
    return reference(*brought, version=version, **more)


@pytest.mark.parametrize("version", ["3.8.8", "3.11.9"])
def test_a_complete_environment_is_fine(version: str) -> None:
    assert one("packages.requirements", interpreter=complete(version=version)).status is Status.OK


def test_what_is_missing_is_installed_from_wheels_at_the_pins() -> None:
    inside = complete(without=("spacy", "pyrender"))
    found = one("packages.requirements", interpreter=inside)
    assert found.status is Status.FAIL
    assert "2 missing: spacy, pyrender" in found.summary
    assert found.remedy is not None
    assert found.remedy.commands[0].endswith(
        "install --prefer-binary spacy==2.3.4 pyrender==0.1.45"
    )
    assert any("mld.rollout_demo" in line for line in found.evidence)


def test_pins_follow_the_python() -> None:
    inside = complete(without=("spacy",), version="3.11.9")
    found = one("packages.requirements", interpreter=inside)
    assert found.remedy is not None
    assert "spacy==3.7.5" in found.remedy.commands[0]


def test_the_backport_is_needed_on_old_pythons_only() -> None:
    assert (
        one("packages.requirements", interpreter=complete(without=("eval-type-backport",))).status
        is Status.FAIL
    )
    assert (
        one(
            "packages.requirements",
            interpreter=complete(without=("eval-type-backport",), version="3.10.9"),
        ).status
        is Status.OK
    )


def test_a_version_outside_the_range_is_named() -> None:
    found = one("packages.requirements", interpreter=complete(without=("tyro",)))
    assert "tyro" in found.summary
    profile = MANIFESTS.profile("windows-cu118")
    brought = [dist(r.name, r.pin or "1") for r in profile.requirements if r.name != "tyro"]
    found = one("packages.requirements", interpreter=reference(*brought, dist("tyro", "0.5.1")))
    assert found.status is Status.FAIL
    assert "tyro 0.5.1 is not >=0.8" in found.summary


def test_a_folder_on_pythonpath_brings_a_requirement_too() -> None:
    loose = ModuleFacts(name="torch_dct", path="D:\\x\\torch_dct")
    inside = complete(without=("torch-dct",), modules=(loose,))
    assert one("packages.requirements", interpreter=inside).status is Status.OK


def test_broken_metadata_counts_as_unfit() -> None:
    inside = complete(without=("tqdm",))
    broken = dist("tqdm", "4.66.2", problem="no METADATA in tqdm-4.66.2.dist-info")
    found = one(
        "packages.requirements",
        interpreter=reference(*inside.distributions, broken),
    )
    assert found.status is Status.FAIL
    assert "no METADATA" in found.summary


def test_every_requirement_says_why_and_whence() -> None:
    for profile in MANIFESTS.profiles():
        for requirement in profile.requirements:
            assert import_name(requirement).isidentifier(), requirement
            if profile.kind == "dart":
                assert requirement.source
                assert requirement.why


def clip_module(*words: str, distribution: Any = "clip") -> ModuleFacts:
    return ModuleFacts(name="clip", path="D:\\x\\clip", distribution=distribution, words=words)


OWN = ("SimpleTokenizer", "available_models")


@pytest.mark.parametrize(
    "inside",
    [
        reference(CLIP),
        reference(dist("clip", "1.0", direct_url="git+https://github.com/openai/CLIP.git@d05afc")),
        reference(CLIP, modules=(clip_module(*OWN),)),
        reference(modules=(clip_module(*OWN, distribution=None),)),
    ],
)
def test_openais_clip_is_known(inside: InterpreterFacts) -> None:
    assert one("packages.clip", interpreter=inside).status is Status.OK


@pytest.mark.parametrize(
    "inside",
    [
        reference(dist("clip", "0.2.0")),
        reference(dist("clip", "0.2.0", requires=("numpy",)), modules=(clip_module(),)),
        reference(modules=(clip_module("SimpleTokenizer", distribution=None),)),
    ],
)
def test_another_program_of_that_name_fails(inside: InterpreterFacts) -> None:
    found = one("packages.clip", interpreter=inside)
    assert found.status is Status.FAIL
    assert "is not OpenAI's" in found.summary
    assert found.remedy is not None
    assert found.remedy.commands[0].endswith("uninstall -y clip")
    assert "git+https://github.com/openai/CLIP.git@" in found.remedy.commands[1]


def test_no_clip_fails_with_a_way_that_needs_no_git() -> None:
    found = one("packages.clip", interpreter=reference())
    assert found.status is Status.FAIL
    assert found.remedy is not None
    assert found.remedy.commands[1].endswith(".zip")


def test_a_copy_by_other_hands_warns() -> None:
    copy = dist("openai-clip", "1.0.1", requires=CLIP_REQUIRES)
    assert one("packages.clip", interpreter=reference(copy)).status is Status.WARN


@pytest.mark.parametrize(
    ("setuptools", "status"),
    [("82.0.1", Status.FAIL), ("81.0.0", Status.OK), ("75.3.4", Status.OK), (None, Status.FAIL)],
)
def test_the_trap_with_pkg_resources(setuptools: Any, status: Status) -> None:
    old = clip_module(*OWN, "pkg_resources")
    more = () if setuptools is None else (dist("setuptools", setuptools),)
    found = one("packages.clip", interpreter=reference(CLIP, *more, modules=(old,)))
    assert found.status is status
    new = reference(CLIP, *more, modules=(clip_module(*OWN),))
    assert one("packages.clip", interpreter=new).status is Status.OK


def test_the_sandbox_needs_no_clip() -> None:
    assert one("packages.clip", "sandbox", interpreter=linux()).status is Status.OK


def test_met_requirements_are_fine() -> None:
    inside = reference(
        dist("a", "1", requires=("numpy<2", "b>=2; python_version >= '3.9'", "x; extra == 'd'")),
        dist("pre", "1", requires=("torch>=2.4.0",)),
    )
    assert one("packages.conflicts", interpreter=inside).status is Status.OK


@pytest.mark.parametrize(
    ("requires", "said"),
    [
        ("numpy>=2", "a 1 requires numpy>=2, and numpy 1.24.4 is installed"),
        ("gone[extra]>=1; python_version < '3.9'", "a 1 requires gone>=1, which is not installed"),
        ("gone; sys_platform == 'win32'", "which is not installed"),
    ],
)
def test_an_unmet_requirement_warns(requires: str, said: str) -> None:
    inside = reference(dist("a", "1", requires=(requires, "a requirement that is none")))
    found = one("packages.conflicts", interpreter=inside)
    assert found.status is Status.WARN
    assert said in (found.found or "")


def test_a_requirement_for_another_system_does_not_count() -> None:
    inside = reference(dist("a", "1", requires=("gone; sys_platform == 'linux'",)))
    assert one("packages.conflicts", interpreter=inside).status is Status.OK


def test_broken_metadata_is_listed() -> None:
    broken = dist("half", "1", problem="no METADATA in half-1.dist-info")
    found = one("packages.conflicts", interpreter=reference(broken))
    assert found.status is Status.WARN
    assert "no METADATA in half-1.dist-info" in found.summary


def test_one_owner_each_is_fine() -> None:
    inside = reference(
        dist("a", "1", top_level=("a", "tests")),
        dist("b", "1", top_level=("b", "tests")),
        dist("nvidia-cublas-cu12", "12", top_level=("nvidia",)),
        dist("nvidia-cudnn-cu12", "9", top_level=("nvidia",)),
    )
    assert one("packages.duplicates", interpreter=inside).status is Status.OK


def test_two_onnx_runtimes_fail_and_the_profiles_choice_stays() -> None:
    inside = reference(
        dist("onnxruntime", "1.19.2", top_level=("onnxruntime",)),
        dist("onnxruntime-gpu", "1.18.1", top_level=("onnxruntime",)),
    )
    found = one("packages.duplicates", interpreter=inside)
    assert found.status is Status.FAIL
    assert found.remedy is not None
    assert found.remedy.commands[0].endswith("uninstall -y onnxruntime")
    assert found.remedy.commands[1].endswith("--no-deps onnxruntime-gpu==1.18.1")
    assert found.remedy.fix == "packages.duplicates"


@pytest.mark.parametrize(("name", "status"), [("yaml", Status.FAIL), ("other", Status.WARN)])
def test_two_owners_fail_where_dart_imports_the_name(name: str, status: Status) -> None:
    inside = reference(
        dist("pyyaml", "6.0.1", top_level=(name,)), dist("ruamel", "1", top_level=(name,))
    )
    found = one("packages.duplicates", interpreter=inside)
    assert found.status is status
    assert f"pyyaml and ruamel both bring {name}" in found.summary


def test_one_name_in_two_folders_is_no_duplicate() -> None:
    def numpy(place: str) -> DistributionFacts:
        return DistributionFacts(
            name="numpy", version="1.24.4", location=place, top_level=("numpy",)
        )

    inside = windows(numpy("C:\\user"), numpy("D:\\env"))
    assert one("packages.duplicates", interpreter=inside).status is Status.OK


def test_two_versions_in_one_folder_warn() -> None:
    inside = reference(dist("tqdm", "4.66.2"), dist("tqdm", "4.60.0"))
    findings = judge(["packages.duplicates"], interpreter=inside)
    assert [f.status for f in findings] == [Status.WARN]
    assert findings[0].found == "tqdm 4.66.2 and 4.60.0"
