"""The assets of a DART tree, whole: args.yaml files, networks, statistics, motions, bodies, CLIP."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Dict, List, Optional, Tuple

import msgspec

from dartenv.facts.model import ArgsFacts, AssetsFacts, FileAsset, TensorFacts

ROLLOUTS = (
    "mld.rollout_demo",
    "mld.rollout_mld",
    "mld.optim_mld",
    "mld.optim_scene_mld",
    "mld.optim_pelvis_global_mld",
)
REACH = "control.test_reach_location_mld"
DENOISER = "mld_denoiser/mld_fps_clip_repeat_euler"
VAE = "mvae/mvae_fps_clip"
HML_DENOISER = "mld_denoiser/smplh_hml3d_2_8_4"
HML_VAE = "mvae/mvae_smplh_hml3d_2_8_4"
POLICY = "policy_train/reach_location_mld/fixtext_repeat_floor100_hop10_skate100"
BODIES = "data/smplx_lockedhead_20230207/models_lockedhead"
CONFIGS = "config_files/config_hydra/motion_primitive"
CLIP_SIZE = 353_976_522
CLIP_SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"


def whole(root: str, clip: str, *, hml: bool = False) -> AssetsFacts:
    """Everything the demos read, as the published files are; ``hml`` adds the HumanML3D set."""
    files = [*_babel(), *_motions(), *_bodies()]
    if hml:
        files += _hml()
    placed = [msgspec.structs.replace(f, path=_join(root, f.path)) for f in files]
    return AssetsFacts(
        args=_args(hml), files=(*placed, clip_file(clip, CLIP_SIZE, CLIP_SHA256)), clip_cache=clip
    )


def clip_file(
    path: str, size: int, sha256: Optional[str], *, kind: str = "torchscript", **more: Any
) -> FileAsset:
    """ViT-B-32.pt in CLIP's cache."""
    return FileAsset(
        id="clip-vit-b-32",
        path=path,
        role="clip",
        exists=True,
        size=size,
        kind=kind,
        sha256=sha256,
        needed_by=(*ROLLOUTS, REACH),
        **more,
    )


def _join(root: str, path: str) -> str:
    pure = PureWindowsPath(root) if root[1:2] == ":" else PurePosixPath(root)
    return str(pure / path)


def _babel() -> List[FileAsset]:
    args, vae_args = f"{DENOISER}/args.yaml", f"{VAE}/args.yaml"
    data = "data/seq_data_zero_male"
    return [
        _network("denoiser-babel", f"{DENOISER}/checkpoint_300000.pt", "denoiser", 78_491_326),
        _network("vae-babel", f"{VAE}/checkpoint_200000.pt", "vae", 47_315_946, named_by=args),
        _named(f"{CONFIGS}/mp_h2_f8_r8.yaml", "config", 59, "text", vae_args),
        _named(data, "data-dir", None, "directory", vae_args),
        _statistics(data, vae_args),
    ]


def _hml() -> List[FileAsset]:
    args, vae_args = f"{HML_DENOISER}/args.yaml", f"{HML_VAE}/args.yaml"
    data = "data/hml3d_smplh/seq_data_zero_male"
    optional: Dict[str, Any] = {"optional": True, "needed_by": ("mld.rollout_mld", "mld.optim_mld")}
    files = [
        _network("denoiser-hml", f"{HML_DENOISER}/checkpoint_300000.pt", "denoiser", 78_491_326),
        _network("vae-hml", f"{HML_VAE}/checkpoint_200000.pt", "vae", 47_315_946, named_by=args),
        _named(f"{CONFIGS}/hml_mp_h2_f8_r4.yaml", "config", 64, "text", vae_args),
        _named(data, "data-dir", None, "directory", vae_args),
        _statistics(data, vae_args),
        *(
            FileAsset(
                id=f"smplh-{gender}",
                path=f"{BODIES}/smplh/SMPLH_{gender.upper()}.pkl",
                role="smplh",
                exists=True,
                size=264_105_000 + number,
                kind="pickle",
            )
            for number, gender in enumerate(("male", "female"))
        ),
    ]
    return [msgspec.structs.replace(f, **optional) for f in files]


def _network(asset_id: str, path: str, role: str, size: int, named_by: str = "") -> FileAsset:
    return FileAsset(
        id=asset_id,
        path=path,
        role=role,
        exists=True,
        size=size,
        kind="torch-zip",
        needed_by=ROLLOUTS,
        named_by=named_by,
        locations=("cuda:0",),
        steps=300_000 if role == "denoiser" else 200_000,
    )


