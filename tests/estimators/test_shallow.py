import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from isthmus import ShallowAutoencoder, limits
from isthmus.core import (
    DataError,
    DataWarning,
    ValueOutOfRange,
    as_rng,
    hold_out,
    measure,
)
from isthmus.data import Moments, Principal
from isthmus.priors import SparseRademacher

DIGITS = load_digits().data


@pytest.mark.parametrize("activation", ["sign", "identity"])
@pytest.mark.parametrize(("encoder", "n_code"), [("design", 3), ("random", 3), ("itq", 1)])
def test_scikit_learn_checks(activation, encoder, n_code):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(
            ShallowAutoencoder(
                n_code, activation=activation, encoder=encoder, random_state=0
            ),
            on_skip=None,
        )
    ran = [r["check_name"] for r in results if r["status"] == "passed"]
    # A green run in which most checks were skipped would say nothing.
    assert len(ran) >= 45, (len(ran), [r for r in results if r["status"] != "passed"])
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    assert sum(r["status"] == "skipped" for r in results) <= 2


def gaussian(rng, n_rows, lam):
    turn = np.linalg.qr(rng.standard_normal((lam.size, lam.size)))[0]
    return 7.0 + rng.standard_normal((n_rows, lam.size)) * np.sqrt(lam) @ turn.T


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_gaussian_rows_end_at_the_reference(rate, rng):
    # 8000 held-out rows: standard error 0.2 % of the NMSE. A random encoder is 9 to 40 %
    # away. Allowance: frame excess at d = 64 and the sampling of the covariance.
    x = gaussian(rng, 40_000, np.repeat([4.0, 1.0], 32))
    model = ShallowAutoencoder(rate=rate, random_state=0).fit(x[:32_000])
    test = x[32_000:]
    got = measure(test, model.inverse_transform(model.transform(test)), model.mean_)
    reference = limits.covariance_limit(np.repeat([4.0, 1.0], 32), model.n_code_).nmse
    assert abs(got.value - model.predicted_nmse_) < 5 * got.standard_error
    assert reference - 5 * got.standard_error < got.value < 1.03 * reference


def test_prediction_is_the_population_risk(rng):
    x = gaussian(rng, 5000, np.arange(1, 11) ** -1.0)
    model = ShallowAutoencoder(7, random_state=1, ridge=np.inf).fit(x)
    sigma = np.cov(x.T, bias=True)
    risk = limits.population_risk(model.encoder_weight_, model.decoder_weight_, sigma)
    assert model.predicted_nmse_ == pytest.approx(risk / np.trace(sigma) * 10, rel=1e-9)
    assert model.decoder_used_ == "population"
    spread = np.einsum("ij,jk,ik->i", model.encoder_weight_, sigma, model.encoder_weight_)
    np.testing.assert_allclose(spread, 1.0, rtol=1e-9)


def test_gaussian_rows_keep_the_population_decoder_or_nearly(rng):
    x = gaussian(rng, 400, np.ones(16))
    gcv = ShallowAutoencoder(random_state=0).fit(x)
    plain = ShallowAutoencoder(random_state=0, ridge=0).fit(x)
    fresh = gaussian(np.random.default_rng(5), 20_000, np.ones(16))
    assert gcv.score(fresh) > plain.score(fresh)
    assert gcv.ridge_ > 1


def test_other_data_choose_least_squares():
    split = hold_out(DIGITS, rng=as_rng(0))
    fit = ShallowAutoencoder(random_state=0).fit(DIGITS[split.train])
    population = ShallowAutoencoder(random_state=0, ridge=np.inf).fit(DIGITS[split.train])
    assert fit.decoder_used_ == "least-squares"
    assert fit.score(DIGITS[split.test]) > population.score(DIGITS[split.test])


