import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from isthmus import limits, load, priors
from isthmus.report import write
from isthmus.training.penalties import generators_of

ALPHA = np.pi / 2 - 1


def test_limits_as_json(isthmus):
    code, out, _ = isthmus("limits", "--rate", "2", "--json")
    result = json.loads(out)
    assert code == 0
    assert abs(result["nmse"] - ALPHA / (2 + ALPHA)) < 1e-12
    assert result["status"] == "theorem (tied decoders)"
    assert result["rate_distortion"] == 0.0625


def test_limits_of_several_rates_are_lists(isthmus):
    result = json.loads(isthmus("limits", "--rate", "0.5,1", "--json")[1])
    assert result["rate"] == [0.5, 1.0]
    np.testing.assert_allclose(result["nmse"], [1 - 1 / np.pi, 1 - 2 / np.pi])


def test_limits_of_a_spectrum(isthmus, tmp_path):
    (tmp_path / "s.txt").write_text("\n".join(["4"] * 50 + ["1"] * 50))
    spectrum = ("limits", "--spectrum", tmp_path / "s.txt", "--json")
    assert json.loads(isthmus(*spectrum, "--bits", 100)[1])["nmse"] == pytest.approx(
        0.32704, abs=6e-6
    )
    result = json.loads(isthmus(*spectrum, "--target-nmse", 0.32705)[1])
    assert result["n_code"] == 100


def test_limits_of_data_and_of_a_target(isthmus):
    code, out, err = isthmus("limits", "--data", "digits")
    assert code == 0
    assert "asymptotic" in out
    assert "3 of 64 columns are constant" in err
    result = json.loads(isthmus("limits", "--target-nmse", "0.25", "--json")[1])
    assert result["nmse"] == pytest.approx(0.25)


def test_limits_of_sparse_data(isthmus):
    result = json.loads(isthmus("limits", "--density", "0.1", "--json")[1])
    assert result["rate"] == [0.25, 0.5, 1.0, 2.0]
    prior = priors.GaussBernoulli(0.1)
    assert result["denoised"] == [limits.denoised_limit(prior, r) for r in result["rate"]]
    # no codec is below, everything that can be done is above; linear does not see zeros
    order = (
        "rate_distortion_lower",
        "rate_distortion_upper",
        "ecsq",
        "message_passing",
        "denoised",
        "linear",
    )
    for below, above in itertools.pairwise(order):
        assert np.all(np.array(result[below]) <= np.array(result[above]))
    np.testing.assert_allclose(result["linear"], limits.isotropic_limit(result["rate"]))
    result = json.loads(isthmus("limits", "--density", "1", "--rate", "1", "--json")[1])
    assert result["denoised"] == pytest.approx(result["linear"], rel=1e-9)
    assert result["rate_distortion_lower"] == pytest.approx(0.25, rel=1e-3)


def test_identity_shows_no_bits(isthmus):
    out = isthmus("limits", "--activation", "identity", "--rate", "0.5", "--json")[1]
    assert json.loads(out) == {
        "rate": 0.5,
        "nmse": 0.5,
        "status": "theorem",
        "random_encoder": 0.5,
    }


def test_report_on_digits(isthmus, tmp_path):
    code, out, err = isthmus("report", "digits", "--rate", "0.25,0.5,1")
    assert code == 0
    folder = tmp_path / "isthmus-report-digits"
    assert sorted(p.name for p in folder.iterdir()) == ["index.html", "report.json"]
    assert out.splitlines()[-1] == "isthmus-report-digits/index.html"
    assert "below the Gaussian reference" in out
    assert "not Gaussian" in out
    assert "constant" in err
    numbers = json.loads((folder / "report.json").read_text())
    designed = [r for r in numbers["reached"] if r["encoder"] == "design"]
    assert [r["n_code"] for r in designed] == [15, 30, 61]
    # Orientation values of an independent run with another frame; frames differ by .005.
    np.testing.assert_allclose(
        [r["nmse"] for r in designed], [0.416, 0.291, 0.191], atol=0.012
    )
    for row in designed:
        assert 0 < row["standard_error"] < 0.01
        assert row["rate_distortion"] < row["transform_coding"] < row["reference"]
    page = (folder / "index.html").read_text()
    assert f"{designed[0]['nmse']:.3f}" in page
    assert len(page) > 4_000_000  # the plotting library is inside


def test_report_as_json_and_quiet(isthmus, few):
    code, out, err = isthmus("report", *few, "--json", "--quiet")
    assert code == 0
    assert err == ""
    assert json.loads(out)["page"].endswith("index.html")


