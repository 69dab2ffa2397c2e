"""Parts of the report that train deep networks: what is measured, drawn and left out."""

import re

import numpy as np
import pytest

from isthmus import analyse
from isthmus.report import deep, sweeps
from isthmus.report.costs import Task
from isthmus.report.dimension_records import CodeStatus, Dimensions
from isthmus.report.html import render
from isthmus.report.partitions import MOST_CELLS
from isthmus.report.sections import dimensions, fails, generalise
from isthmus.report.sections.base import Figure, Table, Text
from isthmus.topology import certificate
from isthmus.training import encoder_start

pytestmark = pytest.mark.filterwarnings("ignore::isthmus.core.errors.DataWarning")
TASK = Task(1000, 800, 800, 200, 64, False)


def sheet(n_rows):
    """A bent sheet in six columns, with a little noise."""
    rng = np.random.default_rng(0)
    u, v = rng.uniform(-1, 1, (2, n_rows))
    bent = np.stack([u, v, u * v, u**2, np.sin(2 * v), np.cos(2 * u)], axis=1)
    return bent + 0.01 * rng.normal(size=bent.shape)


@pytest.fixture(scope="module")
def measured():
    with pytest.MonkeyPatch.context() as patch:
        for part in (deep, sweeps):
            patch.setattr(part, "LEAST_ROWS", 50)
            patch.setattr(part, "LEAST_STEPS", 10)
        patch.setattr(deep, "MOST_STEPS", 150)
        patch.setattr(sweeps, "MOST_STEPS", 10)
        patch.setattr(encoder_start, "_STEPS", 20)
        return analyse(sheet(300), rates=[1.0], seed=0)


def shape(dimension=2, **changes):
    """What is known of rows, by hand."""
    return Dimensions(
        n_rows=100,
        dimension=dimension,
        median=float(dimension),
        spread=0.0,
        estimates=(),
        scan_radius=np.ones(1),
        scan_value=np.ones(1),
        scan_error=np.ones(1),
        doubts=(),
        **changes,
    )


def texts(section):
    return " ".join(block.text for block in section.blocks if isinstance(block, Text))


def test_the_split_adds_up_to_the_measured_error(measured):
    found = measured.deep
    assert (found.n_test, found.n_split) == (60, 60)
    whole = found.manifold_gap.nmse + found.encoder_gap.nmse
    assert whole == pytest.approx(found.test.nmse, rel=0.02)  # float32, mean of fewer rows
    assert found.encoder_gap.nmse >= 0
    assert found.n_code == 2
    assert found.test.nmse < found.principal.nmse
    gain = found.principal.nmse - found.test.nmse
    assert found.better.nmse == pytest.approx(gain, rel=1e-9)
    assert found.history.size == found.chosen_history.size == found.n_epochs
    assert (found.n_fit, found.n_chosen) == (216, 24)
    assert found.best_epoch == 1 + np.argmin(found.chosen_history)
    assert found.history[-1] < found.history[0]
    for rows in (found.train_rows, found.test_rows):
        assert np.all(np.diff(rows) >= 0)
    assert found.test_rows.mean() == pytest.approx(found.test.nmse, rel=0.1)


def test_regions_are_of_both_halves(measured):
    regions = {one.of: one for one in measured.deep.regions}
    assert set(regions) == {"encoder", "decoder", "autoencoder"}
    assert regions["autoencoder"].n_units == 2 * regions["encoder"].n_units == 384
    assert regions["autoencoder"].test <= min(
        regions["encoder"].test, regions["decoder"].test
    )
    slopes = measured.deep.slopes
    assert slopes.dim == 2
    assert 0 < slopes.radius[0] <= slopes.radius[1] <= slopes.radius[2]
    assert slopes.nearest > 0


