"""One autoencoder of the study of penalties, trained and measured, in any process."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.core.errors import TrainingWarning
from isthmus.core.protocol import nmse_of
from isthmus.data import Principal
from isthmus.experiments.cosentino22_data import Rows, Scaled, scaled
from isthmus.experiments.cosentino22_methods import METHODS
from isthmus.geometry.error_split import generalisation
from isthmus.models import DenseAutoencoder
from isthmus.training.deep_training import train_autoencoder

CONVERGED, NEGLIGIBLE = 0.05, 1e-3
FEW = 100
_POINTS = 16  # of a curve
_STARTS, _MOST_STEPS = 1, 10  # of the search for the nearest decoding
_DIGITS = 6

Network = tuple[nn.Module, nn.Module]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What all trained autoencoders share.

    Attributes:
        n_code: Latent dimensions, and generators.
        hidden_layer_sizes: Of the encoder; the decoder has them in reverse.
        n_steps: Mini-batches, where there are 100 rows to fit or more.
        n_steps_few: The same where there are fewer.
        batch_size: Rows in each; all where there are fewer.
        learning_rate: Of Adam's first step, cosine to zero.
        validation_share: Of the training rows, held out.
    """

    n_code: int = 10
    hidden_layer_sizes: tuple[int, ...] = (128, 128)
    n_steps: int = 1200
    n_steps_few: int = 600
    batch_size: int = 32
    learning_rate: float = 3e-3
    validation_share: float = 0.25

    def steps_for(self, n_rows: int) -> int:
        """Mini-batches for so many rows to fit.

        Examples:
            >>> Recipe().steps_for(20), Recipe().steps_for(300)
            (600, 1200)
        """
        return self.n_steps if n_rows >= FEW else self.n_steps_few


@dataclasses.dataclass(frozen=True)
class Task:
    """One run.

    Attributes:
        method: A key of :data:`METHODS`.
        weight: Of its penalty.
        seed: Of split, starting weights, batches and noise: alike for all methods.
        steps: Times the recipe's number of them.
    """

    method: str
    weight: float
    seed: int
    steps: int = 1


def choose(task: Task, recipe: Recipe, train: Rows) -> dict[str, Any]:
    """Train, and measure on validation rows: all that a choice may rest on.

    Args:
        task: The run.
        recipe: Of the network and its training.
        train: Training rows; test rows are not even given.

    Returns:
        Validation NMSE, and how training went.
    """
    began = time.perf_counter()
    rows = scaled(train, None, task.seed, recipe.validation_share)
    network, told = trained(task, recipe, rows.fit)
    found = {"validation": _nmse(network, rows.validation, rows.fit)}
    return found | told | {"seconds": round(time.perf_counter() - began, 3)}


def measure(task: Task, recipe: Recipe, train: Rows, test: Rows) -> dict[str, Any]:
    """Train, and measure on all rows, the test error split into its two gaps.

    Args:
        task: The run.
        recipe: Of the network and its training.
        train: Training rows.
        test: Test rows.

    Returns:
        NMSE about the mean of the fitted rows, and how training went.
    """
    began = time.perf_counter()
    rows = scaled(train, test, task.seed, recipe.validation_share)
    network, told = trained(task, recipe, rows.fit)
    found = {"validation": _nmse(network, rows.validation, rows.fit)}
    found |= _split(network, rows)
    return found | told | {"seconds": round(time.perf_counter() - began, 3)}


