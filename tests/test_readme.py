import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_python_example_of_the_readme_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})  # our own text
    nmse, predicted, reference, limit = capsys.readouterr().out.splitlines()
    assert 0.25 < float(nmse) < 0.4
    assert 0.25 < float(reference) < float(predicted) < 0.4
    assert "theorem" in limit or "asymptotic" in limit


def test_table_of_the_readme_is_what_the_report_measures():
    import isthmus

    with pytest.warns(UserWarning, match="constant"):
        rows = isthmus.analyse("digits").reached
    table = (ROOT / "README.md").read_text()
    for row in rows:
        assert f"{row.nmse:.3f} ± {row.standard_error:.3f}" in table, row
        assert f"| {row.reference:.3f} |" in table, row
