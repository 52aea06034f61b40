"""Fewer diffusion steps than were trained with: every n-th step, or evenly spaced sections."""

import numpy as np

from .gaussian_diffusion import GaussianDiffusion


def space_timesteps(num_timesteps, section_counts):
    """The steps of the full process that are kept, as a set.

    'ddimN' takes the one integer stride that leaves exactly N steps. Otherwise the process is
    cut into as many sections as there are counts ([10], '5,5'), and each keeps its count.

    Raises:
        ValueError: no integer stride leaves N steps, or a section is too short for its count.
    """
    if isinstance(section_counts, str) and section_counts.startswith('ddim'):
        wanted = int(section_counts[4:])
        for stride in range(1, num_timesteps):
            kept = range(0, num_timesteps, stride)
            if len(kept) == wanted:
                return set(kept)
        raise ValueError('sandbox: no stride leaves {} of {} steps'.format(wanted, num_timesteps))
    if isinstance(section_counts, str):
        section_counts = [int(part) for part in section_counts.split(',')]
    kept, start = set(), 0
    for index, count in enumerate(section_counts):
        size = num_timesteps // len(section_counts)
        size += index < num_timesteps % len(section_counts)
        if size < count:
            raise ValueError('sandbox: {} steps cannot be cut to {}'.format(size, count))
        stride = (size - 1) / (count - 1) if count > 1 else 1
        kept.update(start + round(stride * step) for step in range(count))
        start += size
    return kept


class SpacedDiffusion(GaussianDiffusion):
    """A diffusion process over some of the steps of another."""

    def __init__(self, use_timesteps, betas, **kwargs):
        full = np.cumprod(1 - np.asarray(betas, dtype=np.float64))
        self.timestep_map = sorted(use_timesteps)
        self.original_num_steps = len(full)
        kept = full[self.timestep_map]
        super().__init__(1 - kept / np.append(1.0, kept[:-1]), **kwargs)

    def p_mean_variance(self, model, x, t, *args, **kwargs):
        def wrapped(x, steps, **model_kwargs):
            # the model was trained with the steps of the full process
            return model(x, steps.new_tensor(self.timestep_map)[steps], **model_kwargs)

        return super().p_mean_variance(wrapped, x, t, *args, **kwargs)