@pytest.mark.parametrize("of", ["input", "latent"])
def test_drawn_cells_fill_the_rectangle(measured, of):
    found = getattr(measured.deep, of)
    low, high = found.corners
    rings, area = 0, 0.0
    for path in found.paths:
        ends = np.flatnonzero(np.isnan(path[:, 0]))
        for start, end in zip(np.append(0, ends[:-1] + 1), ends, strict=True):
            x, y = path[start:end].T
            area += 0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])
            rings += 1
    assert rings == found.n_cells <= MOST_CELLS
    assert area == pytest.approx(np.prod(high - low), rel=1e-9)
    if found.shown == 1.0:
        assert np.all(found.points > low)
        assert np.all(found.points < high)


def test_the_page_tells_what_was_measured(measured):
    built = generalise.build(measured)
    words = texts(built)
    assert "principal components leave" in words
    assert "in a region that holds a training row" in words
    assert len(built.figures) == 2
    drawn = [block.id for block in fails.build(measured).figures]
    assert {"figure-partition-input", "figure-partition-latent"} <= set(drawn)
    panel = dimensions.build(measured)
    assert "figure-sweep" in [block.id for block in panel.figures]
    table = next(
        b for b in panel.blocks if isinstance(b, Table) and b.head[-1] == "Certificate"
    )
    assert len(table.rows) == 1 + measured.sweep.n_codes.size
    for section in (built, fails.build(measured), panel):
        assert not re.search(r"\b(nan|None|inf)\b", texts(section))
    assert render(measured).count('id="figure-partition-input"') == 1
    for key in ("deep", "sweep"):
        assert measured.to_dict()[key] is not None


def test_figures_hold_every_series(measured):
    blocks = dimensions.build(measured).blocks
    figure = next(b for b in blocks if isinstance(b, Figure) and b.id == "figure-sweep")
    names = [trace["name"] for trace in figure.spec["data"]]
    assert names[:3] == ["largest, at and between rows", "99th percentile", "median"]
    np.testing.assert_array_equal(figure.spec["data"][2]["y"], measured.sweep.median)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"n_fit": 20}, "training rows"),
        ({"n_input": 1}, "2 to 4,096 columns"),
        ({"n_input": 5000}, "2 to 4,096 columns"),
    ],
)
def test_why_no_deep_autoencoder(change, told, monkeypatch):
    monkeypatch.setattr(deep, "LEAST_ROWS", 100)
    task = Task(**(vars(TASK) | change))
    assert told in deep.why_no_deep(task, 120.0)
    assert deep.why_no_deep(TASK, 120.0) == ""
    assert "larger --budget" in deep.why_no_deep(
        Task(**(vars(TASK) | {"n_input": 4096})), 5.0
    )


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(deep, "LEAST_ROWS", 100)
    monkeypatch.setattr(sweeps, "LEAST_ROWS", 50)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "isthmus[torch]" in deep.why_no_deep(TASK, 120.0)
    assert "isthmus[torch]" in sweeps.why_no_sweep(TASK, shape(), 120.0)


def test_steps_grow_with_the_time_there_is():
    for part, more in ((deep, ()), (sweeps, (4,))):
        steps = [part.steps_in(TASK, *more, seconds) for seconds in (0.0, 3.0, 15.0, 1e4)]
        assert steps == sorted(steps)
        assert (steps[0], steps[-1]) == (0, part.MOST_STEPS)
        assert steps[1] < steps[2]


def test_certificates_of_the_section_before_stand_in_the_panel():
    angle = np.arange(60) * 2 * np.pi / 60
    sure = certificate(np.stack([np.cos(angle), np.sin(angle)], axis=1), 1)
    codes = (CodeStatus(1, 1, "obstructed", sure), CodeStatus(2, 2, "undecided", sure))
    found = sweeps._known(shape(codes=codes), np.array([1, 2, 3, 8]))
    np.testing.assert_array_equal(found.bound, [sure.bound, 0.0, 0.0, np.nan])
    np.testing.assert_array_equal(found.p_value, [sure.p_value, np.nan, np.nan, np.nan])
