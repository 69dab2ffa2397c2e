"""Partitions of planes and lines: seconds, cost per cell from few to many, memory.

Beside them the same cells by lists of corners in plain Python, one cell after the other.
"""

import resource
import tracemalloc

import numpy as np
import torch
from harness import least_seconds, median_seconds, write
from torch import nn

from isthmus.geometry import decoder_surface, line_partition, slice_partition

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def dense(widths: list[int]) -> nn.Sequential:
    """ReLU network as torch starts it with seed 0."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).double().eval()


def convolutional() -> nn.Sequential:
    """Images of 8 x 8 through two convolutions with max-pools to 24 numbers and back."""
    torch.manual_seed(0)
    layers = [
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 64),
    ]
    return nn.Sequential(*layers).double().eval()


def cut_plainly(network: nn.Sequential, half: float) -> int:
    """Number of cells, found with Python lists."""
    cells = [half * SQUARE]
    for depth, layer in enumerate(network):
        if isinstance(layer, nn.ReLU):
            cells = [part for cell in cells for part in _parts(cell, network[:depth])]
    return len(cells)


def _parts(cell: np.ndarray, before: nn.Sequential) -> list[np.ndarray]:
    with torch.no_grad():
        values = before(torch.from_numpy(cell)).numpy()
    parts = [(cell.tolist(), values)]
    crossing = (values.min(axis=0) < -1e-12) & (values.max(axis=0) > 1e-12)
    for unit in np.flatnonzero(crossing):
        found = []
        for corners, at in parts:
            side = at[:, unit]
            if side.min() >= -1e-12 or side.max() <= 1e-12:
                found.append((corners, at))
            else:
                found += _halves(corners, at, unit)
        parts = found
    return [np.array(corners) for corners, _ in parts]


def _halves(corners: list, at: np.ndarray, unit: int) -> list:
    kept: tuple = (([], []), ([], []))
    for i, point in enumerate(corners):
        j = (i + 1) % len(corners)
        a, b = at[i, unit], at[j, unit]
        for (points, values), inside in zip(kept, (a >= -1e-12, a <= 1e-12), strict=True):
            if inside:
                points.append(point)
                values.append(at[i])
        if (a > 1e-12 and b < -1e-12) or (a < -1e-12 and b > 1e-12):
            t = a / (a - b)
            new = [(1 - t) * x + t * y for x, y in zip(point, corners[j], strict=True)]
            row = (1 - t) * at[i] + t * at[j]
            row[unit] = 0.0
            for points, values in kept:
                points.append(new)
                values.append(row)
    return [(points, np.array(values)) for points, values in kept]


def sliced(network: nn.Module, half: float, n_input: int = 2) -> object:
    rng = np.random.default_rng(0)
    basis = np.eye(2) if n_input == 2 else rng.standard_normal((2, n_input))
    return slice_partition(
        network, origin=np.zeros(n_input), basis=basis, polygon=half * SQUARE
    )


def cost(network: nn.Module, half: float, n_input: int = 2) -> dict[str, float]:
    """Cells and seconds of one slice, and bytes that NumPy takes for each cell."""
    n_cells = len(sliced(network, half, n_input))
    seconds = median_seconds(lambda: sliced(network, half, n_input), repeats=3)
    tracemalloc.start()
    sliced(network, half, n_input)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "cells": n_cells,
        "seconds": seconds,
        "microseconds_per_cell": 1e6 * seconds / n_cells,
        "peak_bytes_per_cell": peak / n_cells,
    }


def main() -> None:
    torch.set_num_threads(1)
    small, wide = dense([2, 50, 50, 50, 50, 1]), dense([2, 130, 130, 130, 130, 1])
    figures: dict[str, object] = {
        "2-[50]x4-1, half width 2": cost(small, 2.0),
        "2-[130]x4-1, half width 0.5": cost(wide, 0.5),
        "2-[130]x4-1, half width 5": cost(wide, 5.0),
        "2-450-1, half width 20": cost(dense([2, 450, 1]), 20.0),
        "convolutions and max-pools": cost(convolutional(), 0.5, 64),
    }
    few, many = (figures[f"2-[130]x4-1, half width {h}"] for h in ("0.5", "5"))
    figures["many_over_few_per_cell"] = (
        many["microseconds_per_cell"] / few["microseconds_per_cell"]
    )
    works = {
        "plain": lambda: cut_plainly(small, 2.0),
        "ours": lambda: sliced(small, 2.0),
    }
    least = least_seconds(works, 2)
    figures["plain_python_over_ours"] = least["plain"] / least["ours"]
    figures["plain_python_cells"] = cut_plainly(small, 2.0)
    autoencoder = dense([784, 256, 128, 10, 128, 256, 784])
    ends = np.random.default_rng(0).random((2, 784))
    figures["line through 784-256-128-10-128-256-784"] = {
        "regions": line_partition(autoencoder, *ends).n_regions,
        "seconds": median_seconds(lambda: line_partition(autoencoder, *ends)),
    }
    decoder = dense([2, 128, 256, 784])
    figures["surface of 2-128-256-784"] = {
        "facets": decoder_surface(decoder, polygon=0.5 * SQUARE).areas.size,
        "seconds": median_seconds(
            lambda: decoder_surface(decoder, polygon=0.5 * SQUARE), repeats=1
        ),
    }
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["peak_resident_megabytes"] = most / 1024
    write("slice", figures)


if __name__ == "__main__":
    main()
