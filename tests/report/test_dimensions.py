"""How many dimensions, as a report and the command line tell it."""

import json

import numpy as np
import pytest

from isthmus import analyse
from isthmus.cli.main import run
from isthmus.core.errors import DataWarning
from isthmus.data import Principal
from isthmus.data.manifolds import named_manifold
from isthmus.report import dimensions as measured
from isthmus.report.costs import Task
from isthmus.report.dimension_words import about_dimensions
from isthmus.report.html import render
from isthmus.report.tears import measure_tear
from isthmus.topology import certificate, intrinsic_dimension

pytestmark = pytest.mark.filterwarnings("ignore::isthmus.core.errors.DataWarning")
pytest.importorskip("gudhi")


@pytest.fixture(scope="module")
def torus():
    return analyse("torus", rates=[1.0], seed=0)


def test_torus_needs_three(torus):
    found = torus.dimensions
    assert (found.dimension, found.certified_lower, found.upper) == (2, 3, 3)
    assert [code.status for code in found.codes] == [
        "obstructed",
        "obstructed",
        "no obstruction exists",
    ]
    # An obstructed row tells the hole that is more than chance, not the longest.
    for code in found.codes[:2]:
        assert code.certificate.p_value < 0.05
        assert code.certificate.degree == 2
        assert 0.5 < code.certificate.bound < 1.0
    assert all(hole.death > hole.birth for hole in found.holes)


def test_what_is_told_is_what_the_certificate_says():
    x = named_manifold("torus").sample(1500, 0)
    found = measured.measure_dimensions(x)
    alone = certificate(x, 2)
    code = found.codes[1]
    assert code.certificate.bound == alone.bound
    assert code.certificate.relative == alone.relative
    assert code.certificate.longest_edge == alone.longest_edge


def test_page_verdict_and_json(torus):
    page = render(torus)
    for word in ("How many dimensions", "figure-holes", "figure-dimension", "figure-tear"):
        assert word in page
    said = [s.text for s in torus.verdict if s.section == "dimensions"]
    assert len(said) == 1
    assert "3 latent dimensions are the least" in said[0]
    assert len(torus.verdict) <= 6
    plain = json.loads(json.dumps(torus.to_dict(), allow_nan=False))
    assert plain["dimensions"]["certified_lower"] == 3
    assert plain["tear"]["n_code"] == 2


def test_linear_autoencoder_obeys_the_certificate(torus):
    tear = torus.tear
    assert tear.max_error >= tear.bound > 0.5
    # Two flat components of a torus (2, 1) miss its height, at most 1 and a bit.
    assert tear.max_error == pytest.approx(1.0, abs=0.1)
    assert tear.max_error >= tear.max_at_rows
    # Products of other shapes round otherwise.
    assert tear.max_at_rows == pytest.approx(tear.error.max(), rel=1e-12)
    assert tear.location.shape == (3,)


def test_blobs_are_not_called_obstructed(rng):
    found = measured.measure_dimensions(rng.standard_normal((600, 3)))
    assert (found.dimension, found.certified_lower) == (3, 1)
    assert "rules out no latent space" in about_dimensions(found)
    assert all(code.status != "obstructed" for code in found.codes)


def test_without_gudhi_the_estimates_stay(monkeypatch, rng):
    monkeypatch.setattr(measured.importlib.util, "find_spec", lambda name: None)
    found = measured.measure_dimensions(rng.standard_normal((300, 2)))
    assert found.dimension == 2
    assert "isthmus[topology]" in found.no_holes
    assert found.codes == ()
    assert "was not looked at" in about_dimensions(found)


def test_an_outlier_that_hides_the_rest_leaves_the_estimates(rng):
    x = np.vstack([rng.standard_normal((150, 2)), [[1e9, 3e8], [-2e9, 1e9]]])
    found = measured.measure_dimensions(x)
    assert found.dimension == 2
    assert "outliers" in found.no_holes
    assert found.codes == ()
    assert "was not looked at" in about_dimensions(found)


def test_fewer_points_where_so_many_make_too_large_a_complex(monkeypatch, rng):
    monkeypatch.setattr("isthmus.topology.cost.MOST_SIMPLICES", 10_000)
    monkeypatch.setattr(measured, "FEW_POINTS", 300)
    rows = rng.standard_normal((900, 3))
    found, why = measured.dimensions_or_why(rows, seed=0)
    assert why == ""
    assert found is not None
    assert found.n_points == 300
    monkeypatch.setattr("isthmus.topology.cost.MOST_SIMPLICES", 100)
    found, why = measured.dimensions_or_why(rows, seed=0)
    assert found is None
    assert "cannot be told" in why


def test_few_different_held_out_rows_are_no_tear(torus):
    shape = torus.dimensions
    x = named_manifold("torus").sample(400, 0)
    axes = Principal.from_rows(x)
    assert measure_tear(axes, np.repeat(x[:9], 30, axis=0), shape) is None
    once = measure_tear(axes, x[:60], shape)
    thrice = measure_tear(axes, np.repeat(x[:60], 3, axis=0), shape)
    assert once is not None
    assert thrice is not None
    assert once.n_rows == thrice.n_rows == len(thrice.error) == 60
    assert once.median == thrice.median == pytest.approx(np.median(thrice.error))


def test_why_there_is_none():
    few = analyse(np.random.default_rng(0).normal(size=(30, 3)), rates=[1.0])
    assert few.dimensions is None
    assert "fewer than 20 rows" in few.no_dimensions
    assert few.no_dimensions in render(few)
    task = Task(60_000, 48_000, 48_000, 10_000, 20_000, True)
    assert measured.why_no_dimensions(task, 5.0).endswith("room for it.")
    record, why = measured.dimensions_or_why(np.eye(40), seed=0)
    assert record is None
    assert "equally far" in why


@pytest.mark.parametrize("option", [[], ["--n-code", "2"], ["--json"]])
def test_command(option, capsys):
    assert run(["topology", "circle", "-q", *option]) == 0
    out = capsys.readouterr().out
    if option == ["--json"]:
        assert json.loads(out)["dimension"] == 1
    else:
        assert "2 latent dimensions are the least" in out
        assert ("No hole rules out 2 latent dimensions" in out) == bool(option)


@pytest.mark.parametrize("n_code", ["0", "3"])
def test_command_refuses_what_is_no_code(n_code, capsys):
    assert run(["topology", "circle", "-q", "--n-code", n_code]) == 2
    assert "must be a whole number from 1 to 2" in capsys.readouterr().err


def test_doubts_are_in_the_record(rng):
    x = rng.standard_normal((400, 20))
    with pytest.warns(DataWarning):
        report = intrinsic_dimension(x)
    assert measured.measure_dimensions(x, max_points=200).doubts == report.warnings


def test_wide_rows_keep_their_shape(rng):
    angle = rng.uniform(0, 2 * np.pi, 80)
    flat = np.column_stack([np.cos(angle), np.sin(angle)])
    turn = np.linalg.qr(rng.standard_normal((300, 300)))[0][:2]
    wide = 5.0 + flat @ turn
    narrow = measured.measure_dimensions(flat)
    found = measured.measure_dimensions(wide)
    assert found.dimension == narrow.dimension == 1
    for first, second in zip(found.estimates, narrow.estimates, strict=True):
        assert first.value == pytest.approx(second.value, rel=1e-6)
    assert found.holes[0].death == pytest.approx(narrow.holes[0].death, rel=1e-6)
