"""A tiny bundle whose graph does arithmetic that can be worked out by hand, and the sandbox's own."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

MISSING = [
    name for name in ("numpy", "onnx", "onnxruntime") if importlib.util.find_spec(name) is None
]
HISTORY, FUTURE, FEATURES, LATENT, WIDTH = 2, 4, 276, 3, 5
LAYOUT = (
    ("transl", 3),
    ("poses_6d", 132),
    ("transl_delta", 3),
    ("global_orient_delta_6d", 6),
    ("joints", 66),
    ("joints_delta", 66),
)


PROJECT = Path(__file__).resolve().parents[2] / "dartenv" / "sandbox" / "project"


def pytest_collection_modifyitems(items):
    """Everything in this folder needs the three; what is missing is the reason to skip."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(str(item.fspath)).parents and MISSING:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(MISSING)}"))


def still_frame():
    """A body at rest at the origin, facing along the world's -y, as 276 numbers."""
    import numpy as np

    from dartenv.motion.motion import Y_UP_OF_Z_UP
    from dartenv.motion.rotations import six_from_matrix

    frame = np.zeros(FEATURES, dtype=np.float32)
    poses = np.broadcast_to(np.eye(3), (22, 3, 3)).copy()
    poses[0] = Y_UP_OF_Z_UP.T
    frame[3:135] = six_from_matrix(poses).reshape(-1)
    frame[138:144] = [1, 0, 0, 0, 1, 0]
    joints = np.zeros((22, 3))
    joints[1], joints[2] = [-0.1, 0, 0], [0.1, 0, 0]  # x runs from the left hip to the right one
    frame[144:210] = joints.reshape(-1)
    return frame


