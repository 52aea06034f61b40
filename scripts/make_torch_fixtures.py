"""Make the small torch and numpy files in tests/fixtures/torch again.

Run it with a Python that has torch and numpy 2: ``python scripts/make_torch_fixtures.py``. The
tests read these files without torch; their contents are numbers counted up from zero.
"""

from __future__ import annotations

import pickle
import sys
from collections import OrderedDict
from importlib import import_module
from pathlib import Path
from typing import Any, Dict

HERE = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "torch"


def state_dict(torch: Any) -> OrderedDict[str, Any]:
    """Every case of how a tensor lies in its storage, a few numbers each."""
    whole = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    shared = torch.arange(10, dtype=torch.float32)
    return OrderedDict(
        [
            ("fc.weight", whole),
            ("fc.bias", torch.zeros(3)),
            ("half", torch.zeros(2, 2, dtype=torch.float16)),
            ("transposed", torch.arange(6, dtype=torch.float64).reshape(2, 3).t()),
            ("view", shared[4:8]),
            ("whole_of_view", shared),
            ("twice", whole),
            ("parameter", torch.nn.Parameter(torch.ones(5))),
            ("count", torch.tensor(7)),
            ("empty", torch.zeros(0, 3)),
            ("flags", torch.tensor([True, False])),
            ("bf16", torch.zeros(2, dtype=torch.bfloat16)),
        ]
    )


def motion(numpy: Any) -> Dict[str, Any]:
    """A motion of four frames in DART's form."""
    return {
        "gender": "male",
        "betas": numpy.zeros(10),
        "transl": numpy.arange(12, dtype=numpy.float64).reshape(4, 3),
        "global_orient": numpy.zeros((4, 3), dtype=numpy.float32),
        "body_pose": numpy.zeros((4, 63)),
        "texts": ["stand"],
        "fps": numpy.float64(30.0),
    }


def main() -> int:
    # By name: the type checker's environment has neither.
    numpy: Any = import_module("numpy")
    torch: Any = import_module("torch")
    HERE.mkdir(parents=True, exist_ok=True)
    checkpoint = {"num_steps": 300, "model_state_dict": state_dict(torch)}
    torch.save(checkpoint, HERE / "checkpoint.pt")
    torch.save(checkpoint, HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(state_dict(torch), HERE / "bare_state.pth")
    script = torch.jit.script(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()))
    script.save(str(HERE / "script.pt"))
    statistics = (torch.zeros(1, 1, 276), torch.ones(1, 1, 276))
    for protocol in (2, 4):
        with (HERE / f"mean_std_p{protocol}.pkl").open("wb") as stream:
            pickle.dump(statistics, stream, protocol=protocol)
    old = {"transl": {"mean": torch.zeros(1, 3), "std": torch.ones(1, 3)}}
    with (HERE / "mean_std_old.pkl").open("wb") as stream:
        pickle.dump(old, stream, protocol=4)
    for protocol in (2, 4, 5):
        with (HERE / f"motion_numpy2_p{protocol}.pkl").open("wb") as stream:
            pickle.dump(motion(numpy), stream, protocol=protocol)
    # numpy 1 calls its package numpy.core; protocol 2 writes module names as plain lines.
    renamed = pickle.dumps(motion(numpy), protocol=2).replace(b"cnumpy._core.", b"cnumpy.core.")
    (HERE / "motion_numpy1_p2.pkl").write_bytes(renamed)
    numpy.savez(HERE / "body.npz", **body(numpy))
    for path in sorted(HERE.iterdir()):
        print(f"{path.stat().st_size:8d}  {path.name}")
    return 0


def body(numpy: Any) -> Dict[str, Any]:
    """Arrays of a body model of 6 vertices, 8 faces and 3 joints, and one object array."""
    return {
        "v_template": numpy.zeros((6, 3), dtype=numpy.float32),
        "shapedirs": numpy.zeros((6, 3, 20), dtype=numpy.float32),
        "posedirs": numpy.zeros((6, 3, 18), dtype=numpy.float64, order="F"),
        "J_regressor": numpy.zeros((3, 6)),
        "weights": numpy.zeros((6, 3)),
        "f": numpy.zeros((8, 3), dtype=numpy.uint32),
        "kintree_table": numpy.array([[4294967295, 0, 1], [0, 1, 2]], dtype=numpy.uint32),
        "hands_componentsl": numpy.zeros((5, 5)),
        "hands_componentsr": numpy.zeros((5, 5)),
        "hands_meanl": numpy.zeros(5),
        "hands_meanr": numpy.zeros(5),
        "joint2num": numpy.array({"pelvis": 0}, dtype=object),
    }


if __name__ == "__main__":
    sys.exit(main())
