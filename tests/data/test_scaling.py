import numpy as np
import pytest

from isthmus.core import DataError, DataWarning, ValueOutOfRange
from isthmus.data import load
from isthmus.data.scaling import Scaling, check_scale, refuse_log_domain


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standard_divides_by_what_the_training_rows_say(dtype, rng):
    train = (rng.standard_normal((500, 3)) * [1.0, 100.0, 1e-4] + 5).astype(dtype)
    with pytest.warns(DataWarning, match=r"standard deviations.*scale standard"):
        scaling = Scaling.fit("standard", train)
    scaled = scaling.apply(train)
    assert scaled.dtype == dtype
    # float32 resolves column 2, 5 ± 1e-4, to 5e-7 only.
    np.testing.assert_allclose(scaled.std(axis=0, dtype=float), 1.0, rtol=1e-4)
    other = rng.standard_normal((7, 3)).astype(dtype)
    np.testing.assert_allclose(
        scaling.apply(other), other / train.std(axis=0, dtype=float), rtol=1e-6
    )


def test_a_column_without_change_stays_as_it_is():
    # Its deviation computes to 1e-17, not 0: it must not be divided by that.
    train = np.column_stack([np.full(30, 0.1), np.arange(30.0)])
    assert 0 < train[:, 0].std() < 1e-15
    with pytest.warns(DataWarning) as caught:
        scaling = Scaling.fit("standard", train)
    assert "1 of 2 columns do not change" in str(caught[1].message)
    assert scaling.apply(np.array([[3.0, 0.0]]))[0, 0] == 3.0


def test_logarithms_and_nothing():
    x = np.array([[0.0, np.e - 1], [3.0, -0.5]])
    with pytest.warns(DataWarning, match=r"log\(1 \+ value\)"):
        scaling = Scaling.fit("log1p", x)
    np.testing.assert_allclose(
        scaling.apply(x), [[0.0, 1.0], [np.log(4.0), -np.log(2.0)]], rtol=1e-15
    )
    assert Scaling.fit("none", x).apply(x) is x
    with pytest.raises(ValueOutOfRange, match="none, standard or log1p; got 'log'"):
        check_scale("log")


def test_the_first_value_without_logarithm_is_named():
    x = np.ones((20, 3))
    x[4, 1] = np.nan
    x[11, 2] = -1.0
    with pytest.warns(DataWarning, match="left out"):
        dataset = load(x, drop_missing=True)
    with pytest.raises(DataError, match="above -1.*row 11, 'column 2' is -1.0"):
        refuse_log_domain(dataset)
    dataset.values[:] = -0.999
    refuse_log_domain(dataset)
