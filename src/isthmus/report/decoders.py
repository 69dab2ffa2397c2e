"""The same bits read by several decoders, one of them recommended beforehand."""

from __future__ import annotations

import copy
import dataclasses
import importlib.util
import warnings
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.activations import resolve_activation
from isthmus.core.errors import DataWarning
from isthmus.core.protocol import group_of_row, measure_errors, nmse_of, row_errors
from isthmus.core.random import as_rng
from isthmus.report.costs import Task, Work, rotation_work
from isthmus.report.reach import Ground
from isthmus.report.records import Decoded, Pair

if TYPE_CHECKING:
    from isthmus.estimators import ShallowAutoencoder

ENCODERS = ("random", "design")
SIMPLEST_FIRST = ("linear", "denoised", "message-passing", "learned")
LEARNT = "itq"
ROTATION_STEPS = 50
ROOM = "A larger --budget has room for it."
"""How a sentence ends that names what there was no time for."""
LEAST_ROWS = 100
"""Training rows below which no priors are fitted."""
MOST_FIT_ROWS = 20_000
MOST_TEST_ROWS = 1000
TRIAL_ROWS = 400
PATH_ROWS = 100
LEARNING_ROWS, LEARNING_STEPS, LEARNING_BATCH = 4000, 150, 64
STEPS = (1, 2, 3, 4, 6, 9, 13, 20)
BUDGET_SHARE = 0.25
_TRIED = 4 * 240 * 8 / 20  # rows for all twenty steps
_PER_INPUT, _PER_BIT = 200.0, 40.0  # entries passed over: a posterior, a bit's channel


@dataclasses.dataclass(frozen=True, eq=False)
class _Measured:
    record: Decoded
    errors: np.ndarray
    tried: np.ndarray
    model: ShallowAutoencoder


def decoders_work(task: Task, code: int, encoders: tuple[str, ...] = ENCODERS) -> Work:
    """Messages passed for trials, held-out rows and the drawn path, for each encoder."""
    rows = _TRIED + TRIAL_ROWS + min(task.n_test, MOST_TEST_ROWS)
    passed = len(encoders) * (20.0 * rows + sum(STEPS) * PATH_ROWS)
    seen = LEARNING_STEPS * LEARNING_BATCH * 3.0  # three layers, forward and back
    flops = 4.0 * code * task.n_input * (passed + 3.0 * seen) * 0.5
    passed += 4.0 * seen
    work = Work(flops, passed * (_PER_INPUT * task.n_input + _PER_BIT * code))
    if LEARNT not in encoders:
        return work
    return work + rotation_work(task, code, min(task.n_fit, MOST_FIT_ROWS), ROTATION_STEPS)


def choose_encoders(
    task: Task, code: int, n_directions: int, seconds: float
) -> tuple[tuple[str, ...], str]:
    """Encoders whose decoders are compared, and why the learnt rotation is not there.

    Args:
        task: Rows and columns.
        code: Code symbols per row.
        n_directions: In which the training rows vary.
        seconds: That the comparison may take, on two slow cores.

    Returns:
        Names, and one sentence; empty if none was left out.

    Examples:
        >>> task = Task(1797, 1437, 1437, 360, 64, False)
        >>> choose_encoders(task, 32, 61, 30.0)
        (('random', 'design', 'itq'), '')
        >>> choose_encoders(task, 64, 61, 30.0)[0]
        ('random', 'design')
    """
    if code > n_directions:
        return ENCODERS, (
            f"No rotation was learnt (encoder itq): it takes at most one bit per direction "
            f"in which the rows vary, {n_directions} here, and the code has {code}."
        )
    encoders = (*ENCODERS, LEARNT)
    needed = decoders_work(task, code, encoders).assumed_seconds
    if needed > seconds:
        return ENCODERS, (
            "No rotation was learnt (encoder itq): with it, the comparison would take "
            f"about {needed:.0f} s on two slow cores. {ROOM}"
        )
    return encoders, ""


