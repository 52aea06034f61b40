"""DART's own functions in double precision, over the noise and texts of cases written before.

Request: that of ort_reference, the cases with ``path`` and ``exact``. Answer: ``{"cases": [{"name",
"loop", "problem"}]}``: ``loop`` metres is what single precision costs DART, as the largest difference of a
joint; the joints [K, B, N, 22, 3] go to the file ``exact``. ``problem``: why DART's functions
could not, with no file written. Python 3.6 syntax.
"""

from typing import Any, Dict, List

from . import heavy
from .dart_loop import NEXT, Dart, advanced
from .double import computing_in_double, widen
from .ort_run import keep_exact


def run(request: Dict[str, Any]) -> Dict[str, Any]:
    """Work every case of ``request`` out in float64."""
    torch = heavy.torch()
    torch.set_num_threads(1)
    dart = Dart(request["checkpoint"], request["motion"], request.get("clip"))
    cases: List[Dict[str, Any]] = []
    for case in request["cases"]:
        try:
            cases.append({"name": case["name"], "loop": _case(dart, case), "problem": ""})
        except Exception as error:  # whatever a tree's own code raises
            said = " ".join(str(error).split())[:300]
            problem = f"{type(error).__name__}: {said}"
            cases.append({"name": case["name"], "loop": None, "problem": problem})
    return {"cases": cases}


def _case(dart: Dart, case: Dict[str, Any]) -> float:
    np, torch = heavy.numpy(), heavy.torch()
    for network in (dart.denoiser, dart.vae):
        network.double()
    widen(dart.dataset, but="clip_model")  # texts are given, and it is large
    widen(dart.utility)
    data = np.load(case["path"])

    def given(name: str) -> Any:
        return torch.from_numpy(data[name]).double()

    batch = data["in_history"].shape[0]
    state = {"history": given("in_history"), "pelvis_offset": given("in_pelvis_offset")}
    state.update({name[len("next_") :]: given("in_" + name[len("next_") :]) for name in NEXT[1:]})
    frames = dart.dataset.history_length + dart.dataset.future_length
    state["betas"] = torch.zeros(batch, frames, 10, dtype=torch.float64)
    guidance, predicted = float(data["in_guidance"][0, 0]), bool(case["predicted"])
    kept = []
    draws: List[Any] = []
    with computing_in_double(draws):
        diffusion = dart.diffusion(case["respacing"])
        for text, noise in zip(data["texts"], data["noise"]):
            draws[:] = list(torch.from_numpy(noise).double())
            words = torch.from_numpy(text).double()
            out = dart.primitive(diffusion, case["respacing"], state, words, guidance, predicted, 0)
            if draws:
                raise RuntimeError(f"{len(draws)} steps of the recorded noise were not drawn")
            kept.append(out["joints"].numpy())
            state = advanced(state, out)
    exact = np.stack(kept)
    keep_exact(case, exact)
    return float(np.abs(exact - data["out_joints"].reshape(exact.shape)).max())
