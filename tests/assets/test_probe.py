"""The assets of a whole tree, looked at once."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import msgspec
import pytest

from dartenv.assets.args_yaml import DartArgs, read_args
from dartenv.assets.shapes import expected_tensors
from dartenv.assets.spec import (
    AssetsSpec,
    BodySpec,
    CheckpointSpec,
    ClipSpec,
    FileSpec,
    FolderSpec,
    MotionSpec,
    StatisticsSpec,
)
from dartenv.facts.assets import probe_assets
from dartenv.facts.model import AssetsFacts, FileAsset
from dartenv.manifests.loader import Manifests

DATA_ARGS = """data_args: !dataclass:DataArgs
  cfg_path: ./config_files/mp.yaml
  data_dir: ./data/seq
  feature_dim: 9
  history_length: 2
  future_length: 8
"""
DENOISER_ARGS = (
    "# tyro YAML.\n!dataclass:MLDArgs\n"
    + DATA_ARGS
    + """denoiser_args: !dataclass:DenoiserArgs
  model_args: !dataclass:DenoiserTransformerArgs
    h_dim: 4
    ff_size: 6
    num_layers: 1
    num_heads: 2
    clip_dim: 3
    history_shape: !!python/tuple [2, 9]
    noise_shape: !!python/tuple [1, 5]
  mvae_path: ./mvae/small/checkpoint_20.pt
save_dir: !!python/object/apply:pathlib.PosixPath [mld_denoiser, small]
"""
)
VAE_ARGS = (
    "# tyro YAML.\n!dataclass:Args\n"
    + DATA_ARGS
    + """model_args: !dataclass:VAEArgs
  arch: all_encoder
  h_dim: 4
  ff_size: 6
  num_layers: 3
  num_heads: 2
  latent_dim: !!python/tuple [1, 5]
  nfeats: 9
