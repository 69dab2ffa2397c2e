"""Every arithmetic gives the same bits and the same floats."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isthmus import codec, frames
from isthmus.codec.butterfly import Butterfly
from isthmus.codec.layout import layout_of
from isthmus.codec.products import Products
from isthmus.core import ValueOutOfRange
from isthmus.core.compiled import extension as compiled_module

ROOT = Path(__file__).parents[2]

compiled = pytest.mark.skipif(len(codec.kernels()) == 1, reason="built without a compiler")


def with_each(work):
    """What `work` returns under every arithmetic."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in codec.kernels():
            patch.setenv("ISTHMUS_KERNEL", name)
            found[name] = work()
    return found


def assert_all_equal(found):
    for name, value in found.items():
        expected = found["numpy"]
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(
            value.view(np.uint8), expected.view(np.uint8), err_msg=name
        )


@st.composite
def shapes(draw):
    long = 2 ** draw(st.integers(0, 11))
    short = draw(st.integers(1, long) | st.just(long))
    return draw(st.sampled_from([(long, short), (short, long)]))


def rows(n_rows, width):
    """Of any float32, or of few values, whose sums are often zero."""
    anything = st.floats(-(2.0**60), 2.0**60, width=32)
    few = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 3.0])
    one = st.sampled_from([anything, few])
    return one.flatmap(lambda e: arrays(np.float32, (n_rows, width), elements=e))


@compiled
@settings(max_examples=60)
@given(st.data())
def test_bits_and_floats_are_the_same(data):
    n_code, n_input = data.draw(shapes())
    frame = frames.hadamard(
        n_code,
        n_input,
        rng=data.draw(st.integers(0, 9)),
        rounds=data.draw(st.sampled_from([1, 2, 3])),
    )
    x = data.draw(rows(data.draw(st.integers(0, 3)), n_input))
    rng = np.random.default_rng(0)
    centre = rng.standard_normal(n_input) if data.draw(st.booleans()) else None
    offset = data.draw(st.sampled_from([0.0, 0.25, rng.standard_normal(n_code)]))
    bits = with_each(lambda: codec.encode_bits(frame, x, centre=centre, offset=offset))
    assert_all_equal(bits)
    scale = np.linspace(0.1, 3.0, len(x)) if data.draw(st.booleans()) else 0.7
    codes = bits["numpy"]
    assert_all_equal(
        with_each(lambda: codec.decode_bits(frame, codes, scale=scale, centre=centre))
    )


@compiled
@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("bits", range(15))
def test_rounding_is_the_same_at_every_length(bits, rounds, rng):
    n = 2**bits
    frame = frames.hadamard(n, n, rng=1, rounds=rounds)
    x = rng.standard_normal((max(3, 2**15 // n), n)).astype(np.float32)
    # thresholds amid the values of a few symbols: a sum that is rounded differently is seen
    z = frame.forward(x[:1].astype(np.float64))[0]
    codes = with_each(lambda: codec.encode_bits(frame, x, offset=z))
    assert_all_equal(codes)
    assert_all_equal(with_each(lambda: codec.decode_bits(frame, codes["numpy"])))


@pytest.mark.parametrize("n", [64, 128, 256, 512, 1024])
def test_products_leave_to_butterflies_what_rounding_decides(n, rng):
    # Rows chosen so that many pre-activations are of the size of a rounding error.
    layout = layout_of("t", frames.hadamard(n, n, rng=1))
    x = rng.standard_normal((1000, n)).astype(np.float32)
    x[::2] = (np.round(4 * x[::2]) * np.float32(0.1)).astype(np.float32)
    x[::5] *= np.float32(1e-24)
    x[::7] *= np.float32(1e19)
    centre = rng.standard_normal(n).astype(np.float32)
    products, butterfly = Products(layout), Butterfly(layout)
    expected, found = np.empty((2, 1000, n // 8), np.uint8)
    for mean in (None, centre):
        for start in range(0, 1000, butterfly.n_rows):
            block = slice(start, start + butterfly.n_rows)
            assert butterfly.encode(x[block], mean, None, expected[block]) == -1
        halves = slice(0, 500), slice(500, 1000)
        estimated, bounds = np.empty_like(expected), np.empty(1000)
        for block in halves:
            bounds[block] = products._estimate(x[block], mean, estimated[block])
        sure = bounds < 0
        np.testing.assert_array_equal(estimated[sure], expected[sure])
        assert 0.02 < sure.mean() < 0.98
        products._plain = False
        for block in halves:
            assert products.encode(x[block], mean, found[block]) == -1
        np.testing.assert_array_equal(found, expected)


@compiled
def test_the_extension_checks_what_it_is_given():
    extension = compiled_module("isthmus.codec._kernel")
    layout = layout_of("t", frames.hadamard(16, 8, rng=0))
    x, codes = np.ones((2, 8), np.float32), np.zeros((2, 2), np.uint8)
    good = [16, 8, 1, layout.flips, layout.places, None, None, x, codes, 0]
    assert extension.encode(*good) == -1
    wrong = {
        0: 24,
        1: 32,
        2: 4,
        3: layout.flips[1:],
        5: x[0, :7].copy(),
        6: x[0],
        7: x[:1].copy(),
        8: codes[:1].copy(),
        9: 3,
    }
    outside = layout.places.copy()
    for place in (16, -1):
        outside[3] = place
        with pytest.raises(ValueError, match="other sizes"):
            extension.encode(*good[:4], outside, *good[5:])
    for at, value in wrong.items():
        with pytest.raises(ValueError, match="other sizes|different numbers"):
            extension.encode(*good[:at], value, *good[at + 1 :])
    frozen = codes.copy()
    frozen.flags.writeable = False
    with pytest.raises((ValueError, BufferError, TypeError)):
        extension.encode(*good[:8], frozen, 0)
    scales = np.ones(2, np.float32)
    back = [16, 8, 1, layout.flips, layout.places, None, scales, codes, x, 0]
    assert extension.decode(*back) == -1
    with pytest.raises(ValueError, match="different numbers"):
        extension.decode(*back[:6], np.ones(3, np.float32), *back[7:])


@compiled
def test_threads_do_not_disturb_each_other(rng):
    frame = frames.hadamard(1024, 1024, rng=0, rounds=2)
    x = rng.standard_normal((400, 1024)).astype(np.float32)
    expected = codec.encode_bits(frame, x)
    found = [None] * 4

    def work(i):
        found[i] = codec.encode_bits(frame, x)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for codes in found:
        np.testing.assert_array_equal(codes, expected)


def test_an_unknown_kernel_is_refused(monkeypatch):
    monkeypatch.setenv("ISTHMUS_KERNEL", "abacus")
    with pytest.raises(ValueOutOfRange, match="must name an arithmetic.*numpy.*'abacus'"):
        codec.kernel_in_use()


def test_without_the_extension_numpy_serves():
    code = (
        "import sys; sys.modules['isthmus.codec._kernel'] = None; import numpy as np; "
        "from isthmus import codec, frames; print(*codec.kernels()); "
        "frame = frames.hadamard(64, 64, rng=0); "
        "print(codec.encode_bits(frame, np.eye(64)).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    names, codes = done.stdout.split()
    assert names == "numpy"
    expected = codec.encode_bits(frames.hadamard(64, 64, rng=0), np.eye(64))
    assert codes == expected.tobytes().hex()
