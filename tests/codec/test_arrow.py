import json

import numpy as np
import pytest
from codec.made import dense_coder, some_rows

from isthmus.codec import (
    ArchiveReader,
    decode_archive,
    encode_archive,
    export_codes,
    import_codes,
)
from isthmus.core import DataError, DataNotFound, OutputError, ValueOutOfRange

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")
pytest.importorskip("pyarrow.ipc")


def read_table(path):
    if path.suffix == ".arrow":
        return pyarrow.ipc.open_file(pyarrow.OSFile(str(path))).read_all()
    return pyarrow.parquet.read_table(path)


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
@pytest.mark.parametrize("norm", [True, False])
def test_codes_go_out_and_come_back(ending, norm, tmp_path):
    coder = dense_coder(norm=norm)
    rows = some_rows(300)
    encode_archive(rows, coder, tmp_path / "x.isth", chunk_rows=70)
    out = tmp_path / f"codes{ending}"
    assert export_codes(tmp_path / "x.isth", out, rows=(50, 290)) == 240
    packed, norms = coder.encode(rows)
    table = read_table(out)
    assert table.column("code").type == pyarrow.binary(3)
    assert table.column("code").to_pylist() == [bytes(row) for row in packed[50:290]]
    if norm:
        assert table.column("norm").type == pyarrow.float16()
        np.testing.assert_array_equal(table.column("norm").to_numpy(), norms[50:290])
    told = json.loads(table.schema.metadata[b"isthmus"])
    assert (told["n_bits"], told["digest"]) == (20, coder.spec.digest)
    import_codes(out, coder, tmp_path / "y.isth")
    import_codes(out, coder, tmp_path / "y.isth", append=True)
    part = decode_archive(tmp_path / "x.isth")[50:290]
    found = decode_archive(tmp_path / "y.isth")
    np.testing.assert_array_equal(found, np.concatenate([part, part]))
    with pytest.raises(OutputError, match="exists already"):
        export_codes(tmp_path / "x.isth", out)


def test_codes_of_other_programs(tmp_path):
    coder = dense_coder()
    packed, norms = coder.encode(some_rows(9))
    code = pyarrow.array([bytes(row) for row in packed], pyarrow.binary(3))
    other = {"id": list(range(9)), "norm": pyarrow.array(norms), "code": code}
    pyarrow.parquet.write_table(pyarrow.table(other), tmp_path / "x.parquet")
    import_codes(tmp_path / "x.parquet", coder, tmp_path / "x.isth")
    with ArchiveReader(tmp_path / "x.isth") as archive:
        np.testing.assert_array_equal(archive.packed_rows()[0], packed)
        np.testing.assert_array_equal(archive.packed_rows()[1], norms)


def columns(**change):
    code = pyarrow.array([b"abc", b"abd"], pyarrow.binary(3))
    norm = pyarrow.array(np.ones(2, np.float16))
    found = {"code": code, "norm": norm, **change}
    return pyarrow.table({name: c for name, c in found.items() if c is not None})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (columns(code=None), "one column 'code' of fixed_size_binary"),
        (columns(code=pyarrow.array([b"abc", b"ab"])), "got binary"),
        (columns(code=pyarrow.array([b"ab", b"cd"], pyarrow.binary(2))), "got fixed_size"),
        (columns(norm=None), "'norm' of halffloat"),
        (columns(norm=pyarrow.array([1.0, 2.0])), "got double"),
        (columns(code=pyarrow.array([b"abc", None], pyarrow.binary(3))), "one is null"),
        (columns(norm=pyarrow.array(np.float16([1, np.nan]))), "finite norms"),
        (columns(norm=pyarrow.array(np.float16([1, -1]))), "none negative"),
        (columns(code=pyarrow.array([b"abc", b"ab\xff"], pyarrow.binary(3))), "20 bits"),
        (columns().replace_schema_metadata({"isthmus": "{"}), "damaged"),
        (columns().replace_schema_metadata({"isthmus": "[1]"}), "damaged"),
        (columns().replace_schema_metadata({"isthmus": '{"digest": "x"}'}), "another mod"),
    ],
)
def test_tables_that_are_no_codes_of_the_model(table, words, tmp_path):
    coder = dense_coder()
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises((DataError, ValueOutOfRange), match=words):
        import_codes(tmp_path / "x.parquet", coder, tmp_path / "x.isth")
    assert not (tmp_path / "x.isth").exists()


def test_files_that_are_no_tables(tmp_path):
    coder = dense_coder()
    for ending in (".parquet", ".arrow"):
        path = tmp_path / f"x{ending}"
        with pytest.raises(DataNotFound, match="no such file"):
            import_codes(path, coder, tmp_path / "x.isth")
        path.write_bytes(b"PAR1" + bytes(100))
        with pytest.raises(DataError, match="cannot be read"):
            import_codes(path, coder, tmp_path / "x.isth")
    with pytest.raises(ValueOutOfRange, match=r"must end in .parquet or .arrow"):
        import_codes(tmp_path / "x.csv", coder, tmp_path / "x.isth")


def test_damaged_chunks_are_not_exported(tmp_path):
    path = tmp_path / "x.isth"
    encode_archive(some_rows(300), dense_coder(), path, chunk_rows=100)
    with ArchiveReader(path) as archive:
        place = int(archive.chunks["offset"][1]) + 80
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"chunk 1 \(rows 100-199\)"):
        export_codes(path, tmp_path / "x.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["x.isth"]
    assert export_codes(path, tmp_path / "x.parquet", rows=(200, 300)) == 100
