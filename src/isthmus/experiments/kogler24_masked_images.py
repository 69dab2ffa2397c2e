"""Masked whitened images: what a decoder that knows the prior gains, and what it misses.

Principal components of images, whitened, most of them set to zero at random: rows as in
the theory of sparse coordinates, but not independent, not Gaussian and of few coordinates.
Two controls tell these apart: the same columns shuffled one by one are independent, and
draws of the fitted prior have nothing of the images left.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import (
    Measurement,
    held_out_count,
    hold_out,
    measure,
    paired_difference,
)
from isthmus.core.random import as_rng, random_subset
from isthmus.data import Principal, load
from isthmus.decoders import DenoisingDecoder, LinearDecoder, MessagePassingDecoder
from isthmus.frames import AbstractFrame, dct
from isthmus.limits import denoised_limit, isotropic_limit, state_evolution
from isthmus.priors import (
    CoordinatePriors,
    ScaleMixture,
    fit_coordinate_priors,
    fit_scale_mixture,
)

CLAIMS = (
    "Masked whitened images behind a random rotation and signs leave 1 - 2r/pi to the best "
    "linear decoder, whatever the mask's density, once the length of a row is sent.",
    "Decoders that know the prior leave less, as predicted for independent coordinates "
    "(corrected here: few non-zeros cost message passing 4 to 6 % at density 0.1 and one "
    "bit, as much for independent draws in 256 coordinates).",
)

Source = Literal["images", "shuffled", "drawn"]
Fitted = ScaleMixture | CoordinatePriors
SOURCES: tuple[Source, ...] = ("images", "shuffled", "drawn")
DENSITIES = (0.1, 0.2, 0.3, 0.5, 0.7)
RATES = (0.5, 1.0)


class Predicted(NamedTuple):
    """NMSE in high dimension.

    Attributes:
        linear: 1 - 2r/pi (up to rate 1).
        denoised: :func:`isthmus.limits.denoised_limit` of the prior.
        passed: Where its :func:`isthmus.limits.state_evolution` ends.
    """

    linear: float
    denoised: float
    passed: float


@dataclasses.dataclass(frozen=True)
class MaskedImages:
    """One set of rows, density, rate and seed: measured on held-out rows, and predicted.

    All are NMSE of rows brought to one length; every standard error is over rows.

    Attributes:
        data: Name of the data set.
        source: ``"images"``; ``"shuffled"``: every column of these in an order of its
            own; ``"drawn"``: independent draws of the fitted prior.
        per_coordinate: Whether every coordinate has a prior of its own.
        density: Share of coordinates that the mask keeps.
        rate: Bits per coordinate, without the norm.
        n_input: Coordinates.
        seed: Of split, masks, frame and controls.
        linear: Best linear decoder.
        denoised: One-shot denoiser.
        passed: Message passing.
        denoised_gain: NMSE of the denoiser less that of the linear decoder, paired.
        passed_gain: NMSE of message passing less that of the linear decoder, paired.
        predicted: What the theory says, for independent coordinates of the fitted prior.
    """

    data: str
    source: Source
    per_coordinate: bool
    density: float
    rate: float
    n_input: int
    seed: int
    linear: Measurement
    denoised: Measurement
    passed: Measurement
    denoised_gain: Measurement
    passed_gain: Measurement
    predicted: Predicted


def run(
    data: object,
    *,
    densities: Sequence[float] = DENSITIES,
    rates: Sequence[float] = RATES,
    n_components: int = 256,
    per_coordinate: bool = False,
    sources: Sequence[Source] = SOURCES,
    seeds: Sequence[int] = (0, 1),
    n_test: int = 2000,
    n_fit: int = 10_000,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[MaskedImages, ...]:
    """Mask whitened rows, code them by signs of a fast frame and decode them three ways.

    Args:
        data: Built-in name, path or array with rows first.
        densities: Each in (0, 1].
        rates: Positive.
        n_components: Leading principal components of the training rows to whiten.
        per_coordinate: Fit one prior per coordinate instead of one for all.
        sources: Any of ``"images"``, ``"shuffled"``, ``"drawn"``.
        seeds: Of split, masks, frame and controls.
        n_test: Most held-out rows to measure on.
        n_fit: Most training rows to fit priors on; whitening takes all.
        progress: Called with the densities done and those in all.

    Returns:
        One record per seed, density, rate and source.

    Raises:
        ValueOutOfRange: If a density is outside (0, 1] or a source is not known.

    Warns:
        DataWarning: If whitening rests on fewer than 20 training rows per column.

    Examples:
        >>> rows = np.random.default_rng(0).standard_normal((3000, 70))
        >>> found = run(
        ...     rows, densities=[0.1], rates=[1.0], n_components=64, sources=["images"],
        ...     seeds=[0],
        ... )[0]
        >>> found.linear.value > found.denoised.value > found.passed.value
        True

    References:
        [kogler:24]
    """
    if not all(0.0 < density <= 1.0 for density in densities):
        raise ValueOutOfRange(
            f"`run(densities=...)` must lie in (0, 1]; got {list(densities)}."
        )
    if not set(sources) <= set(SOURCES):
        raise ValueOutOfRange(
            f"`run(sources=...)` must be of {', '.join(SOURCES)}; got {list(sources)}."
        )
    dataset = load(data)
    found: list[MaskedImages] = []
    for i, seed in enumerate(seeds):
        rng = as_rng(seed)
        white = _whitened(dataset.values, n_components, n_test, n_fit, rng)
        for j, density in enumerate(densities):
            train, test = (_masked(part, float(density), rng) for part in white)
            fit = fit_coordinate_priors if per_coordinate else fit_scale_mixture
            prior = cast(Fitted, fit(train, rng=rng))
            rows = {source: _of_source(source, test, prior, rng) for source in sources}
            label = (dataset.name, per_coordinate, float(density), seed)
            for rate in rates:
                found += _measured(label, rows, prior, float(rate))
            if progress is not None:
                progress(i * len(densities) + j + 1, len(seeds) * len(densities))
    return tuple(found)


def _whitened(
    x: np.ndarray, n_components: int, n_test: int, n_fit: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Training rows to fit priors on and held-out rows, both in the former's axes."""
    held = hold_out(x, rng=rng, n_test=min(n_test, held_out_count(x.shape[0])))
    fitted = held.train[random_subset(rng, held.train.size, n_fit)]
    axes = Principal.from_rows(x[held.train].astype(float))
    kept = min(n_components, axes.rank)
    white = [axes.whiten(x[part], n_components=kept) for part in (fitted, held.test)]
    return white[0], white[1]


