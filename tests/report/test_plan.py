"""Plans: counted by hand where that is easy, and monotone everywhere."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core import DataError, DataNotFound, DataWarning, ValueOutOfRange
from isthmus.data import load, stream
from isthmus.report import analyse
from isthmus.report.plan import Size, Speeds, plan_report
from isthmus.report.speeds import measure_speeds, plan_data, row_count

SPEEDS = Speeds(flops=1e10, entries=1e9, rows=1e6)
FLOAT = np.dtype(np.float32)


def test_parts_add_up_and_are_those_of_a_report():
    plan = plan_report(Size("x", 1797, 64, np.dtype(np.float64)), SPEEDS, rates=[0.5, 1])
    assert sum(plan.parts.values()) == pytest.approx(plan.seconds, rel=1e-12)
    x = load("digits").values + np.linspace(0, 1, 1797)[:, None]  # no constant column
    report = analyse(x, rates=[0.5, 1])
    assert plan.n_codes == tuple(dict.fromkeys(r.n_code for r in report.reached))
    assert (plan.n_train, plan.n_test) == (report.data.n_train, report.data.n_test)
    measured = set(report.method.timings) - {"total", "limits"}
    assert set(plan.parts) - {"start"} == measured


def test_operations_of_many_rows_and_one_short_code():
    # N much larger than d, all in memory: N d^2 for the covariance; with float32 rows and
    # one symbol N (2 d + 1) for each of three fits, N d^2 for rows along the axes, the
    # lengths of 4000 rows, a search that codes 20 000 rows nine times (and 4096 simulated
    # and the held-out ones once), 50 steps of a rotation on 20 000, distances of 5000 rows
    # with their principal axes, and the errors of 800 000 points between rows.
    n, d = 10**5, 500
    plan = plan_report(Size("x", n, d, FLOAT), SPEEDS, rates=[0.002], budget=1e6)
    n_train, n_test = n - 10**4, 10**4
    moments = n_train * d**2 + 20 * d**3 + 4 * n_test * d**2
    coding = (n_train + 2 * n_test) * d**2
    lengths = 2 * 4000 * d**2
    coded = 9 * 20_000 + 4096 + n_test
    search = (coded + 9 * 20_000) * d + 500 * coded
    rotation = 50 * 4 * 20_000 * d / 2
    distances = 2 * 5000**2 * d + 2 * 5000 * d**2
    between = 4 * 800_000 * d * 10
    expected = moments + coding + lengths + search + rotation + distances + between
    assert plan.operations == pytest.approx(expected, rel=0.01)
    assert plan.n_fit == n_train


def test_what_the_budget_has_no_time_for_is_left_out():
    long = plan_report(Size("x", 10**5, 500, FLOAT), SPEEDS, budget=1e6)
    assert long.left_out == ()
    short = plan_report(Size("x", 10**5, 500, FLOAT), SPEEDS, budget=20)
    assert short.n_fit == 20_000
    assert any(
        "descent at rate 1.00 (500 bits per vector)" in text for text in short.left_out
    )
    assert short.operations < long.operations


@given(
    st.integers(10, 5 * 10**4),
    st.integers(1, 300),
    st.sampled_from(["n_rows", "n_columns", "dtype"]),
)
def test_more_data_never_take_less(n_rows, n_columns, what):
    small = Size("x", n_rows, n_columns, FLOAT)
    more = {"n_rows": 2 * n_rows, "n_columns": n_columns + 1, "dtype": np.dtype(float)}
    large = dataclasses.replace(small, **{what: more[what]})
    first, second = (plan_report(s, SPEEDS, budget=1e6) for s in (small, large))
    assert second.memory_bytes >= first.memory_bytes
    if what != "n_columns":  # descent takes fewer steps where they are longer
        assert second.operations >= first.operations
        assert second.seconds >= first.seconds


def test_memory_stays_bounded_where_rows_are_many():
    plan = plan_report(Size("x", 10**7, 1000, FLOAT), SPEEDS, memory_free=10**8)
    assert plan.memory_bytes < 2e9 < 4e10
    assert plan.fits is False
    assert plan.parts["read"] == pytest.approx(40)
    assert plan_report(Size("x", 100, 5, FLOAT), SPEEDS).fits is None
    assert plan_report(Size("x", 100, 5, FLOAT), SPEEDS, memory_free=10**10).fits


def test_a_faster_machine_takes_less_time_for_as_much_work():
    size = Size("x", 10**5, 100, FLOAT)
    slow, fast = plan_report(size, SPEEDS), plan_report(size, Speeds(2e10, 2e9, 2e6, 0.9))
    assert slow.seconds == pytest.approx(2 * fast.seconds)
    assert (slow.operations, slow.memory_bytes) == (fast.operations, fast.memory_bytes)


@pytest.mark.parametrize("rates", [[0.0], [], [np.inf]])
def test_rates_that_are_none(rates):
    with pytest.raises(ValueOutOfRange, match="rates"):
        plan_report(Size("x", 100, 5, FLOAT), SPEEDS, rates=rates)


def test_speeds_are_positive():
    speeds = measure_speeds(3, 5.0)
    assert speeds.flops > 0
    assert speeds.entries > 0
    assert speeds.rows == 5.0


def test_a_plan_from_a_header(tmp_path, rng):
    np.save(tmp_path / "x.npy", rng.integers(0, 255, (40, 4, 4), dtype=np.uint8))
    with pytest.warns(DataWarning, match="uint8; converted to float32"):
        plan = plan_data(tmp_path / "x.npy", rates=[0.5])
    assert (plan.n_rows, plan.n_columns, plan.dtype) == (40, 16, "float32")
    assert plan.rows_known
    assert json.loads(json.dumps(plan.to_dict(), allow_nan=False))["n_codes"] == [8]
    with pytest.raises(DataNotFound, match="no such file"):
        plan_data(tmp_path / "no.npy")
    np.save(tmp_path / "o.npy", np.asfortranarray(rng.random((12, 3))))
    with pytest.raises(DataError, match="Fortran"):
        plan_data(tmp_path / "o.npy")


def test_rows_of_text_are_counted_or_estimated(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1.5,2.5\n" * 100)
    assert row_count(stream(path)) == (100, True)
    with path.open("a") as file:
        for _ in range(10):
            file.write("1.5,2.5\n" * 60_000)
    found, exact = row_count(stream(path))
    assert not exact
    assert found == pytest.approx(600_100, rel=1e-3)


def test_memory_counts_what_comes_after_the_codecs():
    # Measured: 1.10 GB for 12 000 x 300 float32, 0.61 GB for 1797 x 64 float64; all
    # libraries loaded.
    for size, seconds, measured in (
        (Size("x", 12_000, 300, FLOAT), 60.0, 1.10e9),
        (Size("x", 1797, 64, np.dtype(float)), 120.0, 0.61e9),
    ):
        plan = plan_report(size, SPEEDS, budget=seconds)
        assert measured < plan.memory_bytes < 1.4 * measured
