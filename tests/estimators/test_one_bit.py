import re
import warnings

import numpy as np
import pytest
from helpers import rewritten
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import isthmus
from isthmus import OneBitDecoder
from isthmus.core import DataError, MissingDependency, ValueOutOfRange, measure
from isthmus.estimators import one_bit_choice
from isthmus.frames import haar
from isthmus.limits import state_evolution
from isthmus.limits.population import optimal_decoder, population_risk
from isthmus.priors import GaussBernoulli

SIZE = 24
TURN = haar(SIZE, SIZE, rng=0).to_dense()
SPECTRUM = np.arange(1, SIZE + 1) ** -1.0
QUICK = {"hidden": 32, "network_steps": 60, "random_state": 0}


def gaussian(count, seed=0, mean=3.0):
    return mean + np.random.default_rng(seed).normal(size=(count, SIZE)) * SPECTRUM**0.5


def coded(x, weight=TURN, center=3.0):
    return np.where((x - center) @ weight.T >= 0, 1.0, -1.0)


X, TEST = gaussian(4000), gaussian(2000, 1)
CODES, TEST_CODES = coded(X), coded(TEST)
NORMS = np.linalg.norm(X - 3.0, axis=1)
TEST_NORMS = np.linalg.norm(TEST - 3.0, axis=1)


def test_without_pairs_it_is_the_population_decoder_with_its_error():
    sigma, mean = np.diag(SPECTRUM), np.full(SIZE, 3.0)
    decoder = OneBitDecoder.from_covariance(TURN, sigma, mean)
    best = optimal_decoder(TURN, sigma)
    found = decoder.inverse_transform(TEST_CODES)
    np.testing.assert_allclose(found, 3.0 + TEST_CODES @ best.T, atol=1e-6)
    risk = population_risk(TURN, best, sigma) * SIZE / SPECTRUM.sum()
    assert decoder.predicted_nmse_ == pytest.approx(risk, rel=1e-9)
    got = measure(TEST, found, mean)
    assert abs(got.value - risk) < 5 * got.standard_error


def test_with_pairs_the_gaussian_penalty_is_the_gaussian_decoder():
    decoder = OneBitDecoder("linear", encoder_weight=TURN, center=3.0, ridge=np.inf).fit(
        CODES, X
    )
    sigma = np.cov(X.T, bias=True)
    wanted = X.mean(axis=0) + TEST_CODES @ optimal_decoder(TURN, sigma).T
    got = decoder.inverse_transform(TEST_CODES)
    assert np.mean((got - wanted) ** 2) < 1e-4 * np.mean((got - TEST) ** 2)
    assert decoder.ridge_ == np.inf
    fitted = OneBitDecoder("linear", center=3.0).fit(CODES, X)
    error = measure(TEST, fitted.inverse_transform(TEST_CODES), decoder.mean_)
    assert abs(error.value - decoder.predicted_nmse_) < 5 * error.standard_error


@pytest.mark.parametrize("method", ["linear", "message-passing", "mixture"])
def test_norms_take_the_spread_of_lengths_away(method):
    x = (X - 3.0) * np.random.default_rng(5).uniform(0.1, 3.0, (len(X), 1))
    train, test = slice(0, 3000), slice(3000, None)
    norms = np.linalg.norm(x, axis=1)
    decoder = OneBitDecoder(method, encoder_weight=TURN, center=0.0)
    plain = clone(decoder).fit(CODES[train], x[train])
    with_norms = decoder.fit(CODES[train], x[train], norms[train])
    gain = 1 - with_norms.score(CODES[test], x[test], norms[test])
    assert gain < 0.75 * (1 - plain.score(CODES[test], x[test]))


def test_message_passing_beats_the_linear_decoder_above_rate_one():
    weight = haar(3 * SIZE, SIZE, rng=1).to_dense()
    codes, test = coded(X, weight), coded(TEST, weight)
    scores = {
        method: OneBitDecoder(method, encoder_weight=weight, center=3.0)
        .fit(codes, X)
        .score(test, TEST)
        for method in ("linear", "message-passing")
    }
    # Gaussian rows; without pairs too, by drawn codes. About 0.09 against 0.125.
    assert 1 - scores["message-passing"] < 0.9 * (1 - scores["linear"])
    alone = OneBitDecoder.from_covariance(
        weight, np.diag(SPECTRUM), np.full(SIZE, 3.0), method="message-passing"
    )
    assert 1 - alone.score(test, TEST) < 0.9 * (1 - scores["linear"])


