"""What a run needs, where it lies, and what would be made in its place."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Dict, List, Optional

import msgspec
import pytest

from dartenv.assets.args_yaml import read_args
from dartenv.assets.spec import ClipSpec
from dartenv.manifests.loader import Manifests
from dartenv.smoke import load_scenario
from dartenv.smoke.needs import Located, Needed, locate, relative_to
from dartenv.smoke.scenario import Need, Scenario, StandInDefaults
from dartenv.smoke.standins import Plan, plan_stand_ins, prune, stand_ins_of

BODY_MODELS = "data/models"
VALUES: Dict[str, Any] = {"denoiser_checkpoint": "./mld_denoiser/run/checkpoint_9.pt"}
VERSIONS = {"torch": "2.4.1", "numpy": "1.24.4", "python": "3.8.8"}


@pytest.fixture(scope="module")
def defaults() -> StandInDefaults:
    return Manifests().read("scenarios", "standins", StandInDefaults)


@pytest.fixture
def rollout() -> Scenario:
    return load_scenario("rollout")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "DART 主"


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def found(
    scenario: Scenario, root: Path, defaults: StandInDefaults, clip: Optional[ClipSpec] = None
) -> Needed:
    return locate(scenario, VALUES, root, defaults, body_model_dir=BODY_MODELS, clip=clip)


def by_id(needed: Needed) -> Dict[str, Located]:
    return {located.need.id: located for located in needed.files}


def test_in_an_empty_tree_everything_is_missing_at_its_usual_place(
    rollout: Scenario, root: Path, defaults: StandInDefaults
) -> None:
    needed = found(rollout, root, defaults)
    files = by_id(needed)
    assert {located.state for located in needed.files} == {"missing"}
    assert files["checkpoint.denoiser"].relative == "mld_denoiser/run/checkpoint_9.pt"
    assert files["checkpoint.vae"].relative == "mvae/mvae_fps_clip/checkpoint_200000.pt"
    assert files["statistics"].relative == "data/seq_data_zero_male/mean_std_h2_f8.pkl"
    assert files["SMPLX_MALE"].relative == "data/models/smplx/SMPLX_MALE.npz"
    assert files["ViT-B-32"].relative is None
    assert "SMPLH_MALE" not in files


def test_the_trees_own_args_yaml_leads_to_the_vae_and_the_statistics(
    rollout: Scenario, root: Path, defaults: StandInDefaults
) -> None:
    denoiser = defaults.args["denoiser"].replace("./mvae/mvae_fps_clip", "./mvae/mine")
    vae = defaults.args["vae"].replace("./data/seq_data_zero_male", "./data/other")
    vae = vae.replace("mp_h2_f8_r8", "mine")
    vae = vae.replace("  history_length", "  body_type: smplh\n  history_length")
    write(root / "mld_denoiser" / "run" / "args.yaml", denoiser)
    write(root / "mvae" / "mine" / "args.yaml", vae)
    write(
        root / "config_files" / "config_hydra" / "motion_primitive" / "mine.yaml",
        "fps: 20\nhistory_length: 4\nfuture_length: 16\n",
    )
    files = by_id(found(rollout, root, defaults))
    assert files["args.denoiser"].state == "present"
    assert files["checkpoint.vae"].relative == "mvae/mine/checkpoint_200000.pt"
    assert files["statistics"].relative == "data/other/mean_std_h4_f16.pkl"
    assert files["SMPLH_MALE"].relative == "data/models/smplh/SMPLH_MALE.pkl"


def test_an_args_yaml_that_cannot_be_read_is_a_problem_and_no_error(
    rollout: Scenario, root: Path, defaults: StandInDefaults
) -> None:
    write(root / "mld_denoiser" / "run" / "args.yaml", "<html>quota</html>")
    needed = found(rollout, root, defaults)
    assert needed.problem_check == "assets.args"
    assert "mld_denoiser/run/args.yaml" in needed.problem


def test_lengths_that_are_none_are_a_problem(
    rollout: Scenario, root: Path, defaults: StandInDefaults
) -> None:
    vae = defaults.args["vae"].replace("history_length: 2", "history_length: many")
    write(root / "mvae" / "mvae_fps_clip" / "args.yaml", vae)
    assert "history_length" in found(rollout, root, defaults).problem


def test_body_models_outside_the_tree_are_used_where_they_are(
    rollout: Scenario, root: Path, defaults: StandInDefaults, tmp_path: Path
) -> None:
    folder = tmp_path / "licensed"
    write(folder / "smplx" / "SMPLX_MALE.npz")
    needed = locate(rollout, VALUES, root, defaults, body_model_dir=str(folder))
    files = by_id(needed)
    assert (files["SMPLX_MALE"].state, files["SMPLX_MALE"].relative) == ("present", None)
    plan = plan_stand_ins(needed, [files["SMPLX_FEMALE"]], defaults, tmp_path, VERSIONS)
    ((located, why),) = plan.impossible
    assert located.need.id == "SMPLX_FEMALE"
    assert "outside the DART root" in why


def clip_spec(data: bytes) -> ClipSpec:
    return ClipSpec(
        id="clip",
        source="tests",
        path="~/.cache/clip/ViT-B-32.pt",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        url="",
        context=77,
        vocabulary=49408,
        width=512,
        embedding=512,
        layers=12,
    )


@pytest.mark.parametrize(
    ("written", "state", "detail"),
    [
        (b"the weights", "present", ""),
        (b"the wei", "wrong", "7 of 11 bytes"),
        (b"the w8ights", "wrong", "SHA-256"),
        (None, "missing", ""),
    ],
)
def test_clip_is_only_good_as_published(
    rollout: Scenario,
    root: Path,
    defaults: StandInDefaults,
    tmp_path: Path,
    written: Optional[bytes],
    state: str,
    detail: str,
) -> None:
    if written is not None:
        path = tmp_path / "home" / ".cache" / "clip" / "ViT-B-32.pt"
        path.parent.mkdir(parents=True)
        path.write_bytes(written)
    located = by_id(found(rollout, root, defaults, clip_spec(b"the weights")))["ViT-B-32"]
    assert located.state == state
    assert detail in located.detail


def test_a_file_marked_as_a_stand_in_is_one(
    rollout: Scenario, root: Path, defaults: StandInDefaults
) -> None:
    write(root / "data" / "stand.pkl")
    assert by_id(found(rollout, root, defaults))["motion.stand"].state == "present"
    write(root / "data" / "stand.pkl.stand-in", "")
    assert by_id(found(rollout, root, defaults))["motion.stand"].state == "marked"


def test_other_trees_do_not_need_clip(
    rollout: Scenario, root: Path, defaults: StandInDefaults
) -> None:
    needed = locate(
        rollout, VALUES, root, defaults, body_model_dir=BODY_MODELS, tree_kind="sandbox"
    )
    assert "ViT-B-32" not in by_id(needed)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("./mvae/./a/../b/c.pt", "mvae/b/c.pt"),
        ("../outside/c.pt", None),
        ("data/../../c.pt", None),
    ],
)
def test_paths_are_made_relative(path: str, wanted: Optional[str], tmp_path: Path) -> None:
    relative = relative_to(path, tmp_path)
    assert (str(relative) if relative else None) == wanted


def test_an_absolute_path_below_the_root_is_inside(tmp_path: Path) -> None:
    inside = os.path.join(str(tmp_path), "mvae", "c.pt")  # noqa: PTH118
    assert str(relative_to(inside, tmp_path)) == "mvae/c.pt"
    assert relative_to(inside, tmp_path / "other") is None


@pytest.fixture
def plan(rollout: Scenario, root: Path, defaults: StandInDefaults, tmp_path: Path) -> Plan:
    needed = found(rollout, root, defaults)
    return plan_stand_ins(needed, needed.files, defaults, tmp_path / "cache", VERSIONS)


def test_checkpoints_are_planned_in_the_shapes_of_args_yaml(plan: Plan) -> None:
    items = {planned.located.need.id: planned.item for planned in plan.files}
    assert items["checkpoint.vae"]["tensors"]["final_layer.weight"] == [[276, 256], "float32"]
    assert items["checkpoint.denoiser"]["tensors"]["output_process.weight"][0] == [256, 512]
    assert items["checkpoint.vae"]["scales"] == {"final_layer": 0.02}
    assert items["statistics"]["width"] == 276
    assert items["SMPLX_FEMALE"]["gender"] == "female"
    assert plan.impossible == ()
    # The plan goes through JSON to another interpreter.
    assert msgspec.json.decode(msgspec.json.encode(items))["motion.stand"]["kind"] == "motion"


def test_args_yaml_is_written_as_dart_reads_it(plan: Plan) -> None:
    texts = {located.need.id: text for located, text in plan.texts}
    args = read_args(texts["args.denoiser"].encode("utf-8"))
    assert args.wrapped
    assert args.kind == "denoiser"
    assert read_args(texts["args.vae"].encode("utf-8")).kind == "vae"


def test_the_cache_key_follows_shape_and_versions(
    rollout: Scenario, root: Path, defaults: StandInDefaults, tmp_path: Path
) -> None:
    needed = found(rollout, root, defaults)

    def names(layout: int = 1, **versions: str) -> List[str]:
        changed = msgspec.structs.replace(defaults, layout=layout)
        made = plan_stand_ins(needed, needed.files, changed, tmp_path, {**VERSIONS, **versions})
        return [planned.cached for planned in made.files]

    assert names() == names()
    assert not set(names()) & set(names(torch="2.5.0"))
    assert not set(names()) & set(names(layout=2))
    assert len(set(names())) == len(names())


def test_what_the_cache_holds_is_not_made_again(plan: Plan) -> None:
    first = plan.files[0]
    write(Path(first.cached))
    assert first not in plan.to_make()
    assert len(plan.to_make()) == len(plan.files) - 1


def test_every_stand_in_is_listed(plan: Plan) -> None:
    marked = Located(
        need=Need(id="marked", kind="file", path="a", check="c"),
        state="marked",
        absolute="/a",
        relative="a",
        detail="said so",
    )
    ids = [stand_in.id for stand_in in stand_ins_of(plan, [marked])]
    assert len(ids) == len(plan.texts) + len(plan.files) + 1
    assert ids[-1] == "marked"


def test_stand_ins_used_long_ago_are_forgotten_and_those_in_use_are_not(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"clip-{number}.pt", "x" * 100) for number in range(6)]
    for number, path in enumerate(paths):
        os.utime(str(path), (1000 + number, 1000 + number))
    other = write(tmp_path / "a log", "x" * 500)
    prune(tmp_path, [str(paths[0])], limit=300)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [other.name, paths[0].name, paths[4].name, paths[5].name]
    prune(tmp_path, [str(paths[4])], limit=100)  # one must not be forgotten for being large
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, paths[4].name]
