"""Signs of a trained encoder, read by unrolled message passing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.decoders.learning import AbstractLearner
from isthmus.decoders.unrolled import Unrolled
from isthmus.models.straight_through import code_layer, straight_through

_NEAR = 0.5  # the error of a step is below the square of the one before
_ROUNDING = 1e-7


class UnrolledAutoencoder(AbstractLearner):
    r"""Autoencoder x -> decoder(s(W x)) of a partial isometry W that both ends share.

    .. math:: y = \mathrm{sign}(u), \qquad u = \max(r, 1)^{1/2} W x, \qquad
        \frac{\partial y}{\partial u} := \frac{d}{du} \tanh(u / \tau)

    Layers without matrices of their own pass their messages through W, so that gradients
    reach it from both ends. After a step :meth:`settle` takes W back to its polar factor.

    Args:
        decoder: Layers; its frame is where W starts. They are trained in place.
        temperature: tau, width of the surrogate in standard deviations of u; positive.

    Raises:
        ValueOutOfRange: If the temperature is not positive.

    Examples:
        >>> from isthmus.decoders import LearnedDecoder
        >>> from isthmus.frames import haar
        >>> from isthmus.priors import GaussBernoulli
        >>> decoder = LearnedDecoder(haar(8, 8, rng=0), GaussBernoulli(0.5))
        >>> model = UnrolledAutoencoder(decoder.network)
        >>> model(torch.ones(1, 8)).shape
        torch.Size([1, 8])
    """

    def __init__(self, decoder: Unrolled, *, temperature: float = 1.0) -> None:
        super().__init__()
        self.decoder = decoder
        self.weight = torch.nn.Parameter(torch.tensor(decoder.frame.to_dense()))
        self._gain = max(decoder.frame.rate, 1.0) ** 0.5
        self._layer = code_layer("sign", temperature=temperature)

    def forward(self, given: Tensor) -> Tensor:
        """Reconstructions of rows of power 1, in their type."""
        u = self._gain * (given @ self.weight.to(given).T)
        found: Tensor = self.decoder(straight_through(u, self._layer), self.weight)
        return found

    def step_size(self, parameter: Tensor) -> float:
        """The size of its entries for W, the decoder's own for the rest."""
        if parameter is self.weight:
            return 1.0 / math.sqrt(max(parameter.shape))
        return self.decoder.step_size(parameter)

    def settle(self) -> None:
        """Make W a partial isometry again."""
        with torch.no_grad():
            self.weight.copy_(polar_retraction(self.weight))


def polar_retraction(weight: Tensor) -> Tensor:
    """Nearest matrix of orthonormal rows, or columns where these are fewer.

    Near such a matrix Newton's iteration needs products only; others are decomposed.

    Args:
        weight: "code input", finite and of full rank.

    Returns:
        The polar factor, to 1e-13 in float64.

    Examples:
        >>> polar_retraction(torch.tensor([[3.0, 0.0], [0.0, 0.5]])).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    wide = weight.shape[0] <= weight.shape[1]
    rows = (weight if wide else weight.T).double()
    left = _left(rows)
    if not float(left.norm()) <= _NEAR:
        ends, _, others = torch.linalg.svd(rows, full_matrices=False)
        rows = ends @ others
        left = _left(rows)
    while float(left.norm()) > _ROUNDING:
        rows = rows + 0.5 * (left @ rows)
        left = _left(rows)
    rows = rows + 0.5 * (left @ rows)
    return (rows if wide else rows.T).to(weight)


def _left(rows: Tensor) -> Tensor:
    """What the rows' products lack of the identity."""
    return torch.eye(rows.shape[0]).to(rows) - rows @ rows.T
