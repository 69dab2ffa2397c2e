"""Generators of a penalty as pictures: fields on images, matrices otherwise."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.report.deep_diagnosis import MOST_SPLIT, some_rows
from isthmus.report.generators import GeneratorFacts, generator_facts
from isthmus.report.halves import Halves, halves_of
from isthmus.report.html import render_section
from isthmus.report.images import MAX_SIDE, image_urls, is_image, shrunk, signed_urls
from isthmus.report.rows import Reading
from isthmus.report.sections.base import Block, Pictures, Section, Table, Text
from isthmus.report.style import number, percent

_CALL = "draw_generators"
_SHOWN_ROWS = 4
_USE = "Use is the mean amount of a generator between near codes times its Frobenius norm."


@dataclasses.dataclass(frozen=True, eq=False)
class GeneratorDrawing:
    """Pictures of generators and what they explain.

    Attributes:
        facts: Residual, sparsity, use and angles.
        section: Text, table and pictures.
    """

    facts: GeneratorFacts
    section: Section

    def to_html(self) -> str:
        """One page that holds everything it needs."""
        return render_section(self.section)


def draw_generators(
    model: Any,
    data: object,
    *,
    image_shape: Sequence[int] | None = None,
    known: Any = None,
    at_most: int = 10,
    reading: Reading | None = None,
    seed: int = 0,
) -> GeneratorDrawing:
    """Draw the generators of a deep autoencoder's penalty, the most used ones first.

    A generator G moves a row x, about the mean of the training rows, along G x. Of images
    these fields are drawn at a few answers of the model; otherwise P G P itself, with P
    onto the directions that hold 99 % of the answers' energy. Signs and mixtures of
    generators mean nothing: their span is what was learnt.

    Args:
        model: :class:`isthmus.DeepAutoencoder` fitted with such a penalty, or the path of
            a saved one.
        data: Rows: array, path or built-in name.
        image_shape: (height, width) or (height, width, channels) of a row; None for that
            of the data, if they are known to be images.
        known: Matrices, "generator input input", to tell principal angles to.
        at_most: Generators to draw.
        reading: Which columns to read.
        seed: Of the pairs of codes.

    Returns:
        The drawing.

    Raises:
        DataError: If the data cannot be read.
        ValueOutOfRange: If the model has no generators, or shapes disagree.

    Examples:
        >>> import isthmus
        >>> rows = np.random.default_rng(0).normal(size=(60, 4))
        >>> model = isthmus.DeepAutoencoder(
        ...     2, hidden_layer_sizes=(8,), penalty="lie-1", n_epochs=2, random_state=0
        ... ).fit(rows)
        >>> found = draw_generators(model, rows, image_shape=(2, 2))
        >>> found.facts.n_generators, found.to_html()[:15]
        (2, '<!doctype html>')

    References:
        [cosentino:22]
    """
    if isinstance(model, (str, os.PathLike)):
        from isthmus.estimators import load

        model = load(model)
    dataset = (reading or Reading()).load(data)
    rows = np.asarray(dataset.values, dtype=np.float64)
    halves = halves_of(model, None, rows.shape[1])
    wanted = rows.shape[1] if halves.mean is None else halves.mean.size
    if rows.shape[1] != wanted:
        raise ValueOutOfRange(
            f"`{_CALL}(data=...)` must have the {wanted} columns that the model was fitted "
            f"on; got {rows.shape[1]}."
        )
    inside = halves.inside(some_rows(rows, MOST_SPLIT, seed))
    facts = generator_facts(model, inside, known=known, seed=seed)
    if facts is None:
        raise ValueOutOfRange(
            f"`{_CALL}(model=...)` must have been fitted with a penalty that has "
            "generators: lie-1, lie-2 or orbit-augmentation; got "
            f"penalty={shown(getattr(model, 'penalty', None))}."
        )
    shape = (
        known_image(dataset.sample_shape, wanted)
        if image_shape is None
        else _asked_shape(image_shape, wanted)
    )
    order = facts.order[: max(1, at_most)]
    pictures = (
        _matrices(model, inside, facts, order)
        if shape is None
        else _fields(model, rows, halves, facts, order, shape)
    )
    blocks: tuple[Block, ...] = (
        Text(_words(facts, len(order), images=shape is not None), "lead"),
        _table(facts),
        pictures,
    )
    return GeneratorDrawing(facts, Section("generators", "Generators", blocks))


def known_image(
    sample_shape: tuple[int, ...] | None, n_input: int
) -> tuple[int, ...] | None:
    """Shape to draw rows in; None where they are no whole images.

    Examples:
        >>> known_image((8, 8), 64), known_image((8, 8), 61), known_image((64,), 64)
        ((8, 8), None, None)
    """
    if sample_shape is None or not is_image(sample_shape):
        return None
    return sample_shape if int(np.prod(sample_shape)) == n_input else None


def _asked_shape(asked: Sequence[int], n_input: int) -> tuple[int, ...]:
    shape = known_image(tuple(int(size) for size in asked), n_input)
    if shape is None:
        raise ValueOutOfRange(
            f"`{_CALL}(image_shape=...)` must be (height, width), with 1 or 3 channels "
            f"last if any, of {n_input} pixels; got {shown(asked)}."
        )
    return shape


def _fields(
    model: Any,
    rows: np.ndarray,
    halves: Halves,
    facts: GeneratorFacts,
    order: Sequence[int],
    shape: tuple[int, ...],
) -> Pictures:
    from isthmus.training.penalties.named import generators_of
    from isthmus.training.penalties.use import fields

    order_of_rows = np.argsort(np.linalg.norm(halves.inside(rows), axis=1), kind="stable")
    places = np.linspace(0.2, 0.8, _SHOWN_ROWS) * (len(rows) - 1)
    some = halves.reconstruct(rows[order_of_rows[np.unique(places.round().astype(int))]])
    generators = generators_of(model.penalty_)
    assert generators is not None
    found = fields(generators, halves.inside(some))
    groups = [("rows as the model answers them", image_urls(some, shape))]
    for k in order:
        drawn = found[:, k].reshape(len(some), *shape)
        grey = drawn.mean(axis=-1) if drawn.ndim == 4 else drawn
        small = np.stack([shrunk(picture) for picture in grey])
        groups.append((_name(facts, k), signed_urls(small)))
    return Pictures(
        tuple(groups),
        "Each generator's field at the first pictures: where a small step along it adds "
        "(orange) and takes away (blue); white is no change. One scale for each generator. "
        + _USE,
        least=22,
    )


def _matrices(
    model: Any, inside: np.ndarray, facts: GeneratorFacts, order: Sequence[int]
) -> Pictures:
    from isthmus.training.penalties.named import generators_of
    from isthmus.training.penalties.use import output_span, projected

    basis = output_span(model.network_, inside)
    generators = generators_of(model.penalty_)
    assert generators is not None
    groups = []
    for k in order:
        matrix = projected(generators, k, basis)
        largest = number(float(np.abs(matrix).max()))
        words = f"{_name(facts, k)}, entries up to {largest}"
        groups.append((words, signed_urls(shrunk(matrix)[None])))
    size, where = inside.shape[1], ""
    if size > MAX_SIDE:
        where = f" The {size} columns are drawn as means of blocks, {MAX_SIDE} each way."
    return Pictures(
        tuple(groups),
        "Row i and column j of a picture: how column i of the data changes with column j, "
        f"orange up, blue down, white not at all. One scale for each generator. {_USE}"
        + where,
    )


def _name(facts: GeneratorFacts, k: int) -> str:
    return f"generator {k + 1}, use {number(facts.use[k])}"


def _words(facts: GeneratorFacts, n_shown: int, *, images: bool) -> str:
    some = "All" if n_shown == facts.n_generators else f"The {n_shown} most used"
    what = (
        "as fields on images"
        if images
        else "as matrices on the span of the model's answers"
    )
    return (
        f"{some} of {facts.n_generators} generators, {what}. Rows are taken about the mean "
        "of the training rows. Signs, scales and mixtures of generators mean nothing: what "
        "was learnt is their span."
    )


def _table(facts: GeneratorFacts) -> Table:
    what = "outputs" if facts.of == "outputs" else "slopes"
    rows = [
        (f"differences of {what} at near codes left", percent(facts.residual)),
        ("amounts below 5 % of the largest of their pair", percent(facts.sparsity)),
        ("kind of generators", facts.kind),
    ]
    if facts.angles is not None:
        angles = ", ".join(f"{number(angle)}°" for angle in facts.angles)
        rows.append(("principal angles to the known generators", angles))
    return Table("What they explain", ("Measure", "Value"), tuple(rows), words=1)
