import os

import numpy as np
import pytest

from isthmus.core import DataError, DataNotFound, OutputError
from isthmus.core.files import packed, unpacked, write_whole


def test_a_failed_write_leaves_the_file_before_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "a.bin"
    write_whole(target, b"first")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for temporary in (None, ".a.part"):
        with pytest.raises(OutputError, match="No space left"):
            write_whole(target, b"second", temporary=temporary)
        assert target.read_bytes() == b"first"
        assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_what_a_killed_process_left_is_written_over(tmp_path):
    (tmp_path / ".a.part").write_bytes(b"rubbish that is longer than the next file")
    write_whole(tmp_path / "a.bin", b"whole", temporary=".a.part")
    assert (tmp_path / "a.bin").read_bytes() == b"whole"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_the_file_is_flushed_before_it_gets_its_name(tmp_path, monkeypatch):
    order = []
    flush, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda h: (order.append("flush"), flush(h)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("rename"), rename(a, b)))
    write_whole(tmp_path / "a.bin", b"whole")
    assert order[:2] == ["flush", "rename"]


def test_arrays_and_header_come_back(tmp_path):
    arrays = {
        "numbers": np.arange(6.0).reshape(2, 3)[:, ::2],
        "single": np.float32([1e-40, np.inf, np.nan]),
        "empty": np.empty(0),
    }
    path = tmp_path / "a.safetensors"
    write_whole(path, packed(arrays, {"format": "f", "version": 3, "seed": 2**64 - 1}))
    header, found = unpacked(path, kind="f", noun="thing", version=3)
    assert header["seed"] == 2**64 - 1
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    for options, words in [
        ({"kind": "g", "version": 3}, "no isthmus thing"),
        (
            {"kind": "f", "version": 2},
            "version 3 of the thing format; this isthmus reads 2",
        ),
    ]:
        with pytest.raises(DataError, match=words):
            unpacked(path, noun="thing", **options)
    with pytest.raises(DataNotFound, match="no such file"):
        unpacked(tmp_path / "b", kind="f", noun="thing", version=3)
