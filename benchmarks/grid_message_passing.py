"""Message passing in every corner: is it ever worse than the best linear decoder?

`python grid_message_passing.py 200:20 784:20 2000:5` takes dimensions with their seeds,
each of 64 rows, and adds them to `results/grid_message_passing.json`.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import json
import sys
import time
from pathlib import Path

import numpy as np
from harness import machine

from isthmus import frames, priors
from isthmus.decoders import LinearDecoder, MessagePassingDecoder

DENSITIES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0)
RATES = (0.25, 0.5, 1.0, 2.0, 4.0)
ROWS, TRAINING_ROWS = 64, 2000
STORE = Path(__file__).parent / "results" / "grid_message_passing.json"


def frame_of(d: int, rate: float, seed: int) -> frames.AbstractFrame:
    n = round(rate * d)
    if d < 2000:
        return frames.haar(n, d, rng=seed)
    return frames.dct(n, d, rng=seed, rounds=2)


def on_sphere(x: np.ndarray) -> np.ndarray:
    """Rows of length sqrt(d); zero rows left out."""
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    present = norms[:, 0] > 0
    return x[present] * (np.sqrt(x.shape[1]) / norms[present])


def decoded(
    x: np.ndarray, decoders: list, y: np.ndarray, norms: np.ndarray | None
) -> list[float]:
    """NMSE of each decoder on one set of rows; no number if any entry is none."""
    power = float(np.sum(np.square(x, dtype=np.float64)))
    found = (one.decode(y, norms) for one in decoders)
    return [float(np.sum(np.square(rows - x, dtype=np.float64))) / power for rows in found]


def one_seed(d: int, seed: int) -> np.ndarray:
    """NMSE, "density rate decoder": linear, true prior, fitted prior."""
    each_rate = [frame_of(d, rate, seed) for rate in RATES]
    found = np.empty((len(DENSITIES), len(RATES), 3))
    for i, density in enumerate(DENSITIES):
        rng = np.random.default_rng([seed, i])
        prior = priors.GaussBernoulli(density)
        x = prior.sample((ROWS, d), rng).astype(np.float32)
        norms = np.linalg.norm(x, axis=1)
        fitted = priors.fit_scale_mixture(
            on_sphere(prior.sample((TRAINING_ROWS, d), rng)), rng=seed
        )
        for j, frame in enumerate(each_rate):
            y = np.where(frame.forward(x) >= 0, 1, -1).astype(np.float32)
            decoders = [
                LinearDecoder(frame),
                MessagePassingDecoder(frame, prior),
                MessagePassingDecoder(frame, fitted),
            ]
            found[i, j] = decoded(x, decoders, y, norms)
    return found


def summary(found: np.ndarray) -> dict[str, object]:
    """Means over seeds, the first axis, and ratios to the linear decoder's."""
    mean = found.mean(axis=0)
    ratio = found[..., 1:] / found[..., :1]
    standard = ratio.std(axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else None
    named: dict[str, object] = {"seeds": len(found), "linear": rounded(mean[..., 0])}
    for k, name in enumerate(("true", "fitted"), start=1):
        named[name] = rounded(mean[..., k])
        named[f"{name}_over_linear"] = rounded(mean[..., k] / mean[..., 0])
        named[f"{name}_over_linear_most"] = rounded(ratio[..., k - 1].max(axis=0))
        named[f"{name}_worst_cell"] = worst(mean[..., k] / mean[..., 0])
        named[f"{name}_worst_seed"] = worst(ratio[..., k - 1].max(axis=0))
        if standard is not None:
            named[f"{name}_over_linear_error"] = rounded(standard[..., k - 1])
    named["not_finite"] = int((~np.isfinite(found)).sum())
    return named


def worst(ratio: np.ndarray) -> dict[str, float]:
    """The largest ratio to the linear decoder's error, and where."""
    i, j = np.unravel_index(np.argmax(ratio), ratio.shape)
    return {"density": DENSITIES[i], "rate": RATES[j], "over_linear": float(ratio[i, j])}


def rounded(table: np.ndarray) -> list[list[float]]:
    return [[float(f"{value:.5g}") for value in row] for row in table]


def without_norms(n_seeds: int = 20, d: int = 200, density: float = 0.02) -> dict:
    """Short sparse rows at rate 4, with and without their lengths."""
    prior, found = priors.GaussBernoulli(density), []
    for seed in range(n_seeds):
        frame = frame_of(d, 4.0, seed)
        rng = np.random.default_rng([seed, DENSITIES.index(density)])
        x = prior.sample((ROWS, d), rng).astype(np.float32)
        y = np.where(frame.forward(x) >= 0, 1, -1).astype(np.float32)
        decoders = [LinearDecoder(frame), MessagePassingDecoder(frame, prior)]
        found.append(
            [decoded(x, decoders, y, n) for n in (np.linalg.norm(x, axis=1), None)]
        )
    each = np.array(found)
    mean, ratio = each.mean(axis=0), each[..., 1] / each[..., 0]
    return {
        name: {
            "linear": mean[k, 0],
            "true": mean[k, 1],
            "over_linear": mean[k, 1] / mean[k, 0],
            "over_linear_error": float(ratio[:, k].std(ddof=1) / np.sqrt(n_seeds)),
        }
        for k, name in enumerate(("norms_sent", "no_norms"))
    }


def store(figures: dict) -> None:
    """One line per dimension; the worst cells are printed."""
    lines = (f" {json.dumps(name)}: {json.dumps(value)}" for name, value in figures.items())
    host = json.dumps(machine())
    STORE.write_text(
        '{"machine": ' + host + ',\n"figures": {\n' + ",\n".join(lines) + "\n}}\n"
    )
    for name, value in figures.items():
        if name.isdigit():
            print(name, {k: v for k, v in value.items() if "worst" in k or k == "seeds"})


def main() -> None:
    figures = json.loads(STORE.read_text())["figures"] if STORE.exists() else {}
    figures |= {"densities": DENSITIES, "rates": RATES, "rows_per_seed": ROWS}
    for request in sys.argv[1:] or ["200:20", "784:20"]:
        d, n_seeds = (int(part) for part in request.split(":"))
        began = time.perf_counter()
        found = np.array([one_seed(d, seed) for seed in range(n_seeds)])
        figures[str(d)] = summary(found) | {"seconds": time.perf_counter() - began}
        if d == 200:
            figures["200_without_norms"] = without_norms()
        store(figures)


if __name__ == "__main__":
    main()