def test_report_is_the_same_for_the_same_seed(isthmus, few):
    outs = []
    for seed in (1, 1, 2):
        words = ["--json", "-q", "--seed", seed, "--out", f"r{len(outs)}"]
        out = isthmus("report", *few, *words)[1]
        outs.append(json.loads(out)["reached"][0]["nmse"])
    assert outs[0] == outs[1] != outs[2]


def test_report_with_given_rows(isthmus, tmp_path, rng):
    x = rng.standard_normal((400, 5))
    np.save(tmp_path / "a.npy", x[:300])
    np.save(tmp_path / "b.npy", x[250:])
    _, out, err = isthmus("report", "a.npy", "--test", "b.npy", "--rate", "1", "--json")
    data = json.loads(out)["data"]
    assert (data["n_train"], data["n_test"], data["split"]) == (300, 150, "given")
    assert "50 of 150 rows of `b.npy` equal a training row" in err
    np.save(tmp_path / "c.npy", x[:, :3])
    code, _, err = isthmus("report", "a.npy", "--test", "c.npy", "--out", "other")
    assert (code, "must have the 5 columns" in err) == (2, True)


def test_report_warns_and_goes_on(isthmus, tmp_path, rng):
    np.save(tmp_path / "wide.npy", rng.integers(0, 255, (40, 60), dtype=np.uint8))
    code, out, err = isthmus("report", "wide.npy", "--rate", "0.5")
    assert code == 0
    assert "uint8; converted to float32" in err
    assert "Fewer rows than columns" in err
    page = (tmp_path / "isthmus-report-wide/index.html").read_text()
    assert "shrunk" in page
    x = rng.standard_normal((300, 4))
    x[:, 2] *= 100
    np.save(tmp_path / "scale.npy", x)
    assert "One column holds 100 % of the variance" in isthmus("report", "scale.npy")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "digit"], "Did you mean digits"),
        (["report", "no.npy"], "no such file"),
        (["report", "digits", "--rate", "0"], "positive numbers"),
        (["report", "digits", "--rate", "nan"], "positive numbers"),
        (["report", "digits", "--rate", "a"], "positive numbers"),
        (["report", "digits", "--rate", ""], "positive numbers"),
        (["report", "digits", "--split", "first"], "random or last"),
        (["report", "digits", "--seed", "-1"], "non-negative integer"),
        (["report", "digits", "--out", "/dev/null/x"], "must be writable"),
        (["report", "digits", "--out", "/proc/x"], "must be writable"),
        (["report", "digits", "--test", "no.npy"], "no such file"),
        (["limits", "--rate", "-1"], "positive numbers"),
        (["limits", "--target-nmse", "1"], "must lie in (0, 1)"),
        (["limits", "--target-nmse", "nan"], "must lie in (0, 1)"),
        (["limits", "--activation", "relu"], "even part"),
        (["limits", "--activation", "nothing"], "must be one of"),
        (["limits", "--bits", "10"], "needs --data or --spectrum"),
        (["limits", "--data", "digits", "--bits", "0"], "at least 1"),
        (["limits", "--data", "digits", "--spectrum", "x"], "exclude each other"),
        (["limits", "--spectrum", "no.npy"], "no such file"),
        (["limits", "--bits", "0", "--data", "digits"], "at least 1"),
        (["limits", "--bits", "9", "--data", "digits", "--activation", "tanh"], "no bits"),
        (
            ["limits", "--bits", "1", "--data", "digits", "--activation", "lloyd-max:2"],
            "buy",
        ),
        (["limits", "--activation", "tahn"], "Did you mean 'tanh'"),
        (["limits", "--density", "0.1", "--data", "digits"], "excludes --data"),
        (["limits", "--density", "0.1", "--spectrum", "x"], "excludes --spectrum"),
        (["limits", "--density", "0.1", "--bits", "9"], "excludes --bits"),
        (["limits", "--density", "0.1", "--target-nmse", "0.1"], "excludes --target-nmse"),
        (["limits", "--density", "0.1", "--activation", "tanh"], "for sign codes"),
        (["limits", "--density", "0"], "share of coordinates that are not zero"),
        (["limits", "--density", "0.1", "--rate", "0"], "positive numbers"),
        (["fit", "digits", "-o", "x.pkl"], "must end in .safetensors"),
        (["fit", "digits", "-o", "x.safetensors", "--rate", "0"], "must be positive"),
        (["fit", "digits", "-o", "x.safetensors", "--rate", "1", "--n-code", "3"], "excl"),
        (["fit", "digits", "-o", "x.safetensors", "--encoder", "best"], "one of design"),
        (["fit", "digits", "-o", "no/x.safetensors", "--n-code", "4"], "cannot be written"),
        (["diagnose", "none.safetensors", "digits"], "no such file"),
        (["limits", "--wrong"], "--wrong"),
        (["unknown"], "unknown"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_two(arguments, words, isthmus, tmp_path):
    code, out, err = isthmus(*arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert out == ""
    assert not list(tmp_path.iterdir())


def test_negative_eigenvalues(isthmus, tmp_path):
    (tmp_path / "s.txt").write_text("2\n-1\n")
    code, _, err = isthmus("limits", "--spectrum", "s.txt", "--rate", "1")
    assert (code, "must not be negative" in err) == (2, True)


def test_output_is_never_overwritten_without_force(isthmus, tmp_path, few):
    target = tmp_path / "r"
    assert isthmus("report", *few, "--out", target)[0] == 0
    first = (target / "report.json").stat().st_mtime_ns
    code, _, err = isthmus("report", *few, "--out", target)
    assert (code, "exists already" in err) == (2, True)
    assert (target / "report.json").stat().st_mtime_ns == first
    assert isthmus("report", *few, "--out", target, "--force")[0] == 0
    assert (target / "report.json").stat().st_mtime_ns > first
    (target / "mine.txt").write_text("keep me")
    code, _, err = isthmus("report", *few, "--out", target, "--force")
    assert (code, "holds more than a report" in err) == (2, True)
    assert (target / "mine.txt").read_text() == "keep me"
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


def test_a_failure_leaves_an_old_report_as_it_was(isthmus, tmp_path, few, monkeypatch):
    assert isthmus("report", *few, "--out", "r")[0] == 0
    before = (tmp_path / "r/index.html").read_bytes()
    monkeypatch.setattr(
        write, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    code, _, err = isthmus("report", *few, "--out", "r", "--force")
    assert (code, "interrupted" in err) == (130, True)
    assert (tmp_path / "r/index.html").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_removes_partial_output(tmp_path, rng, sent, code):
    np.save(tmp_path / "big.npy", rng.standard_normal((40_000, 300)))
    command = [sys.executable, "-m", "isthmus", "report", "big.npy", "--rate", "0.5,1,2,4"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=env,
        stderr=subprocess.PIPE,
        # jobs in the background of a shell inherit that this signal is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(600):
        if any(p.name.startswith(".isthmus-report-big-") for p in tmp_path.iterdir()):
            break
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert b"Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["big.npy"]


def test_doctor(isthmus, monkeypatch):
    monkeypatch.delenv("ISTHMUS_DATA", raising=False)
    facts = json.loads(isthmus("doctor", "--json")[1])
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["data"]["digits"] is True
    assert facts["data"]["mnist"] is False
    assert facts["kernel"] == facts["kernels"][-1]
    code, out, _ = isthmus("doctor")
    assert code == 0
    assert f"kernel    {facts['kernel']}, search {facts['search_kernel']} " in out
    assert "not installed" in out or "torch" in out
    assert all(f"  {name} " in out for name in facts["data"])


def test_doctor_says_which_kernel_was_asked_for(isthmus, monkeypatch):
    monkeypatch.setenv("ISTHMUS_KERNEL", "numpy")
    facts = json.loads(isthmus("doctor", "--json")[1])
    assert facts["kernel"] == facts["search_kernel"] == "numpy"
    monkeypatch.setenv("ISTHMUS_KERNEL", "abacus")
    code, _, err = isthmus("doctor")
    assert code == 2
    assert "abacus" in err


def test_version_and_help(isthmus):
    assert isthmus("--version")[1].startswith("isthmus 0.")
    for arguments in (["--help"], ["report", "--help"], ["limits", "--help"]):
        code, out, _ = isthmus(*arguments)
        assert code == 0
        assert "Usage" in out


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("digits", "digits"),
        ("a/b.c/My data.npz:x", "My-data-x"),
        ("..", "data"),
        ("ucr/CBF", "CBF"),
        ("x.tar.npy", "x.tar"),
    ],
)
def test_default_folder(source, name):
    assert write.report_folder_name(source) == f"isthmus-report-{name}"


def test_limits_of_two_bit_symbols(isthmus):
    out = isthmus("limits", "--rate", "1,7", "--activation", "lloyd-max:2", "--json")[1]
    table = json.loads(out)
    assert table["bits_per_column"] == [2, 14]
    assert table["nmse"][0] == pytest.approx(0.117482, abs=1e-6)
    assert table["transform_coding"][0] == pytest.approx(0.117482, abs=1e-6)
    assert table["transform_coding"][1] is None  # quantisers end at 12 bits


def test_bits_buy_symbols(isthmus):
    words = ["--data", "digits", "--bits", "61", "--activation", "lloyd-max:2"]
    table = json.loads(isthmus("limits", *words, "--json", "--quiet")[1])
    assert (table["n_code"], table["bits"]) == (30, 60)


def test_fit_says_which_encoder_and_why(isthmus, tmp_path):
    model = str(tmp_path / "m.safetensors")
    words = ["--rate", "0.5", "--encoder", "auto", "--search-flips", "8"]
    code, out, _ = isthmus("fit", "digits", "-o", model, *words, "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["encoder"] in facts["trials"]
    assert f"{facts['encoder']} chosen" in facts["encoder_reason"]
    found = {name: measured for name, (_, measured) in facts["trials"].items()}
    assert facts["nmse"] == pytest.approx(found[facts["encoder"]], rel=0.15)
    code, out, _ = isthmus("fit", "digits", "-o", model, *words, "--force")
    assert out.startswith("encoder: ")
    code, _, error = isthmus("fit", "digits", "-o", model, "--encoder", "bits", "--force")
    assert code == 2
    assert "quantised, search, auto" in error


def test_fit_then_diagnose(isthmus, tmp_path):
    model = str(tmp_path / "m.safetensors")
    words = ["--rate", "0.5", "--encoder", "descent", "--steps", "20", "--norm", "float16"]
    code, out, _ = isthmus("fit", "digits", "-o", model, *words, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["n_code"], facts["bits_per_vector"], facts["n_steps"]) == (30, 46, 20)
    assert 0.2 < facts["nmse"] < facts["reference"]
    code, out, error = isthmus("fit", "digits", "-o", model, *words)
    assert code == 2
    assert "exists already" in error
    code, out, _ = isthmus("diagnose", model, "digits", "--train", "digits", "--json")
    found = json.loads(out)
    gap = sum(found["gap"].values())
    assert gap == pytest.approx(found["nmse"] - found["reference"], abs=1e-9)
    assert found["gap"]["shift"] == pytest.approx(0, abs=1e-12)  # the same rows
    code, out, _ = isthmus("diagnose", model, "digits", "--held-out", "--json")
    again = json.loads(out)
    assert again["n_rows"] == facts["n_rows"]
    assert again["nmse"] == pytest.approx(facts["nmse"], rel=1e-12)
    assert again["reference_from"] == "train"
    code, out, error = isthmus(
        "diagnose", model, "digits", "--held-out", "--train", "digits"
    )
    assert code == 2
    assert "exclude each other" in error
    code, out, _ = isthmus("diagnose", model, "digits", "--quiet")
    assert code == 0
    assert "below the Gaussian reference of the code alone" in out  # a length was sent
    np.save(tmp_path / "narrow.npy", np.random.default_rng(0).random((30, 5)))
    code, out, error = isthmus("diagnose", model, str(tmp_path / "narrow.npy"))
    assert code == 2
    assert "64 columns" in error


def test_rounding_is_no_gap(isthmus, tmp_path):
    model = str(tmp_path / "m.safetensors")
    words = ["fit", "digits", "-o", model, "--activation", "identity"]
    assert isthmus(*words)[0] == 0
    out = isthmus("diagnose", model, "digits")[1]  # everything is kept: NMSE is 1e-31
    assert "At the Gaussian reference" in out
    assert "repeat each other:" not in out


@pytest.mark.parametrize(
    ("words", "told", "untold"),
    [
        ([], ["random encoder:", "rate distortion:"], ["tightness:"]),
        (["--activation", "tanh"], ["random encoder:"], ["rate distortion:"]),
        (["--data", "digits"], ["tightness:", "n active:"], ["random encoder:"]),
        (["--density", "0.3"], ["linear:", "denoised:", "ecsq:", "lower"], ["nmse:"]),
    ],
)
def test_legend_of_limits_tells_of_columns_that_are_there(isthmus, words, told, untold):
    out = isthmus("limits", *words)[1]
    assert out.splitlines()[0].strip()
    assert all(word in out for word in told)
    assert not any(word in out for word in untold)


def test_fit_straight_through(isthmus, tmp_path):
    model = str(tmp_path / "m.safetensors")
    words = ["--n-code", "16", "--encoder", "straight-through", "--steps", "100"]
    code, out, _ = isthmus("fit", "digits", "-o", model, *words)
    assert code == 0
    assert "16 bits per vector" in out


def test_fit_itq(isthmus, tmp_path):
    model = str(tmp_path / "m.safetensors")
    code, out, _ = isthmus("fit", "digits", "-o", model, "--encoder", "itq", "--json")
    assert code == 0
    assert json.loads(out)["nmse"] < 0.3
    words = ["--rate", "2", "--force"]
    code, _, err = isthmus("fit", "digits", "-o", model, "--encoder", "itq", *words)
    assert code == 2
    assert "Take n_code=61" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["limits", "--bits", "1.5"],
        ["report", "digits", "--rate", "1e300"],
        ["limits", "--nonsense"],
        ["fit", "digits"],
        ["limits", "--activation", "ternary:50"],
        ["limits", "--data", "digits", "--rate", "1e300"],
        ["fit", "digits", "-o", "m.safetensors", "--rate", "1e300"],
    ],
)
def test_wrong_options_get_one_error_line(isthmus, arguments):
    code, out, err = isthmus(*arguments)
    assert code == 2
    assert out == ""
    lines = [line for line in err.splitlines() if not line.startswith("warning:")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")


def test_fit_a_deep_autoencoder(isthmus, tmp_path):
    model = str(tmp_path / "deep.safetensors")
    words = ["--kind", "deep", "--n-code", "5", "--hidden", "32", "--epochs", "12"]
    code, out, error = isthmus("fit", "digits", "-o", model, *words, "--json")
    assert code == 0, error
    facts = json.loads(out)
    assert (facts["kind"], facts["n_code"], facts["n_epochs"]) == ("deep", 5, 12)
    assert facts["principal_components"] < facts["nmse"] < 0.8
    code, out, _ = isthmus("fit", "digits", "-o", model, *words, "--force")
    assert code == 0
    assert "5 latent dimensions, 12 epochs" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--kind", "wide"], "shallow or deep"),
        (["--kind", "deep", "--encoder", "itq"], "`--encoder` is no option of --kind deep"),
        (["--kind", "deep", "--rate", "1"], "`--rate` is no option of --kind deep"),
        (["--epochs", "3"], "`--epochs` is no option of --kind shallow"),
        (["--kind", "deep", "--hidden", "3,x"], "whole numbers between commas"),
        (["--kind", "deep", "--activation", "sign"], "activation"),
        (["--kind", "deep", "--penalty", "lasso"], "one of contractive, "),
        (["--kind", "deep", "--penalty-weight", "1"], "a penalty given by name"),
        (["--penalty", "lie-1"], "`--penalty` is no option of --kind shallow"),
    ],
)
def test_fit_refuses_options_of_the_other_kind(isthmus, tmp_path, words, told):
    code, _, error = isthmus("fit", "digits", "-o", str(tmp_path / "m.safetensors"), *words)
    assert code == 2
    assert told in error


