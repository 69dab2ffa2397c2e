"""A training step with each penalty against a plain one, and against vmap(jacrev).

784-256-128-10-128-256-784, batch 128, float32, one thread (``taskset -c 1``, and
``OMP_NUM_THREADS=1``); all take turns, and figures are medians over rounds.

Floor of the ratios, in multiplications per step for B = 128 rows, with P = 784 * 256 for
the widest product and Q = 256 * 128 + 128 * 10 for the others of one half:

* plain: 3 B (2 P + 2 Q) - B P = 154e6, since the input needs no gradient.
* contractive: one functional back through the encoder, 3 B (P + Q) = 90e6 more (1.6). The
  pattern comes from the graph of the pass that made the codes.
* higher-order: two of them, 6 B (P + Q) = 180e6, and the pattern nearby, B (P + Q) = 30e6;
  W W^T of the first layer in place of products with 784 columns saves 18e6 (2.2).
* lie-1, K = 10 generators of rank 16 (F = 160 factors): two decodings, 6 B (P + Q) = 180e6;
  six products of B by 784 by F (R p, L r, s L, and the gradients of p, L and R), 96e6;
  overlap of the factors 784 F^2 = 20e6; the rest 3 B F^2 = 10e6 (3.0).
* lie-2, 32 pairs, h = 10 columns: 640 columns through the narrow layers, 3 * 640 Q = 65e6;
  products of W (784 by 256) and the factors, 2 * 784 * 256^2 + 6 P F = 296e6; with these
  320 columns, 320 (6 * 256 F + 2 * 256^2) = 120e6; overlap, 2 * 784 F^2 = 40e6 (4.4).
  By slopes of 784 rows the last three are 3 * 640 P + 7 * 320 * 784 F = 666e6 (5.7).

Steps of the optimiser and everything elementwise count for both sides, so that measured
ratios may lie below the floor.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from harness import write
from torch import Tensor, nn

from isthmus.models import DenseAutoencoder
from isthmus.training.penalties import (
    AbstractPenalty,
    Contractive,
    Generators,
    HigherOrderContractive,
    Lie1,
    Lie2,
)
from isthmus.training.penalties.amounts import explained
from isthmus.training.penalties.sampling import mixed_codes, nearby

D, H, WIDTHS, B = 784, 10, (256, 128), 128
LIMITS = {"contractive": 1.7, "higher_order": 2.3, "lie1": 2.8, "lie2": 5.5}
FASTER = {"contractive": 3.0, "higher_order": 3.0, "lie2": 15.0}
Term = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]


def jacobians(part: nn.Module, x: Tensor) -> Tensor:
    """Slopes of every row as torch.func gives them."""
    found: Tensor = torch.func.vmap(torch.func.jacrev(part))(x)
    return found


def contractive_by_func(net: nn.Module, x: Tensor, codes: Tensor, found: Tensor) -> Tensor:
    return 0.01 * jacobians(net.encoder, x).square().sum(dim=(1, 2)).mean()


def higher_by_func(net: nn.Module, x: Tensor, codes: Tensor, found: Tensor) -> Tensor:
    here = jacobians(net.encoder, x)
    there = jacobians(net.encoder, x + 0.1 * torch.randn_like(x))
    size, bend = (part.square().sum(dim=(1, 2)).mean() for part in (here, here - there))
    return 0.01 * size + 0.01 * bend


def lie2_by_func(generators: Generators) -> Term:
    def term(net: nn.Module, x: Tensor, codes: Tensor, found: Tensor) -> Tensor:
        z = mixed_codes(codes, B // 4)
        slopes = jacobians(net.decoder, torch.cat([z, nearby(z, codes, 0.05)]))
        found = explained(generators, slopes.transpose(1, 2))
        return 0.1 * found.term(relative=False, size=D * H)

    return term


def step(penalty: Term | None) -> Callable[[], None]:
    """One step of Adam on a network of its own."""
    net = DenseAutoencoder(D, H, hidden_layer_sizes=WIDTHS, rng=0)
    own = list(penalty.parameters()) if isinstance(penalty, nn.Module) else []
    optimiser = torch.optim.Adam([*net.parameters(), *own], lr=1e-3, fused=True)
    x = torch.randn(B, D, generator=torch.Generator().manual_seed(0))

    def work() -> None:
        optimiser.zero_grad(set_to_none=True)
        given, wanted = x, x
        if isinstance(penalty, AbstractPenalty):
            given, wanted = penalty.pair(x)
        codes = net.encoder(given)
        found = net.decoder(codes)
        loss = nn.functional.mse_loss(found, wanted)
        if penalty is not None:
            loss = loss + penalty(net, given, codes, found)
        loss.backward()
        optimiser.step()

    return work


def works() -> dict[str, Callable[[], None]]:
    groups = [Generators(D, H, rank=16, rng=0) for _ in range(3)]
    bend = HigherOrderContractive(0.01, curvature_weight=0.01, noise_std=0.1)
    return {
        "plain": step(None),
        "contractive": step(Contractive(0.01)),
        "higher_order": step(bend),
        "lie1": step(Lie1(0.1, groups[0])),
        "lie2": step(Lie2(0.1, groups[1])),
        "lie2_exact": step(Lie2(0.1, groups[1], neighbours="exact")),
        "contractive_by_func": step(contractive_by_func),
        "higher_order_by_func": step(higher_by_func),
        "lie2_by_func": step(lie2_by_func(groups[2])),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=41)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    taken: dict[str, list[float]] = {}
    every = works()
    for at in range(rounds + 2):
        for name, work in every.items():
            if name.endswith("by_func") and at % 4:
                continue
            started = time.process_time()
            work()
            if at >= 2:
                taken.setdefault(name, []).append(time.process_time() - started)
    median = {name: statistics.median(times) for name, times in taken.items()}
    ratios = {name: time / median["plain"] for name, time in median.items()}
    against = {name: median[f"{name}_by_func"] / median[name] for name in FASTER}
    write(
        "penalties",
        {
            "torch": torch.__version__,
            "threads": 1,
            "rounds": rounds,
            "milliseconds": {name: 1e3 * time for name, time in median.items()},
            "over_a_plain_step": ratios,
            "at_most": LIMITS,
            "times_faster_than_by_func": against,
            "at_least": FASTER,
        },
    )


if __name__ == "__main__":
    main()
