import json

import numpy as np
import pytest

from isthmus.codec import ArchiveReader, decode_archive


@pytest.fixture
def fitted(isthmus, rng):
    """Rows in x.npy and a model of them, m.safetensors."""
    rows = rng.normal(size=(400, 8)).astype(np.float32) @ np.diag(np.arange(1.0, 9.0))
    np.save("x.npy", rows.astype(np.float32))
    fit = ("fit", "x.npy", "-o", "m.safetensors", "--norm", "float16", "-q")
    assert isthmus(*fit)[0] == 0
    return isthmus


def test_there_and_back(fitted):
    code, out, err = fitted("encode", "x.npy", "-m", "m.safetensors", "-o", "x.isth")
    assert (code, err) == (0, "")
    assert "x.isth: 400 rows of 8 columns" in out
    assert "24 bits per row" in out
    assert fitted("decode", "x.isth", "-o", "all.npy")[0] == 0
    assert fitted("decode", "x.isth", "-o", "some.npy", "--rows", "10-19")[0] == 0
    rows, some = np.load("all.npy"), np.load("some.npy")
    np.testing.assert_array_equal(some, rows[10:20])
    x = np.load("x.npy")
    nmse = ((x - rows) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()
    assert nmse < 0.4
    told = json.loads(fitted("inspect", "x.isth", "--json")[1])
    assert (told["n_rows"], told["n_bits"], told["norm"]) == (400, 8, "float16")
    out = fitted("inspect", "x.isth")[1]
    assert "rows     400 in 1 chunk, written once" in out
    assert "24 bits: 8 bits of code and the length of the row, 16 bits" in out
    assert fitted("verify", "x.isth")[:2] == (
        0,
        "x.isth: whole; 400 rows in 1 chunk have their checksums\n",
    )


def test_append_needs_no_model(fitted):
    fitted("encode", "x.npy", "-m", "m.safetensors", "-o", "x.isth")
    code, out, _ = fitted("encode", "x.npy", "-o", "x.isth", "--append", "--json")
    assert code == 0
    assert json.loads(out)["n_rows"] == 800
    rows = decode_archive("x.isth")
    np.testing.assert_array_equal(rows[:400], rows[400:])
    assert "in 2 parts" in fitted("inspect", "x.isth")[1]
    np.save("one.npy", np.load("x.npy")[:1])
    out = fitted("encode", "one.npy", "-o", "x.isth", "--append")[1]
    assert out.startswith("x.isth: 801 rows of")
    np.testing.assert_array_equal(decode_archive("x.isth")[800], rows[0])
    # An archive can stand for its model.
    assert fitted("encode", "x.npy", "-m", "x.isth", "-o", "y.isth")[0] == 0
    np.testing.assert_array_equal(decode_archive("y.isth"), rows[:400])


def test_without_the_model_in_it(fitted):
    make = ("encode", "x.npy", "-m", "m.safetensors", "-o", "x.isth", "--no-model")
    assert fitted(*make)[0] == 0
    assert "elsewhere" in fitted("inspect", "x.isth")[1]
    code, _, err = fitted("decode", "x.isth", "-o", "y.npy")
    assert code == 2
    assert "holds no model, only its digest" in err
    assert fitted("decode", "x.isth", "-m", "m.safetensors", "-o", "y.npy")[0] == 0
    assert fitted("verify", "x.isth", "-m", "m.safetensors")[0] == 0
    code, _, err = fitted("encode", "x.npy", "-o", "x.isth", "--append")
    assert code == 2
    assert "--model" in err
    assert fitted(*make[:-1], "--append")[0] == 0
    code, _, err = fitted(*make, "--append")
    assert code == 2
    assert "`--no-model` is for new archives" in err


def test_packed_codes_go_out_and_come_back(fitted):
    pytest.importorskip("pyarrow")
    fitted("encode", "x.npy", "-m", "m.safetensors", "-o", "x.isth")
    code, out, _ = fitted("decode", "x.isth", "-o", "c.parquet", "--packed")
    assert (code, out) == (0, "c.parquet: 400 packed rows\n")
    back = ("encode", "c.parquet", "--packed", "-m", "m.safetensors", "-o", "y.isth")
    assert fitted(*back)[0] == 0
    np.testing.assert_array_equal(decode_archive("x.isth"), decode_archive("y.isth"))
    code, _, err = fitted("decode", "x.isth", "-o", "d.arrow", "--packed", "--recover")
    assert code == 2
    assert "leave out" in err


def test_a_damaged_archive(fitted):
    make = ("encode", "x.npy", "-m", "m.safetensors", "-o", "x.isth", "--chunk-rows", 100)
    fitted(*make)
    with ArchiveReader("x.isth") as archive:
        place = int(archive.chunks["offset"][2]) + 70
    with open("x.isth", "r+b") as file:
        file.seek(place)
        old = file.read(1)
        file.seek(place)
        file.write(bytes([old[0] ^ 1]))
    code, out, _ = fitted("verify", "x.isth")
    assert code == 2
    assert out == (
        "x.isth: damaged; 300 of 400 rows whole\n"
        "- chunk 2 (rows 200-299): its checksum is another\n"
    )
    code, out, _ = fitted("verify", "x.isth", "--json")
    assert code == 2
    assert json.loads(out)["damages"][0]["rows"] == [200, 300]
    code, _, err = fitted("decode", "x.isth", "-o", "y.npy")
    assert code == 2
    assert err.startswith("error: `x.isth`: chunk 2 (rows 200-299): its checksum")
    assert fitted("decode", "x.isth", "-o", "y.npy", "--rows", "300-399")[0] == 0
    assert fitted("decode", "x.isth", "-o", "z.npy", "--damaged", "nan")[0] == 0
    missing = np.isnan(np.load("z.npy")).any(axis=1)
    assert np.flatnonzero(missing).tolist() == list(range(200, 300))


def test_an_archive_that_was_cut(fitted):
    make = ("encode", "x.npy", "-m", "m.safetensors", "-o", "x.isth", "--chunk-rows", 100)
    fitted(*make)
    with ArchiveReader("x.isth") as archive:
        place = int(archive.chunks["offset"][3]) + 70
    with open("x.isth", "r+b") as file:
        file.truncate(place)
    code, _, err = fitted("decode", "x.isth", "-o", "y.npy")
    assert code == 2
    assert "3 chunks with 300 rows can still be read with --recover" in err
    assert "300 rows more with decode --recover" in fitted("inspect", "x.isth")[1]
    assert fitted("decode", "x.isth", "-o", "y.npy", "--recover")[0] == 0
    assert np.load("y.npy").shape == (300, 8)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("encode x.npy -o x.isth", "`--model` must be given"),
        ("encode x.npy -m m.safetensors -o x.bin", "must end in .isth"),
        ("encode x.npy -m none.safetensors -o x.isth", "there is no such file"),
        ("encode none.npy -m m.safetensors -o x.isth", "there is no such file"),
        ("encode digits -m m.safetensors -o x.isth", "the columns that the model"),
        ("encode x.npy -m m.safetensors -o x.isth --append", "no such archive"),
        ("encode x.npy -m x.npy -o x.isth", "cannot be read as a model"),
        ("encode x.npy -m m.safetensors -o old.isth", "exists already"),
        ("encode x.npy -o old.isth --append --force", "exclude each other"),
        ("decode none.isth -o y.npy", "there is no such file"),
        ("decode x.npy -o y.npy", "does not begin as an isthmus archive"),
        ("decode old.isth -o y.txt", "must end in"),
        ("decode old.isth -o x.npy", "exists already"),
        ("decode old.isth -o y.npy --rows 7-3", "must not go backwards"),
        ("decode old.isth -o y.npy --rows a-b", "must be two row numbers"),
        ("decode old.isth -o y.npy --rows 0-400", "has rows 0-399; got 0-400"),
        ("decode old.isth -o y.npy --damaged maybe", "must be 'error' or 'nan'"),
        ("inspect .", "is a folder"),
        ("encode x.npy -m . -o y.isth", "`.` is a folder; name a file in it"),
        ("diagnose . x.npy", "`.` is a folder; name a file in it"),
        ("verify x.npy", "does not begin as an isthmus archive"),
    ],
)
def test_mistakes_are_one_line(arguments, words, fitted):
    fitted("encode", "x.npy", "-m", "m.safetensors", "-o", "old.isth")
    code, out, err = fitted(*arguments.split())
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_a_model_whose_code_is_no_bits(fitted):
    fit = ("fit", "x.npy", "-o", "t.safetensors", "--activation", "tanh", "-q")
    assert fitted(*fit)[0] == 0
    code, _, err = fitted("encode", "x.npy", "-m", "t.safetensors", "-o", "x.isth")
    assert code == 2
    assert "must have the sign activation, one bit per symbol; got tanh" in err
