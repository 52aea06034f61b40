"""Rest joints of a body model file for given betas. Needs numpy. Python 3.6 syntax."""

from pathlib import Path
from typing import Any, List, Optional

from . import heavy
from .skeleton import BODY_JOINTS


def rest_joints(path: Optional[str], betas: Any) -> Optional[List[List[float]]]:
    """Rest joints [22][3] in metres, y up, of the SMPL-X npz at ``path``; ``None`` without one.

    The joints are the regressor times the template moved by the betas (SMPL, Loper et al. 2015,
    section 3). A file in another format, as SMPL-H's pickles, gives ``None`` too: nothing is
    unpickled.
    """
    if path is None or not path.endswith(".npz") or not Path(path).is_file():
        return None
    np = heavy.numpy()
    with np.load(path, allow_pickle=False) as body:
        regressor = body["J_regressor"][:BODY_JOINTS]
        numbers = np.asarray(betas, dtype=np.float64).reshape(-1)
        shapes = body["shapedirs"][:, :, : len(numbers)]
        used = regressor @ body["v_template"] + np.einsum(
            "jv,vcs,s->jc", regressor, shapes, numbers[: shapes.shape[2]], optimize=True
        )
    found: List[List[float]] = used.tolist()
    return found
