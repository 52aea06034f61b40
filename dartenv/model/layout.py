"""What DART's 276 features hold, in order (utils/smpl_utils.py). Imports nothing."""

from __future__ import annotations

from typing import Tuple

JOINTS = 22  # SMPL-X's body joints, pelvis first

# (name, width)
LAYOUT: Tuple[Tuple[str, int], ...] = (
    ("transl", 3),
    ("poses_6d", 6 * JOINTS),
    ("transl_delta", 3),
    ("global_orient_delta_6d", 6),
    ("joints", 3 * JOINTS),
    ("joints_delta", 3 * JOINTS),
)
FEATURES = sum(width for _, width in LAYOUT)
