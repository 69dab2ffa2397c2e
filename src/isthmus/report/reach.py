"""One method on one data set: fitted, measured, and compared."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from isthmus.core.activations import resolve_activation
from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.core.lloyd_max import MAX_BITS
from isthmus.core.protocol import group_of_row, measure_errors, row_errors
from isthmus.data import Principal
from isthmus.data.moments import second_moments
from isthmus.decoders.column_curves import LEAST_ROWS as LEAST_CURVE_ROWS
from isthmus.limits import covariance_limit, rate_distortion, transform_coding
from isthmus.limits.gap import principal_gap_split
from isthmus.limits.norm_spread import LEAST_ROWS, checked_norm_spread
from isthmus.report.comparison import SEARCH, TRANSFORM_CODING
from isthmus.report.costs import (
    NORM_ROWS,
    SEARCH_ROWS,
    Task,
    descent_steps,
    norm_has_time,
)
from isthmus.report.records import Examples, Pair, Reached
from isthmus.report.rows import Rows
from isthmus.report.style import count
from isthmus.report.tasks import fit_rows

if TYPE_CHECKING:
    from isthmus.estimators import ShallowAutoencoder, TransformCoder

_BLOCK = 4096
_EXAMPLES = 6


@runtime_checkable
class Codec(Protocol):
    """What is measured: anything that turns rows into codes and back."""

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Codes of rows."""

    def inverse_transform(self, X: np.ndarray) -> np.ndarray:
        """Rows from codes."""


@dataclasses.dataclass(frozen=True, eq=False)
class Ground:
    """What all methods are fitted on and measured with.

    Attributes:
        task: Rows and columns, for what the work costs.
        principal: Axes and eigenvalues of all training rows.
        fit: Training rows to fit on.
        test: Rows to measure on.
        energy: Squared distance of each of them from the training mean.
        group: Which of them are equal.
        test_moments: Their second moments along the axes, about the training mean.
        along: Some of the held-out rows along the axes, about the training mean.
        outside: Mean square of what they have in no axis, summed over columns.
        seed: Of frames.
    """

    task: Task
    principal: Principal
    fit: np.ndarray
    test: np.ndarray
    energy: np.ndarray
    group: np.ndarray
    test_moments: np.ndarray
    along: np.ndarray
    outside: float
    seed: int

    @classmethod
    def prepare(
        cls, rows: Rows, task: Task, principal: Principal, fit: np.ndarray, seed: int
    ) -> Ground:
        """Look at the held-out rows once, for all methods."""
        test = rows.test
        energy = np.concatenate(
            [row_errors(test[at], principal.mean) for at in _blocks(test.shape[0])]
        )
        group = group_of_row(test)
        turned = (principal.coordinates(test[at]) for at in _blocks(test.shape[0]))
        moments = second_moments(turned, np.zeros(principal.eigenvalues.size))
        along = principal.coordinates(test[:NORM_ROWS])
        outside = max(float(energy.mean()) - float(np.trace(moments)), 0.0)
        if principal.eigenvalues.size == principal.n_input:
            outside = 0.0
        return cls(task, principal, fit, test, energy, group, moments, along, outside, seed)

    def errors(self, model: Codec) -> np.ndarray:
        """Squared error of each held-out row."""
        found = np.empty(self.test.shape[0])
        for at in _blocks(self.test.shape[0]):
            back = model.inverse_transform(model.transform(self.test[at]))
            found[at] = row_errors(self.test[at], back)
        return found


def reach(
    ground: Ground, n_code: int, encoder: str, others: dict[str, np.ndarray]
) -> tuple[Reached, Codec, np.ndarray]:
    """Fit on the training rows, measure on the others, compare with what is known.

    Args:
        ground: Rows and axes.
        n_code: Code symbols per row.
        encoder: ``"design"``, ``"descent"``, ``"random"``, ``"search"`` (with curves for a
            decoder) or ``"transform-coding"``.
        others: Errors of the held-out rows by the methods measured before at this code
            length.

    Returns:
        The record, the fitted method, and the squared errors of the held-out rows.
    """
    from isthmus.estimators import ShallowAutoencoder

    started = time.perf_counter()
    principal = ground.principal
    eigenvalues = principal.all_eigenvalues
    model, decoder, history = _fitted(ground, n_code, encoder)
    errors = ground.errors(model)
    measured = measure_errors(errors, ground.energy, ground.group)
    versus = {}
    for name, theirs in others.items():
        found = measure_errors(errors - theirs, ground.energy, ground.group)
        versus[name] = Pair(found.value, found.standard_error)
    split = {}
    if isinstance(model, ShallowAutoencoder) and encoder != SEARCH:
        lengths = encoder == "design" and norm_has_time(ground.task, n_code)
        split = _split(ground, model, measured.value, lengths=lengths)
    limit = covariance_limit(eigenvalues, n_code)
    record = Reached(
        rate=n_code / principal.n_input,
        n_code=n_code,
        encoder=encoder,
        decoder=decoder,
        norm="none",
        nmse=measured.value,
        standard_error=measured.standard_error,
        reference=float(limit.nmse),
        status=str(limit.status),
        predicted=model.predicted_nmse_,
        transform_coding=float(
            transform_coding(eigenvalues, _codable(ground, n_code)).nmse
        ),
        rate_distortion=float(rate_distortion(eigenvalues, n_code)),
        bits_per_vector=int(model.bits_per_vector_ or 0),
        seconds=0.0,
        history=history,
        versus=versus,
        **split,
    )
    seconds = time.perf_counter() - started
    return dataclasses.replace(record, seconds=seconds), model, errors


