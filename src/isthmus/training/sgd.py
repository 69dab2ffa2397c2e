"""Stochastic gradient descent on samples, straight through the quantised code."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from isthmus.core.errors import NotConverged, ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.protocol import nmse_of
from isthmus.core.random import as_rng, random_normal, random_subset
from isthmus.core.typing import Matrix
from isthmus.models.straight_through import CodeLayer, code_layer
from isthmus.models.two_layer_step import TwoLayerStep
from isthmus.training.history import History, StraightThrough, judge
from isthmus.training.samples import (
    Samples,
    check_positive,
    check_samples,
    check_weight,
    check_whole,
    draw_batches,
    learning_rates,
)

SCHEDULE = ((0.6, 0.1), (0.85, 0.02))
"""Factors of the learning rate from these fractions of the run on."""

_CALL = "train_straight_through"
_STABLE = 0.5


def train_straight_through(
    x: Matrix,
    n_code: int,
    *,
    start: Matrix | None = None,
    decoder_start: Matrix | None = None,
    whitening: Matrix | None = None,
    tied: bool = False,
    activation: object = "sign",
    temperature: float = 1.0,
    learning_rate: float = 0.05,
    batch_size: int = 128,
    n_steps: int = 3000,
    schedule: Sequence[tuple[float, float]] = SCHEDULE,
    validation: Matrix | None = None,
    evaluate_every: int = 50,
    device: object = None,
    dtype: str = "float32",
    rng: np.random.Generator | int | None,
    progress: Callable[[int, int], object] | None = None,
) -> StraightThrough:
    r"""Train both layers on samples; gradients pass straight through the quantiser.

    .. math:: \min_{A, B} \sum_t \|x_t - A s(B x_t)\|^2, \qquad
        s'(u) := \frac{d}{du} \tanh(u / \tau)

    Plain SGD, rows drawn with replacement; encoder rows return to unit norm in white
    coordinates after every step. Entries are measured in their root mean square, so that
    units do not matter. The decoder's step is kept below half the inverse of the code's
    largest second moment, which matters for steep spectra and codes far longer than a
    batch. On white Gaussian data both decoders end within 1 % of the isotropic limit; on
    coloured data start from the closed-form design and give the whitening map.

    Args:
        x: Rows, "sample input", centred by the caller: an odd activation without offset
            cannot use a mean.
        n_code: Code symbols per row, at least 1.
        start: Encoder B to start from, "code input"; its row norms are not used. None
            draws directions uniformly.
        decoder_start: Decoder A to start from, "input code", for free decoders only. None
            fits one to the start by ridge regression.
        whitening: Inverse root of the covariance, "input input", symmetric, in which rows
            are normalised; None for data of equal variance in all directions.
        tied: Whether the decoder is the transposed directions times one number.
        activation: Name, odd NumPy function or :class:`~isthmus.core.Activation`. Only
            quantised ones use the surrogate.
        temperature: Width tau of the surrogate, positive. 1 is the least noisy.
        learning_rate: Step, positive; the loss is summed over coordinates.
        batch_size: Rows per step; where there are fewer, every step takes all.
        n_steps: Steps, at least 1.
        schedule: Pairs (fraction of the run, factor on the learning rate).
        validation: Rows, "sample input", centred likewise, to follow in the history.
        evaluate_every: Steps between records, and between calls of `progress`.
        device: Where to train, as torch names it; None for the CPU.
        dtype: ``"float32"`` or ``"float64"``.
        rng: Seed or generator; draws the start and the batches.
        progress: Called with (steps done, steps in all), last with both equal.

    Returns:
        Both layers in the given type, the history, and whether it converged. Equal seeds
        give equal results on one machine.

    Raises:
        DataError: If rows are not finite numbers or all zero.
        ValueOutOfRange: If an argument is outside its domain.
        NotConverged: If the error overflows.

    Examples:
        >>> from isthmus.core.random import as_rng, random_normal
        >>> rows = random_normal(as_rng(0), 2000, 8)
        >>> result = train_straight_through(rows, 8, n_steps=500, rng=0)
        >>> result.encoder_weight.shape, result.decoder_weight.shape
        ((8, 8), (8, 8))
        >>> bool(0.34 < result.history.nmse[-1] < 0.4)
        True

    References:
        [shevchenko:23], [bengio:13]
    """
    began = time.perf_counter()
    counts = {"n_code": n_code, "batch_size": batch_size, "n_steps": n_steps}
    check_whole(_CALL, **counts, evaluate_every=evaluate_every)
    check_positive(_CALL, temperature=temperature, learning_rate=learning_rate)
    rates = learning_rates(_CALL, learning_rate, schedule, int(n_steps))
    layer = code_layer(activation, temperature=temperature)
    like = _like(dtype, device)
    samples = check_samples(_CALL, x, whitening)
    _check_size(samples, int(n_code), int(batch_size))
    held = None if validation is None else _held_out(samples, validation, like)
    generator = as_rng(rng)
    directions = _directions(samples, start, int(n_code), generator).to(like)
    rows = _to_tensor(samples, like)
    if decoder_start is not None:
        decoder = _given_decoder(samples, decoder_start, int(n_code), tied).to(like)
    else:
        decoder = _fitted_decoder(rows, directions, layer, tied, generator).to(like)
    step = TwoLayerStep(
        directions, decoder, layer, min(int(batch_size), samples.energy.size)
    )
    history = _descend(
        step, rows, samples.energy, rates, int(evaluate_every), generator, held, progress
    )
    converged, reason = judge(history, schedule, int(n_steps))
    return StraightThrough(
        samples.to_encoder(_to_numpy(directions)).astype(dtype),
        (_to_numpy(step.decoder_weight) * samples.unit).astype(dtype),
        history,
        converged,
        reason,
        int(n_steps),
        time.perf_counter() - began,
    )


def _check_size(samples: Samples, n_code: int, batch_size: int) -> None:
    """Refuse a code whose weights, moments and batches do not fit into memory."""
    n_rows, n_input = samples.values.shape
    needed = 8 * n_code * (2 * n_code + 4 * min(batch_size, n_rows) + 6 * n_input)
    check_memory(f"{_CALL}(n_code=...)", n_code, needed, "Take a shorter code.")


def _descend(
    step: TwoLayerStep,
    rows: Tensor,
    energy: np.ndarray,
    rates: list[float],
    every: int,
    rng: np.random.Generator,
    held: tuple[Tensor, Tensor] | None,
    progress: Callable[[int, int], object] | None,
) -> History:
    n_input = step.directions.shape[1]
    batch = rows.new_empty(step.n_batch, rows.shape[1])
    x, z = batch[:, :n_input], batch[:, -n_input:]
    slots = rows.new_zeros(every)
    done, nmse, held_nmse = [], [], []
    for begin in range(0, len(rates), every):
        block = rates[begin : begin + every]
        chosen = draw_batches(rng, len(block), step.n_batch, rows.shape[0])
        index = torch.from_numpy(chosen).to(rows.device)
        with torch.inference_mode():
            torch.index_select(rows, 0, index[0], out=batch)
            most = _STABLE / max(step.decoder_curvature(z), 1e-30)
            for rate, picked, slot in zip(block, index, slots, strict=False):
                torch.index_select(rows, 0, picked, out=batch)
                step(x, z, rate, min(rate, most), slot)
        error = float(slots[: len(block)].double().sum())
        done.append(begin + len(block))
        nmse.append(error / max(float(energy[chosen].sum()), 1e-300))
        if not (math.isfinite(error) and step.is_finite()):
            raise NotConverged(_diverged(done[-1], rates[begin]))
        if held is not None:
            held_nmse.append(_nmse(step, *held))
        if progress is not None:
            progress(done[-1], len(rates))
    return History(
        np.array(done), np.array(nmse), None if held is None else np.array(held_nmse)
    )


def _diverged(step: int, rate: float) -> str:
    return (
        f"`{_CALL}(learning_rate=...)` must keep the error finite; by step {step}, at "
        f"rate {rate:.3g}, it is not. Divide the rate by ten, or look for outliers in x."
    )


def _nmse(step: TwoLayerStep, x: Tensor, z: Tensor) -> float:
    with torch.inference_mode():
        guess = step.layer.forward(z @ step.directions.T) @ step.decoder_weight.T
    return nmse_of(_to_numpy(x), _to_numpy(guess), np.zeros(x.shape[1]))


def _like(dtype: object, device: object) -> Tensor:
    """Empty tensor of the type and on the device asked for."""
    if dtype not in ("float32", "float64"):
        raise ValueOutOfRange(
            f"`{_CALL}(dtype=...)` must be 'float32' or 'float64'; got {dtype!r}."
        )
    kind = torch.float32 if dtype == "float32" else torch.float64
    name = "cpu" if device is None else str(device)
    try:
        like = torch.zeros(1, dtype=kind, device=name)
        like.cpu()
    except (RuntimeError, AssertionError) as error:
        count = torch.cuda.device_count()
        found = ", ".join(["cpu", *(f"cuda:{i}" for i in range(count))])
        raise ValueOutOfRange(
            f"`{_CALL}(device=...)` must be a device that torch has here; got {name!r}. "
            f"Use one of {found}."
        ) from error
    return like


def _to_tensor(samples: Samples, like: Tensor) -> Tensor:
    """Rows in the unit and, beside them, in white coordinates where these differ."""
    n_rows, n_input = samples.values.shape
    width = n_input if samples.whitening is None else 2 * n_input
    rows = like.new_empty(n_rows, width)
    for part, block in samples.blocks():
        rows[part] = torch.from_numpy(block).to(like)
    return rows


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().double().numpy())


def _held_out(samples: Samples, validation: object, like: Tensor) -> tuple[Tensor, Tensor]:
    held = check_samples(_CALL, validation, None, name="validation")
    n_input = samples.values.shape[1]
    if held.values.shape[1] != n_input:
        raise ValueOutOfRange(
            f"`{_CALL}(validation=...)` must have {n_input} columns, as x has; "
            f"got {held.values.shape[1]}."
        )
    same = dataclasses.replace(held, whitening=samples.whitening, unit=samples.unit)
    rows = _to_tensor(same, like)
    return rows[:, :n_input], rows[:, -n_input:]


def _directions(
    samples: Samples, start: object | None, n_code: int, rng: np.random.Generator
) -> Tensor:
    n_input = samples.values.shape[1]
    if start is None:
        rows = random_normal(rng, n_code, n_input)
        return torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    weight = check_weight(_CALL, "start", start, (n_code, n_input))
    return torch.tensor(samples.to_directions(weight))


def _given_decoder(
    samples: Samples, decoder_start: object, n_code: int, tied: bool
) -> Tensor:
    if tied:
        raise ValueOutOfRange(
            f"`{_CALL}(decoder_start=...)` must be None where tied=True: the encoder "
            "is the decoder. Drop one of the two."
        )
    shape = (samples.values.shape[1], n_code)
    weight = check_weight(_CALL, "decoder_start", decoder_start, shape)
    return torch.tensor(weight / samples.unit)


def _fitted_decoder(
    rows: Tensor, directions: Tensor, layer: CodeLayer, tied: bool, rng: np.random.Generator
) -> Tensor:
    """Ridge regression of some rows on their codes, penalty code length / rows."""
    n_code, n_input = directions.shape
    count = min(rows.shape[0], max(4096, 10 * n_code))
    chosen = torch.from_numpy(random_subset(rng, rows.shape[0], count))
    picked = rows[chosen.to(rows.device)]
    y = layer.forward(picked[:, -n_input:] @ directions.T).double()
    x = picked[:, :n_input].double()
    if tied:
        guess = y @ directions.double()
        return (x * guess).sum() / guess.square().sum().clamp_min(1e-30)
    gram = y.T @ y / count
    power = gram.trace() / n_code
    gram += torch.eye(n_code).to(gram) * (power * n_code / count + 1e-30)
    solved: Tensor = torch.linalg.solve(gram, y.T @ x / count)
    return solved.T.contiguous()