def test_mixtures_win_on_sparse_rows_as_state_evolution_tells():
    size, prior = 128, GaussBernoulli(0.1)
    x = prior.sample((1500, size), 1)
    weight = haar(size, size, rng=0).to_dense()
    codes, norms = coded(x, weight, 0.0), np.linalg.norm(x, axis=1)
    decoder = OneBitDecoder(encoder_weight=weight, center=0.0, **QUICK)
    decoder.fit(codes[:1200], x[:1200], norms[:1200])
    assert decoder.method_used_ == "mixture"
    assert decoder._core.basis == "original"
    left = 1 - decoder.score(codes[1200:], x[1200:], norms[1200:])
    # 0.061 of infinitely many columns, more of few; the linear decoder has 0.36.
    limit = state_evolution(prior, 1.0, n_iter=20).mse[-1]
    assert 0.9 * limit < left < 2.0 * limit
    assert decoder.trials_["linear"] > 5 * limit


def counts(count, seed=0):
    """Rows whose columns are nine times of ten zero, else about 3."""
    rng = np.random.default_rng(seed)
    some = rng.random((count, SIZE)) < 0.1
    return np.where(some, 3.0 + rng.normal(size=some.shape), 0.0)


def test_curves_win_where_columns_are_often_zero():
    x, test = counts(4000), counts(2000, 1)
    codes, test_codes = (coded(rows, center=x.mean(axis=0)) for rows in (x, test))
    error = {
        method: 1.0
        - OneBitDecoder(method, random_state=0).fit(codes, x).score(test_codes, test)
        for method in ("linear", "columns")
    }
    assert error["columns"] < 0.8 * error["linear"]


def test_curves_are_not_tried_with_few_pairs_and_do_no_harm():
    decoder = OneBitDecoder(**QUICK).fit(CODES[:250], X[:250])
    assert "columns" not in decoder.trials_
    assert "columns was left out: 200 pairs are fewer than 300" in decoder.reason_
    plain, curved = (
        OneBitDecoder(method, encoder_weight=TURN, center=3.0).fit(CODES, X)
        for method in ("linear", "columns")
    )
    loss = 1.0 - curved.score(TEST_CODES, TEST)
    assert loss < 1.02 * (1.0 - plain.score(TEST_CODES, TEST))


def test_the_gate_holds_on_white_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2500, SIZE))
    codes, norms = coded(x, center=0.0), np.linalg.norm(x, axis=1)

    def own(signs, lengths):
        return np.sqrt(2 / np.pi / SIZE) * lengths[:, None] * (signs @ TURN)

    decoder = OneBitDecoder(encoder_weight=TURN, center=0.0, baseline=own, **QUICK)
    decoder.fit(codes[:1500], x[:1500], norms[:1500])
    assert decoder.method_used_ in ("linear", "baseline")
    assert set(decoder.trials_) == {
        "baseline",
        "linear",
        "columns",
        "message-passing",
        "mixture",
        "mlp",
    }
    assert decoder.method_used_ in decoder.reason_
    test = slice(1500, None)
    left = 1 - decoder.score(codes[test], x[test], norms[test])
    native = measure(x[test], own(codes[test], norms[test]), np.zeros(SIZE)).value
    assert 10 * np.log10(left / native) < 0.05


def test_a_baseline_that_knows_the_rows_is_kept():
    table = {code.tobytes(): row for code, row in zip(CODES, X, strict=True)}

    def oracle(codes, norms):
        return np.array([table[code.tobytes()] for code in codes])

    decoder = OneBitDecoder(baseline=oracle, **QUICK).fit(CODES[:800], X[:800])
    assert decoder.method_used_ == "baseline"
    np.testing.assert_allclose(
        decoder.inverse_transform(CODES[:5]), oracle(CODES[:5], None)
    )
    with pytest.raises(ValueOutOfRange, match="files hold no code"):
        isthmus.save(decoder, "decoder.safetensors")