def test_plain_least_squares_is_least_squares(rng):
    x = gaussian(rng, 500, np.arange(1, 7.0))
    model = ShallowAutoencoder(9, random_state=0, ridge=0.0).fit(x)
    y = model.transform(x)
    fitted = np.linalg.lstsq(y, x - x.mean(0), rcond=None)[0].T
    np.testing.assert_allclose(y @ model.decoder_weight_.T, y @ fitted.T, atol=1e-8)


def test_design_beats_random_where_variance_is_uneven():
    split = hold_out(DIGITS, rng=as_rng(0))
    for rate in (0.25, 0.5, 1.0):
        scores = [
            ShallowAutoencoder(rate=rate, encoder=encoder, random_state=0)
            .fit(DIGITS[split.train])
            .score(DIGITS[split.test])
            for encoder in ("design", "random")
        ]
        assert scores[0] > scores[1]


def test_identity_is_principal_components(rng):
    x = gaussian(rng, 3000, np.arange(1, 9.0))
    model = ShallowAutoencoder(3, activation="identity", random_state=0).fit(x)
    values = np.linalg.eigvalsh(np.cov(x.T))
    assert 1 - model.score(x) == pytest.approx(values[:5].sum() / values.sum(), rel=1e-9)
    assert model.bits_per_vector_ is None


def test_codes_bits_and_names():
    model = ShallowAutoencoder(rate=0.5, random_state=0).fit(DIGITS)
    codes = model.transform(DIGITS[:5].astype(np.float32))
    assert codes.dtype == np.float32
    assert set(np.unique(codes)) == {-1.0, 1.0}
    assert model.bits_per_vector_ == model.n_code_ == 32
    assert model.get_feature_names_out()[:2].tolist() == [
        "shallowautoencoder0",
        "shallowautoencoder1",
    ]


def test_same_seed_same_model_and_pipeline():
    first, again = (
        make_pipeline(
            StandardScaler(), ShallowAutoencoder(8, random_state=4)
        ).fit_transform(DIGITS)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    other = clone(ShallowAutoencoder(8, random_state=5)).fit(DIGITS)
    assert other.n_code_ == 8


def test_more_columns_than_rows(rng):
    x = gaussian(rng, 30, np.arange(1, 101) ** -1.0)
    model = ShallowAutoencoder(rate=0.5, random_state=0).fit(x)
    assert model.shrinkage_ > 0
    assert np.all(np.isfinite(model.inverse_transform(model.transform(x))))


def test_low_rank_data(rng):
    x = rng.standard_normal((500, 3)) @ rng.standard_normal((3, 20))
    model = ShallowAutoencoder(12, random_state=0).fit(x)
    # Three directions are few for a frame to be incoherent in: 0.75 to 0.79 over seeds.
    assert model.score(x) > 0.7


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_code": 3, "rate": 0.5}, "not both"),
        ({"n_code": 0}, "at least 1"),
        ({"n_code": 2.5}, "at least 1"),
        ({"rate": 0.0}, "positive and finite"),
        ({"rate": float("nan")}, "positive and finite"),
        ({"activation": "relu"}, "even part"),
        ({"activation": "nothing"}, "must be one of"),
        ({"encoder": "best"}, "design, descent, itq, straight-through, random"),
        ({"decoder": "deep"}, "must be one of linear"),
        ({"frame": "fourier"}, "dct, hadamard, haar"),
        ({"ridge": -1.0}, "'gcv' or a number"),
        ({"ridge": "auto"}, "'gcv' or a number"),
    ],
)
def test_parameters_outside_their_domain(parameters, words):
    model = ShallowAutoencoder(random_state=0).set_params(**parameters)
    with pytest.raises(ValueError, match=words):
        model.fit(DIGITS)


def test_rows_that_are_all_equal():
    with pytest.raises(ValueError, match="rows that differ"):
        ShallowAutoencoder(2).fit(np.ones((20, 3)))


