"""descend at d = n = 1000, white data, against its floating-point floor.

A step is one product of the rows with themselves (n^2 d), one Cholesky factorisation
(n^3 / 3), two triangular solves (2 n^2 d), one product of the decoder with itself
(n^2 d) and one n x n by n x d product (2 n^2 d): 19/3 n^3 operations at n = d. The floor
is that count at the rate of one plain matrix product, measured in the same run.
"""

import time

import numpy as np
from harness import median_seconds, write

from isthmus.training import descend


def main() -> None:
    d = 1000
    square = np.random.default_rng(0).standard_normal((d, d))
    product = median_seconds(lambda: square @ square)
    floor = 19 / 3 * d**3 / (2 * d**3 / product)
    descend(np.ones(50), 50, rng=0)
    seconds, steps, close, excess = [], [], [], []
    for seed in range(3):
        started = time.perf_counter()
        trained = descend(np.ones(d), d, rng=seed)
        seconds.append(time.perf_counter() - started)
        steps.append(trained.n_iter)
        close.append(int(np.argmax(trained.history < trained.limit * (1 + 1e-6))))
        excess.append(abs(trained.ratio - 1))
    per_step = float(np.median(np.array(seconds) / (np.array(steps) + 1)))
    above = descend(np.ones(100), 200, rng=0)
    small = median_seconds(lambda: descend(np.ones(100), 100, rng=0))
    write(
        "descend",
        {
            "n_input": d,
            "n_code": d,
            "steps_to_1e-6_of_the_limit": close,
            "steps_in_all": steps,
            "largest_ratio_minus_1": max(excess),
            "seconds": seconds,
            "seconds_per_step": per_step,
            "product_s": product,
            "floor_per_step_s": floor,
            "step_over_floor": per_step / floor,
            "d_100_rate_1_s": small,
            "d_100_rate_2_steps": above.n_iter,
            "d_100_rate_2_ratio": above.ratio,
        },
    )


if __name__ == "__main__":
    main()