def _masked(white: np.ndarray, density: float, rng: np.random.Generator) -> np.ndarray:
    kept = rng.random(white.shape) < density
    return _of_one_length(np.where(kept, white / math.sqrt(density), 0.0))


def _of_one_length(x: np.ndarray) -> np.ndarray:
    """Rows of mean square 1: the length is sent. Rows without any are left out."""
    length = np.linalg.norm(x, axis=1)
    scale = math.sqrt(x.shape[1]) / length[length > 0]
    return np.asarray(x[length > 0] * scale[:, None], dtype=np.float32)


def _of_source(
    source: Source, test: np.ndarray, prior: Fitted, rng: np.random.Generator
) -> np.ndarray:
    if source == "images":
        return test
    if source == "shuffled":
        return _of_one_length(rng.permuted(test, axis=0))
    size: Any = test.shape[0] if isinstance(prior, CoordinatePriors) else test.shape
    return _of_one_length(prior.sample(size, rng))


def _measured(
    label: tuple[str, bool, float, int],
    rows: dict[Source, np.ndarray],
    prior: Fitted,
    rate: float,
) -> list[MaskedImages]:
    """One record per source."""
    data, per_coordinate, density, seed = label
    d = next(iter(rows.values())).shape[1]
    frame = dct(max(1, round(rate * d)), d, rng=seed, rounds=2)
    predicted = Predicted(
        float(isotropic_limit(frame.rate)),
        denoised_limit(prior, frame.rate),
        float(state_evolution(prior, frame.rate).mse[-1]),
    )
    return [
        MaskedImages(
            data=data,
            source=source,
            per_coordinate=per_coordinate,
            density=density,
            rate=frame.rate,
            n_input=d,
            seed=seed,
            predicted=predicted,
            **_decoded(x, frame, prior),
        )
        for source, x in rows.items()
    ]


def _decoded(x: np.ndarray, frame: AbstractFrame, prior: Fitted) -> dict[str, Measurement]:
    codes = np.where(frame.forward(x) >= 0, 1.0, -1.0).astype(x.dtype)
    zero = np.zeros(x.shape[1])
    linear = LinearDecoder(frame).decode(codes)
    denoised = DenoisingDecoder(frame, prior).decode(codes)
    passed = MessagePassingDecoder(frame, prior).decode(codes)
    return {
        "linear": measure(x, linear, zero),
        "denoised": measure(x, denoised, zero),
        "passed": measure(x, passed, zero),
        "denoised_gain": paired_difference(x, denoised, linear, zero),
        "passed_gain": paired_difference(x, passed, linear, zero),
    }


def plot(rows: Sequence[MaskedImages]) -> Any:
    """NMSE against the mask's density, a mark per record, and predictions as lines.

    Args:
        rows: What :func:`run` returned; of one data set and rate, or all are drawn.

    Returns:
        A Plotly figure.

    Examples:
        >>> x = np.random.default_rng(0).standard_normal((600, 20))
        >>> few = {"n_components": 16, "rates": [1.0], "sources": ["images"], "seeds": [0]}
        >>> [trace.name for trace in plot(run(x, densities=[0.3], **few)).data][:2]
        ['linear, images, rate 1', 'linear, predicted, rate 1']
    """
    import plotly.graph_objects as go

    from isthmus.report.style import BLUE, GREEN, VERMILLION

    symbols = {"images": "circle", "shuffled": "x", "drawn": "diamond-open"}
    figure = go.Figure()
    kinds = (("linear", BLUE), ("denoised", GREEN), ("passed", VERMILLION))
    for rate in sorted({row.rate for row in rows}):
        here = sorted((r for r in rows if r.rate == rate), key=lambda r: r.density)
        for kind, colour in kinds:
            for source in dict.fromkeys(row.source for row in here):
                marked = [row for row in here if row.source == source]
                x = [row.density for row in marked]
                y = [getattr(row, kind).value for row in marked]
                mark = {"color": colour, "symbol": symbols[source]}
                name = f"{kind}, {source}, rate {rate:g}"
                figure.add_scatter(x=x, y=y, name=name, mode="markers", marker=mark)
            x = [row.density for row in here]
            y = [getattr(row.predicted, kind) for row in here]
            line = {"color": colour, "dash": "dash", "width": 1}
            name = f"{kind}, predicted, rate {rate:g}"
            figure.add_scatter(x=x, y=y, name=name, mode="lines", line=line)
    figure.update_layout(
        xaxis_title="Density of the mask", yaxis_title="NMSE", template="plotly_white"
    )
    return figure
