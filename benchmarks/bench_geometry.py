"""Regions and slopes of 10 000 rows of 784 through 784-256-128-10-128-256-784.

Every figure is taken in a process of its own, so that its peak memory is its own.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable

import numpy as np
import torch
from harness import write
from torch import nn

from isthmus import geometry

_SIZES = (784, 256, 128, 10, 128, 256, 784)
_ROWS = 10_000


def network() -> nn.Sequential:
    """The autoencoder with linear code and output, as torch starts it with seed 0."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for at, (wide, narrow) in enumerate(zip(_SIZES, _SIZES[1:], strict=False)):
        layers += [nn.Linear(wide, narrow)]
        if at not in (2, 5):
            layers += [nn.ReLU()]
    return nn.Sequential(*layers).eval()


def data() -> np.ndarray:
    """Rows as sparse as MNIST's: a fifth of the entries, in [0, 1]."""
    rng = np.random.default_rng(0)
    x = rng.random((_ROWS, _SIZES[0]), dtype=np.float32)
    return x * (rng.random(x.shape, dtype=np.float32) < 0.2)


def codes_and_factors(net: nn.Module, x: np.ndarray) -> None:
    geometry.region_code(net, x)
    geometry.affine_factors(net, x)


def whole_slopes(net: nn.Module, x: np.ndarray) -> None:
    for part in geometry.affine_maps(net, x):
        part.slope[0, 0, 0]


def exits(net: nn.Module, x: np.ndarray) -> None:
    geometry.exit_time(net, x, np.ones(_SIZES[0]))


WORKS: dict[str, Callable[[nn.Module, np.ndarray], object]] = {
    "codes": geometry.region_code,
    "codes_and_factors": codes_and_factors,
    "count": geometry.count_regions,
    "exit_time": exits,
    "boundary_distance": geometry.boundary_distance,
    "whole_slopes_streamed": whole_slopes,
}


def measured(name: str) -> dict[str, float]:
    """Seconds, processor seconds and peak memory of one work on all rows."""
    net, x = network(), data()
    WORKS[name](net, x[:100])  # warm
    wall, cpu = time.perf_counter(), time.process_time()
    WORKS[name](net, x)
    return {
        "seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - cpu,
        "peak_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def main() -> None:
    figures = {}
    context = multiprocessing.get_context("spawn")
    for name in WORKS:
        with context.Pool(1) as pool:
            figures[name] = pool.apply(measured, (name,))
        print(name, figures[name])
    write("geometry", {"rows": _ROWS, "sizes": _SIZES, **figures})


if __name__ == "__main__":
    main()
