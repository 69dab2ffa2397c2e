"""The five data sets of the codec's tables: rows to fit on, to measure on and to ask with.

They are read from the folder that the environment names, never downloaded.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SETS = ("sift", "gene-counts", "mnist", "cifar-patches", "ecg")
PATCH, WINDOW = 8, 256
GENES, TOTAL = 512, 160.0

Split = tuple[np.ndarray, np.ndarray, np.ndarray]


def prepared(name: str, seed: int = 0) -> Split:
    """Training rows, test rows and queries, float32, "row column"; no row is in two.

    Args:
        name: One of :data:`SETS`, or ``"gaussian"``. ``"sift"``: 3500, 1200 and 300 of
            5000 descriptors. ``"gene-counts"``: cells scaled to a total of 160, log1p,
            the 512 genes of greatest training variance in the order of the file; 7500,
            2000 and the rest. ``"mnist"``: the first 20 000 training images, 3000
            and 500 of the test images; pixels / 255.
            ``"cifar-patches"``: 20 000, 3000 and 500 patches of 8 x 8 x 3 pixels / 255,
            training and test images kept apart. ``"ecg"``: windows of 256 samples of the
            first lead, every 32 in the first 70 % of the record to train, every 128 in
            the rest to test, 300 between those to ask. ``"gaussian"``, which is in no
            table of real sets: 128 columns, turned at random, of variances 1 / i; 20 000,
            5000 and 500 rows.
        seed: Of what is drawn.

    Raises:
        KeyError: If there is no such set, or ISTHMUS_DATA is not set.
    """
    folder = Path(os.environ["ISTHMUS_DATA"])
    parts = _MAKERS[name](folder, np.random.default_rng(seed))
    train, test, queries = (np.ascontiguousarray(part, dtype=np.float32) for part in parts)
    return train, test, queries


def _sift(folder: Path, rng: np.random.Generator) -> Split:
    with np.load(folder / "sift5k.npz") as file:
        rows = file["x"][rng.permutation(5000)]
    return rows[:3500], rows[3500:4700], rows[4700:]


def _gene_counts(folder: Path, rng: np.random.Generator) -> Split:
    with np.load(folder / "scrna_10k.npz") as file:
        counts = np.zeros(file["shape"])
        per_cell = np.diff(file["indptr"])
        at = np.repeat(np.arange(per_cell.size), per_cell), file["indices"]
        np.add.at(counts, at, file["data"])
    total = counts.sum(axis=1)
    rows = np.log1p(TOTAL * counts[total > 0] / total[total > 0, None])
    rows = rows[rng.permutation(len(rows))]
    genes = np.sort(np.argsort(-rows[:7500].var(axis=0))[:GENES])
    return rows[:7500, genes], rows[7500:9500, genes], rows[9500:, genes]


def _mnist(folder: Path, rng: np.random.Generator) -> Split:
    with np.load(folder / "mnist.npz") as file:
        train, test = file["x_train"][:20_000], file["x_test"]
    test = test[rng.permutation(len(test))[:3500]].reshape(3500, -1) / 255
    return train.reshape(20_000, -1) / 255, test[:3000], test[3000:]


def _cifar_patches(folder: Path, rng: np.random.Generator) -> Split:
    with np.load(folder / "cifar10_exact.npz") as file:
        train, test = file["x_train"], file["x_test"]
    rest = _patches(test, 3500, rng)
    return _patches(train, 20_000, rng), rest[:3000], rest[3000:]


def _patches(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Different patches drawn at random, rows of pixels and colours / 255."""
    views = sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    n_images, down, across = views.shape[:3]
    places = rng.choice(n_images * down * across, size=count, replace=False)
    at = np.unravel_index(places, (n_images, down, across))
    return views[at].transpose(0, 2, 3, 1).reshape(count, -1) / 255


def _ecg(folder: Path, rng: np.random.Generator) -> Split:
    with np.load(folder / "ecg_mitbih100.npz") as file:
        signal = file["signal"][:, 0]
    cut = int(0.7 * signal.size)
    train = sliding_window_view(signal[:cut], WINDOW)[::32]
    rest = sliding_window_view(signal[cut:], WINDOW)
    between = rng.permutation(np.arange(64, len(rest), 128))[:300]
    return train, rest[::128], rest[np.sort(between)]


def _gaussian(folder: Path, rng: np.random.Generator) -> Split:
    turn, _ = np.linalg.qr(rng.normal(size=(128, 128)))
    rows = rng.normal(size=(25_500, 128)) * np.arange(1, 129) ** -0.5 @ turn
    return rows[:20_000], rows[20_000:25_000], rows[25_000:]


_MAKERS = {
    "gaussian": _gaussian,
    "sift": _sift,
    "gene-counts": _gene_counts,
    "mnist": _mnist,
    "cifar-patches": _cifar_patches,
    "ecg": _ecg,
}
