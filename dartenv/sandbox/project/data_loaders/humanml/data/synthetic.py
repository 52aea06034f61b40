"""Procedurally made motion: what the sandbox is trained on. No motion capture, no licence.

A performer follows a list of actions, one a motion primitive. Each action is a target for five
controls (walking, stepping on the spot, turning rate, waving, leaning); the controls follow
their targets like critically damped springs, the legs follow a gait phase, and the pelvis goes
where the standing foot lets it: the foot on the floor stays where it is.
World: z up, the floor at z = 0, metres, 30 frames a second.
"""

import numpy as np
import torch

from utils.rotations import rotation_about

CONTROLS = ('walk', 'step', 'turn', 'wave', 'lean')
ACTIONS = {
    'stand': {},
    'walk forward': {'walk': 1.0, 'lean': 1.0},
    'turn left': {'step': 1.0, 'turn': 1.5},
    'turn right': {'step': 1.0, 'turn': -1.5},
    'wave right hand': {'wave': 1.0},
    'pace in circles': {'walk': 0.9, 'lean': 0.8, 'turn': 0.8},
}
TEXTS = {
    'stand': ('stand', 'stand still', 'a person stands'),
    'walk forward': ('walk forward', 'walk', 'a person walks forward'),
    'turn left': ('turn left', 'turn to the left', 'a person turns left'),
    'turn right': ('turn right', 'turn to the right', 'a person turns right'),
    'wave right hand': ('wave right hand', 'wave', 'a person waves the right hand'),
    'pace in circles': ('pace in circles', 'walk in circles', 'a person paces in a circle'),
}
SPRING = 10.0  # radians a second: how fast a control follows its target
EASE = 12.0  # a second: how fast the target itself moves, so that no control starts with a jerk
HIP_SWING, KNEE_SWING, HIP_LIFT, KNEE_LIFT = 0.42, 0.75, 0.45, 0.95
ARM_DOWN = 1.25


def draw_actions(count, primitives, rng):
    """Action names [count][primitives]: each lasts one to eight primitives."""
    names = list(ACTIONS)
    scripts = []
    for _ in range(count):
        script = ['stand'] * int(rng.integers(0, 3))
        while len(script) < primitives:
            script += [names[rng.integers(len(names))]] * int(rng.integers(1, 9))
        scripts.append(script[:primitives])
    return scripts


def aims_of(scripts, frames, history, future, rng, spread):
    """What the performers are after: control targets [N, T, 5] and pace [N, T].

    Every action of a script is done a little stronger or weaker, faster or slower than the last.
    """
    targets = np.zeros((len(scripts), frames, len(CONTROLS)))
    pace = np.ones((len(scripts), frames))
    for n, script in enumerate(scripts):
        for k, name in enumerate(script):
            if k == 0 or name != script[k - 1]:
                gain = 1 + spread * rng.uniform(-0.3, 0.3, len(CONTROLS))
                speed = 1 + spread * rng.uniform(-0.15, 0.15)
            first = 0 if k == 0 else history + k * future
            targets[n, first:] = gain * [ACTIONS[name].get(control, 0.0) for control in CONTROLS]
            pace[n, first:] = speed
    return targets, pace


def run_controls(targets, pace, style, fps):
    """Controls [N, T, 5], gait and wave phases [N, T] that follow the targets."""
    speed = np.zeros_like(targets[:, 0])
    values = targets[:, 0] * style['started'][:, None]
    aim, tempo = values.copy(), pace[:, 0].copy()
    gait, wave = style['gait'].copy(), style['wave'].copy()
    controls, gaits, waves = [], [], []
    for t in range(targets.shape[1]):
        aim = aim + EASE / fps * (targets[:, t] - aim)
        tempo = tempo + EASE / fps * (pace[:, t] - tempo)
        pull = SPRING ** 2 * (aim - values) - 2 * SPRING * speed
        speed = speed + pull / fps
        values = values + speed / fps
        gait = gait + 2 * np.pi * tempo * (0.95 * values[:, 0] + 1.3 * values[:, 1]) / fps
        wave = wave + 2 * np.pi * 1.5 * tempo / fps
        controls.append(values)
        gaits.append(gait)
        waves.append(wave)
    return np.stack(controls, 1), np.stack(gaits, 1), np.stack(waves, 1)