def trained(task: Task, recipe: Recipe, fit: Rows) -> tuple[Network, dict[str, Any]]:
    """Encoder and decoder of a task, and the course of their training.

    Args:
        task: The run.
        recipe: Of the network and its training.
        fit: Rows about their mean, of mean square 1.

    Returns:
        The network, and its curve: steps done and training NMSE of the batches before,
        without the penalty, with noise where there is some; `fall`, the share of it that
        the last tenth took away, and whether that counts as converged.
    """
    method = METHODS[task.method]
    if not method.trained:
        return principal(fit, recipe.n_code), {
            "curve": [],
            "fall": 0.0,
            "converged": True,
            "reason": "closed form",
        }
    n_input = fit.shape[1]
    network = DenseAutoencoder(
        n_input,
        recipe.n_code,
        hidden_layer_sizes=recipe.hidden_layer_sizes,
        rng=task.seed,
    )
    make = method.make
    penalty = make and make(task.weight, n_input, recipe.n_code, task.seed)
    per_epoch = -(-len(fit) // recipe.batch_size)
    n_steps = task.steps * recipe.steps_for(len(fit))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)  # the reason is kept
        result = train_autoencoder(
            network,
            fit,
            n_epochs=max(1, round(n_steps / per_epoch)),
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            device="cpu",
            penalty=penalty,
            rng=task.seed,
        )
    fall, converged = convergence(result.history.mse)
    return (network.encoder, network.decoder), {
        "curve": thinned(result.history.mse, per_epoch),
        "fall": fall,
        "converged": converged and result.reason == "finished",
        "reason": result.reason,
    }


def convergence(errors: np.ndarray) -> tuple[float, bool]:
    """Share of the training error that the last tenth of steps took away.

    Args:
        errors: Of all epochs.

    Returns:
        1 - (mean of the last twentieth) / (mean of the twentieth before the last tenth),
        and whether it is below 5 % or what is left below an NMSE of 0.001.

    Examples:
        >>> convergence(np.full(100, 0.3)), convergence(np.linspace(1.0, 0.1, 100))[1]
        ((0.0, True), False)
    """
    part = max(1, len(errors) // 20)
    late = float(np.mean(errors[-part:]))
    before = float(np.mean(errors[-3 * part : -2 * part] if len(errors) > 2 else errors))
    if not (math.isfinite(late) and math.isfinite(before)):
        return 0.0, False
    fall = 1.0 - late / before if before > 0 else 0.0
    return _rounded(fall), bool(fall < CONVERGED or late < NEGLIGIBLE)


def thinned(errors: np.ndarray, per_epoch: int) -> list[list[float]]:
    """At most 16 points of a curve, closer at its beginning: steps done, error.

    Examples:
        >>> thinned(np.array([1.0, 0.5, 0.25]), 10)
        [[10, 1.0], [20, 0.5], [30, 0.25]]
    """
    epochs = np.unique(np.geomspace(1, len(errors), _POINTS).round().astype(int))
    return [
        [int(epoch) * per_epoch, float(f"{errors[epoch - 1]:.4g}")]
        for epoch in epochs
        if math.isfinite(errors[epoch - 1])
    ]


def principal(fit: Rows, n_code: int) -> Network:
    """The leading principal components of rows, as an encoder and a decoder.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
        >>> encoder, decoder = principal(rows, 2)
        >>> decoder(encoder(torch.zeros(1, 3))).shape
        torch.Size([1, 3])
    """
    axes = Principal.from_rows(fit.astype(float))
    turn = torch.from_numpy(axes.basis[:, :n_code]).float()
    encoder = nn.Linear(turn.shape[0], turn.shape[1], bias=False)
    decoder = nn.Linear(turn.shape[1], turn.shape[0])
    with torch.no_grad():
        encoder.weight.copy_(turn.T)
        decoder.weight.copy_(turn)
        decoder.bias.zero_()
    return encoder.eval(), decoder.eval()


def _nmse(network: Network, rows: Rows, fit: Rows) -> float:
    encoder, decoder = network
    with torch.no_grad():
        back = decoder(encoder(torch.from_numpy(rows))).numpy()
    return _rounded(nmse_of(rows, back, fit.mean(axis=0)))


def _split(network: Network, rows: Scaled) -> dict[str, float]:
    found = generalisation(
        *network, rows.fit, rows.test, n_starts=_STARTS, max_steps=_MOST_STEPS
    )
    return {
        "train": _rounded(found.train_error.value),
        "test": _rounded(found.test_error.value),
        "manifold_gap": _rounded(found.manifold_gap.value),
        "encoder_gap": _rounded(found.encoder_gap.value),
        "row_standard_error": _rounded(found.test_error.standard_error),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
