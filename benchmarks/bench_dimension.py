"""Intrinsic dimension on two cores: neighbours, estimates over them, scikit-dimension's.

The floor of exact neighbours is a float32 product of all rows with all rows, measured on a
block that stays in the cache.
"""

import warnings

import numpy as np
import skdim
from harness import least_seconds, write
from sklearn.neighbors import NearestNeighbors

from isthmus import topology

warnings.simplefilter("ignore")

_COLUMNS = 4096


def rows(n: int, n_columns: int) -> np.ndarray:
    """A noisy cloud of dimension 8, turned into all columns."""
    rng = np.random.default_rng(0)
    inside = (
        rng.standard_normal((n, 8)) @ np.linalg.qr(rng.standard_normal((n_columns, 8)))[0].T
    )
    return inside + 0.01 * rng.standard_normal((n, n_columns))


def whole(n: int, n_columns: int) -> dict[str, float]:
    """Seconds of all estimates from rows, one run; its floor and scikit-learn on a part."""
    x = rows(n, n_columns)
    part = x[:: n // 1000]
    left = part.astype(np.float32)
    right = np.ascontiguousarray(x[:_COLUMNS].T, dtype=np.float32)
    block = np.empty((len(left), _COLUMNS), np.float32)
    search = NearestNeighbors(n_neighbors=128, algorithm="brute").fit(x)
    found = []
    works = {
        "neighbours": lambda: found.append(topology.nearest_neighbours(x, 128)),
        "estimates": lambda: topology.intrinsic_dimension(found[0]),
        "product": lambda: np.matmul(left, right, out=block),
        "scikit_learn_neighbours": lambda: search.kneighbors(part),
    }
    figures = {f"{who}_seconds": t for who, t in least_seconds(works, 1).items()}
    for who in ("product", "scikit_learn_neighbours"):
        figures[f"{who}_seconds"] *= len(x) / len(part)
    figures["product_seconds"] *= len(x) / _COLUMNS
    ours = figures["neighbours_seconds"]
    return {
        "n": n,
        "columns": n_columns,
        **figures,
        "all_seconds": ours + figures["estimates_seconds"],
        "neighbours_over_product": ours / figures["product_seconds"],
        "scikit_learn_over_neighbours": figures["scikit_learn_neighbours_seconds"] / ours,
    }


def over_neighbours(n: int) -> dict[str, dict[str, float]]:
    """Seconds of each estimate over given neighbours, beside scikit-dimension's."""
    x = rows(n, 20)
    found = topology.nearest_neighbours(x, 128)
    near = (found.distances[:, :20], found.indices[:, :20])
    clouds = [found.points[i] for i in found.indices[:, :30]]

    def mle() -> object:
        return skdim.id.MLE(K=20).fit(x, precomputed_knn_arrays=near, n_neighbors=20)

    pairs = {
        "two-nn": (
            lambda: topology.two_nn(found),
            lambda: skdim.id.TwoNN(method="mle", discard_fraction=0).fit(x),
        ),
        "mle": (lambda: topology.mackay_ghahramani(found), mle),
        "local-pca": (
            lambda: topology.local_pca(found),
            lambda: [skdim.id.lPCA(ver="FO").fit(cloud) for cloud in clouds],
        ),
        "correlation": (
            lambda: topology.correlation_dimension(found),
            lambda: skdim.id.CorrInt().fit(x),
        ),
        "gride scan": (lambda: topology.gride_scan(found), None),
    }
    figures = {}
    for name, (ours, theirs) in pairs.items():
        works = {"ours": ours} if theirs is None else {"ours": ours, "theirs": theirs}
        least = least_seconds(works, 3)
        figures[name] = {f"{who}_seconds": value for who, value in least.items()}
        if theirs is not None:
            figures[name]["ratio"] = least["theirs"] / least["ours"]
    return figures


def main() -> None:
    figures = {
        "over_neighbours_2000x20": over_neighbours(2000),
        "whole": whole(100_000, 50),
    }
    write("dimension", figures)


if __name__ == "__main__":
    main()
