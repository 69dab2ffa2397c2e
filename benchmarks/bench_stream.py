"""Moments of a file larger than memory, against a bare loop of chunk.T @ chunk.

Both read the same file into one buffer; the bare loop multiplies and adds in float32,
about zero, and checks nothing. Every run is a process of its own, on one thread, whose
peak resident set is read at its end; the two take turns, so that a slower spell of the
machine meets both. ``--full`` takes 4 GB of float32 and 1 GB of text instead of 1 GB and
0.1 GB; files lie in a temporary folder and are removed. ``--folder`` says where.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from harness import write

N_COLUMNS = 2048
CHUNK = 4096
CSV_COLUMNS = 50
REPEATS = 3


def write_npy(path: str, rows: str, dtype: str) -> None:
    shape = (int(rows), N_COLUMNS)
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        header = {"descr": dtype, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(0, shape[0], CHUNK):
            if dtype == "|u1":
                block = rng.integers(0, 256, (CHUNK, N_COLUMNS), dtype=np.uint8)
            else:
                block = rng.standard_normal((CHUNK, N_COLUMNS), dtype=np.float32)
            file.write(block.data)


def write_csv(path: str, n_bytes: str) -> None:
    values = np.random.default_rng(0).standard_normal((2000, CSV_COLUMNS)).tolist()
    text = "\n".join(",".join(map(repr, row)) for row in values) + "\n"
    with open(path, "w") as file:
        for _ in range(max(1, int(n_bytes) // len(text))):
            file.write(text)


def nothing(path: str) -> None:
    """Import only: what every process below starts from."""
    import isthmus.data  # noqa: F401


def moments(path: str) -> None:
    from isthmus.data import Moments, stream

    warnings.simplefilter("ignore")
    Moments.from_blocks(stream(path, CHUNK).blocks())


def rounded(path: str) -> None:
    """Moments with float32 products."""
    from isthmus.data import Moments, stream

    Moments.from_blocks(stream(path, CHUNK).blocks(), products="float32")


def fitted(path: str) -> None:
    """The whole of ``isthmus fit``: all rows read, a model saved."""
    command("fit", path, "-o", f"{path}.safetensors", "--force", "--rate", "0.25")


def reported(path: str) -> None:
    """The whole of ``isthmus report`` within its default budget."""
    command("report", path, "--out", f"{path}.report", "--force")


def command(*arguments: str) -> None:
    from isthmus.cli.main import main as run

    sys.argv = ["isthmus", *arguments, "--quiet"]
    with contextlib.redirect_stdout(sys.stderr):
        try:
            run()
        except SystemExit as end:
            if end.code:
                raise


def read(path: str) -> None:
    from isthmus.data import stream

    warnings.simplefilter("ignore")
    for _ in stream(path).blocks():
        pass


def bare(path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        total = np.zeros((N_COLUMNS, N_COLUMNS), np.float32)
        raw = np.empty((CHUNK, N_COLUMNS), dtype)
        for _ in range(0, shape[0], CHUNK):
            file.readinto(raw.data.cast("B"))
            chunk = raw.astype(np.float32, copy=False)
            total += chunk.T @ chunk


def loadtxt(path: str) -> None:
    np.loadtxt(path, delimiter=",", comments=None)


CHILDREN = (
    write_npy,
    write_csv,
    nothing,
    moments,
    rounded,
    fitted,
    reported,
    read,
    bare,
    loadtxt,
)
WORK = {work.__name__: work for work in CHILDREN}


def child(name: str, *arguments: str) -> dict[str, float]:
    """Run one of the above in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--child", name, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def in_turn(path: str, *names: str) -> dict[str, dict[str, float]]:
    """Medians of processes that take turns, after one that fills the file cache."""
    child("read", path)
    runs = {name: [] for name in names}
    for _ in range(REPEATS):
        for name in names:
            runs[name].append(child(name, path))
    return {
        name: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for name, found in runs.items()
    }


def compare(path: str, other: str, *names: str) -> dict[str, object]:
    size = os.path.getsize(path)
    found = in_turn(path, *names, other)
    figures: dict[str, object] = {"file_bytes": size}
    for name, run in found.items():
        figures[f"{name}_s"] = run["seconds"]
        figures[f"{name}_peak_bytes"] = run["peak_bytes"]
    for name in set(names) - {"read"} or {"read"}:
        speed = found[other]["seconds"] / found[name]["seconds"]
        figures[f"{name}_speed_over_{other}"] = speed
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--folder", default=None)
    parser.add_argument("--child", nargs="+", default=None)
    given = parser.parse_args()
    if given.child:
        started = time.perf_counter()
        WORK[given.child[0]](*given.child[1:])
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_bytes": peak}))
        return
    figures: dict[str, object] = {"threads": 1, "chunk": CHUNK, "repeats": REPEATS}
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        n_rows = 524_288 if given.full else 131_072
        path = str(Path(folder) / "x.npy")
        figures["import_peak_bytes"] = child("nothing", path)["peak_bytes"]
        child("write_npy", path, str(n_rows), "<f4")
        commands = ("fitted", "reported")
        figures["float32"] = compare(path, "bare", "moments", "rounded", "read", *commands)
        child("write_npy", path, str(n_rows // 4), "|u1")
        figures["uint8"] = compare(path, "bare", "moments", "read")
        os.remove(path)
        path = str(Path(folder) / "x.csv")
        child("write_csv", path, str(10**9 if given.full else 10**8))
        figures["csv"] = compare(path, "loadtxt", "read")
    write("stream", figures)


if __name__ == "__main__":
    main()
