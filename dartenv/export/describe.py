"""What each tensor of a bundle is, in words a host's engineer can build on."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from dartenv.bundle.contract import Feature, Tensor
from dartenv.export.graph import named_dims
from dartenv.model.layout import LAYOUT

PRIMITIVE = "the primitive's own frame: origin at the pelvis of its first frame, z up, x from the left hip to the right one along the floor"
WORLD = "world: z up"

MEANINGS: Dict[str, str] = {
    "primitive": "one motion primitive: sampling with guidance, decoding, placing in the world, and the history of the next one; that history keeps the joints the network predicts (DART's --use_predicted_joints 1)",
    "primitive_body": "as primitive, but the next history's joints are worked out from the body's rest joints (DART's --use_predicted_joints 0)",
    "denoiser": "one prediction of the clean latent, without guidance",
    "vae_decoder": "a latent to normalised future frames; multiply what the denoiser gives by latent_scale first",
    "vae_encoder": "future frames to the latent's mean and log-variance, in the VAE's own scale",
    "clip_text": "token embeddings of a text to its embedding; cut the tokens after end-of-text away",
}

# name -> (unit, frame, meaning)
Words = Tuple[str, str, str]
TENSORS: Dict[str, Words] = {
    "history": ("normalised", PRIMITIVE, "the H frames before; first bundle.start.history, then next_history"),
    "text": ("1", "", "the text's embedding; all zero is no text"),
    "noise": ("standard normal", "", "noise[0] is the start, noise[k + 1] is added at the sampler's step k (of no effect where the schedule is not stochastic)"),
    "guidance": ("1", "", "classifier-free guidance: 0 ignores the text, 1 follows it plainly, 5 is DART's demos'"),
    "world_rotation": ("1", "columns: the primitive's axes in the world", "rotation from the primitive's frame to the world; identity at the start"),
    "world_translation": ("m", WORLD, "where the primitive's origin lies in the world; zero at the start"),
    "pelvis_offset": ("m", "body model", "the pelvis of the rest pose: skeleton.pelvis_offset, equal to rest_joints[0]"),
    "rest_joints": ("m", "body model", "the 22 rest joints: skeleton.rest_joints"),
    "sampler_timesteps": ("diffusion step", "", "what the denoiser is told at each step, the noisiest first: schedules[i].timesteps"),
    "sampler_coefficients": ("1", "", "a, b, c of each step, x = a x0 + b x + c noise: schedules[i].coefficients"),
    "motion": ("m and 6D rotations, see features", PRIMITIVE, "the N new frames, denormalised"),
    "rotations": ("1", WORLD + "; all but the first relative to the parent joint", "rotation matrices of the 22 joints, acting on column vectors"),
    "translation": ("m", WORLD, "SMPL's transl: the pelvis lies at translation + pelvis_offset"),
    "joints": ("m", WORLD, "the 22 joints as the network predicts them"),
    "next_history": ("normalised", "the next primitive's own frame", "give it as history next time"),
    "next_world_rotation": ("1", "as world_rotation", "give it as world_rotation next time"),
    "next_world_translation": ("m", WORLD, "give it as world_translation next time"),
    "x_t": ("1", "", "the noisy latent"),
    "timesteps": ("diffusion step", "", "the step of each sample: schedules[i].timesteps"),
    "x_0": ("1", "", "the predicted clean latent"),
    "latent": ("1", "", "a latent in the VAE's own scale"),
    "future": ("normalised", PRIMITIVE, "the N frames after the history"),
    "mean": ("1", "", "the mean of the latent's distribution"),
    "log_variance": ("1", "", "the logarithm of its variance, within -10 and 10"),
    "embeddings": ("1", "", "rows of the token table for start token, text and end-of-text token"),
    "eot": ("token", "", "the place of the end-of-text token, counted from 0"),
}  # fmt: skip

_TYPES = {1: "float32", 7: "int64"}

FEATURES: Dict[str, Words] = {
    "transl": ("m", PRIMITIVE, "SMPL's transl"),
    "poses_6d": ("1", "the root in the primitive's frame, the others relative to their parents", "22 rotations, each the first two rows of its matrix"),
    "transl_delta": ("m a frame", PRIMITIVE, "transl of the next frame less this one's"),
    "global_orient_delta_6d": ("1", PRIMITIVE, "the root's rotation to the next frame: next times the transpose of this one, first two rows"),
    "joints": ("m", PRIMITIVE, "22 joints"),
    "joints_delta": ("m a frame", PRIMITIVE, "joints of the next frame less this one's"),
}  # fmt: skip


def tensors(model: Any) -> Tuple[List[Tensor], List[Tensor]]:
    """(inputs, outputs) of an ONNX model as bundle.json describes them."""
    dims = named_dims(model)
    defaults = {constant.name for constant in model.graph.initializer}

    def described(value: Any) -> Tensor:
        unit, frame, meaning = TENSORS[value.name]
        return Tensor(
            name=value.name,
            dtype=_TYPES[value.type.tensor_type.elem_type],  # type: ignore[arg-type]
            shape=dims[value.name],
            unit=unit,
            frame=frame,
            meaning=meaning,
            optional=value.name in defaults,
        )

    graph = model.graph
    return [described(v) for v in graph.input], [described(v) for v in graph.output]


def features() -> List[Feature]:
    """The layout of one frame's features."""
    found, start = [], 0
    for name, width in LAYOUT:
        unit, frame, meaning = FEATURES[name]
        found.append(
            Feature(name=name, start=start, width=width, unit=unit, frame=frame, meaning=meaning)
        )
        start += width
    return found
