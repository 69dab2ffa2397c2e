"""Alpha complexes and certificates on one core, against gudhi's own alpha complex.

gudhi: exact predicates, default precision, `create_simplex_tree`. Both sides end with the
same filtered simplex tree.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import resource
import time

import gudhi
import numpy as np
from harness import least_seconds, write

from isthmus.topology import certificate
from isthmus.topology.alpha import alpha_complex
from isthmus.topology.persistence import alpha_intervals
from isthmus.topology.simplex_tree import filled_tree


def klein_bottle(rng: np.random.Generator, n: int) -> np.ndarray:
    u, v = rng.uniform(0, 2 * np.pi, (2, n))
    radius, fold = 2 + np.cos(v), np.sin(v)
    x = radius * np.cos(u), radius * np.sin(u), fold * np.cos(u / 2), fold * np.sin(u / 2)
    return np.stack(x, axis=1)


def ours(points: np.ndarray) -> object:
    made = alpha_complex(points)
    return filled_tree(made.simplices, made.values)


def theirs(points: np.ndarray) -> object:
    return gudhi.AlphaComplex(points=points).create_simplex_tree()


def building(points: np.ndarray, rounds: int) -> dict[str, float]:
    """Seconds from points to a filled tree."""
    works = {"ours_s": lambda: ours(points), "gudhi_s": lambda: theirs(points)}
    least: dict[str, float] = least_seconds(works, rounds)
    return least | {
        "ours_over_gudhi": least["ours_s"] / least["gudhi_s"],
        "n_simplices": alpha_complex(points).n_simplices,
    }


def certified(points: np.ndarray, n_code: int, rounds: int) -> dict[str, float | None]:
    least = least_seconds({"seconds": lambda: certificate(points, n_code)}, rounds)
    found = certificate(points, n_code)
    return {**least, "bound": found.bound, "p_value": found.smallest_p_value}


def both_fields(points: np.ndarray) -> dict[str, float]:
    """The largest complex that is made without asking, and its memory."""
    started = time.perf_counter()
    found = alpha_intervals(alpha_complex(points), (2, 3))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    longest = found[2][2][0]
    return {"seconds": seconds, "peak_mb": peak / 1024, "bound": longest[1] - longest[0]}


def main() -> None:
    rng = np.random.default_rng(0)
    klein = klein_bottle(rng, 2500)
    plane, space = rng.standard_normal((10_000, 2)), rng.standard_normal((3000, 3))
    figures = {
        "klein_2500_both_fields": both_fields(klein),  # first: the peak never falls
        "build_r2_10000": building(plane, 7),
        "build_r3_3000": building(space, 7),
        "build_r4_1500": building(rng.uniform(size=(1500, 4)), 5),
        "build_klein_2500": building(klein, 1),
        "certificate_r2_10000": certified(plane, 1, 5),
        "certificate_r3_3000": certified(space, 2, 5),
        "certificate_klein_2500": certified(klein, 2, 1),
    }
    write("certificate", figures)


if __name__ == "__main__":
    main()