def test_codes_of_the_wrong_kind():
    model = ShallowAutoencoder(4, random_state=0).fit(DIGITS)
    with pytest.raises(ValueError, match="4 code columns; got 5"):
        model.inverse_transform(np.ones((2, 5)))
    with pytest.raises(ValueError, match="-1 and \\+1 only"):
        model.inverse_transform(np.zeros((2, 4)))


MORE = [
    {"encoder": "descent", "n_steps": 5},
    {"encoder": "straight-through", "n_steps": 30},
    {"norm": "float16"},
    {"norm": "float16", "whiten": True},
    {"activation": "lloyd-max:2"},
    {"activation": "tanh:2", "encoder": "descent", "n_steps": 3},
    {"frame": "haar", "whiten": True, "encoder": "random"},
    {"encoder": "quantised"},
    {"encoder": "search", "decoder": "columns"},
    {"encoder": "auto"},
]


@pytest.mark.parametrize("parameters", MORE)
def test_scikit_learn_checks_of_the_rest(parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(
            ShallowAutoencoder(3, random_state=0, **parameters), on_skip=None
        )
    ran = [r["check_name"] for r in results if r["status"] == "passed"]
    assert len(ran) >= 45, (len(ran), [r for r in results if r["status"] != "passed"])
    assert sum(r["status"] == "skipped" for r in results) <= 2


@pytest.mark.parametrize("activation", ["sign", "tanh:2", "ternary"])
def test_descent_goes_on_from_the_design(activation, rng):
    lam = np.arange(1, 41) ** -1.0
    x = gaussian(rng, 4000, lam)
    design = ShallowAutoencoder(40, activation=activation, random_state=0).fit(x)
    descent = ShallowAutoencoder(
        40, activation=activation, encoder="descent", random_state=0
    ).fit(x)
    assert descent.history_[0] == pytest.approx(design.predicted_nmse_, rel=1e-9)
    assert descent.history_[-1] == pytest.approx(descent.predicted_nmse_, rel=1e-9)
    assert descent.n_iter_ == descent.history_steps_[-1] > 0
    # Gains over the design here: sign 1.1 %, the others 0.3 to 0.6 %.
    assert descent.predicted_nmse_ < 0.998 * design.predicted_nmse_
    assert descent.predicted_nmse_ >= descent.reference_nmse_ * (1 - 1e-12)


def test_straight_through_goes_below_the_design_on_digits():
    # Standard error 0.004; the gain is 0.04 to 0.05 (data that are not Gaussian).
    split = hold_out(DIGITS, rng=as_rng(0))
    train, test = DIGITS[split.train], DIGITS[split.test]
    design = ShallowAutoencoder(rate=0.5, random_state=0).fit(train)
    trained = ShallowAutoencoder(
        rate=0.5, encoder="straight-through", random_state=0, n_steps=1500
    ).fit(train)
    assert trained.score(test) > design.score(test) + 0.02
    assert trained.history_.size == trained.history_steps_.size >= 10
    assert trained.history_[-5:].mean() < trained.history_[0]


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_norm_takes_the_spread_of_lengths_out(rate, rng):
    # Gaussian rows times random lengths: with the length sent the isotropic limit is
    # met again; without it, the norm-spread law. Two independent routes; standard error
    # 0.001, effect 0.07 to 0.14. Bias: frame and decoder fitted on 20 000 rows.
    x = rng.standard_normal((26_000, 64)) * rng.exponential(size=(26_000, 1))
    train, test = x[:20_000], x[20_000:]
    lengths = np.linalg.norm(test, axis=1)
    for norm, expected in [
        ("none", limits.norm_spread_limit(rate, lengths)),
        ("float16", limits.isotropic_limit(rate)),
    ]:
        model = ShallowAutoencoder(rate=rate, encoder="random", norm=norm, random_state=0)
        model.fit(train)
        got = measure(test, model.inverse_transform(model.transform(test)), model.mean_)
        assert abs(got.value - expected) < 5 * got.standard_error + 0.006


def test_norm_is_one_more_column_in_input_units():
    model = ShallowAutoencoder(32, norm="float16", random_state=0).fit(DIGITS)
    codes = model.transform(DIGITS)
    assert codes.shape == (1797, 33)
    assert model.bits_per_vector_ == 48
    assert len(model.get_feature_names_out()) == 33
    lengths = np.linalg.norm(DIGITS - model.mean_, axis=1)
    np.testing.assert_allclose(codes[:, -1], lengths, rtol=2**-11)
    rows = model.inverse_transform(codes)
    codes[:, -1] *= 2
    twice = model.inverse_transform(codes)
    np.testing.assert_allclose(twice - model.mean_, 2 * (rows - model.mean_), atol=1e-9)
    codes[0, -1] = -1
    with pytest.raises(ValueError, match="lengths >= 0"):
        model.inverse_transform(codes)
    with pytest.raises(ValueError, match="32 code columns and one of lengths"):
        model.inverse_transform(codes[:, :-1])


def test_a_row_at_the_mean_stays_there_when_its_length_is_sent():
    model = ShallowAutoencoder(8, norm="float16", random_state=0).fit(DIGITS)
    at_mean = model.inverse_transform(model.transform(model.mean_[None, :]))
    np.testing.assert_array_equal(at_mean[0], model.mean_)


def test_whitening_treats_all_directions_alike(rng):
    lam = np.array([100.0, 10.0, 1.0, 1.0])
    x = gaussian(rng, 20_000, lam)
    model = ShallowAutoencoder(4, whiten=True, random_state=0, ridge=np.inf).fit(x)
    white = (x - model.mean_) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    # Orthonormal rows in white coordinates: every direction keeps 2 / pi of itself.
    rows = model.inverse_transform(model.transform(x)) - model.mean_
    values, basis = np.linalg.eigh(np.cov(x.T))
    kept = [np.mean((rows @ u) * ((x - model.mean_) @ u)) for u in basis.T] / values
    np.testing.assert_allclose(kept, 2 / np.pi, atol=0.03)
    assert white.shape == x.shape


def test_every_frame_and_shuffled_hadamard_columns(rng):
    # In their order the gains of a steep spectrum make Hadamard rows alike.
    x = gaussian(rng, 5000, np.arange(1, 65) ** -1.0)
    risks = {
        frame: ShallowAutoencoder(64, frame=frame, random_state=0).fit(x).predicted_nmse_
        for frame in ("dct", "hadamard", "haar")
    }
    assert max(risks.values()) < 1.03 * min(risks.values()), risks


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"norm": "float32"}, "none, float16"),
        ({"n_steps": 0}, "n_steps"),
        ({"n_steps": 1.5}, "n_steps"),
        ({"n_code": 10**9}, "must fit into memory"),
        ({"frame": "hadamard", "n_code": 24}, "power of two"),
    ],
)
def test_more_parameters_outside_their_domain(parameters, words):
    with pytest.raises(ValueError, match=words):
        ShallowAutoencoder(**parameters, random_state=0).fit(DIGITS)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_lengths_of_float32_rows_survive_any_unit(scale):
    rows = DIGITS[:300].astype(np.float32)
    model = ShallowAutoencoder(16, norm="float16", random_state=0)
    plain = model.fit(rows).score(rows)
    scaled = rows * np.float32(scale)
    assert model.fit(scaled).score(scaled) == pytest.approx(plain, abs=1e-3)


