import json

import numpy as np
import pytest
from helpers import unchecked

from isthmus.cli.redecoding import redecode
from isthmus.codec.faiss import sign_codes, train_index
from isthmus.core import ValueOutOfRange
from isthmus.core.protocol import nmse_of

faiss = pytest.importorskip("faiss", reason="the extra faiss is not installed")


@pytest.fixture(scope="module")
def rows():
    """Coloured Gaussian rows about 2: training rows, and rows that indexes hold."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(24, 24)) * np.geomspace(3, 0.1, 24)[:, None]
    x = (rng.normal(size=(1500, 24)) @ mixing + 2).astype(np.float32)
    return x[:1200], x[1200:]


def native(codes):
    return codes.native(rescaled=codes.best_scales is not None)


@pytest.mark.parametrize(
    ("factory", "decibels"),
    [
        ("RR,RaBitQ", 2.0),
        ("HR,RaBitQ", 2.0),
        ("RR,EDEN1", 2.0),
        ("LSHrt", 2.0),
        ("RR,SQtqmse1", 2.0),
        ("Pad32,LSH", 1.0),
        ("RR,IVF4,RaBitQ", 1.5),
        ("PCAR12,RaBitQ", 1.0),
    ],
)
def test_codes_hold_more_than_faiss_reads(factory, decibels, rows):
    train, held = rows
    index = train_index(factory, train)
    index.add(held)
    found = redecode(index, train, method="linear")
    mean = train.mean(axis=0, dtype=float)
    old = nmse_of(held.astype(float), native(found.codes).astype(float), mean)
    new = nmse_of(held.astype(float), found.rows().astype(float), mean)
    assert 10 * np.log10(old / new) > decibels
    assert found.rows().dtype == np.float32
    np.testing.assert_allclose(found.rows(7, 30), found.rows()[7:30], atol=1e-5)
    np.testing.assert_allclose(
        np.concatenate(list(found.blocks(0, 300))), found.rows(), atol=1e-5
    )


def test_what_is_tried_is_told_beside_the_codec_itself(rows):
    train, held = rows
    index = train_index("RR,RaBitQ", train)
    index.add(held)
    found = redecode(index, train, random_state=0)
    trials = found.decoder.trials_
    assert trials[found.decoder.method_used_] < trials["baseline"]
    # The baseline is the codec's own decoder at its best scale, which costs 1 - 2/pi.
    codes = sign_codes(index, train)
    own = nmse_of(train.astype(float), native(codes).astype(float), codes.center)
    assert trials["baseline"] == pytest.approx(own, rel=0.1)
    assert "rows set aside" in found.decoder.reason_


def test_directions_that_the_codec_drops_come_back_at_the_mean(rows):
    train, held = rows
    index = train_index("PCA8,LSH", train + 1000)
    index.add(held + 1000)
    found = redecode(index, train + 1000, method="linear").rows()
    assert nmse_of(held + 1000.0, found.astype(float), train.mean(axis=0) + 1000.0) < 0.5


def test_too_few_rows_to_learn_from(rows):
    index = train_index("RR,RaBitQ", rows[0])
    index.add(rows[1])
    with pytest.raises(ValueOutOfRange, match=r"at least two rows to learn from; got 1\."):
        redecode(index, rows[0][:1])
    with pytest.raises(ValueOutOfRange, match="must have the 24 columns"):
        redecode(index, rows[0][:, :3])
    with pytest.raises(ValueOutOfRange, match="must be an index of faiss"):
        unchecked(redecode)(3, rows[0])


@pytest.fixture
def saved(isthmus, rows):
    """train.npy, and x.faiss that holds the other rows under numbers of their own."""
    np.save("train.npy", rows[0])
    index = train_index("IDMap,RR,RaBitQ", rows[0])
    index.add_with_ids(rows[1], np.arange(300, dtype=np.int64) * 2 + 1)
    faiss.write_index(index, "x.faiss")
    return isthmus


def test_from_the_command_line(saved, rows):
    order = ("decode", "x.faiss", "-o", "back.npy", "--train", "train.npy", "-q")
    code, out, err = saved(*order)
    assert (code, err) == (0, "")
    assert "back.npy: 300 rows of 24 columns, float32" in out
    assert "RaBitQ, 88 bits per row" in out
    assert "rows set aside" in out
    assert "rows are in the order of the index" in out
    back = np.load("back.npy")
    assert nmse_of(rows[1].astype(float), back.astype(float), rows[0].mean(axis=0)) < 0.25
    code, out, _ = saved(*order, "--rows", "5-8", "--force", "--json")
    facts = json.loads(out)
    assert (facts["n_rows"], facts["n_columns"], facts["ids"]) == (4, 24, [11, 13, 15, 17])
    assert (facts["kind"], facts["bits_per_vector"], facts["side_bits"]) == (
        "RaBitQ",
        88,
        64,
    )
    assert facts["trials"][facts["method"]] < facts["trials"]["baseline"]
    np.testing.assert_allclose(np.load("back.npy"), back[5:9], atol=1e-5)
    assert saved("decode", "x.faiss", "-o", "y.csv", "--train", "train.npy", "-q")[0] == 0
    with open("y.csv") as file:
        assert file.readline().startswith('"column 0","column 1"')


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "y.npy"), "must have --train DATA"),
        (("-o", "y.npy", "--train", "train.npy", "--packed"), "leave out --packed"),
        (("-o", "y.txt", "--train", "train.npy"), "must end in .npy, .csv, .parquet"),
        (("-o", "train.npy", "--train", "train.npy"), "exists already. Use --force"),
        (("-o", "y.npy", "--train", "train.npy", "--rows", "299-300"), "0 to 299"),
        (("-o", "y.npy", "--train", "none.npy"), "none.npy"),
    ],
)
def test_wrong_orders(words, told, saved):
    code, out, err = saved("decode", "x.faiss", *words)
    assert (code, out) == (2, "")
    assert told in err


def test_a_file_that_is_no_index(saved):
    code, _, err = saved("decode", "train.npy", "-o", "y.npy", "--train", "train.npy")
    assert code == 2
    assert "must be an index that faiss wrote" in err
