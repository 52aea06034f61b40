"""Which diffusion step a training sample gets: all with the same chance."""

import torch


class UniformSampler:
    """Draws diffusion steps [B] and their loss weights [B]."""

    def __init__(self, diffusion):
        self.steps = diffusion.num_timesteps

    def sample(self, batch_size, device):
        t = torch.randint(0, self.steps, (batch_size,), device=device)
        return t, torch.ones(batch_size, device=device)


def create_named_schedule_sampler(name, diffusion):
    if name != 'uniform':
        raise NotImplementedError('sandbox: no schedule sampler called {}'.format(name))
    return UniformSampler(diffusion)
