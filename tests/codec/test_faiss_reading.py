import numpy as np
import pytest
from codec.faiss_cases import FACTORIES, rows_about

from isthmus.codec.faiss import sign_codes, train_index
from isthmus.codec.faiss.quantisers import Factors
from isthmus.codec.faiss.stored import Stored
from isthmus.core import DataError, ValueOutOfRange

faiss = pytest.importorskip("faiss", reason="the extra faiss is not installed")


@pytest.fixture(scope="module")
def indexes():
    """Each trained on the same rows and holding them."""
    rows = rows_about(2.0, 600)
    made = {}
    for factory in FACTORIES:
        index = train_index(factory, rows)
        index.add(rows)
        made[factory] = index
    return rows, made


@pytest.mark.parametrize("factory", FACTORIES)
def test_signs_are_those_of_the_encoder(factory, indexes):
    rows, index = indexes[0], indexes[1][factory]
    found = sign_codes(index, rows)
    z = found.preactivations(rows.astype(np.float64))
    width = np.linalg.norm(found.encoder_weight, axis=1)
    sure = np.abs(z) > 1e-5 * np.linalg.norm(rows, axis=1)[:, None] * width
    assert sure[:, width > 0].mean() > 0.999
    np.testing.assert_array_equal(np.where(z >= 0, 1, -1)[sure], found.codes[sure])
    # Signs that hardly depend on rows would agree with anything.
    assert 0.1 < (found.codes > 0).mean() < 0.9


@pytest.mark.parametrize("factory", FACTORIES)
def test_what_is_held_is_what_was_encoded(factory, indexes):
    rows, index = indexes[0], indexes[1][factory]
    held, made = sign_codes(index), sign_codes(index, rows)
    np.testing.assert_array_equal(held.codes, made.codes)
    np.testing.assert_array_equal(held.scales, made.scales)
    np.testing.assert_array_equal(held.native(), made.native())
    assert held.ids is None
    assert held.bits_per_vector == held.codes.shape[1] + held.side_bits
    for name in ("norms", "best_scales", "lists"):
        assert (getattr(held, name) is None) == (getattr(made, name) is None)
        if getattr(held, name) is not None:
            np.testing.assert_array_equal(getattr(held, name), getattr(made, name))


