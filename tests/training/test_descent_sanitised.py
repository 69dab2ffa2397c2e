import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "isthmus" / "training" / "descent.c"
COMPILER = shutil.which("gcc")
SANITISED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
DRIVER = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("_descent", sys.argv[1])
kernel = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kernel)
rng, cases = np.random.default_rng(0), 0
levels = [level for level in range(3) if kernel.runs(level)]
for n in (16, 32, 48, 128, 272):
    half = rng.integers(-40, 41, (n // 2, n))
    gram = (2 * half.T @ half).astype(np.int32)
    diagonal = (np.diag(gram) // 2).astype(np.int32)
    for rows, extra, tenure in ((0, 0, 1), (1, 0, 1), (3, 1, 1), (5, 50, 8), (2, 90, n-1)):
        c = rng.integers(-9000, 9000, (rows, n)).astype(np.int32)
        start = rng.choice(np.array([-1, 1], np.int8), (rows, n))
        ends = []
        for level in levels:
            signs = bytearray(start.tobytes())
            kernel.search(n, gram, diagonal, c, signs, extra, tenure, level)
            ends.append(bytes(signs))
        assert len(set(ends)) == 1, (n, rows, extra, tenure)
        cases += len(ends)
for wrong in ((15, 0, 1, 0), (0, 0, 1, 0), (-16, 0, 1, 0), (32, 0, 1, 0), (16, -1, 1, 0),
              (16, 5, 0, 0), (16, 5, 16, 0), (16, 0, 1, 3), (16, 0, 1, -1)):
    n, extra, tenure, level = wrong
    square, line = np.zeros((16, 16), np.int32), np.zeros((1, 16), np.int32)
    try:
        kernel.search(n, square, line[0], line, bytearray(16), extra, tenure, level)
    except ValueError:
        continue
    raise SystemExit(f"taken: {wrong}")
print(len(levels), cases)
"""


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="needs GCC")
def test_no_level_leaves_its_memory(tmp_path):
    include = sysconfig.get_paths()["include"]
    built = subprocess.run(
        [COMPILER, "-O1", "-g", "-shared", "-fPIC", "-Wno-psabi", *SANITISED]
        + [f"-I{include}", SOURCE, "-o", tmp_path / "_descent.so"],
        capture_output=True,
        text=True,
    )
    if "cannot find" in built.stderr:
        pytest.skip("the compiler has no sanitisers")
    assert built.returncode == 0, built.stderr
    libraries = [
        subprocess.run(
            [COMPILER, f"-print-file-name={name}"], capture_output=True, text=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    # Python itself leaks on purpose; all else would end the process.
    environment = {
        **os.environ,
        "LD_PRELOAD": ":".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, tmp_path / "_descent.so"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    levels, cases = map(int, done.stdout.split())
    assert cases == 25 * levels
