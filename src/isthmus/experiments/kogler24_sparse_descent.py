"""Gradient descent cannot see sparsity: sparse Gaussian data end at the Gaussian loss.

With a linear decoder, the exact risk and its gradient on sparse Gaussian data equal those
on dense ones while no encoder row singles out a few coordinates, and descent from random
rows keeps it so.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from isthmus.core.random import as_rng
from isthmus.limits import isotropic_limit
from isthmus.training.masked import draw_masks, masked_risk
from isthmus.training.masked_descent import descend_masked

CLAIMS = (
    "On sparse Gaussian data of any density, gradient descent on a sign encoder with a "
    "tied linear decoder ends at 1 - 2r/pi, the limit of Gaussian data.",
    "Its encoder ends with orthonormal rows that are spread over all coordinates.",
)

_N_MASKS = 1000


@dataclasses.dataclass(frozen=True)
class SparseDescent:
    """One run.

    Attributes:
        density: Share p of coordinates that are not zero.
        rate: Code symbols per coordinate, r.
        n_input: Dimension d.
        history: NMSE before each step and at the end, over the masks of that step.
        nmse: Of the last encoder, over 1000 fresh masks.
        standard_error: Of `nmse`, over these masks.
        limit: 1 - 2r/pi.
        finite_size: What Jensen's inequality adds to the limit at this dimension,
            r / (2 pi) (1 - p)/p times the mean of sum_j B_ij^4: first order in 1/d.
        unevenness: What singular values other than 1 add, (2/pi)^2 sum_k (s_k^2 - 1)^2 / d.
        smallest: Least singular value of the encoder.
        largest: Its largest one.
        largest_entry: Of the encoder, absolute.
    """

    density: float
    rate: float
    n_input: int
    history: np.ndarray
    nmse: float
    standard_error: float
    limit: float
    finite_size: float
    unevenness: float
    smallest: float
    largest: float
    largest_entry: float


def run(
    *,
    densities: Sequence[float] = (1.0, 0.5, 0.2),
    rates: Sequence[float] = (0.5, 0.9),
    n_input: int = 200,
    n_steps: int = 400,
    step_size: float = 0.03,
    n_masks: int = 4,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[SparseDescent, ...]:
    """Descend at every rate and density from random unit rows.

    Args:
        densities: Each in (0, 1].
        rates: Each in (0, 1].
        n_input: Dimension.
        n_steps: Steps.
        step_size: On n_input times the risk.
        n_masks: Masks per step.
        seed: Of start, masks and noise.
        progress: Called with the runs done and the runs in all.

    Returns:
        One record per rate and density.

    Examples:
        >>> row = run(densities=[0.5], rates=[0.5], n_input=40, n_steps=100)[0]
        >>> abs(row.nmse - row.limit) < 5 * row.standard_error + 0.02
        True

    References:
        [kogler:24]
    """
    found: list[SparseDescent] = []
    for rate in rates:
        for density in densities:
            n_code = max(1, round(rate * n_input))
            trained = descend_masked(
                density,
                n_input,
                n_code,
                rng=seed,
                n_masks=n_masks,
                step_size=step_size,
                n_steps=n_steps,
            )
            weight, history = trained.encoder_weight, trained.history
            found.append(_measured(float(density), weight, history, seed))
            if progress is not None:
                progress(len(found), len(rates) * len(densities))
    return tuple(found)


def _measured(
    density: float, weight: np.ndarray, history: np.ndarray, seed: int
) -> SparseDescent:
    n_code, n_input = weight.shape
    rate = n_code / n_input
    masks = draw_masks(density, _N_MASKS, n_input, rng=as_rng(seed + 1))
    risk = masked_risk(weight, masks[:1] if density == 1.0 else masks, density)
    singular = np.linalg.svd(weight, compute_uv=False)
    fourth = float(np.mean(np.sum(weight**4, axis=1)))
    return SparseDescent(
        density=density,
        rate=rate,
        n_input=n_input,
        history=history,
        nmse=risk.nmse,
        standard_error=risk.standard_error,
        limit=float(isotropic_limit(rate)),
        finite_size=rate / (2.0 * math.pi) * (1.0 / density - 1.0) * fourth,
        unevenness=float(np.sum((singular**2 - 1.0) ** 2)) * (2 / math.pi) ** 2 / n_input,
        smallest=float(singular[-1]),
        largest=float(singular[0]),
        largest_entry=float(np.abs(weight).max()),
    )


def plot(rows: Sequence[SparseDescent]) -> Any:
    """NMSE along the steps, one line per density, and the limits dashed.

    Args:
        rows: What :func:`run` returned.

    Returns:
        A Plotly figure.

    Examples:
        >>> figure = plot(run(densities=[1.0], rates=[0.5], n_input=20, n_steps=10))
        >>> [trace.name for trace in figure.data]
        ['density 1, rate 0.5', 'limit, rate 0.5']
    """
    import plotly.graph_objects as go

    from isthmus.report.style import BLUE, GREEN, ORANGE, PURPLE, REFERENCE, VERMILLION

    colours = (BLUE, GREEN, VERMILLION, PURPLE, ORANGE)
    densities = sorted({row.density for row in rows}, reverse=True)
    figure = go.Figure()
    for row in rows:
        colour = colours[densities.index(row.density) % len(colours)]
        name = f"density {row.density:g}, rate {row.rate:g}"
        figure.add_scatter(y=row.history, name=name, line={"color": colour, "width": 1})
    for rate, limit in dict.fromkeys((row.rate, row.limit) for row in rows):
        last = max(row.history.size for row in rows) - 1
        name = f"limit, rate {rate:g}"
        figure.add_scatter(
            x=[0, last], y=[limit, limit], name=name, mode="lines", line=REFERENCE
        )
    figure.update_layout(xaxis_title="Step", yaxis_title="NMSE", template="plotly_white")
    return figure