def test_the_encoder_is_estimated_where_it_is_not_given():
    decoder = OneBitDecoder("message-passing", center=3.0, random_state=0).fit(CODES, X)
    known = OneBitDecoder("message-passing", center=3.0, encoder_weight=TURN).fit(CODES, X)
    assert 0.95 < decoder.encoder_agreement_ < 1.0
    assert known.encoder_agreement_ == 1.0
    errors = [1 - one.score(TEST_CODES, TEST) for one in (decoder, known)]
    assert errors[0] < 1.1 * errors[1]


def test_codes_of_rows_that_were_not_centred():
    codes, test = coded(X, center=2.8), coded(TEST, center=2.8)
    linear = OneBitDecoder("linear", center=2.8).fit(codes, X)
    passed = OneBitDecoder("message-passing", center=2.8, encoder_weight=TURN)
    passed.fit(codes, X)
    assert linear.score(test, TEST) > 0.5
    assert passed.score(test, TEST) > linear.score(test, TEST) + 0.003


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64"])
def test_types_and_shapes(dtype):
    decoder = OneBitDecoder("linear").fit(CODES.astype(dtype), X.astype("float32"))
    found = decoder.inverse_transform(TEST_CODES[:7].astype(dtype))
    assert found.shape == (7, SIZE)
    assert found.dtype == (np.float64 if dtype == "float64" else np.float32)
    assert decoder.inverse_transform(TEST_CODES[:0]).shape == (0, SIZE)
    assert decoder.n_features_in_ == SIZE


def test_conventions_of_scikit_learn():
    decoder = OneBitDecoder("mixture", encoder_weight=TURN, n_steps=3)
    again = clone(decoder)
    assert again.get_params()["n_steps"] == 3
    assert again.get_params()["encoder_weight"] is not None
    with pytest.raises(NotFittedError):
        decoder.inverse_transform(CODES)
    with pytest.raises(ValueOutOfRange, match="must be a fitted"):
        isthmus.save(decoder, "m.safetensors")
    assert decoder.fit(CODES, X) is decoder
    before = decoder.inverse_transform(TEST_CODES)
    np.testing.assert_array_equal(again.fit(CODES, X).n_features_in_, SIZE)
    assert np.mean((again.inverse_transform(TEST_CODES) - before) ** 2) < 1e-3


@pytest.mark.parametrize(
    "method", ["linear", "columns", "message-passing", "mixture", "mlp"]
)
@pytest.mark.parametrize("norms", [True, False])
def test_a_decoder_comes_back_to_the_last_bit(method, norms, tmp_path):
    if method == "mlp":
        pytest.importorskip("torch")
    decoder = OneBitDecoder(method, encoder_weight=TURN, center=3.0, **QUICK)
    decoder.fit(CODES, X, NORMS if norms else None)
    path = tmp_path / "decoder.safetensors"
    isthmus.save(decoder, path)
    again = isthmus.load(path)
    lengths = TEST_NORMS if norms else None
    np.testing.assert_array_equal(
        again.inverse_transform(TEST_CODES, lengths),
        decoder.inverse_transform(TEST_CODES, lengths),
    )
    assert again.reason_ == decoder.reason_
    assert again.method_used_ == method
    np.testing.assert_array_equal(again.encoder_weight, TURN)
    assert again.center == 3.0
    assert clone(again).get_params()["hidden"] == decoder.hidden


def test_a_damaged_decoder_is_refused(tmp_path):
    decoder = OneBitDecoder("linear").fit(CODES, X)
    path = tmp_path / "decoder.safetensors"
    isthmus.save(decoder, path)
    rewritten(path, lambda inner: inner["fitted"].update(method_used_="oracle"))
    with pytest.raises(DataError, match="none that this isthmus knows"):
        isthmus.load(path)
    isthmus.save(decoder, path)
    rewritten(path, lambda inner: inner.pop("core"))
    with pytest.raises(DataError, match="lacks a part"):
        isthmus.load(path)


