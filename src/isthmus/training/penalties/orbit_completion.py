"""Training on the whole orbit that the rows lie on."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.training.penalties.base import (
    AbstractPenalty,
    Batch,
    Codes,
    checked_weight,
)
from isthmus.training.penalties.learned_generators import LearnedOrbit

_BEYOND = 0.3  # of the way from a row to another, on both sides


class OrbitCompletion(AbstractPenalty):
    r"""Rows transported by finite amounts, all along the orbit, are reconstructed too.

    A batch of B rows is followed by n B points :math:`x(t) = \exp(\sum_k t_k G_k) x(0)`,
    drawn anew at every step: t uniform over a whole turn where the orbit of one generator
    closes, else on lines through the amounts of two rows, three tenths beyond both. Small
    moves leave the gaps between rows empty; these fill them. Where the orbit is not
    trusted, rows of the batch are given with noise instead, as by
    :class:`~isthmus.training.penalties.Denoising`.

    Args:
        orbit: From :func:`~isthmus.training.penalties.fit_generators`.
        n_copies: n, at least 1.
        fallback_std: Noise where the orbit is not trusted, at least 0.

    Attributes:
        trusted: Whether the orbit is.

    Raises:
        ValueOutOfRange: If an argument is outside its domain; in use, if rows have another
            number of coordinates than the orbit.

    Examples:
        >>> import numpy as np
        >>> from isthmus.training.penalties import fit_generators
        >>> angle = np.array([0.1, 0.9, 1.3, 2.2, 4.4, 5.1])
        >>> rows = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> both = OrbitCompletion(fit_generators(rows, rng=0), n_copies=2)
        >>> given, wanted = both.pair(torch.tensor(rows))
        >>> given.shape, bool((given.norm(dim=1) - 1.0).abs().max() < 1e-6)
        (torch.Size([18, 2]), True)
    """

    amounts: Tensor
    frequencies: Tensor
    coefficients: Tensor

    def __init__(
        self, orbit: LearnedOrbit, *, n_copies: int = 4, fallback_std: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = 1.0
        self.n_copies = whole_number("OrbitCompletion(n_copies=...)", n_copies, least=1)
        self.fallback_std = checked_weight(
            "OrbitCompletion(fallback_std=...)", fallback_std
        )
        self.trusted, self.period = orbit.trusted, orbit.period
        for name in ("amounts", "frequencies", "coefficients"):
            part = torch.tensor(getattr(orbit, name), dtype=torch.get_default_dtype())
            self.register_buffer(name, part)

    def pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The batch and points of the orbit, twice; or the batch with and without noise."""
        if batch.ndim != 2 or batch.shape[1] != self.coefficients.shape[1]:
            raise ValueOutOfRange(
                "`OrbitCompletion(orbit=...)` must be fitted to rows like those of the "
                f"batch; the orbit has {self.coefficients.shape[1]} coordinates, the batch "
                f"shape {tuple(batch.shape)}."
            )
        if not self.trusted:
            return batch + self.fallback_std * torch.randn_like(batch), batch
        whole = torch.cat([batch, self.points(self.n_copies * len(batch)).to(batch)])
        return whole, whole

    @torch.no_grad()
    def points(self, n: int) -> Float[Tensor, "sample input"]:
        """Random points of the orbit.

        Args:
            n: How many.
        """
        phase = self._amounts(n) @ self.frequencies.T
        made = torch.cat([torch.ones_like(phase[:, :1]), phase.cos(), phase.sin()], dim=1)
        return made @ self.coefficients

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """Zero: all is in the pair."""
        return codes.new_zeros(())

    def _amounts(self, n: int) -> Tensor:
        at = self.amounts
        uniform = torch.rand(n, 1, dtype=at.dtype, device=at.device)
        if self.period is not None:
            return self.period * uniform
        first, second = torch.randint(len(at), (2, n), device=at.device)
        along = (1.0 + 2.0 * _BEYOND) * uniform - _BEYOND
        return torch.lerp(at[first], at[second], along)
