"""Intrinsic dimension on two cores: neighbours, estimates over them, scikit-dimension's.

The floor of exact neighbours is one float32 product of all rows with all rows.
"""

import warnings

import numpy as np
import skdim
from harness import least_seconds, write
from sklearn.neighbors import NearestNeighbors

from isthmus import topology

warnings.simplefilter("ignore")


def rows(n: int, n_columns: int) -> np.ndarray:
    """A noisy cloud of dimension 8, turned into all columns."""
    rng = np.random.default_rng(0)
    inside = (
        rng.standard_normal((n, 8)) @ np.linalg.qr(rng.standard_normal((n_columns, 8)))[0].T
    )
    return inside + 0.01 * rng.standard_normal((n, n_columns))


def whole(n: int, n_columns: int) -> dict[str, float]:
    """Seconds of everything, once: all estimates from rows; then the neighbours alone."""
    x = rows(n, n_columns)
    part = x[:: max(1, n // 2000)].astype(np.float32)
    single = np.ascontiguousarray(x.astype(np.float32).T)
    search = NearestNeighbors(n_neighbors=128, algorithm="brute").fit(x)
    works = {
        "all": lambda: topology.intrinsic_dimension(x),
        "neighbours": lambda: topology.nearest_neighbours(x, 128),
        "product_of_a_part": lambda: part @ single,
        "scikit_learn_neighbours_of_a_part": lambda: search.kneighbors(part.astype(float)),
    }
    least = least_seconds(works, 1)
    share = len(x) / len(part)
    floor = least["product_of_a_part"] * share
    learn = least["scikit_learn_neighbours_of_a_part"] * share
    return {
        "n": n,
        "columns": n_columns,
        "all_seconds": least["all"],
        "neighbours_seconds": least["neighbours"],
        "scikit_learn_neighbours_seconds": learn,
        "product_seconds": floor,
        "neighbours_over_product": least["neighbours"] / floor,
        "scikit_learn_over_neighbours": learn / least["neighbours"],
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
    write(
        "dimension",
        {"over_neighbours_5000x20": over_neighbours(5000), "whole": whole(100_000, 50)},
    )


if __name__ == "__main__":
    main()
