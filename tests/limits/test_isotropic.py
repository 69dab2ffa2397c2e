import numpy as np
import pytest

from isthmus import limits

SIGN = {0.25: 0.840845, 0.5: 0.681690, 1: 0.363380, 1.5: 0.275641, 2: 0.222031}
SIGN |= {3: 0.159851, 4: 0.124879}


@pytest.mark.parametrize(("rate", "nmse"), SIGN.items())
def test_sign_values(rate, nmse):
    assert limits.isotropic_limit(rate) == pytest.approx(nmse, abs=5e-7)


def test_closed_form_at_two():
    alpha = np.pi / 2 - 1
    assert limits.isotropic_limit(2) == pytest.approx(alpha / (2 + alpha), rel=1e-14)


def test_continuous_at_one_and_decreasing():
    below, above = limits.isotropic_limit(1 - 1e-12), limits.isotropic_limit(1 + 1e-12)
    assert below == pytest.approx(above, abs=3e-12)
    grid = limits.isotropic_limit(np.linspace(0.01, 8, 500))
    assert np.all(np.diff(grid) < 0)


def test_identity_is_principal_components():
    assert limits.isotropic_limit(0.3, activation="identity") == pytest.approx(0.7)
    assert limits.isotropic_limit(2, activation="identity") == 0.0


@pytest.mark.parametrize(
    ("function", "at_half", "at_two"),
    [(np.sin, 0.5746, 0.0805), (lambda u: u**3, 0.7, 0.25), (np.tanh, 0.5348, 0.0360)],
)
def test_other_odd_activations(function, at_half, at_two):
    assert limits.isotropic_limit(0.5, activation=function) == pytest.approx(
        at_half, abs=6e-5
    )
    assert limits.isotropic_limit(2, activation=function) == pytest.approx(at_two, abs=6e-5)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), [0.5, 0.0]])
def test_rates_outside_the_domain(rate):
    with pytest.raises(ValueError, match="must be positive and finite"):
        limits.isotropic_limit(np.asarray(rate))


@pytest.mark.parametrize("target", [0.05, 0.2, 0.3633, 0.5, 0.99])
def test_rate_for_is_the_inverse(target):
    rate = limits.isotropic_rate_for(target)
    assert limits.isotropic_limit(rate) == pytest.approx(target, rel=1e-13)


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0, float("nan")])
def test_targets_outside_the_domain(target):
    with pytest.raises(ValueError, match="must lie in \\(0, 1\\)"):
        limits.isotropic_rate_for(target)
    with pytest.raises(ValueError, match="must lie in \\(0, 1\\)"):
        limits.code_length_for(np.ones(4), target)


def test_status():
    assert limits.isotropic_status(1.0) == "theorem"
    assert limits.isotropic_status(1.01) == "theorem (tied decoders)"
