"""What each code of faiss does to the scale of rows, as its notes say."""

import subprocess
import sys

import numpy as np
import pytest
from codec.faiss_cases import rows_about
from helpers import assert_mean_close

from isthmus.codec.faiss import sign_codes, train_index

faiss = pytest.importorskip("faiss", reason="the extra faiss is not installed")

UNBIASED, BEST = np.pi / 2 - 1, 1 - 2 / np.pi
D = 256


def gaussian(n_rows=500, d=D, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, d)).astype(np.float32)


def shares(rows, back, centre=0.0):
    """Squared error of each row over its squared length."""
    return ((rows - back) ** 2).sum(axis=1) / ((rows - centre) ** 2).sum(axis=1)


def scalar(kind, d=D):
    index = faiss.IndexScalarQuantizer(d, getattr(faiss.ScalarQuantizer, kind))
    index.train(gaussian(8, d))
    return index


@pytest.mark.parametrize("factory", ["RR,RaBitQ", "RR,EDEN1"])
def test_unbiased_decoding_costs_more_than_half_of_the_variance(factory):
    # Rows of d entries are off the limits by at most 0.4 / d.
    rows = gaussian() + 3
    found = sign_codes(factory, rows)
    native = shares(rows, found.native(), found.center)
    assert_mean_close(native, UNBIASED, bias=0.4 / D)
    assert_mean_close(
        shares(rows, found.native(rescaled=True), found.center), BEST, bias=0.4 / D
    )
    assert "0.571" in found.note
    # Unbiased: the decoded row's product with the row is the row's squared length.
    products = ((rows - found.center) * (found.native() - found.center)).sum(axis=1)
    np.testing.assert_allclose(products, found.norms**2, rtol=1e-4)


def test_eden_with_the_best_scale_keeps_no_length():
    rows = gaussian() * np.linspace(0.1, 5, 500, dtype=np.float32)[:, None]
    index = faiss.IndexEDEN(D, faiss.METRIC_L2, 1, faiss.EDENScaleType_BIASED)
    index.train(rows)
    found = sign_codes(index, rows)
    np.testing.assert_array_equal(found.native(), found.native(rescaled=True))
    assert_mean_close(shares(rows, found.native(), found.center), BEST, bias=0.4 / D)
    lengths = np.linalg.norm(rows - found.center, axis=1)
    ratio = found.norms / lengths - 1
    assert_mean_close(ratio, 0.0, bias=0.1 / D)
    expected = ((np.pi - 3) / 2 / D) ** 0.5  # delta method: (pi/2 - 3/2) / d
    assert ratio.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * 500) + 0.02)
    assert "estimates" in found.note


@pytest.mark.parametrize(
    ("kind", "length", "name"),
    [("QT_1bit_eden", D**0.5, "EDEN signs"), ("QT_1bit_tqmse", 1.0, "TurboQuant")],
)
def test_scalar_quantisers_want_rows_of_one_length(kind, length, name):
    index, rows = scalar(kind), gaussian()
    right = (rows * (length / np.linalg.norm(rows, axis=1, keepdims=True))).astype("f4")
    found = sign_codes(index, right)
    assert found.kind == name
    assert_mean_close(shares(right, found.native()), BEST, bias=0.4 / D)
    wrong = sign_codes(index, 10 * right)
    np.testing.assert_array_equal(wrong.codes, found.codes)
    np.testing.assert_array_equal(wrong.native(), found.native())
    # Of a row ten times as long a tenth comes back: 1 - 2 (2/pi)/10 + (2/pi)/100.
    expected = 1 - 0.2 * (2 / np.pi) + 0.01 * (2 / np.pi)
    assert_mean_close(shares(10 * right, wrong.native()), expected, bias=0.4 / D)
    assert "no length" in found.note


def test_scaling_to_unit_length_keeps_signs_and_loses_lengths():
    rows = gaussian()
    plain, unit = sign_codes("RR,SQtqmse1", rows), sign_codes("L2norm,RR,SQtqmse1", rows)
    np.testing.assert_array_equal(plain.codes, unit.codes)
    np.testing.assert_allclose(
        np.linalg.norm(unit.native(), axis=1), (2 / np.pi) ** 0.5, atol=1e-3
    )


