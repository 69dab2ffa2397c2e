"""Nearest neighbours by products of blocks: fast in float32, and still exact."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

_ROWS, _COLUMNS = 256, 2048  # of one product: it stays in the second-level cache
_FIRST = 4096  # points that give the first bound on the distance looked for
_BYTES = 2**23  # of differences of coordinates at a time
_SPARE = 16  # candidates beyond those looked for: room for rounding


class _Table(NamedTuple):
    """Points as the right factor of products, in random order.

    Attributes:
        order: Which point each row is.
        factor: Coordinates and squared length, "point column".
        rounding: Error of a squared distance per squared length.
    """

    order: np.ndarray
    factor: np.ndarray
    rounding: float


def brute_force(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of the k nearest other points.

    Args:
        points: "sample column", float64, centred, of largest coordinate about 1.
        k: At most one less than there are points.

    Returns:
        Distances, ascending, and indices, each "sample neighbour".
    """
    n = points.shape[0]
    distances, indices = np.empty((n, k)), np.empty((n, k), dtype=np.int64)
    unsure = np.arange(n)
    for dtype in (np.float32, np.float64):
        table = _table(points, dtype)
        if dtype is np.float64 or _worth(points, k, table):
            found = _search_all(points, unsure, k, table)
            distances[unsure], indices[unsure], sure = found
            unsure = unsure[~sure]
        if unsure.size == 0:
            break
    return distances, indices


def _search_all(
    points: np.ndarray, rows: np.ndarray, k: int, table: _Table
) -> tuple[np.ndarray, ...]:
    """One thread per core, each with its own products: small ones do not share well."""
    blocks = [rows[i : i + _ROWS] for i in range(0, rows.size, _ROWS)]
    n_threads = min(os.cpu_count() or 1, len(blocks))
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads) as pool:
        found = pool.map(lambda block: _search(points, block, k, table), blocks)
        return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def _worth(points: np.ndarray, k: int, table: _Table) -> bool:
    """Whether float32 tells the neighbours of most of a few rows apart."""
    n = points.shape[0]
    return bool(_search(points, np.arange(0, n, -(-n // 64)), k, table)[2].mean() >= 0.5)


def _table(points: np.ndarray, dtype: type) -> _Table:
    order = np.random.default_rng(0).permutation(points.shape[0])
    mixed: np.ndarray = points[order].astype(dtype)
    squares = np.sum(mixed.astype(np.float64) ** 2, axis=1).astype(dtype)
    factor = np.concatenate([mixed, squares[:, None]], axis=1)
    unit = float(np.finfo(dtype).eps)
    return _Table(order, factor, 0.5 * (points.shape[1] + 8) * unit)


def _search(
    points: np.ndarray, rows: np.ndarray, k: int, table: _Table
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances, indices, and whether rounding cannot have hidden a nearer point."""
    n, n_columns = points.shape
    left = np.empty((rows.size, n_columns + 1), dtype=table.factor.dtype)
    left[:, :-1], left[:, -1] = -2.0 * points[rows], 1.0
    keep = min(n, k + 1 + _SPARE)
    candidates, bound = _candidates(left, table.factor, keep)
    candidates = table.order[candidates]
    exact = _distances(points, rows, candidates)
    exact[candidates == rows[:, None]] = np.inf
    nearest = np.argsort(exact, axis=1, kind="stable")[:, :k]
    distances = np.take_along_axis(exact, nearest, axis=1)
    if keep == n:
        sure = np.ones(rows.size, dtype=bool)
    else:
        own = np.sum(points[rows] ** 2, axis=1)
        longest = float(np.max(table.factor[:, -1]))
        error = table.rounding * (2.0 * np.sqrt(own * longest) + longest)
        sure = distances[:, -1] ** 2 <= bound + own - 2.0 * error
    return distances, np.take_along_axis(candidates, nearest, axis=1), sure


def _distances(points: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    size = max(1, _BYTES // (8 * points.shape[1] * others.shape[1]))
    exact = np.empty(others.shape)
    for start in range(0, rows.size, size):
        part = slice(start, start + size)
        apart = points[others[part]] - points[rows[part]][:, None]
        np.sqrt(np.einsum("nkd,nkd->nk", apart, apart), out=exact[part])
    return exact


def _candidates(
    left: np.ndarray, factor: np.ndarray, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `keep` smallest entries of each row of a product, and the largest of them.

    A bound from the first points is sharpened whenever their number has doubled; of the
    entries, few are below it and only these are looked at.
    """
    n = factor.shape[0]
    seen = min(n, max(_FIRST, 4 * keep))
    product = left @ factor[:seen].T
    which = np.argpartition(product, keep - 1, axis=1)[:, :keep]
    values = np.take_along_axis(product, which, axis=1)
    buffer = np.empty((left.shape[0], _COLUMNS), dtype=factor.dtype)
    while seen < n:
        stop = min(n, 2 * seen)
        bound = values.max(axis=1)
        rows, columns, entries = [], [], []
        for start in range(seen, stop, _COLUMNS):
            width = min(_COLUMNS, stop - start)
            block = buffer.reshape(-1)[: left.shape[0] * width].reshape(-1, width)
            np.matmul(left, factor[start : start + width].T, out=block)
            hits = np.flatnonzero(block < bound[:, None])
            rows.append(hits // width)
            columns.append(hits % width + start)
            entries.append(block.ravel()[hits])
        new = _padded(rows, columns, entries, left.shape[0])
        which = np.concatenate([which, new[0]], axis=1)
        values = np.concatenate([values, new[1]], axis=1)
        best = np.argpartition(values, keep - 1, axis=1)[:, :keep]
        which = np.take_along_axis(which, best, axis=1)
        values = np.take_along_axis(values, best, axis=1)
        seen = stop
    return which, values.max(axis=1).astype(np.float64)


def _padded(
    rows: list[np.ndarray],
    columns: list[np.ndarray],
    entries: list[np.ndarray],
    n_rows: int,
) -> tuple[np.ndarray, np.ndarray]:
    row, column, entry = (np.concatenate(part) for part in (rows, columns, entries))
    by_row = np.argsort(row, kind="stable")
    row, column, entry = row[by_row], column[by_row], entry[by_row]
    counts = np.bincount(row, minlength=n_rows)
    place = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    which = np.zeros((n_rows, int(counts.max())), dtype=np.int64)
    values = np.full(which.shape, np.inf, dtype=entry.dtype)
    which[row, place], values[row, place] = column, entry
    return which, values
