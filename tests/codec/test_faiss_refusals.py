import numpy as np
import pytest
from codec.faiss_cases import rows_about
from helpers import unchecked

from isthmus.codec.faiss import read_index, sign_codes, train_index
from isthmus.core import DataError, DataNotFound, ValueOutOfRange

faiss = pytest.importorskip("faiss", reason="the extra faiss is not installed")
ROWS = rows_about(1.0)


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("PQ3", "got IndexPQ, whose codes are numbers of centroids"),
        ("PQ3x4fs", "got IndexPQFastScan, whose codes are numbers of centroids"),
        ("IVF4,PQ3", "got IndexIVFPQ, whose codes are numbers of centroids"),
        ("RQ2x4", "got IndexResidualQuantizer, whose codes are numbers of centroids"),
        ("Flat", "got IndexFlat, which keeps the rows themselves"),
        ("RR,IVF4,Flat", "got IndexIVFFlat, which keeps the rows themselves"),
        ("HNSW8", "got IndexFlatL2, which keeps the rows themselves"),
        ("SQ8", "got IndexScalarQuantizer of type QT_8bit.*'SQtqmse1'"),
        ("SQfp16", "of type QT_fp16"),
        ("SQtqmse2", "of type QT_2bit_tqmse"),
        ("IVF4,SQ4", "got IndexIVFScalarQuantizer of type QT_4bit"),
        ("RaBitQ4", "got IndexRaBitQ of 4 bits.*'RaBitQ'"),
        ("IVF4,RaBitQ2", "got IndexIVFRaBitQ of 2 bits"),
        ("RaBitQfs3", "got IndexRaBitQFastScan of 3 bits"),
        ("EDEN2", "got IndexEDEN of 2 bits.*'EDEN1'"),
        ("IVF4,EDEN4", "got IndexIVFEDEN of 4 bits"),
        ("no such thing", "could not parse index string"),
    ],
)
def test_codes_that_are_no_signs(factory, told):
    with pytest.raises(ValueOutOfRange, match=told):
        sign_codes(factory, ROWS[:20])  # refused before training on so few rows could fail


@pytest.mark.parametrize("factory", ["L2norm,RR,RaBitQ", "ITQ,RaBitQ", "L2norm,PCA12,LSH"])
def test_shifts_behind_unit_length(factory):
    with pytest.raises(ValueOutOfRange, match=r"no such W and centre\. Leave L2norm out"):
        sign_codes(factory, ROWS)


@pytest.mark.parametrize(
    "factory", ["LSHt", "RR,RaBitQ", "EDEN1", "SQtqmse1", "IVF4,RaBitQ"]
)
def test_untrained(factory):
    index = faiss.index_factory(27, factory)
    for rows in (None, ROWS):
        with pytest.raises(ValueOutOfRange, match=r"must be trained.*index\.train\(rows\)"):
            sign_codes(index, rows)


def test_too_few_rows_for_a_learnt_rotation():
    with pytest.raises(DataError, match="at least 27 rows.*'OPQ3,RaBitQ'; got 26"):
        train_index("OPQ3,RaBitQ", ROWS[:26])


@pytest.mark.parametrize("factory", ["LSH", "RR,RaBitQ", "IVF4,EDEN1"])
def test_empty(factory):
    index = train_index(factory, ROWS)
    with pytest.raises(ValueOutOfRange, match=r"is empty\. Call index\.add"):
        sign_codes(index)
    with pytest.raises(ValueOutOfRange, match="must be rows of numbers"):
        sign_codes(index, ROWS[:0])


@pytest.mark.parametrize("factory", ["RaBitQ", "RR,EDEN1", "IVF4,RaBitQ", "SQtqmse1"])
def test_other_distances(factory):
    index = faiss.index_factory(27, factory, faiss.METRIC_INNER_PRODUCT)
    with pytest.raises(ValueOutOfRange, match=r"METRIC_L2\); got metric 0 of Index"):
        sign_codes(index, ROWS)


def test_unknown_transforms():
    class Strange(faiss.RandomRotationMatrix):
        pass

    from isthmus.codec.faiss.transforms import forward

    with pytest.raises(ValueOutOfRange, match=r"got Strange\. Known are Centering"):
        forward([Strange(4, 4)], 4)


def test_what_is_no_index():
    call = unchecked(sign_codes)
    with pytest.raises(ValueOutOfRange, match="'RR,RaBitQ'; got 3"):
        call(3, ROWS)
    with pytest.raises(ValueOutOfRange, match="OneBitDecoder as -1 and"):
        call(faiss.IndexBinaryFlat(16))
    with pytest.raises(ValueOutOfRange, match=r"read_index\(path\)"):
        call("RR,RaBitQ")
    with pytest.raises(ValueOutOfRange, match="must be text such as"):
        unchecked(train_index)(3, ROWS)


def test_rows_that_faiss_cannot_take():
    index = train_index("RR,RaBitQ", ROWS)
    with pytest.raises(
        ValueOutOfRange, match="must have the 27 columns of the index; got 5"
    ):
        sign_codes(index, ROWS[:, :5])
    bad = ROWS.copy()
    bad[7, 3] = np.nan
    with pytest.raises(DataError, match="row 7 is not"):
        sign_codes(index, bad)
    with pytest.raises(DataError, match="row 0 is not"):
        sign_codes(index, 1e39 * ROWS.astype(np.float64))
    with pytest.raises(
        DataError, match=r"faiss can train 'IVF500,RaBitQ' on; it says: .*500"
    ):
        train_index("IVF500,RaBitQ", ROWS)


def test_files(tmp_path):
    index = train_index("RR,RaBitQ", ROWS)
    index.add(ROWS)
    faiss.write_index(index, str(tmp_path / "x.faiss"))
    again = sign_codes(read_index(tmp_path / "x.faiss"))
    np.testing.assert_array_equal(again.codes, sign_codes(index).codes)
    np.testing.assert_array_equal(again.native(), sign_codes(index).native())
    with pytest.raises(DataNotFound, match="no such file"):
        read_index(tmp_path / "y.faiss")
    (tmp_path / "text").write_text("a line of text, and no index")
    with pytest.raises(DataError, match="`text` must be an index that faiss wrote"):
        read_index(tmp_path / "text")
    raw = (tmp_path / "x.faiss").read_bytes()
    (tmp_path / "half").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match="`half` must be an index that faiss wrote"):
        read_index(tmp_path / "half")
    faiss.write_index_binary(faiss.IndexBinaryFlat(8), str(tmp_path / "bits"))
    with pytest.raises(DataError, match="A binary index holds bits without what made them"):
        read_index(tmp_path / "bits")


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_rows_whose_squares_float32_cannot_add_are_refused(unit):
    rows = unit * np.random.default_rng(0).normal(size=(60, 8))
    with pytest.raises(DataError, match="Multiply or divide the rows by a constant"):
        sign_codes("RR,RaBitQ", rows)