def primitive_model(portable=False):
    """The fake primitive: frame n of sample b moves along x by text[0] * guidance / 100 a frame,
    along y by what the noise and coefficients sum to; the history is carried on unturned."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    frame = still_frame()
    motion = np.tile(frame, (1, FUTURE, 1))
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (1, FUTURE, 22, 3, 3)).copy()
    joints = np.tile(frame[144:210].reshape(1, 1, 22, 3), (1, FUTURE, 1, 1))
    steps = np.arange(1, FUTURE + 1, dtype=np.float32).reshape(1, FUTURE, 1)
    constants = {
        "motion_rest": motion.astype(np.float32),
        "rotations_rest": rotations,
        "joints_rest": joints.astype(np.float32),
        "steps": steps,
        "along": np.array([[[0.01, 0, 0]]], dtype=np.float32),
        "aside": np.array([[[0, 0.01, 0]]], dtype=np.float32),
        "zero": np.zeros(1, np.int64),
        "one": np.ones(1, np.int64),
        "two": np.array([2], np.int64),
        "three": np.array([3], np.int64),
        "last": np.array([FUTURE - 1], np.int64),
        "end": np.array([FUTURE], np.int64),
        "wide": np.array([1, 1, 1, 1], np.int64),
        "still": np.zeros((1, 1, 1, 1, 1), np.float32),
        "sampler_timesteps": np.array([1, 0], np.int64),
        "sampler_coefficients": np.array([[0.5, 0.5, 1], [1, 0, 0]], np.float32),
        "rest_pad": np.zeros((1, 1, FEATURES - 3), np.float32),
    }
    if portable:
        coefficients = constants.pop("sampler_coefficients")
        constants.pop("sampler_timesteps")
        constants["coefficients"] = coefficients
    table = "coefficients" if portable else "sampler_coefficients"
    n = helper.make_node
    nodes = [
        n("Slice", ["text", "zero", "one", "one"], ["first"]),
        n("Mul", ["first", "guidance"], ["strength"]),
        n("Unsqueeze", ["strength", "two"], ["strength3"]),
        n("ReduceSum", [table], ["total"], keepdims=0),
        n("ReduceSum", ["noise", "noise_axes"], ["noisy"], keepdims=0),
        n("Mul", ["noisy", "total"], ["sway"]),
        n("Reshape", ["sway", "column"], ["sway3"]),
        n("Mul", ["strength3", "along"], ["speed"]),
        n("Mul", ["sway3", "aside"], ["drift"]),
        n("Add", ["speed", "drift"], ["each"]),
        n("Mul", ["steps", "each"], ["moved"]),
        n("Add", ["moved", "world_translation"], ["translation"]),
        n("Shape", ["moved"], ["moved_shape"]),
        n("Slice", ["moved_shape", "zero", "one"], ["batch"]),
        n("Concat", ["batch", "one", "one"], ["tile3"], axis=0),
        n("Tile", ["motion_rest", "tile3"], ["motion_batch"]),
        n("Tile", ["rest_pad", "tile_pad"], ["pad_frames"]),
        n("Concat", ["batch", "one", "one"], ["tile_batch"], axis=0),
        n("Tile", ["pad_frames", "tile_batch"], ["pad"]),
        n("Concat", ["moved", "pad"], ["shift"], axis=2),
        n("Add", ["motion_batch", "shift"], ["motion"]),
        n("Concat", ["batch", "wide"], ["tile5"], axis=0),
        n("Tile", ["rotations_rest", "tile5"], ["rotations"]),
        n("Unsqueeze", ["translation", "two"], ["translation4"]),
        n("Add", ["joints_rest", "translation4"], ["joints"]),
        n("Identity", ["history"], ["next_history"]),
        n("Identity", ["world_rotation"], ["next_world_rotation"]),
        n("Slice", ["translation", "last", "end", "one"], ["next_world_translation"]),
    ]
    constants["noise_axes"] = np.array([0, 2, 3], np.int64)
    constants["column"] = np.array([-1, 1, 1], np.int64)
    constants["tile_pad"] = np.array([1, FUTURE, 1], np.int64)
    for unused in ("three", "still"):
        constants.pop(unused)

    def value(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [
        value("history", ["batch", HISTORY, FEATURES]),
        value("text", ["batch", WIDTH]),
        value("noise", ["s", "batch", 1, LATENT]),
        value("guidance", ["batch", 1]),
        value("world_rotation", ["batch", 3, 3]),
        value("world_translation", ["batch", 1, 3]),
        value("pelvis_offset", ["batch", 3]),
    ]
    if not portable:
        inputs += [
            value("sampler_timesteps", ["steps_"], TensorProto.INT64),
            value("sampler_coefficients", ["steps_", 3]),
        ]
    outputs = [
        value("motion", ["batch", FUTURE, FEATURES]),
        value("rotations", ["batch", FUTURE, 22, 3, 3]),
        value("translation", ["batch", FUTURE, 3]),
        value("joints", ["batch", FUTURE, 22, 3]),
        value("next_history", ["batch", HISTORY, FEATURES]),
        value("next_world_rotation", ["batch", 3, 3]),
        value("next_world_translation", ["batch", 1, 3]),
    ]
    kept = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "primitive", inputs, outputs, initializer=kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model.SerializeToString()


def text_model():
    """The fake text tower: the embedding of the end-of-text token's place, cut to WIDTH."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    width = 6
    nodes = [
        helper.make_node("Gather", ["embeddings", "eot"], ["rows"], axis=1),
        helper.make_node("ReduceSum", ["rows", "one"], ["flat"], keepdims=0),
        helper.make_node("Slice", ["flat", "zero", "width", "one"], ["text"]),
    ]
    constants = {"zero": [0], "one": [1], "width": [WIDTH]}
    graph = helper.make_graph(
        nodes,
        "clip_text",
        [
            helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["batch", "n", width]),
            helper.make_tensor_value_info("eot", TensorProto.INT64, ["batch"]),
        ],
        [helper.make_tensor_value_info("text", TensorProto.FLOAT, ["batch", WIDTH])],
        initializer=[
            numpy_helper.from_array(np.array(v, np.int64), k) for k, v in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


MERGES = ["w a", "l k</w>", "wa lk</w>", "t u", "r n</w>", "tu rn</w>"]


def write_vocabulary(path):
    """A vocabulary of six merges and one line more than CLIP's tokenizer takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(['"bpe_simple_vocab": a header', *MERGES, "left out"])
    path.write_bytes(gzip.compress(text.encode("utf-8")))
    return len(MERGES) + 514


@dataclass
class Tiny:
    """A written bundle; ``change`` rewrites bundle.json with fields replaced."""

    folder: Path
    bundle: object

    def change(self, **fields):
        import msgspec

        from dartenv.bundle.files import save_bundle

        self.bundle = msgspec.structs.replace(self.bundle, **fields)
        save_bundle(self.bundle, self.folder)


@pytest.fixture
def tiny(tmp_path):
    """The tiny bundle in a folder with a space and Chinese characters."""
    import numpy as np

    from dartenv.bundle import contract as c
    from dartenv.bundle.files import save_bundle
    from dartenv.bundle.skeleton import joint_names
    from dartenv.motion.skeleton import PARENTS_22, PARENTS_55

    folder = tmp_path / "包 tiny"
    size = write_vocabulary(folder / "tokenizer" / "bpe.txt.gz")
    table = np.arange(size * 6, dtype=np.float16).reshape(size, 6) / np.float16(64)
    np.save(str(folder / "table.npy"), table)

    def written(name, data, portable=False):
        (folder / name).write_bytes(data)
        return c.ModelFile(
            path=name,
            format="onnx",
            precision="fp32",
            portable=portable,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            opset=17,
            ir=8,
            contrib=False,
            onnxruntime="1.12",
        )

    def data_file(name):
        data = (folder / name).read_bytes()
        return c.DataFile(
            path=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data), meaning="a test's"
        )

    def model(name, files):
        return c.Model(name=name, meaning="a test's", inputs=[], outputs=[], files=files)

    starts = np.cumsum([0, *(width for _, width in LAYOUT)])
    rest = np.random.default_rng(2).uniform(-1, 1, (55, 3))
    bundle = c.Bundle(
        schema=c.BUNDLE_SCHEMA,
        dartenv="0",
        kind="plumbing",
        stand_ins=["weights"],
        sizes=c.Sizes(
            history=HISTORY,
            future=FUTURE,
            features=FEATURES,
            tokens=1,
            latent=LATENT,
            text=WIDTH,
            joints=22,
        ),
        fps=30,
        schedule="ddpm2",
        schedules=[
            c.Schedule(
                name="ddpm2",
                respacing="",
                timesteps=[1, 0],
                coefficients=[[0.5, 0.5, 1], [1, 0, 0]],
                stochastic=True,
            ),
            c.Schedule(
                name="ddim1",
                respacing="ddim1",
                timesteps=[1],
                coefficients=[[7, 0, 0]],
                stochastic=False,
            ),
        ],
        guidance=5.0,
        latent_scale=1.0,
        features=[
            c.Feature(name=n, start=int(s), width=w, unit="m", frame="", meaning="")
            for (n, w), s in zip(LAYOUT, starts)
        ],
        statistics=c.Statistics(mean=[0.0] * FEATURES, std=[1.0] * FEATURES),
        skeleton=c.Skeleton(
            body="smplx",
            gender="male",
            betas=[0.0] * 10,
            names=joint_names(22),
            parents=list(PARENTS_22),
            rest_joints=rest[:22].tolist(),
            pelvis_offset=rest[0].tolist(),
            names_55=joint_names(55),
            parents_55=list(PARENTS_55),
            rest_joints_55=rest.tolist(),
        ),
        start=c.Start(
            source="stand",
            history=[still_frame().tolist()] * HISTORY,
            world_rotation=np.eye(3).tolist(),
            world_translation=[0.0, 0.0, 0.0],
        ),
        tokenizer=c.Tokenizer(
            kind="clip-bpe",
            vocabulary="tokenizer/bpe.txt.gz",
            table="table.npy",
            size=size,
            width=6,
            context=9,
            start_token=size - 2,
            end_token=size - 1,
        ),
        models=[
            model(
                "primitive",
                [
                    written("primitive.fp32.onnx", primitive_model()),
                    written("primitive.fp32.portable.onnx", primitive_model(True), True),
                ],
            ),
            model(
                "clip_text",
                [
                    written("clip_text.fp32.onnx", text_model()),
                    written("clip_text.fp32.portable.onnx", text_model(), True),
                ],
            ),
        ],
        files=[data_file("table.npy"), data_file("tokenizer/bpe.txt.gz")],
        sources=[],
    )
    save_bundle(bundle, folder)
    return Tiny(folder, bundle)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The sandbox's own bundle in full precision, both kinds of primitive; nothing measured."""
    from dartenv.export.bundle import export_bundle
    from dartenv.export.writer import ExportOptions
    from dartenv.manifests.loader import Manifests
    from dartenv.model.source import Places, read_source

    checkpoint = PROJECT / "mld_denoiser/mld_sandbox/checkpoint_4000.pt"
    places = Places(checkpoint, PROJECT / "data/sandbox-models", {"": "data/stand.pkl"}, None)
    out = tmp_path_factory.mktemp("bundle")
    options = ExportOptions(
        models=("primitive", "primitive_body"),
        precisions=("fp32",),
        variants=("desktop",),
        check=False,
    )
    export_bundle(read_source(PROJECT, places), out, "sandbox", options, Manifests())
    return out