BAD = [
    (lambda: OneBitDecoder("best").fit(CODES, X), "must be one of auto, linear"),
    (lambda: OneBitDecoder(ridge=-1).fit(CODES, X), "'gcv' or a number >= 0"),
    (lambda: OneBitDecoder(ridge=np.ones(2)).fit(CODES, X), "'gcv' or a number >= 0"),
    (lambda: OneBitDecoder(ridge=True).fit(CODES, X), "'gcv' or a number >= 0"),
    (lambda: OneBitDecoder(n_steps=0).fit(CODES, X), "whole number of at least 1"),
    (lambda: OneBitDecoder(baseline=3).fit(CODES, X), "function of codes and norms"),
    (lambda: OneBitDecoder(center=[1.0]).fit(CODES, X), "one finite number per column"),
    (lambda: OneBitDecoder(center=1e6).fit(CODES, X), "among the rows or near them"),
    (lambda: OneBitDecoder(center=1e200).fit(CODES, X), "among the rows or near them"),
    (lambda: OneBitDecoder().fit(CODES[:9], X[:8]), "got 9 codes and 8 rows"),
    (lambda: OneBitDecoder().fit([[1, -1], [1]], X[:2]), "rows of unequal length"),
    (lambda: OneBitDecoder().fit(csr_array(CODES), X), "Take codes.toarray()"),
    (lambda: OneBitDecoder().fit(CODES > 0, X), "2 * bits - 1"),
    (lambda: OneBitDecoder().fit(CODES[0], X), "one column per bit"),
    (lambda: OneBitDecoder().fit(CODES * np.nan, X), "must be ±1"),
    (lambda: OneBitDecoder().fit(np.ones_like(CODES), X), "columns that change"),
    (lambda: OneBitDecoder().fit(CODES, np.ones_like(X)), "are equal"),
    (lambda: OneBitDecoder().fit(CODES, X * np.nan), "NaN"),
    (lambda: OneBitDecoder().fit(CODES[:1], X[:1]), "minimum of 2"),
    (lambda: OneBitDecoder().fit(CODES, X, -NORMS), "not negative"),
    (lambda: OneBitDecoder().fit(CODES, X, NORMS[:5]), "one length per row"),
    (lambda: OneBitDecoder(center=0).fit(CODES, X, NORMS), "minus the centre"),
    (lambda: OneBitDecoder(encoder_weight=TURN.T).fit(CODES, X), "transposed"),
    (lambda: OneBitDecoder(encoder_weight=TURN[1:]).fit(CODES, X), "one row per bit"),
    (lambda: OneBitDecoder(encoder_weight=0 * TURN).fit(CODES, X), "row of zeros"),
    (lambda: OneBitDecoder("mixture").fit(CODES[:40], X[:40]), "must know the encoder"),
    (lambda: FITTED.inverse_transform(CODES[:, 1:]), f"must have {SIZE} columns"),
    (lambda: FITTED.inverse_transform(CODES, NORMS), "fitted without norms"),
    (
        lambda: OneBitDecoder("linear", ridge=np.inf).fit(CODES[:40], X[:40]),
        "must know the encoder; 40 pairs are too few to estimate it",
    ),
    (lambda: FITTED.score(CODES, X[:, 1:]), "one row per code"),
    (lambda: OneBitDecoder.from_covariance(TURN, np.eye(3)), "must have 3 columns"),
    (
        lambda: OneBitDecoder.from_covariance(TURN, np.eye(SIZE), method="mlp"),
        "linear or message-passing",
    ),
    (
        lambda: OneBitDecoder.from_covariance(TURN, np.eye(SIZE), norms=NORMS),
        "must be True or False",
    ),
    (
        lambda: OneBitDecoder.from_covariance(TURN, np.eye(SIZE), np.full(SIZE, np.nan)),
        "mean=...)` must be finite",
    ),
]
FITTED = OneBitDecoder("linear").fit(CODES[:200], X[:200])


