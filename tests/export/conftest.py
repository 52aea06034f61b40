"""Sources for the exporter: the sandbox's trained networks, and small random ones of each kind."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

PROJECT = Path(__file__).resolve().parents[2] / "dartenv" / "sandbox" / "project"
MISSING = [
    name for name in ("numpy", "onnx", "onnxruntime") if importlib.util.find_spec(name) is None
]


def pytest_collection_modifyitems(items: Any) -> None:
    """Everything in this folder needs the three; what is missing is the reason to skip."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(str(item.fspath)).parents:
            item.add_marker(pytest.mark.ort)
            if MISSING:
                item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(MISSING)}"))


@pytest.fixture(scope="session")
def sandbox_source() -> Any:
    """The sandbox's denoiser and all that belongs to it."""
    from dartenv.model.source import Places, read_source

    checkpoint = PROJECT / "mld_denoiser/mld_sandbox/checkpoint_4000.pt"
    places = Places(checkpoint, PROJECT / "data/sandbox-models", {"": "data/stand.pkl"}, None)
    return read_source(PROJECT, places)


DENOISER = """
denoiser_args:
  diffusion_args: {diffusion_steps: 10, noise_schedule: cosine, respacing: '', sigma_small: true}
  model_args: {activation: gelu, clip_dim: 12, cond_mask_prob: 0.1, dropout: 0.1, h_dim: 16,
    history_shape: [H, 276], noise_shape: [T, 6], KIND}
"""
VAE = """
data_args: {data_dir: ./data}
model_args: {activation: gelu, arch: ARCH, dropout: 0.1, ff_size: 24, h_dim: 16,
  latent_dim: [T, 6], nfeats: 276, normalize_before: FIRST, num_heads: 2, num_layers: 5,
  position_embedding: learned}
"""
KINDS = {
    "transformer": "ff_size: 24, num_heads: 2, num_layers: 3",
    "mlp": "n_blocks: 2",
}


@pytest.fixture(scope="session")
def tiny(sandbox_source: Any) -> Callable[..., Any]:
    """Makes a random source: kind, arch, latent tokens, history frames, norm_first."""
    import numpy as np

    from dartenv.assets.args_yaml import read_args
    from dartenv.assets.shapes import expected_tensors
    from dartenv.model.config import denoiser_config, vae_config

    def state(args: Any, seed: int) -> Dict[str, Any]:
        generator = np.random.default_rng(seed)
        found = {}
        for name, (shape, _) in expected_tensors(args).items():
            value = generator.standard_normal(shape) / (shape[-1] ** 0.5 if shape else 1.0)
            if ".norm" in name and name.endswith("weight"):
                value = 1.0 + 0.3 * value
            found[name] = np.asarray(value, dtype=np.float32)
        shared = "sequence_pos_encoder.pe"  # one table, kept under two names
        if shared in found:
            found["embed_timestep." + shared] = found[shared]
        return found

    def make(
        kind: str = "transformer",
        arch: str = "all_encoder",
        tokens: int = 1,
        history: int = 2,
        norm_first: bool = False,
    ) -> Any:
        text = DENOISER.replace("KIND", KINDS[kind]).replace("T,", f"{tokens},")
        denoiser = read_args(text.replace("H,", f"{history},").encode())
        text = VAE.replace("ARCH", arch).replace("T,", f"{tokens},")
        vae = read_args(text.replace("FIRST", str(norm_first).lower()).encode())
        first = np.repeat(sandbox_source.history[:1], history, axis=0)
        return replace(
            sandbox_source,
            denoiser=denoiser_config(denoiser),
            vae=vae_config(vae),
            denoiser_state=state(denoiser, 1),
            vae_state=state(vae, 2),
            latent_scale=np.float32(1.4),
            history_frames=history,
            history=first,
        )

    return make
