import re
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[1]


def test_python_example_of_the_readme_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)  # our own text
    out = capsys.readouterr().out.splitlines()
    nmse, predicted, reference, limit, passed, told, again, searched = out[:8]
    least, proof, folds = out[8:11]
    assert least == "2 3 obstructed"
    assert "at least 0.6" in proof
    assert folds.endswith("True")
    assert 0.25 < float(nmse) < 0.4
    assert 0.25 < float(reference) < float(predicted) < 0.4
    assert "theorem" in limit or "asymptotic" in limit
    assert 0.05 < float(told) < float(passed) < 0.09
    assert float(again) == pytest.approx(0.19, abs=0.01)
    assert float(searched) == pytest.approx(0.068, abs=0.004)
    deep, principal, gaps, radii, line, cells, elbows, worst, orbit, ten = out[11:]
    assert 0.3 < float(deep) < 0.45 < float(principal) < 0.6
    decoder_gap, encoder_gap = map(float, gaps.split())
    assert 0.0 < encoder_gap < decoder_gap
    assert decoder_gap + encoder_gap == pytest.approx(float(deep), rel=1e-3)
    assert radii.startswith("[")
    assert all(float(r) > 0 for r in radii[1:-1].split())
    n_regions, max_error = line.split()
    assert 1 < int(n_regions) < int(cells)
    assert float(max_error) > 0
    slope, offset, rows = (names[name] for name in ("slope", "offset", "rows"))
    back = np.einsum("roi,ri->ro", slope, rows) + offset
    answer = names["network"](torch.from_numpy(rows).float()).detach().numpy()
    np.testing.assert_allclose(back, answer, atol=1e-5)
    assert elbows == "1 2"
    found, proven = map(float, worst.split())
    assert 0.9 < proven < 1.0 < found < 2.1
    assert orbit.startswith("True ")
    plain, whole = map(float, ten.split())
    assert whole < 0.01 < 0.05 < plain


def test_table_of_the_readme_is_what_the_report_measures():
    import isthmus

    with pytest.warns(UserWarning, match="constant"):
        rows = isthmus.analyse("digits").reached
    table = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "README.md").read_text(), re.M)
    printed = {int(bits): cells.split(" | ") for bits, cells in table}
    columns = ("design", "descent", "random", "transform-coding", "search")
    for row in rows:
        cells = printed[row.n_code]
        value, error = cells[columns.index(row.encoder)].split(" ± ")
        # The last step of descent depends on the number of threads.
        assert float(value) == pytest.approx(row.nmse, abs=2e-3), row
        assert float(error) == pytest.approx(row.standard_error, abs=6e-4)
        assert cells[5] == f"{row.reference:.3f}"
        assert float(cells[6]) == pytest.approx(row.rate_distortion, abs=6e-4)
