"""Images turned once around, series, digits: holes of data that nobody made round."""

import os
from pathlib import Path

import numpy as np
import pytest

from isthmus.data import load
from isthmus.data.npy import npz_array
from isthmus.topology import certificate, latent_dimension_report

pytest.importorskip("gudhi")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("ISTHMUS_DATA" not in os.environ, reason="ISTHMUS_DATA is not set"),
    pytest.mark.filterwarnings("ignore::isthmus.core.DataWarning"),
]

TURNED = (1, 2, 4, 7, 15)


def principal_errors(rows, most):
    """Largest error at a row of 0, 1, ... principal components.

    It is convex, so that no point between rows is worse.
    """
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:most]
    power = np.square(centred).sum(axis=1)
    within = np.cumsum(np.square(centred @ axes.T), axis=1)
    left = power[:, None] - np.concatenate([np.zeros((len(rows), 1)), within], axis=1)
    return np.sqrt(np.maximum(left.max(axis=0), 0.0))


def check_against_linear(certificates, rows):
    """No certificate exceeds what an autoencoder that we have at hand does lose."""
    linear = principal_errors(rows, max(certificates))
    for n_code, one in certificates.items():
        reached = linear[min(n_code, linear.size - 1)]
        assert one.bound <= reached + 1e-6 * linear[0]


def test_objects_on_a_turntable_are_loops():
    """72 views each; 16 384 pixels, projected to four dimensions."""
    images = load("coil20").values
    objects = np.asarray(images, np.float64).reshape(20, 72, -1)
    significant = []
    for number in TURNED:
        rows = objects[number - 1]
        found = certificate(rows, 1)
        check_against_linear({1: found}, rows)
        assert (found.kind, found.dim, found.degree) == ("projected alpha", 4, 1)
        assert found.n_components == 1
        assert found.longest_edge >= 2 * found.birth  # lifted, it is longer
        assert 0.05 < found.longest_edge_quantile < 0.3
        assert f"{found.longest_edge:.3g}" in found.statement
        if found.p_value < 0.05:
            significant.append(number)
    assert len(significant) >= 4, significant


def check_verdict(rows):
    rows = np.asarray(rows, np.float64).reshape(len(rows), -1)
    report = latent_dimension_report(rows)
    lowest, highest = report.estimated_lower, report.upper
    assert 1 <= report.certified_lower <= lowest <= highest <= rows.shape[1]
    assert report.status(1) in ("obstructed", "suspected", "undecided")
    assert report.status(highest) == "no obstruction exists"
    for hole in report.holes:
        assert np.all(hole.death > hole.birth)
        assert np.all((hole.p_value >= 0) & (hole.p_value <= 1) | np.isnan(hole.p_value))
    check_against_linear(report.certificates, rows)
    return report


def ucr_names():
    path = Path(os.environ.get("ISTHMUS_DATA", "")) / "ucr_subset.npz"
    if not path.is_file():
        return []
    with np.load(path) as stored:
        return sorted({key.split("/")[0] for key in stored})


@pytest.mark.parametrize("name", ucr_names())
def test_series_have_a_verdict(name):
    check_verdict(load(f"ucr/{name}").values)


@pytest.mark.parametrize("digit", [0, 1, 8])
def test_one_handwritten_digit_has_a_verdict(digit):
    path = Path(os.environ["ISTHMUS_DATA"]) / "mnist.npz"
    labels = npz_array(path, "y_train")[1]
    rows = load("mnist").values[labels == digit][:1000]
    report = check_verdict(rows)
    assert report.n_points == 1000
    assert report.dim > 4


def test_all_digits_have_a_verdict():
    assert check_verdict(load("digits").values).n_points == 1797
