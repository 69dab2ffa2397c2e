import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src" / "isthmus" / "codec"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
SANITISED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
@pytest.mark.parametrize("flags", [("-O1", "-g", *SANITISED), ("-O3",), ("-O0",)])
def test_every_shape_at_every_level(flags, tmp_path):
    # The widest level is built from the same source for narrower registers, so that its
    # butterflies run on machines without it.
    fixed = ("-std=c11", "-ffp-contract=off", "-DISTHMUS_EMULATE_AVX512", "-Wno-psabi")
    files = (HERE / "kernel_driver.c", SOURCES / "kernel.c")
    built = subprocess.run(
        [COMPILER, *fixed, *flags, f"-I{SOURCES}", *files, "-o", tmp_path / "driver"],
        capture_output=True,
        text=True,
    )
    if "sanitize" in " ".join(flags) and "cannot find" in built.stderr:
        pytest.skip("the compiler has no sanitisers")
    assert built.returncode == 0, built.stderr
    done = subprocess.run([tmp_path / "driver"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    levels, cases = (int(done.stdout.split()[i]) for i in (0, 2))
    assert cases == levels * (14 * 3 * 8 * 4 + 1)