@pytest.mark.parametrize("scale", [1e-100, 1e100, 1e200])
def test_units_whose_squares_overflow_are_named(scale):
    with pytest.raises(DataError, match="by a constant"):
        ShallowAutoencoder(4).fit(scale * DIGITS[:50])


def test_float32_rows_too_small_for_it_are_named():
    small = DIGITS[:50].astype(np.float32)
    with pytest.raises(DataError, match="1e-34"):
        ShallowAutoencoder(4).fit(np.float32(1e-38) * small)
    ShallowAutoencoder(4).fit(np.float32(1e-33) * small)


@pytest.mark.parametrize("frame", ["dct", "hadamard"])
def test_random_rows_that_see_no_variance_are_drawn_again(frame, rng):
    # Half of the rows of these frames are orthogonal to equal columns.
    rows = np.repeat(rng.standard_normal((400, 1)), 2, axis=1)
    model = ShallowAutoencoder(8, encoder="random", frame=frame, random_state=0).fit(rows)
    assert 1 - model.score(rows) == pytest.approx(1 - 2 / np.pi, abs=0.1)


def test_descent_goes_on_from_repeated_rows_of_low_rank(rng):
    rows = rng.standard_normal((1000, 2)) @ rng.standard_normal((2, 6))
    make = ShallowAutoencoder(16, encoder="descent", frame="hadamard", random_state=0)
    design = ShallowAutoencoder(16, frame="hadamard", random_state=0).fit(rows)
    with pytest.warns(DataWarning, match="repeat"):
        model = make.fit(rows)
    assert model.predicted_nmse_ <= design.predicted_nmse_ + 1e-9


