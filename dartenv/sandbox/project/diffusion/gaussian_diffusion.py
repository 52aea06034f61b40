"""Gaussian diffusion of the sandbox: DDPM and DDIM sampling of a model that predicts x0.

The formulas are those of "Denoising Diffusion Probabilistic Models" (Ho et al. 2020) and
"Denoising Diffusion Implicit Models" (Song et al. 2021); the cosine schedule is that of
Nichol and Dhariwal (2021). Schedules are float64 arrays with one entry a diffusion step.
"""

import enum
import math

import numpy as np
import torch
from tqdm import tqdm

from data_loaders.humanml.scripts import motion_process  # noqa: F401  (as in DART: on every path)


class ModelMeanType(enum.Enum):
    START_X = 'x0'


class ModelVarType(enum.Enum):
    FIXED_SMALL = 'posterior variance'
    FIXED_LARGE = 'beta'


class LossType(enum.Enum):
    MSE = 'mse'


def get_named_beta_schedule(schedule_name, num_diffusion_timesteps, scale_betas=1.0):
    """Betas of the 'linear' or the 'cosine' schedule."""
    steps = num_diffusion_timesteps
    if schedule_name == 'linear':
        scale = scale_betas * 1000 / steps
        return np.linspace(scale * 1e-4, scale * 2e-2, steps, dtype=np.float64)
    if schedule_name == 'cosine':
        edges = np.arange(steps + 1, dtype=np.float64) / steps
        signal = np.cos((edges + 0.008) / 1.008 * math.pi / 2) ** 2
        return np.minimum(1 - signal[1:] / signal[:-1], 0.999)
    raise NotImplementedError('sandbox: no beta schedule called {}'.format(schedule_name))