def test_fit_with_a_penalty_tells_what_its_generators_take(isthmus, tmp_path):
    path = tmp_path / "deep.safetensors"
    words = ["--kind", "deep", "--n-code", "2", "--hidden", "8", "--epochs", "1"]
    words += ["--penalty", "lie-1", "--json"]
    code, out, error = isthmus("fit", "digits", "-o", str(path), *words)
    assert code == 0, error
    assert json.loads(out)["penalty"] == "lie-1"
    assert "2 generators of 64 x 64, 0.164 MB while training" in error
    known = generators_of(load(path).penalty_)
    assert (known.n_input, known.n_generators) == (64, 2)


def test_diagnose_a_deep_autoencoder(isthmus, tmp_path):
    model = str(tmp_path / "deep.safetensors")
    words = ["--kind", "deep", "--n-code", "2", "--hidden", "16", "--epochs", "3"]
    facts = json.loads(isthmus("fit", "torus", "-o", model, *words, "--json")[1])
    code, out, _ = isthmus("diagnose", model, "torus", "--held-out", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["nmse"] == pytest.approx(facts["nmse"], rel=1e-6)
    components = facts["principal_components"]  # about the mean of all training rows
    assert found["principal"]["nmse"] == pytest.approx(components, rel=0.01)
    code, out, _ = isthmus("diagnose", model, "torus", "--held-out", "--quiet")
    assert code == 0
    assert "what the encoder misses" in out
    assert "a region of the decoder" in out
    assert "- " in out
