"""Small torch networks that tests train."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def autoencoder(n_input: int, n_code: int, *, width: int = 32, seed: int = 0):
    """Encoder and decoder, two hidden ReLU layers each, linear bottleneck."""
    import torch

    torch.manual_seed(seed)

    def chain(sizes: Sequence[int]) -> torch.nn.Sequential:
        layers: list[torch.nn.Module] = []
        for first, second in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [torch.nn.Linear(first, second), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    return (
        chain((n_input, width, width, n_code)),
        chain((n_code, width, width, n_input)),
    )


def trained(x, n_code: int, *, n_steps: int = 600, width: int = 32, seed: int = 0):
    """The same after Adam on random batches, with a falling step."""
    import torch

    torch.set_num_threads(1)
    pair = autoencoder(x.shape[1], n_code, width=width, seed=seed)
    parameters = [p for part in pair for p in part.parameters()]
    optimiser = torch.optim.Adam(parameters, 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_steps)
    rows = torch.as_tensor(np.asarray(x), dtype=torch.float32)
    for _ in range(n_steps):
        batch = rows[torch.randint(0, len(rows), (256,))]
        loss = torch.square(pair[1](pair[0](batch)) - batch).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return pair


def lipschitz(pair) -> float:
    """Product of the spectral norms of all layers."""
    found = 1.0
    for part in pair:
        for layer in part:
            if hasattr(layer, "weight"):
                found *= float(np.linalg.norm(layer.weight.detach().numpy(), 2))
    return found
