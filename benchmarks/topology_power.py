"""How often a hole is called significant: clouds without any, and known manifolds.

`python topology_power.py size:200 top:200 rolled:50 power:20` takes tables with the seeds
of each row or cell and adds them to `results/topology_power.json`. The dimension is given
as that of the space: in at most four dimensions it changes nothing of `certified_lower` and
saves its estimation; `given_dim` counts how often it did, and what it saves.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import machine

from isthmus.data import manifolds
from isthmus.topology import certificate, latent_dimension_report
from isthmus.topology.latent_dimension import LEVEL

Draw = Callable[[int, np.random.Generator], np.ndarray]

THIN = 0.02
SIZES = (60, 120, 250, 500)
NOISES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
POINTS = (60, 200, 500, 1000, 3000)
STORE = Path(__file__).parent / "results" / "topology_power.json"


def thickened(points: np.ndarray, dim: int, rng: np.random.Generator) -> np.ndarray:
    """The first columns of a space of more dimensions, with small noise in all."""
    wide = np.zeros((points.shape[0], dim))
    wide[:, : points.shape[1]] = points
    return wide + THIN * rng.standard_normal(wide.shape)


def arc(n: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, np.pi, n)
    return thickened(np.stack([np.cos(angle), np.sin(angle)], axis=1), dim, rng)


def without_holes() -> dict[str, Draw]:
    """Clouds of which every latent dimension of at least one is topologically enough."""
    kinds: dict[str, Draw] = {}
    for dim in (2, 3, 4):
        ball, cube = manifolds.Ball(dim), manifolds.Cube(dim)
        kinds |= {
            f"gaussian {dim}": lambda n, rng, d=dim: rng.standard_normal((n, d)),
            f"ball {dim}": ball.sample,
            f"cube {dim}": cube.sample,
            f"half circle {dim}": lambda n, rng, d=dim: arc(n, d, rng),
            f"segment {dim}": lambda n, rng, d=dim: thickened(
                rng.uniform(-1, 1, (n, 1)), d, rng
            ),
        }
    return kinds


SHAPES = {
    "circle": (manifolds.circle(), 1),
    "sphere": (manifolds.Sphere(2), 2),
    "torus": (manifolds.Torus(2.0, 1.0), 2),
}
"""Radius 1 each, the torus that of its tube; degree of the hole that closes them."""


def lower(points: np.ndarray) -> int:
    return latent_dimension_report(points, dim=points.shape[1]).certified_lower


def obstructed(points: np.ndarray) -> bool:
    """Whether the report rules out one latent dimension."""
    return lower(points) > 1


def top_hole(points: np.ndarray) -> bool:
    """Whether the bound of one latent dimension less than the space is significant."""
    p_value = certificate(points, points.shape[1] - 1).p_value
    return p_value is not None and p_value < LEVEL


def size_of(
    called_on: Callable[[np.ndarray], bool], draw: Draw, number: int, n_seeds: int
) -> dict[str, object]:
    """Share of clouds without holes that are called on, by number of points."""
    called = np.empty((len(SIZES), -(-n_seeds // len(SIZES))))
    for i, n in enumerate(SIZES):
        for seed in range(called.shape[1]):
            rng = np.random.default_rng([number, n, seed])
            called[i, seed] = called_on(draw(n, rng))
    share = float(called.mean())
    most = LEVEL + 2 * float(np.sqrt(LEVEL * (1 - LEVEL) / called.size))
    by_points = dict(zip(map(str, SIZES), called.mean(axis=1).tolist(), strict=True))
    return {"share": share, "seeds": called.size, "kept": share <= most} | by_points


def with_error(found: list[bool]) -> list[float]:
    share = float(np.mean(found))
    return [share, round(float(np.sqrt(share * (1 - share) / len(found))), 4)]


def power_of(name: str, n: int, noise: float, n_seeds: int) -> dict[str, object]:
    """Shares, with standard errors, of draws whose own hole is significant.

    "report": the least latent dimension is exactly one more than the degree, all degrees
    counted as tests. "certificate": asked for that code length alone.
    """
    manifold, degree = SHAPES[name]
    report, alone = [], []
    for seed in range(n_seeds):
        points = manifold.sample(n, np.random.default_rng([n, seed]))
        points = manifolds.with_noise(points, noise, np.random.default_rng([n, seed, 1]))
        report.append(lower(points) == degree + 1)
        alone.append(top_hole(points))
    return {"report": with_error(report), "certificate": with_error(alone)}


def rolled_of(n: int, n_seeds: int) -> dict[str, float]:
    """Swiss rolls: sheets without a hole, of which balls between the turns make some.

    Share with a significant hole of degree 1 or 2 in the report, and of `certificate` at
    two latent dimensions, by the hole that makes the bound or by any.
    """
    rows = []
    for seed in range(n_seeds):
        points = manifolds.SwissRoll().sample(n, np.random.default_rng([n, seed]))
        alone = certificate(points, 2)
        p_values = (alone.p_value, alone.smallest_p_value)
        significant = [p is not None and p < LEVEL for p in p_values]
        rows.append([(least := lower(points)) == 2, least == 3, *significant])
    names = ("report 1", "report 2", "certificate", "certificate, any hole")
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def given_dim(n_seeds: int = 20) -> dict[str, float]:
    """Whether leaving the dimension to be estimated changes the verdict, and its cost."""
    changed, seconds = 0, np.zeros(2)
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        points = manifolds.with_noise(manifolds.Sphere(2).sample(500, rng), 0.02, rng)
        found = []
        for i, dim in enumerate((None, 3)):
            began = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(latent_dimension_report(points, dim=dim).certified_lower)
            seconds[i] += time.perf_counter() - began
        changed += found[0] != found[1]
    estimated, given = (seconds / n_seeds).round(3).tolist()
    return {"changed": changed, "of": n_seeds, "estimated_s": estimated, "given_s": given}


def tables(request: str) -> tuple[str, dict[str, object]]:
    """One of the tables, asked for as in ``"size:200"``."""
    which, n_seeds = request.split(":")[0], int(request.split(":")[1])
    rows: dict[str, object] = {}
    if which in ("size", "top"):
        call = {"size": obstructed, "top": top_hole}[which]
        for number, (kind, draw) in enumerate(without_holes().items()):
            if which == "top" and kind.endswith(" 2"):
                continue  # the same as the report, which has but one degree there
            rows[kind] = size_of(call, draw, number, n_seeds)
            print(kind, rows[kind], flush=True)
        return which, rows
    if which == "rolled":
        rows = {str(n): rolled_of(n, n_seeds) for n in (500, 1000, 2000)}
        print(rows, flush=True)
        return which, rows | {"seeds": n_seeds}
    for name in SHAPES:
        for n in POINTS:
            for noise in NOISES:
                key = f"{name} {n} {noise}"
                rows[key] = power_of(name, n, noise, n_seeds)
                print(key, rows[key], flush=True)
    return which, rows | {"seeds": n_seeds}


def store(figures: dict) -> None:
    """One line per cell."""
    parts = []
    for name, table in figures.items():
        lines = (f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in table.items())
        parts.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    host = json.dumps(machine())
    STORE.write_text(
        '{"machine": ' + host + ',\n"figures": {\n' + ",\n".join(parts) + "\n}}\n"
    )


def main() -> None:
    figures = json.loads(STORE.read_text())["figures"] if STORE.exists() else {}
    for request in sys.argv[1:] or ["size:200", "top:200", "rolled:50", "power:20"]:
        began = time.perf_counter()
        which, rows = tables(request)
        seconds = {"seconds": round(time.perf_counter() - began, 1)}
        figures[which] = figures.get(which, {}) | rows | seconds
        store(figures)
    store(figures | {"given_dim": given_dim()})


if __name__ == "__main__":
    main()
