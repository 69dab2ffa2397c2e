"""Fast frames on one core: against the dense product and packing that they replace.

Floors: bytes that must be read and written at the speed of a copy, and additions of a
butterfly transform at the rate of the machine's own matrix product.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import resource
import tracemalloc

import numpy as np
from harness import least_seconds, median_seconds, write

from isthmus import frames
from isthmus.core.bits import pack_signs, unpack_signs
from isthmus.limits import HadamardDesign


def codec(d: int, n_rows: int, rounds: int) -> dict[str, float]:
    """Microseconds per row, float32."""
    x = np.random.default_rng(0).standard_normal((n_rows, d)).astype(np.float32)
    frame, cosine = frames.hadamard(d, d, rng=0), frames.dct(d, d, rng=0)
    tall = frames.hadamard(d, d - d // 8, rng=0)
    narrow = np.ascontiguousarray(x[:, : tall.n_input])
    weight = frame.to_dense().astype(np.float32)
    packed = frames.encode_signs(frame, x)
    signs = unpack_signs(packed, d)
    works = {
        "dense_product_and_packing": lambda: np.packbits((x @ weight.T) >= 0, axis=-1),
        "dense_product": lambda: x @ weight.T,
        "encode": lambda: frames.encode_signs(frame, x),
        "encode_with_random_columns": lambda: frames.encode_signs(tall, narrow),
        "encode_dct": lambda: frames.encode_signs(cosine, x),
        "pack": lambda: pack_signs(x),
        "unpack": lambda: unpack_signs(packed, d),
        "unpack_by_numpy": lambda: 2 * np.unpackbits(packed, axis=1).astype(np.float32) - 1,
        "decode": lambda: frame.adjoint(signs),
        "dense_decode": lambda: signs @ weight,
        "copy": lambda: x.copy(),
    }
    least = least_seconds(works, rounds)
    us = {f"{name}_us": 1e6 * value / n_rows for name, value in least.items()}
    # a butterfly needs d log2(d) additions where the product needs 2 d^2 operations;
    # codes are 1/32 of what a copy writes
    operations_floor = us["dense_product_us"] * np.log2(d) / (2 * d)
    bytes_floor = us["copy_us"] * (4 * d + d / 8) / (8 * d)
    us["floor_us"] = max(operations_floor, bytes_floor)
    us["dense_over_encode"] = us["dense_product_and_packing_us"] / us["encode_us"]
    us["encode_over_floor"] = us["encode_us"] / us["floor_us"]
    return us


def design(bits: int) -> dict[str, float]:
    """Exact design of a code of 2**bits symbols at rate 2."""
    n = 2**bits
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = median_seconds(lambda: HadamardDesign(n, n_input=n // 2, rng=0), repeats=3)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    made = HadamardDesign(n, n_input=n // 2, rng=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "n_code": n,
        "seconds": seconds,
        "peak_traced_mb": peak / 1e6,
        "resident_growth_mb": (after - before) / 1024,
        "nmse": made.nmse,
        "limit": made.limit,
    }


def main() -> None:
    write(
        "frames",
        {
            "design": design(20),  # first: the resident peak never falls
            "512": codec(512, 8192, 25),
            "4096": codec(4096, 512, 12),
        },
    )


if __name__ == "__main__":
    main()
