"""The penalties of the orbit study from the options of its frozen file, and its loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.core.threads import threads_for
from isthmus.models import DenseAutoencoder
from isthmus.training.penalties import (
    AbstractPenalty,
    Contractive,
    CycleConsistency,
    Denoising,
    Generators,
    HigherOrderContractive,
    LearnedOrbit,
    Lie1,
    Lie2,
    OrbitAugmentation,
    OrbitCompletion,
    PenaltySum,
    WeightDecay,
    fit_generators,
)

if TYPE_CHECKING:
    from isthmus.experiments.cosentino22_orbits import OrbitRows

_PLAIN = {
    "Contractive": Contractive,
    "CycleConsistency": CycleConsistency,
    "Denoising": Denoising,
    "HigherOrderContractive": HigherOrderContractive,
    "WeightDecay": WeightDecay,
}
_RATE = 3e-3  # of the first step, falling to zero as a cosine
_LIE = {"Lie1": Lie1, "Lie2": Lie2}


def penalty_of(
    options: dict[str, Any], rows: OrbitRows, seed: int
) -> tuple[AbstractPenalty | None, float]:
    """A penalty, and the held-out residual of the orbit that it learnt, or NaN.

    Args:
        options: ``"penalty"``, the name of a class, with the arguments of its
            constructor; ``"orbit"`` is ``"learnt"``, from ``"n_starts"``, or ``"known"``
            where one is completed or augmented; ``"generators"`` are the arguments of
            :class:`Generators`; ``"denoising"`` adds noise of that size. No penalty
            without a name.
        rows: Drawn from the orbit.
        seed: Of generators and searches.

    Examples:
        >>> penalty_of({}, None, 0)
        (None, nan)
        >>> penalty_of({"penalty": "Denoising", "noise_std": 0.1}, None, 0)[0]
        Denoising(weight=1.0, noise_std=0.1)
    """
    given = dict(options)
    name, noise = given.pop("penalty", None), given.pop("denoising", None)
    held_out = math.nan
    if name is None:
        return None, held_out
    if name in _PLAIN:
        found: AbstractPenalty = _PLAIN[name](**given)
    elif name in _LIE:
        learnt = Generators(rows.train.shape[1], rng=seed, **given.pop("generators"))
        found = _LIE[name](generators=learnt, **given)
    else:
        orbit = _orbit(given.pop("orbit"), rows, seed, given.pop("n_starts", 256))
        held_out = orbit.held_out
        if name == "OrbitCompletion":
            found = OrbitCompletion(orbit, **given)
        else:
            matrices = orbit.generators
            both = Generators(rows.train.shape[1], len(matrices), matrices=matrices)
            found = OrbitAugmentation(generators=both, **given)
    return found if noise is None else PenaltySum(found, Denoising(noise)), held_out


def _orbit(which: str, rows: OrbitRows, seed: int, n_starts: int) -> LearnedOrbit:
    if which == "learnt":
        k = rows.amounts.shape[1]
        return fit_generators(rows.train, k, n_starts=n_starts, rng=seed)
    return LearnedOrbit(
        np.asarray(rows.amounts), rows.frequencies, rows.coefficients, 0.0, 0.0
    )


def reconstructions(
    rows: Sequence[OrbitRows],
    penalties: Sequence[AbstractPenalty | None],
    seeds: Sequence[int],
    n_steps: int,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of every seed as its own new network gives them back.

    Networks whose penalties have the same settings are trained as one, which takes little
    longer than a single one.

    Args:
        rows: Of each seed: to train on, all at every step, and to test.
        penalties: Trained along; None for none.
        seeds: Of the starts.
        n_steps: Of Adam.
    """
    alike: dict[str, list[int]] = {}
    for i, penalty in enumerate(penalties):
        alike.setdefault(repr(penalty), []).append(i)
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for group in alike.values():
        losses = [_Loss(_network(rows[i], seeds[i]), penalties[i]) for i in group]
        x = [torch.tensor(rows[i].train, dtype=torch.float32) for i in group]
        with torch.random.fork_rng(devices=[]), threads_for(1.0):
            torch.manual_seed(seeds[group[0]])
            _train(losses, torch.stack(x), n_steps)
        for i, loss in zip(group, losses, strict=True):
            found[i] = loss.back(rows[i].train), loss.back(rows[i].test)
    return [found[i] for i in range(len(rows))]


class _Loss(nn.Module):
    """Rows to the loss of one network on them."""

    def __init__(self, network: nn.Module, penalty: AbstractPenalty | None) -> None:
        super().__init__()
        self.network, self.penalty = network, penalty

    def forward(self, x: Tensor) -> Tensor:
        penalty, network = self.penalty, self.network
        given, wanted = (x, x) if penalty is None else penalty.pair(x)
        codes = network.encoder(given)  # type: ignore[operator]
        found = network.decoder(codes)  # type: ignore[operator]
        error = nn.functional.mse_loss(found, wanted)
        return error if penalty is None else error + penalty(network, given, codes, found)

    @torch.no_grad()
    def back(self, x: np.ndarray) -> np.ndarray:
        made: Tensor = self.network(torch.tensor(x, dtype=torch.float32))
        return np.asarray(made.double().numpy())


def _network(rows: OrbitRows, seed: int) -> DenseAutoencoder:
    return DenseAutoencoder(
        rows.train.shape[1],
        2,
        hidden_layer_sizes=(64, 64),
        activation="leaky-relu",
        rng=seed,
    )


def _train(losses: list[_Loss], x: Tensor, n_steps: int) -> None:
    """Adam on all at once; the weights are written back."""
    weights, constants = torch.func.stack_module_state(losses)

    def loss_of(parts: dict, fixed: dict, rows: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(losses[0], (parts, fixed), (rows,))
        return found

    slopes = torch.func.vmap(torch.func.grad(loss_of), randomness="different")
    adam = torch.optim.Adam(list(weights.values()), lr=_RATE, fused=True)
    for step in range(n_steps):
        fallen = 0.5 * (1.0 + math.cos(math.pi * step / n_steps))
        adam.param_groups[0]["lr"] = _RATE * fallen
        found = slopes({k: v.detach() for k, v in weights.items()}, constants, x)
        for name, part in weights.items():
            part.grad = found[name]
        adam.step()
    with torch.no_grad():
        for i, loss in enumerate(losses):
            for name, part in loss.named_parameters():
                part.copy_(weights[name][i])
