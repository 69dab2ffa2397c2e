"""Encoders of signs that are more than signs of a linear map: quantisers, and a search."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.lloyd_max import MAX_BITS
from isthmus.core.random import as_rng, random_normal
from isthmus.data.principal import Principal
from isthmus.estimators.designed import design_encoder
from isthmus.estimators.encoder_task import Encoder, Task
from isthmus.estimators.gaussian_fit import gaussian_decoder
from isthmus.limits.baselines import additive_coding
from isthmus.training.bit_search import BitSearch
from isthmus.training.search import Start, fit_search
from isthmus.training.successive_signs import SuccessiveSigns, along_axes

_ROUNDS = 6
_SIMULATED = 4096
_FLAT = 1e-12  # share of the largest variance below which a column does not change


def quantised_encoder(task: Task) -> Encoder:
    """Transform coding: whole bits per principal axis, levels additive in them."""
    start, nmse = _along_principal_axes(task)
    if start is None:
        most = MAX_BITS * task.principal.rank
        raise ValueOutOfRange(
            f"`ShallowAutoencoder(encoder='quantised')` must have at most {MAX_BITS} bits "
            f"for each of {task.principal.rank} directions of positive variance, here "
            f"{most}; got {task.n_code}. Take a shorter code."
        )
    signs, decoder = start
    return Encoder(signs.weight, signs=signs, decoder_weight=decoder, nmse=nmse)


def search_encoder(task: Task) -> Encoder:
    """Signs that |x - A y| is small with, A learnt from rows coded so."""
    starts = {"design": _designed(task)}
    axes, _ = _along_principal_axes(task)
    columns = _along_columns(task)
    starts |= {"axes": axes} if axes is not None else {}
    starts |= {"columns": columns} if columns is not None else {}
    found = fit_search(
        task.centred(),
        starts,
        rng=task.rng,
        max_rounds=_ROUNDS if task.n_steps is None else task.n_steps,
        extra=task.extra_flips,
        ridge=task.ridge,
        progress=task.progress,
    )
    signs = starts[found.start][0]
    others = ", ".join(f"{name} {error:.4g}" for name, error in found.trials.items())
    return Encoder(
        signs.weight,
        found.history,
        np.arange(found.history.size),
        f"search from {found.start}, {found.n_rounds} rounds; on rows set aside {others}",
        signs=signs,
        decoder_weight=found.decoder_weight,
        nmse=simulated_nmse(task.principal, signs, found.decoder_weight, task.extra_flips),
        searched=True,
        ridge=found.ridge,
    )


def simulated_nmse(
    principal: Principal,
    signs: SuccessiveSigns,
    decoder: Float[np.ndarray, "input code"],
    extra: int,
) -> float:
    """NMSE of a search on 4096 Gaussian rows of the training covariance.

    No closed form is known. The rows are the same ones at every call.
    """
    drawn = random_normal(as_rng(0), _SIMULATED, principal.eigenvalues.size)
    rows = (drawn * np.sqrt(principal.eigenvalues)) @ principal.basis.T
    search, error = BitSearch(decoder), 0.0
    for begin in range(0, _SIMULATED, 1024):
        block = rows[begin : begin + 1024]
        codes = search(block, signs(block), extra)
        error += float(np.sum((block - codes.astype(np.float64) @ decoder.T) ** 2))
    return error / float(np.einsum("ij,ij->", rows, rows))


def _designed(task: Task) -> Start:
    weight = np.array(design_encoder(task).weight)
    decoder = gaussian_decoder(weight, task.principal, task.activation).decoder_weight
    return SuccessiveSigns(weight, np.zeros(task.n_code)), decoder


def _along_principal_axes(task: Task) -> tuple[Start | None, float]:
    """Quantisers along the principal axes, and their NMSE on Gaussian data."""
    principal = task.principal
    kept = slice(principal.rank)
    lam = principal.eigenvalues[kept]
    if task.n_code > MAX_BITS * lam.size:
        return None, 1.0
    coding = additive_coding(lam, task.n_code)
    share = float(lam.sum() / principal.eigenvalues.sum())
    start = along_axes(principal.basis[:, kept], np.sqrt(lam), coding.bits)
    return start, 1.0 - (1.0 - float(coding.nmse)) * share


def _along_columns(task: Task) -> Start | None:
    """Quantisers along the columns as they are: sparse data are least mixed there."""
    principal = task.principal
    variance = np.square(principal.basis) @ principal.eigenvalues
    variance[variance < _FLAT * variance.max()] = 0.0
    if task.n_code > MAX_BITS * np.count_nonzero(variance):
        return None
    bits = additive_coding(variance, task.n_code).bits
    return along_axes(np.eye(variance.size), np.sqrt(variance), bits)
