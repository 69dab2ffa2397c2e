import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import check_estimator

import isthmus
from isthmus.core import DataError, DataWarning, ValueOutOfRange
from isthmus.data import manifolds
from isthmus.topology import (
    DimensionReport,
    intrinsic_dimension,
    nearest_neighbours,
    two_nn,
)

METHODS = ["consensus", "two-nn", "gride", "mle", "local-pca", "correlation"]


@pytest.mark.parametrize("method", METHODS)
def test_scikit_learn_checks(method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(isthmus.IntrinsicDimension(method), on_skip=None)
    ran = [r["check_name"] for r in results if r["status"] == "passed"]
    assert len(ran) >= 40, (len(ran), [r for r in results if r["status"] != "passed"])
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    assert sum(r["status"] == "skipped" for r in results) <= 2


@pytest.mark.parametrize("method", METHODS)
def test_a_sphere_in_more_columns(method, rng):
    sphere = manifolds.Sphere(2).sample(1000, rng)
    turn = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    x = np.hstack([sphere, np.zeros((1000, 5))]) @ turn + 30.0
    model = isthmus.IntrinsicDimension(method).fit(x)
    assert model.dimension_ == 2
    assert isinstance(model.dimension_, int)
    # two dimensions are told to 5 %, six standard errors of the ratio of two distances
    assert model.estimate_ == pytest.approx(2.0, abs=0.25)
    assert 0 <= model.standard_error_ < 0.1
    assert (model.report_ is not None) == (method == "consensus")
    assert (model.scan_ is not None) == (method in ("consensus", "gride"))
    assert model.n_features_in_ == 8


def test_it_says_what_the_room_below_says(rng):
    x = manifolds.SwissRoll().sample(1000, rng)
    model, report = isthmus.IntrinsicDimension().fit(x), intrinsic_dimension(x)
    assert isinstance(model.report_, DimensionReport)
    assert (model.dimension_, model.estimate_) == (report.dimension, report.median)
    alone = isthmus.IntrinsicDimension("two-nn").fit(x).estimate_
    assert (
        alone == two_nn(nearest_neighbours(x, 2)).value == report.estimates["two-nn"].value
    )


def test_integer_images():
    images = load_digits().images
    with pytest.raises(ValueError, match="dim 3"):
        isthmus.IntrinsicDimension().fit(images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        model = isthmus.IntrinsicDimension().fit(images.reshape(-1, 64).astype(np.uint8))
    assert 6 <= model.dimension_ <= 13


def test_rows_that_repeat_are_counted_and_left_out(rng):
    x = manifolds.circle().sample(300, rng)
    alone = isthmus.IntrinsicDimension("gride").fit(x)
    with pytest.warns(DataWarning, match="600 of 900 rows repeat earlier ones"):
        model = isthmus.IntrinsicDimension("gride").fit(np.repeat(x, 3, axis=0))
    assert (model.n_duplicates_, model.estimate_) == (600, alone.estimate_)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.ones((50, 3)), "at least 10 different rows; got 1, and 49 that repeat"),
        (np.random.default_rng(0).random((9, 3)), "at least 10 different rows; got 9"),
        (np.full((50, 3), np.nan), "NaN"),
        (np.full((50, 3), np.inf), "infinity"),
    ],
)
def test_what_has_no_dimension(method, x, words):
    with pytest.raises(ValueError, match=words):
        isthmus.IntrinsicDimension(method).fit(x)


@pytest.mark.parametrize("method", ["consensus", "two-nn", "gride", "mle", "correlation"])
def test_points_that_are_all_equally_far(method):
    with pytest.raises(DataError, match="all are equally far.*method='local-pca'"):
        isthmus.IntrinsicDimension(method).fit(np.eye(40))
    assert isthmus.IntrinsicDimension("local-pca").fit(np.eye(40)).dimension_ > 20


@pytest.mark.parametrize("method", ["twonn", None, 3, ["mle"]])
def test_methods_that_there_are_not(method, rng):
    with pytest.raises(ValueOutOfRange, match="must be one of consensus, two-nn, gride"):
        isthmus.IntrinsicDimension(method).fit(rng.random((30, 2)))


@pytest.mark.parametrize("method", METHODS)
def test_a_line_and_a_single_column(method, rng):
    t = rng.random((500, 1))
    for x in (t, t @ np.array([[1.0, -2.0, 5.0]]), 1e200 * t, 1e-200 * t):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert isthmus.IntrinsicDimension(method).fit(x).dimension_ == 1
