"""Sign codes decoded by message passing: against other decoders, and against its floor.

Errors at d = 1000 and equal bits, a norm of 16 bits with every row; seconds of a step
against one forward and one adjoint transform, and against the same step on a matrix.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from harness import write
from message_passing_rivals import binary_thresholding, lasso

from isthmus import frames, limits, priors
from isthmus.decoders import DenoisingDecoder, LinearDecoder, MessagePassingDecoder

D, ROWS, SEEDS, NORM_BITS = 1000, 32, 5, 16
DENSITIES, RATES = (0.05, 0.1, 0.3), (0.5, 1.0, 2.0)
STEPS = (1, 2, 3, 4, 6, 8, 12, 20)


def drawn(
    prior: priors.AbstractPrior, frame: frames.AbstractFrame, rows: int, rng
) -> tuple:
    """Rows, their signs, and their norms in half precision."""
    x = prior.sample((rows, frame.n_input), rng).astype(np.float32)
    y = np.where(frame.forward(x) >= 0, 1, -1).astype(np.float32)
    return x, y, np.linalg.norm(x, axis=1).astype(np.float16).astype(np.float32)


def cell(density: float, rate: float, seed: int) -> dict[str, float]:
    """NMSE of every decoder on one frame and its rows."""
    rng = np.random.default_rng([seed, round(100 * density)])
    prior, frame = priors.GaussBernoulli(density), frames.haar(round(rate * D), D, rng=seed)
    x, y, norms = drawn(prior, frame, ROWS, rng)
    other = drawn(prior, frame, ROWS, rng)
    training = prior.sample((2000, D), rng)
    training *= np.sqrt(D) / np.linalg.norm(training, axis=1, keepdims=True)
    fitted = priors.fit_scale_mixture(training, rng=seed)
    weight = frame.to_dense().astype(np.float32)
    rebuilt = {
        "linear": LinearDecoder(frame).decode(y, norms),
        "denoising": DenoisingDecoder(frame, prior).decode(y, norms),
        "iterative_hard_thresholding": binary_thresholding(
            weight, y, norms, other, round(density * D)
        ),
        "lasso": lasso(weight, y, norms, other),
    }
    for name, used in (("true", prior), ("fitted", fitted)):
        for step in STEPS:
            decoder = MessagePassingDecoder(frame, used, n_iter=step)
            rebuilt[f"message_passing_{name}_{step}"] = decoder.decode(y, norms)
    return {name: float(np.sum((z - x) ** 2) / np.sum(x**2)) for name, z in rebuilt.items()}


def errors() -> dict[str, object]:
    """Means and standard errors over seeds, beside what theory says."""
    table: dict[str, object] = {}
    for density in DENSITIES:
        prior = priors.GaussBernoulli(density)
        for rate in RATES:
            each = [cell(density, rate, seed) for seed in range(SEEDS)]
            path = limits.state_evolution(prior, rate, n_iter=2000)
            found: dict[str, object] = {
                name: {
                    "nmse": float(np.mean([one[name] for one in each])),
                    "standard_error": float(
                        np.std([one[name] for one in each], ddof=1) / SEEDS**0.5
                    ),
                }
                for name in each[0]
            }
            found["state_evolution"] = {
                "steps": path.mse[:20].tolist(),
                "fixed_point": float(path.mse[-1]),
            }
            bits = (round(rate * D) + NORM_BITS) / D
            found["entropy_coded_quantiser"] = limits.ecsq(prior, bits).nmse
            table[f"density {density} rate {rate}"] = found
    return table


def taking_turns(
    works: dict[str, Callable[[], object]], rounds: int
) -> dict[str, np.ndarray]:
    """Seconds of every run, "round", after one that warms caches."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    return {name: np.array(times[1:]) for name, times in seconds.items()}


def stepping(
    given: dict[str, frames.AbstractFrame], rows: int, most: int, rounds: int
) -> dict[str, dict[str, float]]:
    """Time of a step and of its two transforms, frames in turn; float32, one thread."""
    prior = priors.GaussBernoulli(0.1)
    works: dict[str, Callable[[], object]] = {}
    for name, frame in given.items():
        x, y, _ = drawn(prior, frame, rows, np.random.default_rng(0))
        few, many = (MessagePassingDecoder(frame, prior, n_iter=n) for n in (2, most))
        taken = np.unique(many.run(y).predicted_nmse).size  # later ones repeat the last
        assert taken == most, "rows settle too early to time a step"
        works[f"{name} transforms"] = partial(there_and_back, frame, x, y)
        works[f"{name} few"] = partial(few.decode, y)
        works[f"{name} many"] = partial(many.decode, y)
    times = taking_turns(works, rounds)
    found = {}
    for name, frame in given.items():
        step = (times[f"{name} many"] - times[f"{name} few"]) / (most - 2)
        transforms = times[f"{name} transforms"]
        unit = 1e-9 * rows * frame.n_input
        found[name] = {
            "rows": rows,
            "step_ns_per_coordinate": float(np.median(step)) / unit,
            "transforms_ns_per_coordinate": float(np.median(transforms)) / unit,
            "step_over_transforms": float(np.median(step / transforms)),
        }
    return found


def there_and_back(frame: frames.AbstractFrame, x: np.ndarray, y: np.ndarray) -> None:
    frame.forward(x)
    frame.adjoint(y)


def speed() -> dict[str, object]:
    weight = frames.haar(4096, 4096, rng=0).weight.astype(np.float32)
    figures: dict[str, object] = {}
    figures |= stepping({"hadamard_1024": frames.hadamard(1024, 1024, rng=0)}, 4096, 12, 11)
    long = {"hadamard_4096": frames.hadamard(4096, 4096, rng=0)}
    both = stepping(long | {"dense_4096": frames.DenseFrame(weight)}, 256, 6, 5)
    figures |= both
    figures["dense_over_fast_4096"] = (
        both["dense_4096"]["step_ns_per_coordinate"]
        / both["hadamard_4096"]["step_ns_per_coordinate"]
    )
    entries = np.random.default_rng(0).standard_normal((128, 1024)).astype(np.float32)
    out = np.empty_like(entries)
    passes: dict[str, Callable[[], object]] = {
        "exponential": partial(np.exp, entries, out=out),
        "product": partial(np.multiply, entries, entries, out=out),
    }
    figures["pass_ns_per_coordinate"] = {
        name: 1e9 * float(np.median(seconds)) / entries.size
        for name, seconds in taking_turns(passes, 200).items()
    }
    return figures


def evolution() -> dict[str, float]:
    """Seconds of fixed points of state evolution, 40 densities by 40 rates."""
    limits.state_evolution(priors.GaussBernoulli(0.5), 1.0)  # loads SciPy
    seconds = []
    for density in np.geomspace(0.01, 1.0, 40):
        prior = priors.GaussBernoulli(float(density))
        for rate in np.geomspace(0.1, 4.0, 40):
            began = time.perf_counter()
            path = limits.state_evolution(prior, float(rate), n_iter=2000)
            seconds.append(time.perf_counter() - began)
            assert path.converged
    return {
        "fixed_point_median": float(np.median(seconds)),
        "fixed_point_99_percent": float(np.quantile(seconds, 0.99)),
        "fixed_point_most": float(np.max(seconds)),
        "grid_40_by_40": float(np.sum(seconds)),
    }


def main() -> None:
    write(
        "message_passing",
        {"speed": speed(), "state_evolution_seconds": evolution(), "nmse": errors()},
    )


if __name__ == "__main__":
    main()
