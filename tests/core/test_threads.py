import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from isthmus.core.threads import threads_for


def counts():
    return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}


@pytest.mark.parametrize(("operations", "calm"), [(1e5, True), (1e12, False)])
def test_small_steps_run_on_one_thread_and_all_is_as_before_after(operations, calm):
    with threadpool_limits(2):
        before = counts()
        with threads_for(operations):
            inside = counts()
        assert counts() == before
    assert before
    assert set(inside.values()) == ({1} if calm else set(before.values()))
