"""Networks whose image or slopes are known, and exact distances from them."""

from __future__ import annotations

import numpy as np
import torch


def linear(matrix, offset=None):
    """x -> A x + b in float64, in eval."""
    matrix = torch.as_tensor(np.asarray(matrix, dtype=float))
    layer = torch.nn.Linear(matrix.shape[1], matrix.shape[0], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(matrix)
        layer.bias.copy_(torch.as_tensor(0.0 if offset is None else np.asarray(offset)))
    return layer.eval()


def path(corners):
    """Decoder of one number: through corner i at z = i, straight on beyond the ends."""
    corners = np.asarray(corners, dtype=float)
    steps = np.diff(corners, axis=0)
    # The first unit is always on and carries the first step; the others turn at 1, 2, ...
    hidden = linear(np.ones((len(steps), 1)), [1e3, *-np.arange(1.0, len(steps))])
    weight = np.concatenate([steps[:1], np.diff(steps, axis=0)]).T
    out = linear(weight, corners[0] - 1e3 * steps[0])
    return torch.nn.Sequential(hidden, torch.nn.ReLU(), out).eval()


def distance_from_path(corners, x, *, ends=True):
    """Least distance from that decoder's image, by projection on every piece.

    Without `ends`, from what lies between the first and the last corner.
    """
    corners = np.asarray(corners, dtype=float)
    steps = np.diff(corners, axis=0)
    share = ((x[:, None] - corners[:-1]) * steps).sum(axis=2) / (steps**2).sum(axis=1)
    low, high = np.zeros(len(steps)), np.ones(len(steps))
    if ends:
        low[0], high[-1] = -1e3, np.inf
    nearest = corners[:-1] + np.clip(share, low, high)[:, :, None] * steps
    return np.linalg.norm(x[:, None] - nearest, axis=2).min(axis=1)


def perceptron(*sizes, seed=0, activation=torch.nn.ReLU):
    """Random dense network in float64, in eval."""
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        layer = torch.nn.Linear(n_in, n_out, dtype=torch.float64)
        with torch.no_grad():
            for part in (layer.weight, layer.bias):
                noise = torch.randn(part.shape, generator=generator, dtype=torch.float64)
                part.copy_(noise * (2.0 / n_in) ** 0.5)
        layers += [layer, activation()]
    return torch.nn.Sequential(*layers[:-1]).eval()