@pytest.mark.parametrize(("call", "words"), BAD)
def test_errors_say_what_to_do(call, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        call()


def test_columns_that_never_change_are_left_out_with_a_warning():
    codes = np.column_stack([CODES, np.ones(len(CODES))])
    with pytest.warns(isthmus.core.DataWarning, match="1 of 25 code columns"):
        decoder = OneBitDecoder("linear", random_state=0).fit(codes, X)
    plain = OneBitDecoder("linear", random_state=0).fit(CODES, X)
    test = np.column_stack([TEST_CODES, -np.ones(len(TEST))])
    np.testing.assert_allclose(
        decoder.inverse_transform(test), plain.inverse_transform(TEST_CODES), atol=1e-6
    )


def test_without_torch_networks_are_left_out_or_asked_for_in_words(monkeypatch):
    def missing(fitting):
        raise MissingDependency("torch")

    monkeypatch.setitem(one_bit_choice.FITS, "mlp", missing)
    decoder = OneBitDecoder(encoder_weight=TURN, **QUICK).fit(CODES[:1500], X[:1500])
    assert "mlp" not in decoder.trials_
    assert "torch is not installed" in decoder.reason_
    with pytest.raises(MissingDependency):
        OneBitDecoder("mlp").fit(CODES, X)


def test_codes_that_no_encoder_explains_are_not_shrunk_towards_one():
    flips = np.random.default_rng(0).random((400, SIZE)) < 0.3
    codes = np.where(flips, -CODES[:400], CODES[:400])
    decoder = OneBitDecoder("linear", center=3.0, random_state=0).fit(codes[:200], X[:200])
    assert decoder.encoder_agreement_ < 0.85
    assert np.isnan(decoder.predicted_nmse_)
    # Shrunk towards the decoder of the encoder estimated: less than 0.
    assert decoder.score(codes[200:], X[200:400]) > 0.05
    with pytest.raises(DataError, match=r"ridge=inf.*of the bits right.*another ridge"):
        OneBitDecoder("linear", center=3.0, ridge=np.inf).fit(codes, X[:400])


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_lengths_of_the_encoders_rows_are_of_no_matter(unit):
    made = OneBitDecoder("linear", encoder_weight=TURN * unit, center=3.0, random_state=0)
    plain = OneBitDecoder("linear", encoder_weight=TURN, center=3.0, random_state=0)
    np.testing.assert_allclose(
        made.fit(CODES, X).inverse_transform(TEST_CODES),
        plain.fit(CODES, X).inverse_transform(TEST_CODES),
        atol=1e-5,
    )


@pytest.mark.parametrize("unit", [1e-50, 1e50])
def test_rows_that_float32_cannot_hold_need_float64_codes(unit):
    decoder = OneBitDecoder("linear", random_state=0).fit(CODES[:500], unit * X[:500])
    assert decoder.score(TEST_CODES, unit * TEST) > 0.5
    with pytest.raises(ValueOutOfRange, match=r"must be float64 .* codes.astype"):
        decoder.inverse_transform(TEST_CODES.astype(np.float32))


def test_lengths_beyond_float32_are_refused():
    decoder = OneBitDecoder("linear", center=3.0).fit(CODES, X, NORMS)
    with pytest.raises(ValueOutOfRange, match="like those of the training rows"):
        decoder.inverse_transform(CODES[:1], [1e39])


def test_a_mixture_of_three_pairs_does_not_choose_a_basis():
    rows = X[:3]
    decoder = OneBitDecoder("mixture", encoder_weight=TURN, center=3.0)
    with pytest.warns(isthmus.core.DataWarning, match="code columns"):
        decoder.fit(CODES[:3], rows)
    assert decoder.score(CODES[:3], rows) > 0.5


def test_few_pairs_are_not_split():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoder = OneBitDecoder().fit(CODES[:60], X[:60])
    assert decoder.method_used_ == "linear"
    assert decoder.trials_ == {}
    assert "too few" in decoder.reason_


def test_a_row_of_no_length_is_the_centre():
    decoder = OneBitDecoder("linear", center=3.0).fit(CODES, X, NORMS)
    found = decoder.inverse_transform(CODES[:2], [0.0, NORMS[1]])
    np.testing.assert_allclose(found[0], 3.0, atol=1e-6)
    assert np.abs(found[1] - 3.0).max() > 0.1
