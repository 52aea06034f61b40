"""DART's own functions in double precision: torch code that asks for float32, and the sandbox."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from dartenv.smoke.inside.double import computing_in_double, widen
from dartenv.smoke.ort import PACKAGE
from dartenv.smoke.target import INSIDE
from tests.sandbox.mended import mended_sandbox

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch", reason="needs torch in the running interpreter")
np = pytest.importorskip("numpy", reason="needs numpy in the running interpreter")
NEEDS = ("tyro", "yaml", "tqdm")
MISSING = [name for name in NEEDS if importlib.util.find_spec(name) is None]
SINGLE = torch.float32


# A third cannot be written in either; what float32 makes of it is 1e-8 from what float64 does.
@pytest.mark.parametrize(
    "made",
    [
        lambda: torch.tensor([1.0], dtype=SINGLE) / 3,
        lambda: torch.tensor(1 / 3),
        lambda: torch.full((1,), 1 / 3, dtype=SINGLE),
        lambda: torch.from_numpy(np.array([1.0], np.float32)) / 3,
        lambda: (torch.ones(1, dtype=torch.float64) / 3).float(),
        lambda: (torch.ones(1, dtype=torch.float64) / 3).to(SINGLE),
        lambda: (torch.ones(1, dtype=torch.float64) / 3).to(dtype=SINGLE),
        lambda: (torch.ones(1, dtype=torch.float64) / 3).type(SINGLE),
        lambda: torch.zeros(1, dtype=SINGLE).copy_(torch.ones(1, dtype=torch.float64) / 3),
        lambda: torch.cat([torch.ones(1, dtype=SINGLE) / 3, torch.ones(1).double()])[0],
        lambda: torch.nn.functional.linear(torch.ones(1, 1), torch.ones(1, 1) / 3),
    ],
    ids=[
        *("tensor", "number", "full", "numpy", "float", "to", "keyword", "type"),
        *("copied", "joined", "network"),
    ],
)
def test_code_that_asks_for_single_precision_gets_double(made: Any) -> None:
    assert abs(float(made()) - 1 / 3) > 1e-9  # as it is outside
    with computing_in_double([]):
        found = made()
    assert found.dtype is torch.float64
    assert abs(float(found) - 1 / 3) < 1e-16


def test_old_tensors_are_written_to_and_mixed_with() -> None:
    old, taken = torch.ones(2, 2), torch.zeros(1)
    with computing_in_double([]):
        torch.add(torch.ones(1), 1, out=taken)
        product = torch.matmul(old, torch.ones(2, 1) / 3)
        old[0] = 5.0
        old.add_(1.0)
    assert old.tolist() == [[6.0, 6.0], [2.0, 2.0]]
    assert product.dtype is torch.float64
    assert taken.tolist() == [2.0]


def test_noise_is_what_was_given_and_its_end_is_named() -> None:
    first, second = torch.full((2,), 0.25), torch.full((2,), 0.5)
    with computing_in_double([first, second]):
        assert torch.randn(2) is first
        assert torch.randn_like(first) is second
        with pytest.raises(RuntimeError, match="more noise"):
            torch.randn(2)


def test_torch_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError), computing_in_double([]):
        raise KeyError
    assert torch.ones(1).dtype is SINGLE
    monkeypatch.delattr(torch.overrides, "TorchFunctionMode")
    with pytest.raises(RuntimeError, match="TorchFunctionMode"), computing_in_double([]):
        pass
    assert torch.ones(1).dtype is SINGLE


def test_what_an_object_holds_is_widened_but_for_one() -> None:
    class Holder:
        def __init__(self) -> None:
            self.mean, self.count = torch.ones(2), torch.ones(2, dtype=torch.long)
            self.net, self.large = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
            self.parts: Dict[str, Any] = {"a": torch.ones(1), "b": "text"}

    held = Holder()
    widen(held, but="large")
    assert held.mean.dtype is held.net.weight.dtype is held.parts["a"].dtype is torch.float64
    assert held.count.dtype is torch.long
    assert held.large.weight.dtype is SINGLE
    assert held.parts["b"] == "text"


@pytest.fixture
def mended(tmp_path: Path) -> Path:
    return mended_sandbox(tmp_path / "沙 盒")


def asked(root: Path, folder: Path, program: str, request: Dict[str, Any]) -> List[Dict[str, Any]]:
    source, answer = folder / "request.json", folder / "answer.json"
    source.write_text(json.dumps(request), encoding="utf-8")
    argv = [sys.executable, "-X", "utf8", str(INSIDE / "launcher.py"), program]
    done = subprocess.run([*argv, str(source), str(answer)], cwd=str(root), stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
    found: List[Dict[str, Any]] = json.loads(answer.read_text(encoding="utf-8"))["cases"]
    return found


@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} in this interpreter")
@pytest.mark.skipif(sys.platform == "win32", reason="the plain repair leaves Windows' faults in")
def test_without_rounding_the_networks_are_darts_own(mended: Path, tmp_path: Path) -> None:
    folder = tmp_path / "数 据"
    folder.mkdir()
    checkpoint = "./mld_denoiser/mld_sandbox/checkpoint_4000.pt"
    cases = [
        {
            "name": name,
            "respacing": respacing,
            "batch": batch,
            "predicted": predicted,
            "count": count,
            "path": str(folder / f"{name}.npz"),
            "exact": str(folder / f"{name}.exact.npy"),
        }
        for name, respacing, batch, predicted, count in (
            ("predicted", "", 1, True, 30),
            ("body", "", 2, False, 5),
            ("ddim", "ddim5", 2, True, 3),
        )
    ]
    given = {"checkpoint": checkpoint, "motion": "./data/stand.pkl", "guidance": 5.0, "seed": 3}
    given.update(prompts=["walk forward", "turn left"], folder=str(folder), cases=cases)
    asked(mended, folder, "ort_reference", given)
    exact = asked(mended, folder, "ort_exact", given)
    assert [case["problem"] for case in exact] == [""] * 3
    # single precision costs something, or these would not be exact numbers
    assert all(1e-8 < case["loop"] < 1e-3 for case in exact)
    places = {
        "denoiser": str(mended / checkpoint),
        "bodies": str(mended / "data/sandbox-models"),
        "motions": {"": "./data/stand.pkl"},
        "legacy": "",
    }
    request = {"package": str(PACKAGE), "root": str(mended), "places": places, "cases": cases}
    ours = asked(mended, folder, "ort_model", {**request, "exact": True})
    apart = {case["name"]: case["exact"] for case in ours}
    assert apart["predicted"] < 1e-11
    assert apart["ddim"] < 1e-11
    assert apart["body"] < 1e-6  # the body's rest joints were written down in float32
    for case, dart in zip(ours, exact):
        assert case["loop"] == pytest.approx(dart["loop"], abs=1e-6)


@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} in this interpreter")
@pytest.mark.skipif(sys.platform == "win32", reason="the plain repair leaves Windows' faults in")
def test_a_tree_that_draws_otherwise_is_named(mended: Path, tmp_path: Path) -> None:
    """Recorded noise of ten steps for a sampler of five: nothing is written that could be trusted."""
    case = {"name": "c", "respacing": "", "batch": 1, "predicted": True, "count": 1}
    case.update(path=str(tmp_path / "c.npz"), exact=str(tmp_path / "c.exact.npy"))
    given = {"checkpoint": "./mld_denoiser/mld_sandbox/checkpoint_4000.pt", "guidance": 5.0}
    given.update(motion="./data/stand.pkl", seed=3, prompts=["stand"], folder=str(tmp_path))
    asked(mended, tmp_path, "ort_reference", {**given, "cases": [case]})
    case["respacing"] = "ddim5"
    (answer,) = asked(mended, tmp_path, "ort_exact", {**given, "cases": [case]})
    assert answer["loop"] is None
    assert "5 steps of the recorded noise were not drawn" in answer["problem"]
    assert not Path(str(case["exact"])).exists()