def pose_body(controls, gaits, waves, style):
    """Rotations [N, T, 22, 3, 3] of the joints, the root without its heading."""
    walk, step, _, wave, lean = (torch.tensor(controls[..., i]) for i in range(5))
    rotations = torch.eye(3, dtype=torch.float64).repeat(walk.shape + (22, 1, 1))
    for hip, knee, ankle, phase in ((1, 4, 7, gaits), (2, 5, 8, gaits + np.pi)):
        phase = torch.tensor(phase)
        swing = (-phase.sin()).clamp(min=0) ** 1.5
        bend = 0.1 + 0.05 * walk
        hip_angle = HIP_SWING * walk * phase.cos() + (0.24 * walk + HIP_LIFT * step) * swing
        hip_angle = hip_angle + 0.5 * bend
        knee_angle = (KNEE_SWING * walk + KNEE_LIFT * step) * swing + bend
        rotations[:, :, hip] = rotation_about('x', -hip_angle)
        rotations[:, :, knee] = rotation_about('x', knee_angle)
        rotations[:, :, ankle] = rotation_about(
            'x', 0.85 * (hip_angle - knee_angle) - 0.12 * walk * swing)
    sway = torch.tensor(waves) * 0.3
    breath = torch.tensor(style['calm'])[:, None] * sway.sin()
    rotations[:, :, 3] = rotation_about('x', 0.06 * lean + breath) @ rotation_about(
        'y', 0.08 * walk * torch.tensor(gaits).cos())
    rotations[:, :, 6] = rotation_about('z', 0.5 * breath)
    rotations[:, :, 12] = rotation_about('x', -0.04 * lean)
    arm = 0.45 * walk * torch.tensor(gaits).cos() + 0.1 * step * torch.tensor(gaits).cos()
    rotations[:, :, 16] = rotation_about('x', arm) @ rotation_about(
        'z', torch.full_like(arm, -ARM_DOWN))
    rotations[:, :, 18] = rotation_about('y', -0.25 - 0.2 * walk)
    down = ARM_DOWN - 1.35 * wave
    rotations[:, :, 17] = rotation_about('x', -arm * (1 - wave)) @ rotation_about('z', down)
    beat = 0.45 * torch.tensor(waves).sin()
    rotations[:, :, 19] = rotation_about('y', (0.25 + 0.2 * walk) * (1 - wave)) @ rotation_about(
        'z', wave * (beat - 1.3))
    return rotations


def stand_on_floor(body, rotations, headings, gaits):
    """Root rotations [N, T, 3, 3] and ``transl`` [N, T, 3] that keep the standing foot in place."""
    upright = torch.tensor([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=torch.float64)
    root = rotation_about('z', torch.tensor(headings)) @ upright
    count, frames = headings.shape
    device = body.rest.device
    joints = body(
        global_orient=root.reshape(-1, 3, 3).float().to(device),
        body_pose=rotations[:, :, 1:].reshape(-1, 21, 3, 3).float().to(device),
    ).joints.reshape(count, frames, 22, 3).double().cpu()
    feet = 0.5 * (joints[:, :, [7, 8]] + joints[:, :, [10, 11]])
    # a foot stands while its leg swings back; at the change both feet are still
    standing = 15.0 * torch.tensor(gaits).sin()
    weight = torch.stack([torch.sigmoid(standing), torch.sigmoid(-standing)], dim=-1)
    weight = 0.5 * (weight[:, 1:] + weight[:, :-1])
    drift = (weight[..., None] * (feet[:, 1:] - feet[:, :-1])).sum(dim=2)
    transl = torch.zeros(count, frames, 3, dtype=torch.float64)
    transl[:, 1:, :2] = -drift.cumsum(dim=1)[..., :2]
    soles = joints[:, :, [10, 11], 2]
    transl[:, :, 2] = torch.logsumexp(-150.0 * soles, dim=-1) / 150.0
    return root, transl


def perform(body, scripts, history=2, future=8, fps=30, seed=0, spread=1.0, tail=1):
    """Body parameters of performers who follow ``scripts``, one action a primitive.

    Returns transl [N, T, 3], global_orient [N, T, 3, 3] and body_pose [N, T, 21, 3, 3] in
    float32, T = history + future * primitives + tail. ``spread`` scales how much the
    performers differ; 0 makes them all the same.
    """
    rng = np.random.default_rng(seed)
    count = len(scripts)
    frames = history + future * len(scripts[0]) + tail
    style = {
        'gait': spread * rng.uniform(0, 2 * np.pi, count),
        'wave': spread * rng.uniform(0, 2 * np.pi, count),
        'calm': 0.01 + spread * rng.uniform(-0.005, 0.005, count),
        'started': (rng.uniform(0, 1, count) < 0.5 * spread).astype(float),
    }
    targets, pace = aims_of(scripts, frames, history, future, rng, spread)
    controls, gaits, waves = run_controls(targets, pace, style, fps)
    rotations = pose_body(controls, gaits, waves, style)
    headings = np.cumsum(controls[..., 2], axis=1) / fps
    with torch.no_grad():
        root, transl = stand_on_floor(body, rotations, headings, gaits)
    return {
        'transl': transl.float(),
        'global_orient': root.float(),
        'body_pose': rotations[:, :, 1:].float(),
    }
