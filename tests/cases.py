"""Every instance that runs under a contract."""

import zlib

import numpy as np
import torch
from torch import nn

from isthmus import frames, priors
from isthmus.data import manifolds
from isthmus.training import penalties

SIZES = [(1, 1), (5, 16), (16, 16), (23, 16), (64, 16), (1, 7), (7, 1), (1, 8), (8, 3)]

FRAMES = [
    make(n_code, n_input, rng=1, **kwargs)
    for make, kwargs in (
        (frames.dct, {}),
        (frames.dct, {"rounds": 2}),
        (frames.haar, {}),
        (frames.hadamard, {}),
        (frames.hadamard, {"rounds": 3}),
    )
    for n_code, n_input in SIZES
    if make is not frames.hadamard or max(n_code, n_input).bit_count() == 1
]


def coloured(frame, n_input):
    """A frame between some eigen-directions of a random basis and its code."""
    basis = frames.haar(n_input, n_input, rng=2).to_dense()
    gains = np.linspace(3.0, 0.5, frame.n_input)
    return frames.coloured(frame, basis[:, : frame.n_input], 2.0 * gains**2, gains, rng=3)


FRAMES += [
    frames.rotated(frames.dct(n_code, 16, rng=1), frames.haar(16, 16, rng=4).to_dense())
    for n_code in (5, 23)
]

OPERATORS = [
    *FRAMES,
    coloured(frames.dct(12, 5, rng=1), 9),
    coloured(frames.hadamard(16, 16, rng=1), 16),
    coloured(frames.haar(4, 6, rng=1), 7),
]

PRIORS = [
    priors.Gaussian(),
    priors.GaussBernoulli(0.1),
    priors.GaussBernoulli(1.0),
    priors.ScaleMixture([0.5, 0.3, 0.2], [0.0, 0.1, 4.0]),
    priors.ScaleMixture([0.6, 0.4], [1.0, 3.0]),
    priors.SparseRademacher(0.3),
    priors.SparseRademacher(1.0),
    priors.SparseLaplace(0.2),
    priors.SparseLaplace(1.0),
    priors.Uniform(),
]

MANIFOLDS = [
    *manifolds.NAMED.values(),
    manifolds.circle(2.5),
    manifolds.Ellipse(3.0, 2.0),
    manifolds.Torus(3.0, 0.5),
    manifolds.ProductTorus(1),
    manifolds.ProductTorus(3),
    manifolds.PlacedCircle((0.0, 2.0, 1.0), (2, 1)),
    manifolds.Ball(4, 2.0),
    manifolds.Cube(1, 3.0),
    manifolds.Annulus(1.0, 4.0),
    manifolds.Cylinder(2.0, 3.0),
    manifolds.Moebius(0.2),
    manifolds.SwissRoll(5.0),
]


def _network(*layers):
    """A network in eval whose weights and batch statistics are drawn with a fixed seed."""
    made = nn.Sequential(*layers).eval()
    generator = torch.Generator().manual_seed(zlib.crc32(repr(made).encode()))
    for name, value in made.state_dict().items():
        if value.is_floating_point():
            drawn = torch.rand(value.shape, generator=generator) * 2 - 1
            slot = name.rsplit(".", 1)[1]
            size = max(value[0].numel(), 1) ** 0.5 if value.ndim > 1 else 1.0
            value.copy_(drawn.abs() + 0.5 if slot == "running_var" else 1.5 * drawn / size)
    return made


