"""covariance_limit at a million eigenvalues, against the sort that it cannot avoid."""

import numpy as np
from harness import median_seconds, write

from isthmus.limits import covariance_limit


def main() -> None:
    d = 10**6
    lam = np.random.default_rng(0).random(d) ** 3
    many = np.linspace(d // 1000, 2 * d, 1000).astype(int)
    one = median_seconds(lambda: covariance_limit(lam, d))
    thousand = median_seconds(lambda: covariance_limit(lam, many))
    root = np.sqrt(lam)
    sort = median_seconds(lambda: np.sort(root))
    copy = median_seconds(lambda: lam.copy())
    write(
        "limits",
        {
            "n_eigenvalues": d,
            "one_rate_s": one,
            "thousand_rates_s": thousand,
            "thousand_over_one": thousand / one,
            "floor_sort_s": sort,
            "one_over_sort": one / sort,
            "one_over_copy": one / copy,
        },
    )


if __name__ == "__main__":
    main()
