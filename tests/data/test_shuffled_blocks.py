"""Blocks in random order, so that whoever stops early has seen a fair sample."""

import numpy as np
import pytest

from isthmus.core import DataError, as_rng
from isthmus.data import load, stream


def written(folder, kind, x):
    path = folder / f"x.{kind.split('-')[0]}"
    if kind == "npy":
        np.save(path, x)
    elif kind == "csv":
        path.write_text("\n".join(",".join(repr(float(v)) for v in row) for row in x))
    elif kind == "parquet":
        pa = pytest.importorskip("pyarrow")
        pq = pytest.importorskip("pyarrow.parquet")
        table = pa.table({f"column {i}": column for i, column in enumerate(x.T)})
        pq.write_table(table, path, row_group_size=9)
    else:
        (np.savez_compressed if kind.endswith("small") else np.savez)(path, y=x[:3], x=x)
        return f"{path}:x"
    return path


@pytest.mark.parametrize(
    ("kind", "seekable"),
    [("npy", True), ("npz", True), ("parquet", True), ("npz-small", False), ("csv", False)],
)
@pytest.mark.parametrize("chunk", [4, 9, 20])
def test_all_rows_come_once_in_an_order_of_their_own(kind, seekable, chunk, rng, tmp_path):
    x = rng.standard_normal((103, 3))
    source = stream(written(tmp_path, kind, x), chunk)
    orders, passes = [], []
    for seed in (0, 0, 1, 2):
        pieces = [(s, b.copy()) for s, b in source.shuffled_blocks(as_rng(seed))]
        for start, block in pieces:
            np.testing.assert_array_equal(block, x[start : start + len(block)])
        orders.append([start for start, _ in pieces])
        passes.append(np.concatenate([block for _, block in sorted_by_start(pieces)]))
    assert source.seekable is seekable
    for rows in passes:
        np.testing.assert_array_equal(rows, x)
    assert orders[0] == orders[1]
    if seekable:
        assert len({tuple(order) for order in orders}) == 3
        assert all(order != sorted(order) for order in orders)
    else:
        assert all(order == sorted(order) for order in orders)


def sorted_by_start(pieces):
    return sorted(pieces, key=lambda piece: piece[0])


def test_the_first_blocks_of_a_sorted_file_are_a_fair_sample(tmp_path):
    # Of 200 blocks of sorted rows the mean of ten at random has standard error
    # 1000 sqrt(1/12 (1/10 - 1/200)) = 89; the first ten in file order are off by 475.
    np.save(tmp_path / "x.npy", np.arange(1000.0).reshape(1000, 1))
    source = stream(tmp_path / "x.npy", 5)
    found = []
    for seed in range(20):
        blocks = source.shuffled_blocks(as_rng(seed))
        found.append(np.mean([next(blocks)[1].mean() for _ in range(10)]))
    assert abs(np.mean(found) - 499.5) < 5 * 89 / np.sqrt(20)


def test_one_row_group_has_no_order_to_change(tmp_path, rng):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": rng.random(50)}), tmp_path / "x.parquet")
    source = stream(tmp_path / "x.parquet", 8)
    assert not source.seekable
    starts = [start for start, _ in source.shuffled_blocks(as_rng(0))]
    assert starts == list(range(0, 50, 8))


def test_gaps_are_left_out_in_any_order(tmp_path, rng):
    x = rng.standard_normal((60, 2))
    x[5:25, 0] = np.nan
    np.save(tmp_path / "x.npy", x)
    source = stream(tmp_path / "x.npy", 5, drop_missing=True)
    with pytest.warns(UserWarning, match="20 of 60 rows"):
        pieces = [(s, b.copy()) for s, b in source.shuffled_blocks(as_rng(3))]
    got = np.concatenate([block for _, block in sorted_by_start(pieces)])
    np.testing.assert_array_equal(got, np.delete(x, range(5, 25), axis=0))
    assert source.n_rows_dropped == 20


@pytest.mark.parametrize("kind", ["npy", "npz", "parquet"])
def test_a_file_that_shrinks_after_it_was_opened(kind, tmp_path, rng):
    place = written(tmp_path, kind, rng.standard_normal((300, 5)))
    source = stream(place, 10)
    path = source.path
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(DataError, match="cut short"):
        list(source.shuffled_blocks(as_rng(0)))
    with pytest.raises(DataError, match="cut short"):
        source.rows([0, 299])
    with pytest.raises(DataError, match="cut short"):
        list(source.blocks())


def test_a_member_behind_others_is_found_where_it_is(tmp_path, rng):
    arrays = {f"a{i}": rng.random((11, i + 2)) for i in range(4)}
    np.savez(tmp_path / "x.npz", **arrays)
    for key, x in arrays.items():
        source = stream(f"{tmp_path}/x.npz:{key}", 2)
        np.testing.assert_array_equal(source.rows([0, 5, 10]), x[[0, 5, 10]])
        assert load(f"{tmp_path}/x.npz:{key}").values.shape == x.shape
