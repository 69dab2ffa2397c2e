"""A small network that adds to a linear decoder of sign codes what that one misses."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from isthmus.core.random import raw_words
from isthmus.decoders.bit_network import BitNetwork
from isthmus.training.devices import seed_torch

BATCH = 128
RATE = 2e-3
DECAY = 1e-2
WARM_UP = 0.1
CHECK_EVERY = 50
PATIENCE = 6
"""Checks without a lower error on the rows set aside after which training ends."""
MOST_CHECKED = 2000


def train_bit_network(
    linear: Float[np.ndarray, "input code"],
    codes: Float[np.ndarray, "sample code"],
    rows: Float[np.ndarray, "sample input"],
    *,
    extra: Float[np.ndarray, " sample"] | None,
    weights: Float[np.ndarray, " sample"] | None,
    checked: Int[np.ndarray, " chosen"],
    hidden: int,
    n_steps: int,
    rng: np.random.Generator,
) -> tuple[BitNetwork, list[float]]:
    """Adam on the squared error of what a linear decoder leaves.

    The last layer starts at zero, so that the first error is the linear decoder's, and
    the weights of the least error on rows set aside are kept: rows that a network cannot
    help keep the linear decoder.

    Args:
        linear: Decoder that the network adds to.
        codes: ±1.
        rows: What they are codes of, of mean about zero.
        extra: One more number of each row, of unit spread; or None.
        weights: Of the squared errors of the rows; None weighs all alike.
        checked: Numbers of rows that are set aside.
        hidden: Units.
        n_steps: Most steps, each on 128 rows.
        rng: Draws the first weights and the batches.

    Returns:
        The network, and the errors on the rows set aside over the linear decoder's.
    """
    seed_torch(int(raw_words(rng, 1)[0] >> np.uint64(1)), torch.device("cpu"))
    given = _tensor(codes)
    wanted = _tensor(rows) - given @ _tensor(linear).T
    inputs = torch.cat([given, torch.zeros(len(given), 1)], dim=1)
    if extra is not None:
        inputs[:, -1] = _tensor(extra)
    weigh = torch.ones(len(given)) if weights is None else _tensor(weights)
    taken = np.ones(len(given), dtype=bool)
    taken[checked] = False
    train = torch.from_numpy(np.flatnonzero(taken))
    aside = torch.from_numpy(checked[:MOST_CHECKED])
    spread = max(float(wanted[train].square().mean().sqrt()), 1e-30)
    network = _network(inputs.shape[1], hidden, wanted.shape[1])
    adam = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    plan = torch.optim.lr_scheduler.LambdaLR(adam, lambda n: _pace(n, n_steps))
    errors, best = [1.0], _state(network)
    start = _error(network, inputs, wanted, weigh, aside, 0.0)
    for step in range(1, n_steps + 1):
        batch = train[torch.randint(len(train), (BATCH,))]
        missed = network(inputs[batch]) - wanted[batch] / spread
        loss = (missed.square().mean(dim=1) * weigh[batch]).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        plan.step()
        if step % CHECK_EVERY == 0 or step == n_steps:
            error = _error(network, inputs, wanted, weigh, aside, spread) / start
            if error < min(errors):
                best = _state(network)
            errors.append(error)
            if min(errors[-PATIENCE:]) > min(errors):
                break
    return _arrays(best, np.asarray(linear, dtype=np.float32), spread), errors


def _network(n_code: int, hidden: int, n_input: int) -> nn.Sequential:
    network = nn.Sequential(
        nn.Linear(n_code, hidden), nn.ReLU(), nn.Linear(hidden, n_input)
    )
    nn.init.zeros_(network[2].weight)  # type: ignore[arg-type]
    nn.init.zeros_(network[2].bias)  # type: ignore[arg-type]
    return network


def _pace(step: int, n_steps: int) -> float:
    """Rises over the first tenth, then falls as a cosine."""
    done = step / max(n_steps, 1)
    if done < WARM_UP:
        return (step + 1) / (WARM_UP * n_steps + 1)
    return 0.5 * (1.0 + math.cos(math.pi * (done - WARM_UP) / (1.0 - WARM_UP)))


@torch.no_grad()
def _error(
    network: nn.Sequential,
    inputs: Tensor,
    wanted: Tensor,
    weigh: Tensor,
    rows: Tensor,
    spread: float,
) -> float:
    missed = wanted[rows] - spread * network(inputs[rows])
    return float((missed.square().mean(dim=1) * weigh[rows]).mean())


def _state(network: nn.Sequential) -> dict[str, np.ndarray]:
    return {name: part.numpy().copy() for name, part in network.state_dict().items()}


def _arrays(state: dict[str, np.ndarray], linear: np.ndarray, spread: float) -> BitNetwork:
    first = state["0.weight"]
    return BitNetwork(
        linear,
        np.ascontiguousarray(first[:, :-1]),
        np.ascontiguousarray(first[:, -1]),
        state["0.bias"],
        state["2.weight"] * np.float32(spread),
        state["2.bias"] * np.float32(spread),
    )


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
