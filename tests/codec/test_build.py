"""The package is built with a compiler and without one; the codes are the same."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = (
    "import numpy as np; from isthmus import codec, frames; print(*codec.kernels()); "
    "frame = frames.hadamard(256, 256, rng=0, rounds=2); "
    "x = np.random.default_rng(0).standard_normal((50, 256)); "
    "print(codec.encode_bits(frame, x).tobytes().hex())"
)


def wheel_of(tmp_path, **environment):
    """Build a wheel of a clean copy; its unpacked folder and what the build said."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    rubbish = shutil.ignore_patterns("*.so", "*.pyd", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "src", source / "src", ignore=rubbish)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "--verbose", "--wheel-dir", tmp_path, source],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked", done.stdout + done.stderr


def codes_of(folder):
    """Names of the arithmetics that an unpacked wheel runs, and its codes."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": str(folder), "ISTHMUS_KERNEL": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    *names, codes = done.stdout.split()
    return names, codes


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_wheels_with_and_without_a_compiler(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    compiled, _ = wheel_of(tmp_path / "with")
    plain, said = wheel_of(tmp_path / "without", CC="/bin/false")
    assert len(list(compiled.rglob("_kernel*"))) == 1
    assert not list(plain.rglob("_kernel*"))
    assert 'building extension "isthmus.codec._kernel" failed' in said
    assert (plain / "isthmus" / "report" / "template.html").exists()
    assert (plain / "isthmus" / "py.typed").exists()
    names, codes = codes_of(compiled)
    assert names[:2] == ["numpy", "portable"]
    assert codes_of(plain) == (["numpy"], codes)