@pytest.mark.parametrize("factory", FACTORIES)
def test_native_rows_are_those_of_faiss(factory, indexes):
    rows, index = indexes[0], indexes[1][factory]
    found = sign_codes(index, rows)
    back = found.native()
    assert back.dtype == np.float32
    if "Refine" in factory:
        index = faiss.downcast_index(index.base_index)
    try:
        theirs = index.sa_decode(index.sa_encode(rows))
    except RuntimeError:
        assert factory.split(",")[0] in ("HR", "ITQ", "PCAW12")
        assert "pseudo-inverse" in found.note
        return
    assert "pseudo-inverse" not in found.note
    if factory == "LSH17":
        assert "leaves columns beyond its bits unset" in found.note
        assert not back[:, 17:].any()
        back, theirs = back[:, :17], theirs[:, :17]
    np.testing.assert_allclose(back, theirs, atol=2e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("factory", [f for f in FACTORIES if "BitQ" in f or "EDEN1" in f])
def test_lengths_and_best_scales(factory, indexes):
    rows, index = indexes[0], indexes[1][factory]
    found = sign_codes(index, rows)
    z = found.preactivations(rows.astype(np.float64))
    np.testing.assert_allclose(found.norms, np.linalg.norm(z, axis=1), rtol=1e-4)
    np.testing.assert_allclose(found.best_scales, np.abs(z).mean(axis=1), rtol=1e-4)
    transformed = np.linalg.norm(z, axis=1), np.linalg.norm(rows - found.center, axis=1)
    keeps_length = "transformed" not in found.note
    assert keeps_length == np.allclose(*transformed, rtol=1e-3)
    error = [((rows - found.native(rescaled=r)) ** 2).sum() for r in (True, False)]
    assert error[0] < error[1]


@pytest.mark.parametrize("factory", [f for f in FACTORIES if "LSH" in f or "SQ" in f])
def test_signs_alone_tell_no_scale(factory, indexes):
    found = sign_codes(indexes[1][factory])
    assert found.norms is None
    assert found.best_scales is None
    with pytest.raises(ValueOutOfRange, match=r"stores none\. Fit one factor"):
        found.native(rescaled=True)


def test_bits_and_side_information(indexes):
    bits = {name: sign_codes(index) for name, index in indexes[1].items()}
    told = {name: (found.bits_per_vector, found.side_bits) for name, found in bits.items()}
    assert told["LSHrt"] == (27, 0)
    assert told["RR,RaBitQ"] == told["RR,EDEN1"] == (27 + 64, 64)
    assert told["RR,IVF4,RaBitQ"] == (27 + 72, 72)  # a byte says which list
    assert told["IVF4,SQtqmse1"] == (27 + 8, 8)
    assert told["PCA12,LSH"] == (12, 0)
    kinds = {"LSH", "RaBitQ", "EDEN", "TurboQuant"}
    assert {found.kind for found in bits.values()} == kinds


def test_other_signs_for_the_same_rows(indexes):
    found = sign_codes(indexes[1]["RR,RaBitQ"])
    middle = found.center
    np.testing.assert_allclose(
        found.native(-found.codes) - middle, middle - found.native(), atol=1e-5
    )
    with pytest.raises(ValueOutOfRange, match="shape of the codes that were read"):
        found.native(found.codes[:5])


@pytest.mark.parametrize("factory", ["RR,RaBitQ", "RR,EDEN1", "RR,SQtqmse1", "LSHrt"])
def test_a_factory_string_is_trained_on_the_rows(factory):
    rows = rows_about(1.0)
    whole, index = sign_codes(factory, rows), train_index(factory, rows)
    np.testing.assert_array_equal(whole.codes, sign_codes(index, rows).codes)
    assert index.ntotal == 0
    part = sign_codes(index, rows[7:8].astype(np.float64))
    np.testing.assert_array_equal(part.codes, whole.codes[7:8])


def test_numbers_of_rows():
    rows = rows_about(1.0, 200)
    numbers = np.random.default_rng(1).permutation(200) * 3 + 5
    plain = sign_codes("RR,RaBitQ", rows)
    index = train_index("IDMap,RR,RaBitQ", rows)
    index.add_with_ids(rows, numbers)
    found = sign_codes(index)
    np.testing.assert_array_equal(found.ids, numbers)
    np.testing.assert_array_equal(found.codes, plain.codes)
    lists = train_index("IVF4,EDEN1", rows)
    made = sign_codes(lists, rows)
    lists.add_with_ids(rows, numbers)
    found = sign_codes(lists)
    order = np.argsort(numbers)
    np.testing.assert_array_equal(found.ids, numbers[order])
    np.testing.assert_array_equal(found.codes, made.codes[order])
    np.testing.assert_array_equal(found.lists, made.lists[order])


def test_numbers_of_rows_in_lists_behind_a_map():
    rows = rows_about(1.0, 200)
    numbers = np.arange(200)[::-1] * 2
    index = train_index("IDMap,IVF4,RaBitQ", rows)
    index.add_with_ids(rows, np.ascontiguousarray(numbers))
    found = sign_codes(index)
    np.testing.assert_array_equal(found.ids, numbers)
    np.testing.assert_array_equal(found.codes, sign_codes(index, rows).codes)


def test_codes_inside_a_graph():
    rows = rows_about(1.0, 200)
    index = train_index("HNSW8_RaBitQ", rows)
    index.add(rows)
    flat = sign_codes("RaBitQ", rows)
    np.testing.assert_array_equal(sign_codes(index).codes, flat.codes)
    np.testing.assert_array_equal(sign_codes(index, rows).norms, flat.norms)


def test_bytes_that_mean_something_else_are_refused(monkeypatch):
    rows, name = rows_about(1.0), "isthmus.codec.faiss.reading.unpack_signs"
    with monkeypatch.context() as patch:
        patch.setattr(name, lambda bits, n: 1 - 2.0 * (np.arange(n) % 2) + 0 * bits[:, :1])
        with pytest.raises(DataError, match="signs that are not those of its transforms"):
            sign_codes("RR,RaBitQ", rows)
    factors = "isthmus.codec.faiss.quantisers._unbiased"
    with monkeypatch.context() as patch:
        patch.setattr(
            factors, lambda square, scales, n: Factors(square, 2 * scales, scales)
        )
        with pytest.raises(DataError, match="scales that its decoder does not use"):
            sign_codes("RR,RaBitQ", rows)
    short = Stored(np.zeros((len(rows), 9), np.uint8))
    monkeypatch.setattr("isthmus.codec.faiss.reading.encoded", lambda index, rows: short)
    with pytest.raises(DataError, match=r"9 bytes per code, not 12.*faiss-cpu 1\.15"):
        sign_codes("RaBitQ", rows)
