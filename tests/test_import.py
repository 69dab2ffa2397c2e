import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "scipy", "plotly", "sklearn", "gudhi", "rich", "jinja2")


def loaded_after(code):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    text = f"import sys; {code}; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", text], env=env, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_import_is_light():
    assert loaded_after("import isthmus") == set()
    assert loaded_after("import isthmus.training, isthmus.data") == set()


def test_the_command_line_starts_light():
    assert not loaded_after("import isthmus.cli.main") & {
        "scipy",
        "plotly",
        "sklearn",
        "torch",
    }


def test_limits_need_neither_scikit_learn_nor_plotly():
    code = "from isthmus import limits; limits.covariance_limit([1.0, 2.0], 2)"
    assert loaded_after(code) == set()


def test_public_names():
    import isthmus

    for name in isthmus.__all__:
        assert getattr(isthmus, name) is not None
    assert set(isthmus.__all__) <= set(dir(isthmus))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = isthmus.nothing
