"""DART's networks, diffusion and motion features, compatible with its checkpoints; nothing of DART.

``layout`` needs nothing, ``config``, ``diffusion``, ``numbers`` and ``source`` need numpy alone; the others torch.
"""