def test_straight_through_trains_in_any_unit():
    rows = DIGITS[:200, 10:20]
    make = ShallowAutoencoder(8, encoder="straight-through", n_steps=20, random_state=0)
    plain = make.fit(rows).score(rows)
    assert make.fit(1e-50 * rows).score(1e-50 * rows) == pytest.approx(plain, abs=1e-3)


def test_one_bit_lloyd_max_comes_back_from_its_codes():
    model = ShallowAutoencoder(8, activation="lloyd-max:1", random_state=0).fit(DIGITS)
    codes = model.transform(DIGITS)
    assert 1 - np.mean((DIGITS - model.inverse_transform(codes)) ** 2) / DIGITS.var(
        axis=0
    ).mean() == pytest.approx(model.score(DIGITS))
    with pytest.raises(ValueOutOfRange, match="only"):
        model.inverse_transform(np.sign(codes))


@pytest.mark.parametrize(
    "parameters",
    [{"n_code": "a"}, {"n_code": np.nan}, {"rate": "a"}, {"rate": 1e300}, {"n_code": True}],
)
def test_code_lengths_that_are_none(parameters):
    with pytest.raises(ValueOutOfRange):
        ShallowAutoencoder(**parameters).fit(DIGITS[:50])


def test_whitening_by_few_rows_is_said(rng):
    x = rng.standard_normal((60, 8))
    with pytest.warns(DataWarning, match="60 rows for 8 columns"):
        ShallowAutoencoder(4, whiten=True, random_state=0).fit(x)
    ShallowAutoencoder(4, random_state=0).fit(x)


def test_known_axes_give_the_fit_of_the_rows():
    whole = ShallowAutoencoder(16, random_state=0).fit(DIGITS)
    axes = Principal.from_moments(Moments.from_blocks([DIGITS[:700], DIGITS[700:]]))
    known = ShallowAutoencoder(16, random_state=0).fit_principal(axes, DIGITS)
    assert known.predicted_nmse_ == pytest.approx(whole.predicted_nmse_, rel=1e-9)
    assert known.score(DIGITS) == pytest.approx(whole.score(DIGITS), abs=1e-6)
    with pytest.raises(ValueOutOfRange, match="must have 64 columns"):
        known.fit_principal(axes, DIGITS[:, :5])


def test_rows_fewer_than_symbols_have_the_ridge_of_the_larger_problem(rng):
    from isthmus.estimators.linear_fit import fit_linear_decoder

    codes = np.where(rng.standard_normal((30, 40)) > 0, 1.0, -1.0)
    rows, prior = rng.standard_normal((30, 5)), 0.1 * rng.standard_normal((5, 40))
    found, ridge = fit_linear_decoder(
        prior, [(codes[:9], rows[:9]), (codes[9:], rows[9:])], ridge=0.3
    )
    gram = codes.T @ codes / 30
    left = (rows - codes @ prior.T).T @ codes / 30
    exact = prior + left @ np.linalg.inv(gram + ridge * np.trace(gram) / 40 * np.eye(40))
    np.testing.assert_allclose(found, exact, atol=1e-12)