class GaussianDiffusion:
    """A diffusion process over tensors [B, ...] given by its betas."""

    def __init__(self, betas, model_mean_type=ModelMeanType.START_X,
                 model_var_type=ModelVarType.FIXED_SMALL, loss_type=LossType.MSE,
                 rescale_timesteps=False):
        self.model_mean_type = model_mean_type
        self.model_var_type = model_var_type
        self.loss_type = loss_type
        self.rescale_timesteps = rescale_timesteps
        self.betas = np.asarray(betas, dtype=np.float64)
        self.num_timesteps = len(self.betas)
        alphas = 1 - self.betas
        self.alphas_cumprod = np.cumprod(alphas)
        self.alphas_cumprod_prev = np.append(1.0, self.alphas_cumprod[:-1])
        remaining = 1 - self.alphas_cumprod
        self.posterior_variance = self.betas * (1 - self.alphas_cumprod_prev) / remaining
        # the first entry is 0, whose logarithm is not wanted
        self.posterior_log_variance_clipped = np.log(
            np.append(self.posterior_variance[1:2], self.posterior_variance[1:])
            if self.num_timesteps > 1 else np.full(1, 1e-20))
        self.posterior_mean_coef1 = self.betas * np.sqrt(self.alphas_cumprod_prev) / remaining
        self.posterior_mean_coef2 = (1 - self.alphas_cumprod_prev) * np.sqrt(alphas) / remaining

    def _at(self, schedule, t, like):
        values = torch.as_tensor(schedule, device=t.device)[t].float()
        return values.reshape((-1,) + (1,) * (like.dim() - 1))

    def q_sample(self, x_start, t, noise=None):
        """Noise x0 up to step ``t`` [B]."""
        noise = torch.randn_like(x_start) if noise is None else noise
        return (self._at(np.sqrt(self.alphas_cumprod), t, x_start) * x_start
                + self._at(np.sqrt(1 - self.alphas_cumprod), t, x_start) * noise)

    def q_posterior_mean_variance(self, x_start, x_t, t):
        mean = (self._at(self.posterior_mean_coef1, t, x_t) * x_start
                + self._at(self.posterior_mean_coef2, t, x_t) * x_t)
        return (mean, self._at(self.posterior_variance, t, x_t),
                self._at(self.posterior_log_variance_clipped, t, x_t))

    def p_mean_variance(self, model, x, t, clip_denoised=True, model_kwargs=None):
        """Mean and log-variance of x[t-1] given x[t], and the predicted x0."""
        x_start = model(x, t, **(model_kwargs or {}))
        if clip_denoised:
            x_start = x_start.clamp(-1, 1)
        mean, _, log_variance = self.q_posterior_mean_variance(x_start, x, t)
        if self.model_var_type == ModelVarType.FIXED_LARGE:
            large = np.append(self.posterior_variance[1:2], self.betas[1:])
            log_variance = self._at(np.log(large), t, x)
        return {'mean': mean, 'log_variance': log_variance, 'pred_xstart': x_start}

    def p_sample(self, model, x, t, clip_denoised=True, model_kwargs=None, const_noise=False):
        """One DDPM step."""
        out = self.p_mean_variance(model, x, t, clip_denoised, model_kwargs)
        noise = torch.randn_like(x)
        if const_noise:
            noise = noise[:1].expand_as(x)
        moving = (t != 0).float().reshape((-1,) + (1,) * (x.dim() - 1))
        sample = out['mean'] + moving * torch.exp(0.5 * out['log_variance']) * noise
        return {'sample': sample, 'pred_xstart': out['pred_xstart']}

    def ddim_sample(self, model, x, t, clip_denoised=True, model_kwargs=None, eta=0.0):
        """One DDIM step."""
        x_start = self.p_mean_variance(model, x, t, clip_denoised, model_kwargs)['pred_xstart']
        now = self._at(self.alphas_cumprod, t, x)
        before = self._at(self.alphas_cumprod_prev, t, x)
        eps = (x - now.sqrt() * x_start) / (1 - now).sqrt()
        sigma = eta * ((1 - before) / (1 - now)).sqrt() * (1 - now / before).sqrt()
        moving = (t != 0).float().reshape((-1,) + (1,) * (x.dim() - 1))
        sample = (before.sqrt() * x_start + (1 - before - sigma ** 2).clamp(min=0).sqrt() * eps
                  + moving * sigma * torch.randn_like(x))
        return {'sample': sample, 'pred_xstart': x_start}

    def _loop(self, step, shape, noise, device, progress, skip_timesteps, init_image):
        x = torch.randn(*shape, device=device) if noise is None else noise
        steps = list(range(self.num_timesteps - skip_timesteps))[::-1]
        if skip_timesteps and init_image is None:
            init_image = torch.zeros_like(x)
        if init_image is not None:
            first = torch.full((shape[0],), steps[0], device=x.device, dtype=torch.long)
            x = self.q_sample(init_image, first, x)
        for i in tqdm(steps, desc='sandbox') if progress else steps:
            t = torch.full((shape[0],), i, device=x.device, dtype=torch.long)
            x = step(x, t)['sample']
        return x

    @torch.no_grad()
    def p_sample_loop(self, model, shape, noise=None, clip_denoised=True, model_kwargs=None,
                      device=None, progress=False, skip_timesteps=0, init_image=None,
                      dump_steps=None, const_noise=False):
        """Sample x0 [shape] with DDPM, from ``noise`` or from fresh noise."""
        device = next(model.parameters()).device if device is None else device
        return self._loop(
            lambda x, t: self.p_sample(model, x, t, clip_denoised, model_kwargs, const_noise),
            shape, noise, device, progress, skip_timesteps, init_image)

    def ddim_sample_loop_full_chain(self, model, shape, noise=None, clip_denoised=True,
                                    model_kwargs=None, device=None, progress=False, eta=0.0,
                                    skip_timesteps=0, init_image=None):
        """Sample x0 with DDIM and keep the gradient from x0 back to ``noise``."""
        device = next(model.parameters()).device if device is None else device
        return self._loop(
            lambda x, t: self.ddim_sample(model, x, t, clip_denoised, model_kwargs, eta),
            shape, noise, device, progress, skip_timesteps, init_image)

    @torch.no_grad()
    def ddim_sample_loop(self, model, shape, noise=None, clip_denoised=True, model_kwargs=None,
                         device=None, progress=False, eta=0.0, skip_timesteps=0,
                         init_image=None, dump_steps=None, const_noise=False):
        """Sample x0 with DDIM."""
        return self.ddim_sample_loop_full_chain(
            model, shape, noise, clip_denoised, model_kwargs, device, progress, eta,
            skip_timesteps, init_image)