def _named(path: str, role: str, size: Any, kind: str, named_by: str) -> FileAsset:
    return FileAsset(
        id=f"{role}:{path}",
        path=path,
        role=role,
        exists=True,
        size=size,
        kind=kind,
        needed_by=ROLLOUTS,
        named_by=named_by,
    )


def _statistics(folder: str, named_by: str) -> FileAsset:
    return FileAsset(
        id=f"statistics:{folder}/mean_std_h2_f8.pkl",
        path=f"{folder}/mean_std_h2_f8.pkl",
        role="statistics",
        exists=True,
        size=3_094,
        kind="pickle",
        needed_by=ROLLOUTS,
        named_by=named_by,
        arrays=tuple(
            TensorFacts(name=name, shape=(1, 1, 276), dtype="float32") for name in ("0", "1")
        ),
    )


def _motions() -> List[FileAsset]:
    stand = FileAsset(
        id="stand",
        path="data/stand.pkl",
        role="motion",
        exists=True,
        size=104_531,
        kind="pickle",
        needed_by=(*ROLLOUTS, REACH),
    )
    keyframes = [
        FileAsset(
            id=f"keyframes-{data}-{count}f",
            path=f"data/inbetween/pace_in_circles/{data}_{count}f.pkl",
            role="motion",
            exists=True,
            size=size,
            kind="pickle",
            optional=data == "hml",
            needed_by=("mld.optim_mld",),
            arrays=_motion_arrays(frames),
        )
        for data, frames, size in (("babel", 120, 66_675), ("hml", 80, 44_586))
        for count in (1, 2)
    ]
    return [stand, *keyframes]


def _motion_arrays(frames: int) -> Tuple[TensorFacts, ...]:
    widths = (("transl", 3), ("global_orient", 3), ("body_pose", 63))
    return tuple(
        TensorFacts(name=name, shape=(frames, width), dtype="float64") for name, width in widths
    )


def _bodies() -> List[FileAsset]:
    return [
        FileAsset(
            id=f"smplx-{gender}",
            path=f"{BODIES}/smplx/SMPLX_{gender.upper()}.npz",
            role="smplx",
            exists=True,
            size=size,
            kind="npz",
            needed_by=(*ROLLOUTS, REACH, "visualize.vis_seq"),
        )
        for gender, size in (("male", 137_106_402), ("female", 137_106_410))
    ]


def _args(hml: bool) -> Tuple[ArgsFacts, ...]:
    """The args.yaml files of the published runs, with the values that checks read."""
    runs = [("", DENOISER, VAE)]
    if hml:
        runs.append(("hml_", HML_DENOISER, HML_VAE))
    found: List[ArgsFacts] = []
    for prefix, denoiser, vae in runs:
        data = "./data/hml3d_smplh/seq_data_zero_male/" if prefix else "./data/seq_data_zero_male"
        common = {
            "data_args.cfg_path": f"./{CONFIGS}/{prefix}mp_h2_f8_r4.yaml",
            "data_args.data_dir": data,
            "data_args.dataset": "hml3d" if prefix else "mp_seq_v2",
            "data_args.feature_dim": "276",
            "data_args.history_length": "2",
            "data_args.future_length": "8",
            "device": "cuda",
        }
        network = {
            "denoiser_args.mvae_path": f"./{vae}/checkpoint_200000.pt",
            "denoiser_args.model_type": "transformer",
            "denoiser_args.rescale_latent": "1",
            "denoiser_args.model_args.h_dim": "512",
            "denoiser_args.model_args.history_shape": "(2, 276)",
            "denoiser_args.model_args.noise_shape": "(1, 256)",
            "denoiser_args.diffusion_args.diffusion_steps": "10",
            "save_dir": denoiser,
        }
        coder = {
            "model_args.arch": "all_encoder",
            "model_args.h_dim": "256",
            "model_args.latent_dim": "(1, 256)",
            "model_args.nfeats": "276",
            "save_dir": vae,
        }
        for folder, kind, values in ((denoiser, "denoiser", network), (vae, "vae", coder)):
            found.append(
                ArgsFacts(
                    path=f"{folder}/args.yaml",
                    kind=kind,
                    values={**common, **values},
                    posixpath=True,
                )
            )
    policy = {"denoiser_checkpoint": "./mld_denoiser/mld_fps_clip_euler/checkpoint_300000.pt"}
    found.append(ArgsFacts(path=f"{POLICY}/args.yaml", kind="policy", values=policy))
    return tuple(found)
