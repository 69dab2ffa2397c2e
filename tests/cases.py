"""Every instance that runs under a contract."""

import numpy as np

from isthmus import frames, priors
from isthmus.data import manifolds

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
