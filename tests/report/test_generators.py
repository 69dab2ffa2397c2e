"""Generators drawn and told: fields on images, matrices otherwise, and numbers."""

import base64
import json
import zlib

import numpy as np
import pytest

from isthmus import DeepAutoencoder, diagnose, save
from isthmus.cli.main import run
from isthmus.core.errors import ValueOutOfRange
from isthmus.report import draw_generators
from isthmus.report.images import shrunk, signed_urls
from isthmus.report.sections.base import Pictures, Table
from isthmus.training.penalties import Generators, Lie1, Lie2
from isthmus.training.penalties.use import output_span, projected

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def fitted(rows, penalty, n_code=2, **settings):
    options = {"hidden_layer_sizes": (8,), "n_epochs": 2, "validation_fraction": 0.0}
    options |= {"penalty": penalty, "random_state": 0}
    return DeepAutoencoder(n_code, **(options | settings)).fit(rows)


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(60, 6))


@pytest.fixture(scope="module")
def model(rows):
    return fitted(rows, "lie-1")


def pixels(url):
    """Colours of a PNG as this package writes it."""
    data = base64.b64decode(url.split(",", 1)[1])
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    at = data.index(b"IDAT")
    size = int.from_bytes(data[at - 4 : at], "big")
    raw = zlib.decompress(data[at + 4 : at + 4 + size])
    lines = np.frombuffer(raw, dtype=np.uint8).reshape(height, 1 + 3 * width)
    return lines[:, 1:].reshape(height, width, 3)


def pictures(drawing):
    return next(b for b in drawing.section.blocks if isinstance(b, Pictures))


def test_zero_is_white_and_signs_have_colours():
    first, second = signed_urls(np.array([[[0.0, 2.0]], [[-2.0, 0.0]]]))
    assert pixels(first).tolist() == [[[255, 255, 255], [213, 94, 0]]]
    assert pixels(second).tolist() == [[[0, 114, 178], [255, 255, 255]]]
    assert np.all(pixels(signed_urls(np.zeros((1, 2, 2)))[0]) == 255)


def test_large_matrices_are_drawn_as_means_of_blocks():
    whole = np.arange(300.0)[:, None] * np.ones(250)
    small = shrunk(whole, 50)
    assert small.shape == (50, 50)
    np.testing.assert_allclose(small[:, 0], np.arange(300).reshape(50, 6).mean(axis=1))
    assert shrunk(np.ones((7, 301)), 100).max() == pytest.approx(1.0)


def test_fields_on_images_and_matrices_otherwise(rows, model):
    drawn = draw_generators(model, rows, image_shape=(2, 3))
    groups = pictures(drawn).groups
    assert [len(urls) for _, urls in groups] == [4, 4, 4]
    assert all(pixels(url).shape == (2, 3, 3) for url in groups[1][1])
    matrices = pictures(draw_generators(model, rows)).groups
    assert [len(urls) for _, urls in matrices] == [1, 1]
    assert pixels(matrices[0][1][0]).shape == (6, 6, 3)
    assert len(pictures(draw_generators(model, rows, at_most=1)).groups) == 1


def test_the_most_used_comes_first(rows, model):
    drawn = draw_generators(model, rows)
    use = np.array(drawn.facts.use)
    assert use[list(drawn.facts.order)].tolist() == sorted(use, reverse=True)
    first = drawn.facts.order[0]
    assert pictures(drawn).groups[0][0].startswith(f"generator {first + 1},")


def test_the_page_asks_for_nothing(rows, model):
    page = draw_generators(model, rows, image_shape=(2, 3)).to_html()
    assert page.startswith("<!doctype html>")
    assert page.count("<img") == 12
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_low_rank_generators_and_slopes(rows):
    learnt = Generators(6, 2, kind="low-rank", rank=1, rng=0)
    drawn = draw_generators(fitted(rows, Lie2(1.0, learnt)), rows)
    assert (drawn.facts.kind, drawn.facts.of) == ("low-rank", "slopes")
    assert len(pictures(drawn).groups) == 2


def test_a_known_generator_explains_a_circle():
    angle = np.linspace(0.0, 2.0 * np.pi, 80, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    turn = Lie1(0.0, Generators(2, 1, matrices=TURN[None]), radius=0.01)
    model = fitted(circle, turn, 1, n_epochs=150, learning_rate=0.01, batch_size=20)
    drawn = draw_generators(model, circle, known=TURN)
    assert drawn.facts.angles == pytest.approx((0.0,), abs=1e-4)
    assert drawn.facts.sparsity == 0.0
    model.penalty_ = Lie1(0.0, Generators(2, 1, matrices=np.eye(2)[None]), radius=0.01)
    longer = draw_generators(model, circle).facts.residual  # growing explains no turn
    assert drawn.facts.residual < longer - 0.2
    shown = next(b for b in drawn.section.blocks if isinstance(b, Table))
    assert shown.rows[-1][0] == "principal angles to the known generators"


def test_generators_are_told_on_the_span_of_answers(model, rows):
    scaled = (rows - model.mean_) / model.scale_
    basis = output_span(model.network_, scaled)
    assert basis.shape[1] < 6  # two latent dimensions: the answers need few directions
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
    found = projected(model.penalty_.generators, 0, basis)
    project = basis @ basis.T
    whole = model.penalty_.generators.matrices()[0].detach().double().numpy()
    np.testing.assert_allclose(found, project @ whole @ project, atol=1e-12)


def test_a_diagnosis_carries_the_numbers(rows, model):
    known = model.penalty_.generators.matrices().detach().numpy()
    found = diagnose(model, rows, known_generators=known)
    assert found.generators.n_generators == 2
    assert 0.0 < found.generators.residual <= 1.0
    assert 0.0 <= found.generators.sparsity <= 0.5
    assert found.generators.angles == pytest.approx((0.0, 0.0), abs=1e-3)
    assert found.generators == draw_generators(model, rows, known=known).facts
    json.dumps(found.to_dict(), allow_nan=False)
    plain = fitted(rows, None)
    assert diagnose(plain, rows).generators is None
    with pytest.raises(ValueOutOfRange, match="lie-1, lie-2 or orbit"):
        diagnose(plain, rows, known_generators=known)


def test_refusals(rows, model):
    with pytest.raises(ValueOutOfRange, match="got penalty='contractive'"):
        draw_generators(fitted(rows, "contractive"), rows)
    with pytest.raises(ValueOutOfRange, match="of 6 pixels; got"):
        draw_generators(model, rows, image_shape=(2, 2))
    with pytest.raises(ValueOutOfRange, match="the 6 columns"):
        draw_generators(model, rows[:, :4])


def test_on_the_command_line(rows, model, tmp_path, capsys):
    file, data = tmp_path / "m.safetensors", tmp_path / "rows.npy"
    page, known = tmp_path / "new" / "page.html", tmp_path / "turn.npy"
    save(model, file)
    np.save(data, rows)
    np.save(known, model.penalty_.generators.matrices().detach().numpy())
    words = ["diagnose", str(file), str(data), "--held-out", "--quiet"]
    assert run([*words, "--figure", str(page), "--known-generators", str(known)]) == 0
    out = capsys.readouterr().out
    assert "2 generators (full) leave" in out
    assert "principal angles to the known generators" in out
    assert page.read_text().count("<img") == 2
    assert run([*words, "--figure", str(page)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert run([*words, "--known-generators", str(file)]) == 2
    assert "must be a .npy file" in capsys.readouterr().err