def binary(n_rows, n_input, seed=0):
    return 3.0 + SparseRademacher(1.0).sample((n_rows, n_input), seed)


@pytest.mark.parametrize("norm", ["none", "float16"])
def test_itq_finds_signs_and_says_what_it_reached(norm):
    # Turned signs: 1 - 2 / pi = 0.363 for a random rotation, 0 for the right one.
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((32, 32)))[0]
    rows = binary(4000, 32) @ turn
    model = ShallowAutoencoder(encoder="itq", whiten=True, norm=norm, random_state=0)
    model.fit(rows[:3000])
    assert model.score(rows[3000:]) > 0.9
    assert np.all(np.diff(model.history_) < 1e-12)
    assert model.n_iter_ == model.history_steps_[-1] == model.history_.size - 1
    assert model.history_[-1] == pytest.approx(1 - model.score(rows[:3000]), abs=0.01)


def test_itq_codes_the_strongest_directions():
    lam = np.repeat([4.0, 1e-2], 8)
    rows = binary(4000, 16) * np.sqrt(lam)
    model = ShallowAutoencoder(8, encoder="itq", random_state=0).fit(rows[:3000])
    seen = np.square(model.encoder_weight_) @ (lam * (np.arange(16) >= 8))
    assert seen.max() < 1e-3
    # Its history counts what lies outside of them as lost.
    assert model.history_[-1] > lam[8:].sum() / lam.sum()
    # A free decoder leaves less than the transposed encoder.
    assert 0 < model.history_[-1] - (1 - model.score(rows[:3000])) < 0.05
    design = ShallowAutoencoder(8, random_state=0).fit(rows[:3000])
    assert model.score(rows[3000:]) > design.score(rows[3000:]) + 0.1


def test_itq_in_float32_and_any_unit():
    rows = binary(400, 8)
    plain = ShallowAutoencoder(4, encoder="itq", random_state=0).fit(rows)
    for unit in (1e-50, 1e50):
        other = ShallowAutoencoder(4, encoder="itq", random_state=0).fit(unit * rows)
        assert other.score(unit * rows) == pytest.approx(plain.score(rows), abs=1e-9)
    small = np.float32(1e-33) * rows.astype(np.float32)
    single = ShallowAutoencoder(4, encoder="itq", random_state=0).fit(small)
    assert single.score(small) == pytest.approx(plain.score(rows), abs=0.02)


def test_itq_has_no_longer_codes_than_directions(rng):
    with pytest.raises(ValueOutOfRange, match="at most one code symbol.*'design'"):
        ShallowAutoencoder(rate=2.0, encoder="itq").fit(DIGITS)
    flat = rng.standard_normal((100, 2)) @ rng.standard_normal((2, 5))
    with pytest.raises(ValueOutOfRange, match="Take n_code=2"):
        ShallowAutoencoder(3, encoder="itq").fit(flat)
    ShallowAutoencoder(2, encoder="itq", random_state=0).fit(flat)


def test_repeated_rows_do_not_make_the_fit_surer(rng):
    from isthmus.estimators.linear_fit import fit_linear_decoder

    codes = np.where(rng.standard_normal((60, 40)) > 0, 1.0, -1.0)
    rows, prior = codes[:, :6] + rng.standard_normal((60, 6)), np.zeros((6, 40))
    once, ridge = fit_linear_decoder(prior, [(codes, rows)], ridge="gcv")
    thrice, same = fit_linear_decoder(prior, [(codes, rows)] * 3, ridge="gcv")
    assert 0.01 < ridge < 100.0
    assert same == ridge
    np.testing.assert_allclose(thrice, once, atol=1e-12)