def test_lsh_decodes_to_another_unit():
    rows = gaussian()
    small, large = sign_codes("LSHr", rows / 1000), sign_codes("LSHr", rows * 1000)
    np.testing.assert_array_equal(small.codes, large.codes)
    np.testing.assert_array_equal(small.native(), large.native())
    assert "another unit" in small.note


def test_hadamard_rotations_pad_to_a_power_of_two():
    rows = rows_about(1.0)
    index = train_index("HR,RaBitQ", rows)
    found = sign_codes(index, rows)
    assert found.codes.shape == (300, 32)
    assert found.bits_per_vector == 32 + 64
    assert "27 columns become 32 symbols: 1.19 bits each" in found.note
    weight = found.encoder_weight
    np.testing.assert_allclose(weight.T @ weight, np.eye(27), atol=1e-6)
    with pytest.raises(RuntimeError, match="equal input/output"):
        index.sa_decode(index.sa_encode(rows))
    np.testing.assert_allclose(
        found.norms, np.linalg.norm(rows - found.center, axis=1), rtol=1e-5
    )
    assert shares(rows, found.native(rescaled=True), found.center).mean() < BEST


@pytest.mark.parametrize(
    "factory", ["RR,RaBitQ", "HR,RaBitQ", "RaBitQ", "RR,EDEN1", "HR,RaBitQfs"]
)
def test_the_centre_is_the_mean_of_training_rows_not_of_these(factory):
    train, rows = rows_about(50.0), rows_about(-20.0, seed=1)
    found = sign_codes(train_index(factory, train), rows)
    np.testing.assert_allclose(found.center, train.mean(axis=0, dtype=float), rtol=1e-5)
    np.testing.assert_allclose(
        found.norms, np.linalg.norm(rows - found.center, axis=1), rtol=1e-4
    )


def test_inverted_lists_have_centres_of_their_own():
    rows = rows_about(0.0, 400)
    index = train_index("RR,IVF8,RaBitQ", rows)
    found = sign_codes(index, rows)
    assert found.centers.shape == (8, 27)
    assert found.center.shape == rows.shape
    distances = np.linalg.norm(rows[:, None] - found.centers, axis=2)
    np.testing.assert_array_equal(distances.argmin(axis=1), found.lists)
    np.testing.assert_allclose(found.norms, distances.min(axis=1), rtol=1e-4)


def test_norms_behind_a_projection_are_those_of_the_projection():
    rows = rows_about(1.0)
    found = sign_codes("PCAR12,RaBitQ", rows)
    assert "transformed rows" in found.note
    assert (found.norms < np.linalg.norm(rows - rows.mean(axis=0), axis=1)).all()


def test_far_from_the_origin_the_encoder_keeps_its_digits():
    rows = rows_about(5000.0)
    weight = sign_codes("PCA27,LSH", rows).encoder_weight
    np.testing.assert_allclose(weight @ weight.T, np.eye(27), atol=3e-6)


@pytest.mark.parametrize("factory", ["RaBitQ", "EDEN1"])
def test_a_row_at_the_centre(factory):
    rows = rows_about(1.0)
    index = train_index(factory, rows)
    centre = faiss.vector_to_array(index.center)[None]
    found = sign_codes(index, np.concatenate([centre, rows]))
    assert (found.norms[0], found.scales[0], found.best_scales[0]) == (0, 0, 0)
    np.testing.assert_array_equal(found.native()[0], centre[0])
    assert np.isfinite(found.native(rescaled=True)).all()


@pytest.mark.slow
@pytest.mark.parametrize("order", ["import torch, faiss", "import faiss, torch"])
def test_two_openmp_runtimes_in_one_process(order):
    pytest.importorskip("torch")
    code = f"""{order}
import numpy as np
from isthmus.codec.faiss import sign_codes
torch.set_num_threads(2), faiss.omp_set_num_threads(2)
x = np.random.default_rng(0).normal(size=(5000, 64)).astype("f4")
first = sign_codes("RR,RaBitQ", x)
layer = torch.nn.Linear(64, 64)
for _ in range(3):
    layer(torch.from_numpy(x)).square().mean().backward()
again = sign_codes("RR,RaBitQ", x)
print((first.codes == again.codes).all(), faiss.omp_get_max_threads())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "2"]