def why_no_decoders(task: Task, code: int | None, budget: float) -> str:
    """Why decoders are not compared, in one sentence; empty if they are."""
    if code is None:
        return "Decoders were not compared: no code was measured."
    n_rows = task.n_fit
    if n_rows < LEAST_ROWS:
        return (
            f"Decoders were not compared: priors need {LEAST_ROWS} training rows, and "
            f"there are {n_rows}."
        )
    seconds = decoders_work(task, code).assumed_seconds
    if seconds > BUDGET_SHARE * budget:
        return (
            "Decoders were not compared: passing messages over so many columns would "
            f"take about {seconds:.0f} s on two slow cores. {ROOM}"
        )
    return ""


def compare_decoders(
    ground: Ground, n_code: int, encoders: tuple[str, ...] = ENCODERS
) -> tuple[Decoded, ...]:
    """Fit every decoder to each encoder, recommend one, then measure all.

    The recommendation is made on training rows set aside: what is measured afterwards
    on held-out rows had no part in it. It goes to the simplest decoder that is within one
    paired standard error of the best there. Every decoder is sent the norms.

    Args:
        ground: Rows and axes.
        n_code: Code symbols per row.
        encoders: Names, as :func:`choose_encoders` gives them.

    Returns:
        One record per encoder and decoder.
    """
    order = as_rng(ground.seed).permutation(ground.fit.shape[0])
    n_trial = min(TRIAL_ROWS, order.size // 5)
    trial = ground.fit[order[:n_trial]]
    rest = ground.fit[np.sort(order[n_trial : n_trial + MOST_FIT_ROWS])]
    found = [
        one
        for encoder in encoders
        for one in _of_encoder(ground, encoder, n_code, rest, trial)
    ]
    passed = [one for one in found if one.record.decoder == "message-passing"]
    likeliest = min(passed, key=lambda one: one.record.trial_nmse)
    found += _learned(ground, likeliest, rest[:LEARNING_ROWS], trial, found)
    recommended = _simplest_near_best(found, trial, ground.principal.mean)
    best = min(found, key=lambda one: one.record.nmse)
    return tuple(
        dataclasses.replace(
            one.record,
            recommended=one is recommended,
            versus_best=_pair(ground, one.errors, best.errors),
        )
        for one in found
    )


def _simplest_near_best(
    found: list[_Measured], trial: np.ndarray, mean: np.ndarray
) -> _Measured:
    """Least trial error of the simplest decoder within one standard error of the best."""
    energy, group = row_errors(trial, mean), group_of_row(trial)
    best = min(found, key=lambda one: one.record.trial_nmse)
    near = [best]
    for one in found:
        apart = measure_errors(one.tried - best.tried, energy, group)
        if apart.value <= apart.standard_error:
            near.append(one)
    order = list(SIMPLEST_FIRST)
    return min(
        near, key=lambda one: (order.index(one.record.decoder), one.record.trial_nmse)
    )


def _of_encoder(
    ground: Ground, encoder: str, n_code: int, rest: np.ndarray, trial: np.ndarray
) -> list[_Measured]:
    from isthmus.estimators import ShallowAutoencoder
    from isthmus.estimators.gaussian_fit import gaussian_decoder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # told where it was fitted before
        many = ShallowAutoencoder(
            n_code,
            encoder=encoder,  # type: ignore[arg-type]
            decoder="message-passing",
            norm="float16",
            n_steps=ROTATION_STEPS,
            random_state=ground.seed,
        ).fit_principal(ground.principal, rest)
    assert many.posterior_ is not None
    linear = copy.copy(many)  # the same encoder: its linear decoder was fitted as well
    linear.decoder, linear.posterior_ = "linear", None
    linear.predicted_nmse_ = gaussian_decoder(
        many.encoder_weight_.copy(), ground.principal, resolve_activation("sign")
    ).nmse
    once = copy.copy(many)
    posterior = many.posterior_.of_kind("denoised")
    once.decoder, once.posterior_ = "denoised", posterior
    once.predicted_nmse_ = posterior.predicted_nmse
    models = {"linear": linear, "denoised": once, "message-passing": many}
    test = ground.test[:MOST_TEST_ROWS]
    errors = {name: _errors(model, test) for name, model in models.items()}
    return [
        _measured(ground, encoder, name, model, trial, errors[name], errors["linear"])
        for name, model in models.items()
    ]


def _learned(
    ground: Ground,
    passed: _Measured,
    rows: np.ndarray,
    trial: np.ndarray,
    found: list[_Measured],
) -> list[_Measured]:
    """Three layers trained from the priors of the encoder that served messages best."""
    if importlib.util.find_spec("torch") is None:
        return []
    model = copy.copy(passed.model)
    assert model.posterior_ is not None
    assert model.norm_scale_ is not None
    centred, _ = model.norm_scale_.even(rows - model.mean_.astype(rows.dtype, copy=False))
    model.decoder, model.posterior_ = (
        "learned",
        model.posterior_.trained(
            model.transform(rows)[:, : model.n_code_],
            centred,
            rng=as_rng(ground.seed),
            n_steps=LEARNING_STEPS,
        ),
    )
    model.predicted_nmse_ = model.posterior_.predicted_nmse
    linear = next(
        one.errors
        for one in found
        if one.record.encoder == passed.record.encoder and one.record.decoder == "linear"
    )
    errors = _errors(model, ground.test[:MOST_TEST_ROWS])
    encoder = passed.record.encoder
    return [_measured(ground, encoder, "learned", model, trial, errors, linear)]


def _measured(
    ground: Ground,
    encoder: str,
    name: str,
    model: ShallowAutoencoder,
    trial: np.ndarray,
    errors: np.ndarray,
    linear: np.ndarray,
) -> _Measured:
    size = errors.size
    measured = measure_errors(errors, ground.energy[:size], ground.group[:size])
    tried = _errors(model, trial)
    posterior = model.posterior_
    record = Decoded(
        rate=model.n_code_ / ground.principal.n_input,
        n_code=model.n_code_,
        encoder=encoder,
        decoder=name,
        norm="float16",
        basis="" if posterior is None else posterior.basis,
        nmse=measured.value,
        standard_error=measured.standard_error,
        predicted=float(model.predicted_nmse_),
        bits_per_vector=int(model.bits_per_vector_ or 0),
        trial_nmse=measure_errors(tried, row_errors(trial, model.mean_)).value,
        recommended=False,
        versus_linear=_pair(ground, errors, linear),
        versus_best=Pair(0.0, 0.0),
        n_test=size,
    )
    if name == "message-passing":
        steps, path, predicted = _path(ground, model)
        record = dataclasses.replace(
            record, path=path, predicted_path=predicted, steps=steps
        )
    return _Measured(record, errors, tried, model)


def _path(
    ground: Ground, model: ShallowAutoencoder
) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Measured NMSE after some steps of the decoder, and predicted after all."""
    from isthmus.decoders import MessagePassingDecoder
    from isthmus.estimators.posterior_fit import predicted_path

    fit = model.posterior_
    assert fit is not None
    rows = ground.test[:PATH_ROWS]
    codes = model.transform(rows)
    again = copy.copy(model)
    path = []
    for n_iter in STEPS:
        decoder = MessagePassingDecoder(fit.decoder.frame, fit.prior, n_iter=n_iter)
        again.posterior_ = dataclasses.replace(fit, decoder=decoder)
        path.append(nmse_of(rows, again.inverse_transform(codes), model.mean_))
    return STEPS, np.array(path), predicted_path(fit, STEPS[-1])


def _errors(model: ShallowAutoencoder, rows: np.ndarray) -> np.ndarray:
    return row_errors(rows, model.inverse_transform(model.transform(rows)))


def _pair(ground: Ground, first: np.ndarray, second: np.ndarray) -> Pair:
    """Difference of two NMSE on the same rows, with its paired standard error."""
    size = first.size
    found = measure_errors(first - second, ground.energy[:size], ground.group[:size])
    return Pair(found.value, found.standard_error)
