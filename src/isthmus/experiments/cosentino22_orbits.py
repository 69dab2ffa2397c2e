"""Which penalty generalises off the training rows where data are an orbit.

A band-limited pattern of 8 x 8 pixels is turned (one generator) or shifted both ways (two)
by random amounts: an exact linear orbit. What is compared, with all hyper-parameters, was
frozen on development seeds in ``cosentino22_orbit_final.json`` before the final seeds ran.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.protocol import nmse_of
from isthmus.core.random import as_rng, random_normal, raw_words

CLAIMS = (
    "Penalties on the decoder's symmetry make autoencoders generalise off the training "
    "rows where these are an orbit (not found here: no different from plain training).",
    "Training on the orbit that a joint fit of generators and amounts completes does.",
)
FROZEN: dict[str, Any] = json.loads(
    resources.files("isthmus.experiments")
    .joinpath("cosentino22_orbit_final.json")
    .read_text(encoding="utf-8")
)
_SIDE = 8
_TURNED = np.array([[1.0], [2.0], [3.0]])
_SHIFTED = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])


@dataclasses.dataclass(frozen=True, eq=False)
class OrbitRows:
    """Rows of one orbit, whose mean square is 1 over all amounts.

    Attributes:
        train, test: "sample input".
        amounts: Of the training rows, radians, "sample generator".
        frequencies: Of the orbit, "frequency generator".
        coefficients: Constant, cosines and sines, "term input".
    """

    train: np.ndarray
    test: np.ndarray
    amounts: np.ndarray
    frequencies: np.ndarray
    coefficients: np.ndarray


@dataclasses.dataclass(frozen=True)
class OrbitRun:
    """One network.

    Attributes:
        setting: ``"circle"`` or ``"patch"``.
        method: Name in the frozen file.
        seed: Of rows, start and training.
        train_mse, test_mse: Per coordinate.
        test_nmse: Over the spread about the mean of the training rows.
        held_out: Of the learnt orbit; NaN where none was learnt.
        seconds: Wall time over the number of seeds trained together.
    """

    setting: str
    method: str
    seed: int
    train_mse: float
    test_mse: float
    test_nmse: float
    held_out: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Gain:
    """Test error of a baseline against that of a candidate, over paired seeds.

    Attributes:
        candidate, baseline: Names.
        mean: Of the differences of `test_mse`, or of log10 of its ratios; positive where
            the candidate is better.
        half_width: Of the 99 % paired-t interval.
        n_better: Seeds with which the candidate is.
        n_seeds: Pairs.
    """

    candidate: str
    baseline: str
    mean: float
    half_width: float
    n_better: int
    n_seeds: int

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.mean > self.half_width


def draw(setting: str, seed: int, *, n_test: int = 600) -> OrbitRows:
    """A pattern and its turned or shifted copies.

    Args:
        setting: ``"circle"``: modes 0 to 3 around the centre, amplitudes falling as
            m^(-3/2), turned all round; ``"patch"``: modes -1 to 1 both ways, shifted by
            up to half the side.
        seed: Of pattern and amounts.
        n_test: Test rows.

    Examples:
        >>> rows = draw("circle", 0, n_test=3)
        >>> rows.train.shape, rows.test.shape, np.linalg.matrix_rank(rows.train)
        ((10, 64), (3, 64), np.int64(7))
    """
    rng = as_rng(seed)
    place = (np.arange(_SIDE) - 0.5 * (_SIDE - 1)) / (0.5 * _SIDE)
    across, down = (part.ravel() for part in np.meshgrid(place, place))
    if setting == "circle":
        frequencies, reach, size = _TURNED, 2.0 * math.pi, _TURNED[:, 0] ** -1.5
        phase = np.arctan2(down, across) * _TURNED
        rings = np.linspace(0.1, 1.3, 4)
        ring = np.exp(-0.5 * ((np.hypot(across, down) - rings[:, None]) / 0.35) ** 2)
    else:
        frequencies, reach = _SHIFTED, math.pi
        size = np.square(_SHIFTED).sum(axis=1) ** -0.75
        phase = math.pi * _SHIFTED @ np.stack([across, down])
        ring = np.ones((1, _SIDE**2))
    even, odd = (
        size[:, None] * (random_normal(rng, len(size), len(ring)) @ ring) for _ in range(2)
    )
    constant = random_normal(rng, 1, len(ring)) @ ring
    cosines = even * np.cos(phase) + odd * np.sin(phase)
    sines = odd * np.cos(phase) - even * np.sin(phase)
    power = (constant**2).mean() + 0.5 * (cosines**2 + sines**2).mean(axis=1).sum()
    coefficients = np.concatenate([constant, cosines, sines]) / math.sqrt(power)
    n_train, k = FROZEN["settings"][setting]["n_train"], frequencies.shape[1]
    words = raw_words(rng, (n_train + n_test) * k) >> np.uint64(11)
    amounts = reach * 2.0**-53 * words.astype(float).reshape(-1, k)
    turn = amounts @ frequencies.T
    terms = np.concatenate([np.ones((len(turn), 1)), np.cos(turn), np.sin(turn)], axis=1)
    x = terms @ coefficients
    return OrbitRows(x[:n_train], x[n_train:], amounts[:n_train], frequencies, coefficients)


def run(
    *,
    setting: str = "circle",
    methods: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    n_steps: int = 3000,
    ledger: Path | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[OrbitRun, ...]:
    """Train every method with every seed, the seeds of one method at once.

    Args:
        setting: ``"circle"`` or ``"patch"``.
        methods: Names in the frozen file; None for all of the setting.
        seeds: Of rows, starts and searches; None for those of the first final. What
            penalties draw while training also depends on which seeds run together.
        n_steps: Adam steps, each with all rows.
        ledger: JSON lines, appended to after every method; methods of which it has all
            the seeds are not repeated.
        progress: Called with the methods done and all there are.

    Returns:
        One record per method and seed.

    Examples:
        >>> row = run(methods=["plain"], seeds=[0], n_steps=5)[0]
        >>> row.method, row.test_mse > 0
        ('plain', True)

    References:
        [cosentino:22]
    """
    choices = FROZEN["settings"][setting]["methods"]
    names = list(choices if methods is None else methods)
    first = FROZEN["finals"][0]["seeds"]
    numbers = [int(seed) for seed in (first if seeds is None else seeds)]
    done = {} if ledger is None else _recorded(ledger)
    found: list[OrbitRun] = []
    for name in names:
        keys = [(setting, name, seed) for seed in numbers]
        if all(key in done for key in keys):
            rows = [done[key] for key in keys]
        else:
            rows = _run(setting, name, choices[name], numbers, n_steps)
            if ledger is not None:
                lines = (json.dumps(dataclasses.asdict(row)) + "\n" for row in rows)
                with ledger.open("a", encoding="utf-8") as file:
                    file.writelines(lines)
        found += rows
        if progress is not None:
            progress(names.index(name) + 1, len(names))
    return tuple(found)


def gains(
    rows: Sequence[OrbitRun], candidate: str, *, ratio: bool = False
) -> tuple[Gain, ...]:
    """Paired gains of a candidate over every other method.

    Args:
        rows: What :func:`run` returned for one setting, at least two seeds.
        candidate: Name of a method.
        ratio: Whether log10 of ratios is compared in place of differences.

    Examples:
        >>> made = [OrbitRun("circle", m, s, 0, e + 0.01 * s, 0, 0, 0)
        ...         for m, e in (("a", 1.0), ("b", 2.0)) for s in range(3)]
        >>> gains(made, "a")[0].baseline, round(gains(made, "a")[0].mean, 6)
        ('b', 1.0)
    """
    from scipy.stats import t as student

    errors: dict[str, dict[int, float]] = {}
    for row in rows:
        errors.setdefault(row.method, {})[row.seed] = row.test_mse
    mine, found = errors.pop(candidate), []
    for name, theirs in errors.items():
        pairs = np.array([(theirs[seed], mine[seed]) for seed in mine])
        apart = -np.diff(np.log10(pairs) if ratio else pairs)[:, 0]
        n, n_better = len(apart), int((apart > 0).sum())
        error = apart.std(ddof=1) / math.sqrt(n)
        width = float(student.ppf(0.995, n - 1) * error)
        found.append(Gain(candidate, name, float(apart.mean()), width, n_better, n))
    return tuple(found)


def plot(rows: Sequence[OrbitRun]) -> Any:
    """Test error of every seed, one column of points per method.

    Args:
        rows: What :func:`run` returned.

    Returns:
        A Plotly figure.
    """
    import plotly.graph_objects as go

    from isthmus.report.style import BLUE

    figure = go.Figure()
    figure.add_scatter(
        x=[row.method for row in rows],
        y=[row.test_mse for row in rows],
        mode="markers",
        marker={"color": BLUE},
    )
    figure.update_yaxes(type="log", title_text="Test MSE")
    figure.update_layout(template="plotly_white")
    return figure


def _recorded(ledger: Path) -> dict[tuple[str, str, int], OrbitRun]:
    if not ledger.exists():
        return {}
    lines = ledger.read_text(encoding="utf-8").splitlines()
    rows = [OrbitRun(**json.loads(line)) for line in lines if line.endswith("}")]
    return {(row.setting, row.method, row.seed): row for row in rows}


def _run(
    setting: str, name: str, options: dict[str, Any], seeds: list[int], n_steps: int
) -> list[OrbitRun]:
    from isthmus.experiments.cosentino22_orbit_methods import penalty_of, reconstructions

    rows = [draw(setting, seed) for seed in seeds]
    began = time.perf_counter()
    penalties = [penalty_of(options, *pair) for pair in zip(rows, seeds, strict=True)]
    back = reconstructions(rows, [penalty for penalty, _ in penalties], seeds, n_steps)
    seconds = round((time.perf_counter() - began) / len(seeds), 2)
    return [
        OrbitRun(
            setting,
            name,
            seed,
            float(np.square(old - row.train).mean()),
            float(np.square(new - row.test).mean()),
            nmse_of(row.test, new, row.train.mean(axis=0)),
            held_out,
            seconds,
        )
        for row, seed, (old, new), (_, held_out) in zip(
            rows, seeds, back, penalties, strict=True
        )
    ]
