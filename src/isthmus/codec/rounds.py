"""How many rounds of sign flips and transforms data need before their signs are taken."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError
from isthmus.core.typing import Matrix
from isthmus.frames.blocks import block_slices

WORTH_A_ROUND = 0.1 * (1 - 2 / np.pi)
"""NMSE that a second round must be able to save: a tenth of what signs leave."""


def one_round_loss(peak: Float[np.ndarray, "*row"]) -> Float[np.ndarray, "*row"]:
    r"""NMSE that one round may lose against Gaussian pre-activations, at most.

    A pre-activation of one round is a sum of the entries with random signs. If no entry is
    more than p of the row's norm, Haagerup's inequality gives :math:`E|z| \ge F(p^{-2})`
    for a row of norm one, and the best scaled decoder of signs is at :math:`1 - (E|z|)^2`:

    .. math:: \text{loss} \le \tfrac2\pi - F(p^{-2})^2 \approx p^2 / \pi, \qquad
        F(s) = \frac{2}{\sqrt{\pi s}} \,
        \frac{\Gamma\big(\frac{s + 1}{2}\big)}{\Gamma\big(\frac s2\big)}

    An even number of equal entries attains it: half of the outputs of a row of two are
    zero, and their signs say nothing.

    Args:
        peak: Largest entry over norm of each row, in (0, 1].

    Returns:
        Loss, in units of the NMSE; exact to rounding.

    Examples:
        >>> one_round_loss(np.array([0.5**0.5, 0.1])).round(5).tolist()
        [0.13662, 0.00318]

    References:
        [haagerup:81]
    """
    from scipy.special import poch

    s = 1 / np.asarray(peak, dtype=np.float64) ** 2
    return np.asarray(2 / np.pi - 4 / (np.pi * s) * poch(s / 2, 0.5) ** 2)


def rounds_for(x: Matrix) -> int:
    """1 or 2 rounds, from how much of its norm each row has in one entry.

    Two where :func:`one_round_loss`, on average over rows, is more than a tenth of the
    0.363 that signs leave: where about nine equal entries or fewer carry a row, as in
    one-hot vectors, counts of rare words or few spikes. Two rounds take twice the time of
    one and are within 0.01 of Gaussian pre-activations for every row. A third gains nothing
    that could be measured.

    Args:
        x: Rows, centred as they will be encoded. Rows of zeros do not count.

    Returns:
        1 or 2.

    Raises:
        DataError: If an entry is not finite, or `x` is no matrix of real numbers.

    Examples:
        >>> rounds_for(np.random.default_rng(0).standard_normal((100, 64)))
        1
        >>> rounds_for(np.eye(64))
        2
    """
    if not isinstance(x, np.ndarray) or x.ndim != 2 or x.dtype.kind not in "fiub":
        raise DataError(
            "`rounds_for(x)` must be a matrix of real numbers, one row per sample; got "
            f"{type(x).__name__} of shape {np.shape(x)}."
        )
    total, count = 0.0, 0
    for block in block_slices(x.shape[0], max(1, x.shape[1])):
        rows = np.abs(x[block].astype(np.float64))
        peaks = rows.max(axis=1, initial=0.0)
        if not np.all(np.isfinite(peaks)):
            bad = block.start + int(np.argmin(np.isfinite(peaks)))
            raise DataError(
                f"`rounds_for(x)` must be finite; row {bad} is not. Leave such rows out."
            )
        seen = peaks > 0
        shares = rows[seen] / peaks[seen, None]  # squares of what is tiny stay numbers
        total += float(one_round_loss(1 / np.linalg.norm(shares, axis=1)).sum())
        count += int(seen.sum())
    return 2 if count and total / count > WORTH_A_ROUND else 1
