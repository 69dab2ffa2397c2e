import pytest

from isthmus.core import ValueOutOfRange
from isthmus.report.budget import ORDER, checked_budget, schedule
from isthmus.report.costs import Task

MNIST = Task(60_000, 50_000, 50_000, 10_000, 717, True)


def seconds_of(found, task):
    from isthmus.report.costs import job_work

    return sum(job_work(task, *job).assumed_seconds for job in found.jobs)


def test_all_rows_and_all_methods_where_there_is_time():
    found = schedule(MNIST, [179, 358, 717], 600.0)
    assert found.n_fit == 50_000
    assert len(found.jobs) == 3 * len(ORDER)
    assert found.left_out == ()
    assert [code for _, code in found.jobs] == sorted(code for _, code in found.jobs)


@pytest.mark.parametrize("budget", [5.0, 20.0, 60.0, 120.0])
def test_what_is_kept_fits_and_the_rest_is_named(budget):
    found = schedule(MNIST, [179, 358, 717], budget)
    task = Task(60_000, 50_000, found.n_fit, 10_000, 717, True)
    assert seconds_of(found, task) <= 0.5 * budget
    assert len(found.jobs) + len(found.left_out) == 15
    assert found.n_fit in (20_000, 50_000)
    if found.left_out:  # the dearest goes first
        assert ("design", 179) in found.jobs
        assert "search at rate 1.00 (717 bits per vector)" in found.left_out[-1]


def test_a_larger_budget_keeps_what_a_smaller_one_kept():
    kept = [set(schedule(MNIST, [179, 358, 717], b).jobs) for b in (10, 20, 40, 80)]
    assert all(less <= more for less, more in zip(kept, kept[1:], strict=False))
    assert len(kept[0]) < len(kept[-1])


def test_wide_rows_get_a_shorter_code():
    task = Task(1440, 1152, 1152, 288, 60_000, True)
    found = schedule(task, [15_000, 30_000, 60_000], 60.0)
    (length,) = {code for encoder, code in found.jobs if encoder == "design"}
    assert 64 <= length < 15_000
    assert (
        f"A code of {length:,} bits per vector was measured instead" in found.left_out[-1]
    )
    assert ("transform-coding", length) in found.jobs
    assert seconds_of(found, task) <= 30.0


@pytest.mark.parametrize("seconds", [0.0, -1.0, 4.9, float("nan"), float("inf")])
def test_budgets_that_are_none(seconds):
    with pytest.raises(ValueOutOfRange, match="budget"):
        checked_budget(seconds)
