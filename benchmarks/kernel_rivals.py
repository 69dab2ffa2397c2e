"""faiss's HadamardRotation with signs, in its own environment; answers bench_kernel.py.

Each line "encode D PART" or "decode D PART" on standard input is answered by the seconds of
one call on that part of the rows.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import sys
import time

import faiss
import numpy as np

TOTAL, PART = 2**24, 2**20


def main() -> None:
    faiss.omp_set_num_threads(1)
    x = np.random.default_rng(0).standard_normal(TOTAL, dtype=np.float32)
    made = {}
    print(faiss.__version__, faiss.get_compile_options().strip(), flush=True)
    for line in sys.stdin:
        name, d, part = line.split()
        d, start = int(d), int(part) * PART
        rows = x[start : start + PART].reshape(-1, d)
        if d not in made:
            index = faiss.index_factory(d, "HR,LSH")
            index.train(rows)
            made[d] = index, index.sa_encode(rows)
        index, codes = made[d]
        started = time.thread_time()
        if name == "encode":
            index.sa_encode(rows)
        else:
            index.sa_decode(codes)
        print(time.thread_time() - started, flush=True)


if __name__ == "__main__":
    main()
