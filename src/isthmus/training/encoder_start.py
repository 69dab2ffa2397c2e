"""A start of training from codes that keep pieces of the data apart."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.random import random_subset
from isthmus.core.threads import threads_for
from isthmus.topology.layout import layout

MOST_ROWS, LEAST_ROWS = 1000, 20
_STEPS, _RATE = 1500, 3e-3


def lay_out(
    network: nn.Module,
    rows: Float[np.ndarray, "sample input"],
    rng: np.random.Generator,
) -> None:
    """Fit the encoder to a layout of the rows, then the decoder to its codes.

    Both by least squares, one after the other: a decoder that has not learnt yet would pull
    the codes across each other again.

    Args:
        network: With `encoder` and `decoder`; changed in place. It stays as it is where
            fewer than 20 different rows are there.
        rows: As the encoder takes them; at most 1000 of them are used.
        rng: Draws them.
    """
    chosen = np.sort(random_subset(rng, len(rows), min(len(rows), MOST_ROWS)))
    some = np.unique(np.asarray(rows[chosen], dtype=np.float64), axis=0)
    if len(some) < LEAST_ROWS:
        return
    encoder: nn.Module = network.encoder  # type: ignore[assignment]
    decoder: nn.Module = network.decoder  # type: ignore[assignment]
    first = next(encoder.parameters())
    given = torch.from_numpy(some).to(first)
    with torch.no_grad():
        n_code = encoder(given[:1]).shape[1]
    target = torch.from_numpy(layout(some, n_code)).to(first)
    work = 6.0 * len(some) * sum(part.numel() for part in encoder.parameters())
    with threads_for(work):
        _fit(encoder, given, target)
        with torch.no_grad():
            codes = encoder(given)
        _fit(decoder, codes, given)


def _fit(part: nn.Module, given: Tensor, target: Tensor) -> None:
    optimiser = torch.optim.Adam(part.parameters(), lr=_RATE)
    for step in range(_STEPS):
        for group in optimiser.param_groups:
            group["lr"] = _RATE * 0.5 * (1.0 + math.cos(math.pi * step / _STEPS))
        optimiser.zero_grad(set_to_none=True)
        loss = nn.functional.mse_loss(part(given), target)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
