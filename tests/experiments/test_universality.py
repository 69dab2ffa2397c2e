import os

import numpy as np
import pytest

from isthmus.core import ValueOutOfRange
from isthmus.experiments.shevchenko23_universality import run


def test_gaussian_rows_are_at_the_limit_and_the_law():
    # 4000 held-out rows: standard error 0.2 %; 0.63 for 2 / pi would move the limit at
    # rate 1 by 1.8 %.
    rows = np.random.default_rng(1).standard_normal((20_000, 48))
    for found in run(rows, n_components=40):
        assert (
            abs(found.with_norm - found.limit_with_norm) < 5 * found.with_norm_error + 0.003
        )
        assert abs(found.fixed_scale - found.law) < 5 * found.fixed_scale_error + 0.003
        assert found.coordinates == "whitened 40"
        assert abs(found.held_out_variance - 1) < 0.05


def test_spread_lengths_follow_the_law_and_not_the_limit():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((20_000, 48)) * rng.exponential(size=(20_000, 1))
    found = run(rows, n_components=None, whiten=False, rates=[1.0])[0]
    assert found.law > found.limit + 0.2
    assert abs(found.fixed_scale - found.law) < 5 * found.fixed_scale_error + 0.003
    assert abs(found.with_norm - found.limit_with_norm) < 5 * found.with_norm_error + 0.003


def test_rows_without_whitening_keep_all_columns():
    with pytest.raises(ValueOutOfRange, match="all columns"):
        run("digits", whiten=False)
    with pytest.raises(ValueOutOfRange, match="must lie in"):
        run("digits", rates=[1.5])


@pytest.mark.slow
@pytest.mark.skipif("ISTHMUS_DATA" not in os.environ, reason="ISTHMUS_DATA is not set")
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
@pytest.mark.filterwarnings("ignore::isthmus.core.DataWarning")
def test_images_are_at_the_limit_once_their_length_is_sent(name):
    # Within 1 % of 1 - 2 r / pi with the length as 16 bits, within 1 % of the norm-spread
    # law with one scale. Standard errors are 0.03 to 0.5 %; the law itself is 0.5 to 11 %
    # above the limit, which is what the second line can tell apart.
    for found in run(name):
        assert found.n_input == 256
        assert abs(found.with_norm / found.limit - 1) < 0.01, found
        assert abs(found.fixed_scale / found.law - 1) < 0.01, found