def _fitted(
    ground: Ground, n_code: int, encoder: str
) -> tuple[ShallowAutoencoder | TransformCoder, str, np.ndarray]:
    """A method fitted on the training rows, its decoder's name, NMSE along training."""
    from isthmus.estimators import ShallowAutoencoder, TransformCoder

    if encoder == TRANSFORM_CODING:
        coder = TransformCoder(_codable(ground, n_code))
        return coder.fit_principal(ground.principal, ground.fit), "cell-means", np.zeros(0)
    rows = ground.fit
    more: dict[str, Any] = {"n_steps": descent_steps(n_code)}
    if encoder == SEARCH:  # by far the dearest fit
        rows = fit_rows(ground.fit, SEARCH_ROWS, ground.seed)
        more = {"decoder": "columns"} if len(rows) >= LEAST_CURVE_ROWS else {}
    with _plain_words(encoder, n_code):
        model = ShallowAutoencoder(
            n_code,
            encoder=encoder,  # type: ignore[arg-type]
            random_state=ground.seed,
            **more,
        ).fit_principal(ground.principal, rows)
    return model, model.decoder_used_, model.history_


def _codable(ground: Ground, n_code: int) -> int:
    """Bits that transform coding can take, at most as many as there are."""
    return min(n_code, MAX_BITS * ground.principal.rank)


def examples(rows: Rows, ground: Ground, model: Codec, errors: np.ndarray) -> Examples:
    """Held-out rows of largest and of median error, as they were read.

    Args:
        rows: What was read.
        ground: What was measured on.
        model: A fitted method.
        errors: Its squared error on each held-out row.

    Returns:
        At most six of each.
    """
    order = np.argsort(-errors, kind="stable")
    count = min(_EXAMPLES, max(1, order.size // 4))
    middle = max(count, (order.size - count) // 2)
    chosen = order[:count], order[middle : middle + count]
    parts = []
    for which in chosen:
        back = model.inverse_transform(model.transform(ground.test[which]))
        parts += [rows.original(ground.test[which]), rows.original(back)]
        parts.append(errors[which] / ground.energy.mean())
    n_code = int(model.n_code_)  # type: ignore[attr-defined]
    return Examples(n_code, *parts)


@contextlib.contextmanager
def _plain_words(encoder: str, n_code: int) -> Iterator[None]:
    """Say of repeated encoder rows what tells a reader who has chosen no rows."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield
    for warning in caught:
        message = warning.message
        if str(message).startswith("Encoder rows"):
            message = DataWarning(
                f"At {count(n_code)} bits per vector the {encoder} encoder repeats some "
                "code symbols, which add nothing."
            )
        warnings.warn_explicit(message, warning.category, warning.filename, warning.lineno)


def _split(
    ground: Ground, model: ShallowAutoencoder, nmse: float, *, lengths: bool
) -> dict[str, Any]:
    """What of nmse - reference is whose, in NMSE, as fields of the record."""
    principal = ground.principal
    d = principal.n_input
    units = float(principal.eigenvalues.sum()) / d, float(ground.energy.mean()) / d
    encoder = model.encoder_weight_ @ principal.basis
    decoder = principal.basis.T @ model.decoder_weight_
    try:
        split = principal_gap_split(
            encoder,
            decoder,
            principal.eigenvalues,
            nmse * units[1],
            test_moments=ground.test_moments,
            outside=ground.outside,
            n_input=d,
            activation=resolve_activation(model.activation),
        )
    except ValueOutOfRange:  # a code symbol that never changes on the held-out rows
        return {}
    fields: dict[str, Any] = {"gap": split.as_nmse(*units).terms}
    if lengths and len(ground.along) >= LEAST_ROWS:
        rows = ground.along.astype(np.float64)
        moments = rows.T @ rows / len(rows)
        act = resolve_activation(model.activation)
        found = checked_norm_spread(encoder, decoder, moments, rows, act)
        if found is not None:
            scale = len(moments) / (d * units[1])
            fields["norm_spread"] = found[0] * scale
            fields["norm_spread_error"] = found[1] * scale
    return fields


def _blocks(n_rows: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, n_rows, _BLOCK)]
