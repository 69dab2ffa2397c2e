"""Data that people do bring: one line that teaches, at the command line and in Python."""

import json

import numpy as np
import pytest

import isthmus
from isthmus.cli.main import run
from isthmus.core import DataError, DataNotFound, DataWarning, hold_out
from isthmus.data import load, stream

LINES = "1,2\n" * 20


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = run([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return call


def write_file(name):
    def write(folder, raw):
        (folder / name).write_bytes(raw.encode() if isinstance(raw, str) else raw)
        return name

    return write


def two_arrays(folder, _):
    np.savez(folder / "two.npz", a=np.eye(20), b=np.ones((20, 4)))
    return "two.npz"


def cut_array(folder, _):
    np.save(folder / "x.npy", np.random.default_rng(0).random((60, 5)))
    (folder / "x.npy").write_bytes((folder / "x.npy").read_bytes()[:-100])
    return "x.npy"


def a_folder(folder, _):
    (folder / "many").mkdir()
    return "many"


csv = write_file("x.csv")
REFUSED = {
    "several arrays": (
        two_arrays,
        None,
        r"name one as two.npz:a. It has a \(20, 20\), b \(20, 4\)",
    ),
    "no parquet": (
        write_file("x.parquet"),
        "a,b\n1,2\n",
        r"must be a Parquet file; it begins with b'a,b.*Give it the ending of what it is",
    ),
    "ragged": (
        csv,
        "a,b\n" + LINES + "1,2,3\n",
        "2 cells on every line; line 22 has 3. Mend",
    ),
    "NaN as text": (
        csv,
        "a,b\n" + LINES + "NaN,2\n",
        "line 22, column 'a' is 'NaN'.*--drop",
    ),
    "inf as text": (
        csv,
        LINES + "1,-Infinity\n",
        "line 21, column 'column 1' is '-Inf.*Drop",
    ),
    "header only": (csv, "a,b\n", "must have rows; it has a header only. Add rows"),
    "text only": (csv, "a,b\n" + "x,y\n" * 20, "must have a column of numbers"),
    "semicolons": (csv, "a;b\n" + "1;2\n" * 20, "Cells are separated by commas"),
    "open quote": (csv, LINES + '1,"2\n', "line 21: .*Close the quote"),
    "other encoding": (csv, b"\xff\xfe1\x00,\x002\x00\n\x00" * 20, "as UTF-8"),
    "few rows": (csv, "1,2\n" * 9, "at least 10 rows; got 9. Fewer leave nothing"),
    "folder": (a_folder, None, "`many` is a folder; name a file in it"),
    "no ending": (
        write_file("data"),
        LINES,
        "must end in .csv, .npy, .npz, .parquet; got no",
    ),
    "cut array": (cut_array, None, "cut short or damaged.*Write it again"),
    "cut table": (csv, "a,b\n" + LINES + "1", "2 cells on every line; line 22 has 1"),
    "empty .csv": (csv, "", "must not be empty. Write a row per line"),
    "empty .npy": (write_file("x.npy"), "", r"a .npy file; it is empty \(0 bytes\). Write"),
    "empty .npz": (write_file("x.npz"), "", r"a .npz file; it is empty \(0 bytes\). Write"),
    "empty .parquet": (write_file("x.parquet"), "", r"it is empty \(0 bytes\)"),
    "no file": (lambda *_: "x.npy", None, "`x.npy`: there is no such file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_line_that_teaches_and_exit_code_two(case, command, tmp_path):
    make, raw, words = REFUSED[case]
    name = make(tmp_path, raw)
    there = sorted(tmp_path.iterdir())
    told = set()
    for door in (load, lambda path: list(stream(path).blocks())):
        with pytest.raises((DataError, DataNotFound), match=words) as caught:
            door(name)
        told.add(str(caught.value))
    for words_of_command in (
        ("limits", "--data", name, "--rate", 1),
        ("fit", name, "-o", "m.safetensors"),
        ("plan", name),
    ):
        code, out, err = command(*words_of_command)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert err.removeprefix("error: ").strip() in told
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize(
    ("dtype", "words"),
    [("u1", "uint8; converted to float32"), ("f2", "float16; converted to float32")],
)
def test_images_and_half_precision_go_on_with_a_warning(dtype, words, command, rng):
    x = rng.integers(0, 255, (60, 4, 3)).astype(dtype)
    np.save("x.npy", x)
    for source in (x, "x.npy"):
        with pytest.warns(DataWarning, match=words):
            assert load(source).sample_shape == (4, 3)
    code, _, err = command("limits", "--data", "x.npy", "--rate", 1)
    assert (code, err.count("\n")) == (0, 1)
    assert words in err


def test_fewer_rows_than_columns_go_on(command, rng):
    np.save("x.npy", rng.standard_normal((30, 80)))
    code, out, _ = command("fit", "x.npy", "-o", "m.safetensors", "--n-code", 4, "--json")
    assert code == 0
    assert '"n_rows": 15' in out


def test_rows_that_come_several_times_are_never_on_both_sides(command, rng):
    x = np.repeat(rng.standard_normal((60, 4)), 5, axis=0)
    np.save("x.npy", x)
    sides = hold_out(load("x.npy").values, rng=rng)
    test = {row.tobytes() for row in x[sides.test]}
    assert len(test) == sides.test.size / 5
    assert not test & {row.tobytes() for row in x[sides.train]}
    code, out, err = command("fit", "x.npy", "-o", "m.safetensors", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["n_rows"] == sides.test.size
    np.save("same.npy", np.ones((60, 4)))
    code, _, err = command("fit", "same.npy", "-o", "n.safetensors", "--n-code", 4)
    assert (code, err.count("\n")) == (2, 1)
    assert "Rows must differ: nearly all of them are equal" in err


def test_held_out_rows_that_equal_training_rows_are_counted(command, rng):
    x = rng.standard_normal((100, 4))
    np.save("x.npy", x)
    np.save("y.npy", np.concatenate([x[:50], rng.standard_normal((10, 4))]))
    code, _, err = command("fit", "x.npy", "-o", "m.safetensors", "--test", "y.npy")
    assert code == 0
    assert "50 of 60 rows of `y.npy` equal a training row" in err


def test_a_label_left_in_is_named_with_the_way_out(command, rng):
    rows = [(*rng.standard_normal(3), i % 3) for i in range(60)]
    lines = [",".join(map(str, row)) for row in rows]
    with open("x.csv", "w") as file:
        file.write("\n".join(["a,b,c,the class", *lines]))
    # "the class" says less than "class": the fractions beside it tell.
    code, _, err = command("fit", "x.csv", "-o", "m.safetensors", "--n-code", 4)
    assert code == 0
    assert "'the class' holds only 3 different integers" in err
    assert "--drop 'the class'" in err
    dropped = command("fit", "x.csv", "-o", "n.safetensors", "--drop", "the class")
    assert (dropped[0], dropped[2]) == (0, "")


def test_wrong_number_of_columns_for_a_model(command, rng):
    np.save("x.npy", rng.standard_normal((100, 4)))
    np.save("narrow.npy", rng.standard_normal((60, 3)))
    assert command("fit", "x.npy", "-o", "m.safetensors")[0] == 0
    code, out, err = command("diagnose", "m.safetensors", "narrow.npy")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "must have the 4 columns that the model was fitted on; got 3" in err
    code, _, err = command("fit", "x.npy", "-o", "n.safetensors", "--test", "narrow.npy")
    assert (code, err.count("\n")) == (2, 1)
    assert "`narrow.npy` must have the 4 columns of `x.npy`; got 3" in err
    model = isthmus.load("m.safetensors")
    with pytest.raises(ValueError, match="has 3 features, but .* is expecting 4"):
        model.transform(np.ones((5, 3)))


@pytest.mark.parametrize("kind", ["csv", "npy", "npz"])
def test_a_file_cut_short_while_it_is_read(kind, tmp_path, rng):
    x = rng.standard_normal((5000, 6))
    path = tmp_path / f"x.{kind}"
    if kind == "csv":
        path.write_text("\n".join(",".join(map(repr, row.tolist())) for row in x))
    else:
        np.save(path, x) if kind == "npy" else np.savez(path, x)
    source = stream(path, 100)
    blocks = source.blocks()
    np.testing.assert_array_equal(next(blocks), x[:100])
    raw = path.read_bytes()
    half = raw.index(b"\n", len(raw) // 2) if kind == "csv" else len(raw) // 2
    with path.open("r+b") as file:
        file.truncate(raw.index(b",", half) if kind == "csv" else half)
    words = "cells on every line" if kind == "csv" else "cut short or damaged"
    with pytest.raises(DataError, match=words) as caught:
        for _ in blocks:
            pass
    assert "\n" not in str(caught.value)
