"""The real tree, pristine: where DART's known faults stand. Needs DARTENV_TEST_DART_ROOT."""

from __future__ import annotations

import os
from typing import Set, Tuple

import pytest

from dartenv.facts.model import Location, SourceFacts
from dartenv.facts.source import probe_source
from dartenv.facts.source_spec import source_spec
from dartenv.manifests.loader import Manifests

ROOT = os.environ.get("DARTENV_TEST_DART_ROOT", "")
pytestmark = [
    pytest.mark.dart,
    pytest.mark.skipif(not ROOT, reason="DARTENV_TEST_DART_ROOT names no DART tree"),
]


@pytest.fixture(scope="module")
def facts() -> SourceFacts:
    return probe_source(ROOT, source_spec(Manifests()))


def places(locations: Tuple[Location, ...], state: str = "needed") -> Set[Tuple[str, int]]:
    return {(x.path, x.line) for x in locations if x.state == state}


def test_it_is_a_dart_tree_without_problems(facts: SourceFacts) -> None:
    assert (facts.kind, facts.markers_missing, facts.problems) == ("dart", (), ())
    assert facts.python_files > 300
    assert {"mld.rollout_mld", "mld.rollout_demo", "mld.optim_mld"} <= set(facts.closure)
    assert all(count > 20 for count in facts.closure.values())


def test_one_numpy_alias_fails_at_import(facts: SourceFacts) -> None:
    failing = [x for x in facts.numpy_aliases if x.live]
    assert [(x.path, x.line, x.symbol) for x in failing] == [
        ("data_loaders/humanml/common/quaternion.py", 13, "np.float")
    ]
    assert failing[0].via[0] == "mld.rollout_mld"


def test_the_other_numpy_aliases_are_inside_functions_or_unused(facts: SourceFacts) -> None:
    process = "data_loaders/humanml/scripts/motion_process.py"
    assert places(facts.numpy_aliases) == {
        ("data_loaders/humanml/common/quaternion.py", 13),
        *((process, line) for line in (51, 58, 237, 244)),
        ("data_loaders/humanml/motion_loaders/model_motion_loaders.py", 38),
        ("diffusion/resample.py", 132),
        ("FlowMDM/diffusion/resample.py", 132),
    }


def test_ten_dataclass_defaults(facts: SourceFacts) -> None:
    assert places(facts.dataclass_defaults) == {
        *(("mld/train_mld.py", line) for line in (90, 93, 98, 99, 100)),
        *(("mld/train_mvae.py", line) for line in (119, 120, 121)),
        *(("control/train_reach_location_mld.py", line) for line in (174, 175)),
    }
    assert all(x.at_import for x in facts.dataclass_defaults)


def test_every_loader_of_args_yaml(facts: SourceFacts) -> None:
    assert places(facts.posixpath) == {
        ("mld/rollout_demo.py", 95),
        ("mld/rollout_demo.py", 116),
        ("mld/rollout_mld.py", 93),
        ("mld/rollout_mld.py", 114),
        ("mld/train_mld.py", 205),
        ("mld/test_mvae.py", 67),
        ("control/test_reach_location_mld.py", 9),
        ("control/train_reach_location_mld.py", 213),
    }
    assert len(facts.posixpath) == 8


def test_the_prompts_that_become_paths(facts: SourceFacts) -> None:
    assert {(x.path, x.line, x.symbol) for x in facts.prompt_filenames} == {
        ("mld/rollout_mld.py", 182, "text_prompt"),
        ("mld/rollout_mld.py", 373, "Path.exists"),
        ("mld/optim_mld.py", 111, "text_prompt"),
    }


def test_loads_without_map_location(facts: SourceFacts) -> None:
    needed = places(facts.torch_load)
    assert {
        ("mld/rollout_demo.py", 103),
        ("mld/rollout_demo.py", 122),
        ("mld/rollout_mld.py", 101),
        ("mld/rollout_mld.py", 120),
        ("mld/train_mld.py", 245),
        ("mld/train_mld.py", 271),
        ("mld/train_mvae.py", 220),
        ("control/test_reach_location_mld.py", 51),
        ("control/train_reach_location_mld.py", 252),
    } <= needed
    assert ("mld/test_mvae.py", 74) in places(facts.torch_load, "repaired")
    assert not places(facts.torch_load, "unsure")


def test_the_body_model_folder(facts: SourceFacts) -> None:
    assert facts.body_model_dir == "data/smplx_lockedhead_20230207/models_lockedhead"
    assert facts.body_model_location is not None
    assert facts.body_model_location.path == "config_files/data_paths.py"
