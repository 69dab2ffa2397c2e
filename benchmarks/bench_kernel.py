"""Coding kernel on one core: its levels and NumPy, beside faiss and the memory's speed.

Every call takes the next 4 MB of 64, so that rows come from memory. All take turns; times
are those of the processor for the one thread, which do not count while others have the
core. faiss (`make rivals`) flips and transforms three times, in a process of its own.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import itertools
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import write

from isthmus import codec, frames

TOTAL, PART = 2**24, 2**20  # entries, as in kernel_rivals.py
TURNS = 15
RIVAL = Path(__file__).parent / "envs" / "faiss" / "bin" / "python"


class Rival:
    """faiss in its own process, or nothing where its environment was not made."""

    def __init__(self) -> None:
        self.version = "not there: make rivals"
        if RIVAL.exists():
            script = Path(__file__).parent / "kernel_rivals.py"
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                [RIVAL, script], stdin=pipe, stdout=pipe, text=True
            )
            self.version = self.process.stdout.readline().strip()

    def works(self, d: int) -> dict[str, Callable[[int], float]]:
        """Seconds of one call on a part."""
        if not RIVAL.exists():
            return {}

        def asked(name: str) -> Callable[[int], float]:
            def work(part: int) -> float:
                self.process.stdin.write(f"{name} {d} {part}\n")
                self.process.stdin.flush()
                return float(self.process.stdout.readline())

            return work

        return {f"faiss {name}": asked(name) for name in ("encode", "decode")}


def timed(work: Callable[[np.ndarray], object], x: np.ndarray) -> Callable[[int], float]:
    def seconds(part: int) -> float:
        rows = x[part]
        started = time.thread_time()
        work(rows)
        return time.thread_time() - started

    return seconds


def with_kernel(name: str, call: Callable[..., object], frame: object) -> Callable:
    def work(rows: np.ndarray) -> object:
        os.environ["ISTHMUS_KERNEL"] = name
        return call(frame, rows)

    return work


def figures(d: int, x: np.ndarray, rival: Rival) -> dict[str, object]:
    """Nanoseconds per entry, and ratios, at one length of rows."""
    parts = x.reshape(-1, PART // d, d)
    works = {"read": timed(lambda rows: np.dot(rows.ravel(), rows.ravel()), parts)}
    for rounds, name in itertools.product((1, 2, 3), codec.kernels()):
        frame = frames.hadamard(d, d, rng=0, rounds=rounds)
        packed = np.stack([codec.encode_bits(frame, rows) for rows in parts])
        encode = with_kernel(name, codec.encode_bits, frame)
        decode = with_kernel(name, codec.decode_bits, frame)
        works[f"{name} encode {rounds}"] = timed(encode, parts)
        works[f"{name} decode {rounds}"] = timed(decode, packed)
    works |= rival.works(d)
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(TURNS):
        for name, work in works.items():
            times[name].append(work(turn % len(parts)))
    least = {name: 1e9 * min(found) / PART for name, found in times.items()}
    median = {name: 1e9 * statistics.median(found) / PART for name, found in times.items()}
    made: dict[str, object] = {"least_ns_per_entry": least, "median_ns_per_entry": median}
    fastest = codec.kernels()[-1]
    for rounds in (1, 2, 3):
        encode = least[f"{fastest} encode {rounds}"]
        made[f"share_of_read_bandwidth_{rounds}"] = least["read"] / encode
    if "faiss encode" in works:
        for kind, found in (("least", least), ("median", median)):
            made[f"faiss_over_ours_{kind}"] = {
                name: found[f"faiss {name.split()[1]}"] / value
                for name, value in found.items()
                if name.split()[0] in codec.kernels()
            }
    return made


def main() -> None:
    x = np.random.default_rng(0).standard_normal(TOTAL, dtype=np.float32)
    rival = Rival()
    found: dict[str, object] = {
        "kernels": codec.kernels(),
        "faiss": rival.version,
        "read_gigabytes_per_second": None,
    }
    for d in (256, 512, 1024, 4096):
        found[str(d)] = figures(d, x, rival)
    rates = [
        4 / found[str(d)]["least_ns_per_entry"]["read"] for d in (256, 512, 1024, 4096)
    ]
    found["read_gigabytes_per_second"] = max(rates)
    write("kernel", found)


if __name__ == "__main__":
    main()
