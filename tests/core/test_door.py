"""What comes to the door as a number and is none gets one line."""

import numpy as np
import pytest

from isthmus.core import ValueOutOfRange
from isthmus.core.door import real_array, real_number, whole_number


@pytest.mark.parametrize(
    "bad",
    ["ab", ["a"], [1j], None, [[1], [1, 2]], np.array(["2020"], "M8"), {}, [None, "x"]],
)
def test_what_is_no_array_of_numbers(bad):
    with pytest.raises(
        ValueOutOfRange, match=r"`f\(x=...\)` must be real numbers"
    ) as caught:
        real_array("f(x=...)", bad)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "good", [[1, 2], (1.0, 2.0), np.float32([1, 2]), np.array([1, 2], "O")]
)
def test_what_is_one(good):
    found = real_array("f(x=...)", good)
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("bad", ["1", None, [1], 1j])
def test_what_is_no_number(bad):
    with pytest.raises(ValueOutOfRange):
        real_number("f(x=...)", bad)


@pytest.mark.parametrize(
    "bad", [0, 6, 1.5, True, None, "3", float("nan"), float("inf"), [2]]
)
def test_what_is_no_whole_number(bad):
    with pytest.raises(ValueOutOfRange, match="whole number from 1 to 5"):
        whole_number("f(n=...)", bad, least=1, most=5)


def test_what_is_a_whole_number():
    assert [whole_number("f", n, least=1) for n in (2, 2.0, np.int8(2))] == [2, 2, 2]