# name -> network, shape of one sample
NETWORKS = {
    "dense": (
        _network(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 4)),
        (5,),
    ),
    "autoencoder": (
        _network(
            nn.Sequential(nn.Linear(6, 10), nn.LeakyReLU(0.2), nn.Linear(10, 2)),
            nn.Sequential(nn.Linear(2, 10), nn.PReLU(), nn.Dropout(), nn.Linear(10, 6)),
        ),
        (6,),
    ),
    "clipped": (
        _network(
            nn.Linear(4, 8, bias=False),
            nn.BatchNorm1d(8),
            nn.Hardtanh(-0.5, 0.7),
            nn.AlphaDropout(),
            nn.Linear(8, 7),
            nn.ReLU6(),
            nn.Identity(),
            nn.Linear(7, 3),
            nn.PReLU(3),
        ),
        (4,),
    ),
    "sequences": (
        _network(
            nn.Conv1d(2, 4, 3, padding=1, padding_mode="circular"),
            nn.BatchNorm1d(4),
            nn.ReLU(inplace=True),
            nn.Dropout1d(),
            nn.MaxPool1d(3, 2, padding=1, ceil_mode=True),
            nn.ConvTranspose1d(4, 3, 2, stride=2),
            nn.PReLU(3),
            nn.AvgPool1d(2),
            nn.Upsample(scale_factor=2, mode="linear"),
            nn.AdaptiveAvgPool1d(3),
        ),
        (2, 9),
    ),
    "images": (
        _network(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout2d(),
            nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect"),
            nn.LeakyReLU(),
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Flatten(),
            nn.Linear(12, 3),
            nn.Linear(3, 8),
            nn.ReLU(),
            nn.Unflatten(1, (2, 2, 2)),
            nn.Upsample(scale_factor=2),
            nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.UpsamplingBilinear2d(scale_factor=1.5),
            nn.AdaptiveAvgPool2d(4),
            nn.UpsamplingNearest2d(6),
            nn.Conv2d(2, 1, 1),
        ),
        (1, 6, 6),
    ),
    "overlapping windows": (
        _network(
            nn.MaxPool2d(3, 1, padding=1),
            nn.Conv2d(1, 2, 2),
            nn.ReLU(),
            nn.MaxPool2d(2, 1, dilation=2),
            nn.Flatten(),
            nn.Linear(8, 2),
        ),
        (1, 5, 5),
    ),
    "wide code": (_network(nn.Linear(2, 30), nn.ReLU(), nn.Linear(30, 40)), (2,)),
}


def _generators(kind, **options):
    return penalties.Generators(6, 2, kind=kind, rank=2, rng=5, **options)


# name -> penalty of rows of six columns; a new one each time, since some are trained
PENALTIES = {
    "contractive": lambda: penalties.Contractive(0.7),
    "contractive exact": lambda: penalties.Contractive(0.7, n_probes=None),
    "higher-order": lambda: penalties.HigherOrderContractive(
        0.3, curvature_weight=0.7, noise_std=0.5, n_probes=2
    ),
    "denoising": lambda: penalties.Denoising(0.3),
    "weight decay": lambda: penalties.WeightDecay(0.2),
    "lie-1 full": lambda: penalties.Lie1(0.7, _generators("full"), radius=0.3),
    "lie-1 skew": lambda: penalties.Lie1(0.7, _generators("skew"), n_pairs=11),
    "lie-1 known": lambda: penalties.Lie1(
        0.7, _generators("full", matrices=np.eye(12).reshape(2, 6, 12)[:, :, ::2])
    ),
    "lie-1 low": lambda: penalties.Lie1(0.7, _generators("low-rank")),
    "lie-2 far": lambda: penalties.Lie2(0.7, _generators("full"), radius=0.3),
    "lie-2 low": lambda: penalties.Lie2(0.7, _generators("low-rank"), radius=0.3),
    "lie-2 exact": lambda: penalties.Lie2(
        0.7, _generators("skew-low-rank"), neighbours="exact"
    ),
    "lie-2 halved": lambda: penalties.Lie2(
        0.7, _generators("skew"), neighbours="dichotomic", radius=0.3
    ),
    "cycle": lambda: penalties.CycleConsistency(0.7),
    "orbit": lambda: penalties.OrbitAugmentation(0.7, _generators("skew"), amount=0.3),
    "sum": lambda: penalties.PenaltySum(
        penalties.Denoising(0.1), penalties.Lie1(0.7, _generators("full"))
    ),
}
