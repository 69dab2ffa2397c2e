"""Archives larger than the memory that is used for them, through the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import isthmus
from isthmus.codec import decode_archive
from isthmus.estimators import ShallowAutoencoder

ROOT = Path(__file__).parents[2]
LIMIT = 300 * 2**20
# What getrusage tells begins with the process that this one was forked from.
MEASURED = """
import sys
from isthmus.cli.main import run
code = run(sys.argv[1:])
with open("/proc/self/status") as file:
    peak = next(line for line in file if line.startswith("VmHWM:"))
print(1024 * int(peak.split()[1]), file=sys.stderr)
sys.exit(code)
"""


def resident(folder, *arguments):
    """Run a command; its output, if it kept within the limit."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *(str(a) for a in arguments)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.split()[-1]) < LIMIT
    return done.stdout


def rows_on_disk(path, n_rows, n_input, rng):
    """Correlated rows, made a block at a time."""
    turn = rng.normal(size=(n_input, n_input)) * np.linspace(2.0, 0.1, n_input)
    file = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, n_input))
    for start in range(0, n_rows, 20_000):
        stop = min(start + 20_000, n_rows)
        file[start:stop] = rng.standard_normal((stop - start, n_input)) @ turn
    file.flush()
    return np.array(file[:20_000])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_million_rows_in_300_megabytes(tmp_path, rng):
    first = rows_on_disk(tmp_path / "x.npy", 1_000_000, 256, rng)
    np.save(tmp_path / "more.npy", first)
    model = ShallowAutoencoder(256, norm="float16", random_state=0).fit(first)
    isthmus.save(model, tmp_path / "m.safetensors")
    told = resident(
        tmp_path, "encode", "x.npy", "-m", "m.safetensors", "-o", "x.isth", "--json"
    )
    assert json.loads(told)["n_rows"] == 1_000_000
    assert json.loads(resident(tmp_path, "verify", "x.isth", "--json"))["ok"]
    resident(tmp_path, "decode", "x.isth", "-o", "r.npy", "--rows", "500000-500100")
    resident(tmp_path, "encode", "more.npy", "-o", "x.isth", "--append")
    resident(tmp_path, "decode", "x.isth", "-o", "all.npy")
    (tmp_path / "x.npy").unlink()
    rows = np.load(tmp_path / "all.npy", mmap_mode="r")
    assert rows.shape == (1_020_000, 256)
    np.testing.assert_array_equal(np.load(tmp_path / "r.npy"), rows[500_000:500_101])
    np.testing.assert_array_equal(rows[1_000_000:], rows[:20_000])
    part = decode_archive(tmp_path / "x.isth", rows=(1_019_990, 1_020_000))
    np.testing.assert_array_equal(part, rows[1_019_990:])
