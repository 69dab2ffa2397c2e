"""Two elbows: the median error falls at the intrinsic dimension, the largest later.

Deep autoencoders of one to three latent dimensions on shapes whose dimension and least
code of a continuous autoencoder are known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from isthmus.data.manifolds import NAMED
from isthmus.estimators import Sweep, sweep

CLAIMS = (
    "The median error falls at least tenfold where the code has the dimension of the data.",
    "The largest error falls below half the certificate only where a continuous "
    "autoencoder without loss exists: 2 for a circle or two linked ones, 3 for a sphere.",
    "With fewer dimensions the training loss is small while the certificate and the "
    "largest error found are large.",
)
SHAPES = ("circle", "sphere", "hopf-link")


@dataclasses.dataclass(frozen=True, eq=False)
class TwoElbows:
    """One shape and seed.

    Attributes:
        name: Of the shape.
        seed: Of points, weights and batches.
        dim: Its dimension.
        needed: Least code of a continuous autoencoder without loss.
        sweep: What was measured.
    """

    name: str
    seed: int
    dim: int
    needed: int
    sweep: Sweep

    @property
    def fall(self) -> float:
        """Median error at one dimension less over that at the shape's dimension."""
        median = np.concatenate([[self.sweep.mean_median], self.sweep.median])
        return float(median[self.dim - 1] / median[self.dim])

    @property
    def holds(self) -> bool:
        """Whether both elbows are where theory puts them, the median's by tenfold."""
        elbows = self.sweep.elbows
        return self.fall >= 10.0 and (elbows.median, elbows.max) == (self.dim, self.needed)


def run(
    *,
    shapes: Sequence[str] = SHAPES,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    n_points: int = 2000,
    n_steps: int = 6000,
    n_restarts: int = 3,
    n_jobs: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[TwoElbows, ...]:
    """Sweep each shape with every seed.

    Args:
        shapes: Names of manifolds, see :data:`isthmus.data.manifolds.NAMED`.
        seeds: Of points and training.
        n_points: Drawn of each, a fifth of them held out.
        n_steps: Mini-batches for each autoencoder.
        n_restarts: Autoencoders of each code length.
        n_jobs: Trained at a time.
        progress: Called with the sweeps done and all there are.

    Returns:
        One record per shape and seed.

    Examples:
        >>> row = run(shapes=["circle"], seeds=[0], n_points=300, n_steps=400, n_restarts=1)
        >>> row[0].dim, row[0].sweep.n_codes.tolist()
        (1, [1, 2])

    References:
        [kvalheim:24]
    """
    found: list[TwoElbows] = []
    for name in shapes:
        shape = NAMED[name]
        codes = range(1, shape.embedding_dim + 1)
        for seed in seeds:
            swept = sweep(
                shape.sample(n_points, rng=seed),
                list(codes),
                n_restarts=n_restarts,
                n_steps=n_steps,
                n_jobs=n_jobs,
                rng=seed,
            )
            found.append(TwoElbows(name, seed, shape.dim, shape.embedding_dim, swept))
            if progress is not None:
                progress(len(found), len(shapes) * len(seeds))
    return tuple(found)


def plot(rows: Sequence[TwoElbows]) -> Any:
    """Median, largest error and certificate of every seed against the code length.

    Args:
        rows: What :func:`run` returned.

    Returns:
        A Plotly figure, one column per shape.
    """
    from plotly.subplots import make_subplots

    from isthmus.report.style import BLUE, REFERENCE, VERMILLION

    shapes = list(dict.fromkeys(row.name for row in rows))
    figure = make_subplots(cols=len(shapes), subplot_titles=shapes, shared_yaxes=True)
    for row in rows:
        found, col = row.sweep, shapes.index(row.name) + 1
        for name, values, line in (
            ("median", found.median, {"color": BLUE}),
            ("largest found", found.max, {"color": VERMILLION}),
            (
                "certificate",
                np.where(found.certificate > 0, found.certificate, np.nan),
                REFERENCE,
            ),
        ):
            figure.add_scatter(
                x=found.n_codes,
                y=values,
                name=name,
                line=line,
                legendgroup=name,
                showlegend=row is rows[0],
                col=col,
                row=1,
            )
    figure.update_xaxes(title_text="Latent dimensions", dtick=1)
    figure.update_yaxes(type="log", title_text="Error", col=1)
    figure.update_layout(template="plotly_white")
    return figure