"""
)
FEATURES = {"transl": 3, "poses": 6}
BODY = {"v_template": (6, 3), "shapedirs": (6, 3, -1)}


def a_spec(clip: Path, **changes: Any) -> AssetsSpec:
    spec = AssetsSpec(
        id="small",
        title="a small tree",
        source="this test",
        body_model_dir="data/models",
        folders=(FolderSpec(path="mld_denoiser"), FolderSpec(path="mvae")),
        checkpoints=(
            CheckpointSpec(
                id="denoiser",
                role="denoiser",
                path="mld_denoiser/small/checkpoint_30.pt",
                vae="vae",
                source="t",
                needed_by=("mld.rollout_mld",),
            ),
            CheckpointSpec(id="vae", role="vae", path="mvae/small/checkpoint_20.pt", source="t"),
            CheckpointSpec(
                id="denoiser-other",
                role="denoiser",
                path="mld_denoiser/other/checkpoint_30.pt",
                vae="vae-other",
                source="t",
                set="other",
                optional=True,
            ),
            CheckpointSpec(
                id="vae-other",
                role="vae",
                path="mvae/other/checkpoint_20.pt",
                source="t",
                set="other",
                optional=True,
            ),
        ),
        statistics=StatisticsSpec(
            source="t",
            features=FEATURES,
            legacy_cfg_path="./config_files/old.yaml",
            fallback={"vae": "data/seq/mean_std_h2_f8.pkl"},
        ),
        motion=MotionSpec(source="t", body_joints=21, betas=10),
        files=(
            FileSpec(id="stand", role="motion", path="data/stand.pkl", source="t", form="motion"),
        ),
        bodies=(
            BodySpec(
                id="body",
                role="smplx",
                folder="smplx",
                files={"male": "SMPLX_MALE.npz"},
                source="t",
                arrays=BODY,
            ),
        ),
        clip=ClipSpec(
            id="clip",
            source="t",
            path=str(clip),
            size=4,
            sha256=hashlib.sha256(b"clip").hexdigest(),
            url="https://example.org/clip",
            context=1,
            vocabulary=1,
            width=1,
            embedding=1,
            layers=1,
        ),
    )
    return msgspec.structs.replace(spec, **changes)


def shapes_of(text: str) -> Dict[str, Tuple[int, ...]]:
    args: DartArgs = read_args(text.encode())
    return {name: shape for name, (shape, _) in expected_tensors(args).items()}


Tree = Tuple[Path, AssetsSpec]


@pytest.fixture
def tree(
    tmp_path: Path,
    fixtures: Path,
    make_checkpoint: Callable[..., Path],
    make_npz: Callable[..., Path],
    pickled: Callable[[Any], bytes],
    zeros: Callable[..., Any],
) -> Tree:
    """A healthy small tree, in a folder with a space and Chinese characters."""
    root = tmp_path / "我的 DART"
    for folder, text in (("mld_denoiser/small", DENOISER_ARGS), ("mvae/small", VAE_ARGS)):
        (root / folder).mkdir(parents=True)
        # As DART writes it: YAML in a YAML string.
        wrapped = '"' + text.replace("\\", "\\\\").replace("\n", "\\n") + '"\n'
        (root / folder / "args.yaml").write_text(wrapped, encoding="utf-8")
    make_checkpoint(
        root / "mld_denoiser/small/checkpoint_30.pt", shapes_of(DENOISER_ARGS), steps=30
    )
    make_checkpoint(root / "mvae/small/checkpoint_20.pt", shapes_of(VAE_ARGS), steps=20)
    (root / "config_files").mkdir()
    (root / "config_files/mp.yaml").write_bytes(b"fps: 30\nhistory_length: 2\nfuture_length: 8\n")
    (root / "data/seq").mkdir(parents=True)
    pair = (zeros(1, 1, 9), zeros(1, 1, 9))
    (root / "data/seq/mean_std_h2_f8.pkl").write_bytes(pickled(pair))
    (root / "data/stand.pkl").write_bytes(pickled(a_motion(zeros)))
    make_npz(
        root / "data/models/smplx/SMPLX_MALE.npz", {"v_template": (6, 3), "shapedirs": (6, 3, 20)}
    )
    clip = tmp_path / "cache" / "ViT-B-32.pt"
    clip.parent.mkdir()
    clip.write_bytes(b"clip")
    return root, a_spec(clip)


def a_motion(zeros: Callable[..., Any], frames: int = 5) -> Dict[str, Any]:
    return {
        "gender": "male",
        "betas": zeros(10),
        "transl": zeros(frames, 3),
        "global_orient": zeros(frames, 3),
        "body_pose": zeros(frames, 63),
    }


def probe(tree: Tree) -> AssetsFacts:
    return probe_assets(str(tree[0]), tree[1])


def by_id(facts: AssetsFacts) -> Dict[str, FileAsset]:
    return {file.id: file for file in facts.files}


def bad(facts: AssetsFacts) -> Dict[str, Tuple[Any, ...]]:
    return {
        f.id: (f.exists, f.problem, f.mismatches)
        for f in facts.files
        if not f.exists or f.problem or f.mismatches
    }


def test_a_healthy_tree_has_nothing_wrong(tree: Tree) -> None:
    facts = probe(tree)
    assert bad(facts) == {}
    assert [(a.path, a.kind, a.posixpath, a.error, a.mismatches) for a in facts.args] == [
        ("mld_denoiser/small/args.yaml", "denoiser", True, None, ()),
        ("mvae/small/args.yaml", "vae", False, None, ()),
    ]
    files = by_id(facts)
    assert sorted(files) == [
        "clip",
        "config:config_files/mp.yaml",
        "data-dir:data/seq",
        "denoiser",
        "male",
        "stand",
        "statistics:data/seq/mean_std_h2_f8.pkl",
        "vae",
    ]
    assert files["denoiser"].steps == 30
    assert files["denoiser"].needed_by == ("mld.rollout_mld",)
    assert files["vae"].named_by == "mld_denoiser/small/args.yaml"
    assert files["clip"].kind == "ok"
    assert os.path.normpath(files["stand"].path) == str(tree[0] / "data" / "stand.pkl")


def test_the_facts_survive_json(tree: Tree) -> None:
    facts = probe(tree)
    assert msgspec.json.decode(msgspec.json.encode(facts), type=AssetsFacts) == facts


def test_a_checkpoint_of_another_network_is_told_in_words(
    tree: Tree, make_checkpoint: Callable[..., Path]
) -> None:
    other = dict(shapes_of(DENOISER_ARGS), **{"embed_text.weight": (4, 7)})
    make_checkpoint(tree[0] / "mld_denoiser/small/checkpoint_30.pt", other)
    assert bad(probe(tree)) == {
        "denoiser": (True, None, ("embed_text.weight is (4, 7), args.yaml wants (4, 3)",))
    }


def test_statistics_of_another_dimension(
    tree: Tree, pickled: Callable[[Any], bytes], zeros: Callable[..., Any]
) -> None:
    path = tree[0] / "data/seq/mean_std_h2_f8.pkl"
    path.write_bytes(pickled((zeros(1, 1, 9), zeros(1, 1, 12))))
    assert bad(probe(tree)) == {
        "statistics:data/seq/mean_std_h2_f8.pkl": (
            True,
            None,
            ("the standard deviation is (1, 1, 12), args.yaml wants (1, 1, 9)",),
        )
    }


def test_the_configuration_decides_which_statistics_are_read(tree: Tree) -> None:
    (tree[0] / "config_files/mp.yaml").write_bytes(b"history_length: 2\r\nfuture_length: 16\r\n")
    found = bad(probe(tree))
    assert found["config:config_files/mp.yaml"] == (
        True,
        None,
        ("future_length is 16, mvae/small/args.yaml has 8",),
    )
    assert found["statistics:data/seq/mean_std_h2_f16.pkl"] == (False, None, ())


def test_a_missing_configuration_leaves_the_numbers_of_args_yaml(tree: Tree) -> None:
    (tree[0] / "config_files/mp.yaml").unlink()
    assert bad(probe(tree)) == {"config:config_files/mp.yaml": (False, None, ())}


def test_a_missing_vae_is_looked_for_where_the_denoiser_says(tree: Tree) -> None:
    shutil.move(str(tree[0] / "mvae"), str(tree[0] / "data/mvae"))
    facts = probe(tree)
    vae = by_id(facts)["vae"]
    assert not vae.exists
    assert vae.elsewhere == (str(tree[0] / "data/mvae/small/checkpoint_20.pt"),)
    missing = [a for a in facts.args if a.path == "mvae/small/args.yaml"]
    assert [a.error for a in missing] == ["no such file"]
    # No args.yaml says which statistics are read: the manifest does.
    assert by_id(facts)["statistics:data/seq/mean_std_h2_f8.pkl"].exists


def test_args_that_contradict_each_other(tree: Tree) -> None:
    path = tree[0] / "mvae/small/args.yaml"
    text = path.read_text(encoding="utf-8").replace("[1, 5]", "[1, 7]")
    path.write_text(text, encoding="utf-8")
    facts = probe(tree)
    said = "noise_shape is (1, 5), mvae/small/args.yaml has model_args.latent_dim (1, 7)"
    assert facts.args[0].mismatches == (f"denoiser_args.model_args.{said}",)
    assert "vae" in bad(facts)  # and the weights no longer fit


def test_an_unreadable_args_yaml_is_an_error_of_its_own(tree: Tree) -> None:
    path = tree[0] / "mld_denoiser/small/args.yaml"
    path.write_bytes(path.read_bytes()[:80])
    facts = probe(tree)
    assert facts.args[0].error is not None
    assert facts.args[0].error.startswith("cut off")
    assert bad(facts) == {}


def test_a_body_one_folder_too_deep_is_found(tree: Tree) -> None:
    models = tree[0] / "data/models"
    shutil.move(str(models / "smplx"), str(models / "models" / "smplx"))
    male = by_id(probe(tree))["male"]
    assert (male.exists, male.elsewhere) == (
        False,
        (str(models / "models" / "smplx" / "SMPLX_MALE.npz"),),
    )


def test_a_body_in_other_case_is_found_elsewhere(tree: Tree) -> None:
    if Path(str(tree[0]).upper()).exists():
        pytest.skip("this file system does not tell letters' case apart")
    smplx = tree[0] / "data/models/smplx"
    shutil.move(str(smplx / "SMPLX_MALE.npz"), str(smplx / "SMPLX_male.npz"))
    male = by_id(probe(tree))["male"]
    assert male.elsewhere == (str(smplx / "SMPLX_male.npz"),)


def test_a_body_model_without_what_is_read(tree: Tree, make_npz: Callable[..., Path]) -> None:
    make_npz(tree[0] / "data/models/smplx/SMPLX_MALE.npz", {"v_template": (7, 3)})
    assert bad(probe(tree))["male"][2] == (
        "v_template is (7, 3), the model needs (6, 3)",
        "shapedirs is missing, the model needs (6, 3, any)",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"transl": None}, "transl is missing"),
        ({"body_pose": (5, 66)}, "body_pose is (5, 66), not (5, 63)"),
        ({"transl": (4, 3)}, "differ in frames: 4 in transl, 5 in global_orient, 5 in body_pose"),
        ({"betas": (4,)}, "betas is (4,), not (10,)"),
        ({"body_pose": (5, 21, 3, 3), "global_orient": (5, 3, 3)}, None),
        ({"betas": None}, None),
    ],
)
def test_motions(
    tree: Tree,
    pickled: Callable[[Any], bytes],
    zeros: Callable[..., Any],
    change: Dict[str, Any],
    words: Any,
) -> None:
    motion = a_motion(zeros)
    for key, shape in change.items():
        motion.pop(key)
        if shape is not None:
            motion[key] = zeros(*shape)
    (tree[0] / "data/stand.pkl").write_bytes(pickled(motion))
    said = by_id(probe(tree))["stand"].mismatches
    assert (words in said[0]) if words else said == ()


def test_a_trap_in_a_motion_is_listed(tree: Tree) -> None:
    path = tree[0] / "data/stand.pkl"
    path.write_bytes(pickle.dumps({"transl": Trap()}, 2))
    file = by_id(probe(tree))["stand"]
    assert file.foreign_globals == (f"{os.getcwd.__module__}.getcwd",)


class Trap:
    def __reduce__(self) -> Any:
        return os.getcwd, ()


def test_a_set_that_nobody_has_is_not_reported(
    tree: Tree, make_checkpoint: Callable[..., Path]
) -> None:
    assert "denoiser-other" not in by_id(probe(tree))
    # With one file of it there, the rest is missing.
    make_checkpoint(tree[0] / "mld_denoiser/other/checkpoint_30.pt", {"a": (1,)})
    found = by_id(probe(tree))
    assert (found["denoiser-other"].exists, found["vae-other"].exists) == (True, False)


def test_more_checkpoints_of_a_run_are_found_newest_first(
    tree: Tree, make_checkpoint: Callable[..., Path]
) -> None:
    folder = tree[0] / "mld_denoiser/small"
    for step in (4, 100, 20):
        make_checkpoint(folder / f"checkpoint_{step}.pt", shapes_of(DENOISER_ARGS), steps=step)
    spec = msgspec.structs.replace(tree[1], max_checkpoints=2)
    found = [f for f in probe_assets(str(tree[0]), spec).files if f.role == "denoiser"]
    assert [(f.id, f.steps, f.optional) for f in found] == [
        ("denoiser", 30, False),
        ("checkpoint:mld_denoiser/small/checkpoint_100.pt", 100, True),
    ]


def test_backslashes_in_args_yaml(tree: Tree) -> None:
    path = tree[0] / "mld_denoiser/small/args.yaml"
    text = path.read_text(encoding="utf-8")
    backslashed = text.replace(
        "./mvae/small/checkpoint_20.pt", ".\\\\mvae\\\\small\\\\checkpoint_20.pt"
    )
    assert backslashed != text
    path.write_text(backslashed, encoding="utf-8")
    facts = probe(tree)
    assert by_id(facts)["vae"].exists
    notes = facts.args[0].mismatches
    assert notes == () if os.name == "nt" else "backslashes" in notes[0]


def test_a_path_of_another_machine_is_missing_and_not_joined(tree: Tree) -> None:
    path = tree[0] / "mld_denoiser/small/args.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("./mvae/small", "Q:/dart/mvae/small"), encoding="utf-8")
    vae = by_id(probe(tree))["vae"]
    assert not vae.exists
    assert vae.path.replace("\\", "/") == "Q:/dart/mvae/small/checkpoint_20.pt"


def test_a_stand_in_is_marked(tree: Tree) -> None:
    (tree[0] / "data/stand.pkl.stand-in").touch()
    found = by_id(probe(tree))
    assert (found["stand"].stand_in, found["denoiser"].stand_in) == (True, False)


def test_a_root_that_is_not_there_has_everything_missing(tree: Tree, tmp_path: Path) -> None:
    facts = probe_assets(str(tmp_path / "none"), tree[1])
    assert {f.id for f in facts.files if not f.exists} == {
        "denoiser",
        "vae",
        "stand",
        "male",
        "statistics:data/seq/mean_std_h2_f8.pkl",
    }


def test_a_web_page_and_a_folder_in_place_of_files(tree: Tree) -> None:
    (tree[0] / "data/stand.pkl").write_bytes(b"<html><title>Quota</title></html>")
    checkpoint = tree[0] / "mvae/small/checkpoint_20.pt"
    checkpoint.unlink()
    checkpoint.mkdir()
    found = by_id(probe(tree))
    assert found["stand"].kind == "html"
    assert found["vae"].problem == "a folder stands where the file should be"


def test_other_networks_are_not_compared(tree: Tree, make_checkpoint: Callable[..., Path]) -> None:
    make_checkpoint(tree[0] / "mvae/small/checkpoint_20.pt", {"layer.weight": (2, 2)})
    assert "vae" in bad(probe(tree))
    spec = msgspec.structs.replace(tree[1], networks="other")
    assert bad(probe_assets(str(tree[0]), spec)) == {}


def test_the_manifest_of_dart_agrees_with_itself() -> None:
    spec = Manifests().read("assets", "dart", AssetsSpec)
    assert spec.statistics is not None
    assert sum(spec.statistics.features.values()) == 276
    ids = [c.id for c in spec.checkpoints] + [f.id for f in spec.files]
    ids += [asset_id for body in spec.bodies for asset_id in body.files]
    ids += [spec.clip.id] if spec.clip else []
    ids += [other.id for other in spec.others]
    assert len(ids) == len(set(ids))
    for download in spec.downloads:
        assert set(download.gives) <= set(ids), download.id
    assert {c.vae for c in spec.checkpoints if c.vae} <= set(ids)
    assert set(spec.statistics.fallback) <= set(ids)
    assert spec.clip is not None
    assert spec.clip.sha256 in spec.clip.url
