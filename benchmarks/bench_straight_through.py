"""Straight-through training against a bare torch loop and against its matrix products."""

import time

import numpy as np
import torch
from harness import median_seconds, write

from isthmus.training import train_straight_through

BATCH, STEPS = 128, 3000
SIZES = ((64, 32), (64, 64), (64, 128), (256, 256), (512, 512))


class Sign(torch.autograd.Function):
    """Sign with the gradient of tanh."""

    @staticmethod
    def forward(ctx, u):
        """Keep u for the way back."""
        ctx.save_for_backward(u)
        return torch.where(u >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        """Derivative of tanh."""
        (u,) = ctx.saved_tensors
        return grad * (1 - torch.tanh(u) ** 2)


def bare_loop(x: torch.Tensor, n_code: int, n_steps: int) -> float:
    """What one would write by hand: autograd, plain SGD, the same schedule."""
    encoder = torch.nn.functional.normalize(torch.randn(n_code, x.shape[1]))
    encoder.requires_grad_()
    decoder = (0.5 * encoder.detach().T).clone().requires_grad_()
    for step in range(n_steps):
        rate = 0.05 * (
            0.02 if step >= 0.85 * n_steps else 0.1 if step >= 0.6 * n_steps else 1
        )
        batch = x[torch.randint(0, x.shape[0], (BATCH,))]
        guess = Sign.apply(batch @ encoder.T) @ decoder.T
        loss = (guess - batch).square().sum() / BATCH
        loss.backward()
        with torch.no_grad():
            encoder -= rate * encoder.grad
            decoder -= rate * decoder.grad
            encoder /= encoder.norm(dim=1, keepdim=True)
            encoder.grad = decoder.grad = None
    return float(loss.detach())


def products(n_input: int, n_code: int, n_steps: int) -> float:
    """Seconds of the five matrix products alone, each measured in place."""
    x, y = torch.randn(BATCH, n_input), torch.randn(BATCH, n_code)
    b, a = torch.randn(n_code, n_input), torch.randn(n_input, n_code)
    e, u = torch.empty_like(x), torch.empty_like(y)

    def work() -> None:
        with torch.inference_mode():
            for _ in range(n_steps):
                torch.mm(x, b.T, out=u)
                torch.mm(y, a.T, out=e)
                torch.mm(e, a, out=u)
                a.addmm_(e.T, y, alpha=1e-9)
                b.addmm_(u.T, x, alpha=1e-9)

    return median_seconds(work, repeats=5)


def measure(n_input: int, n_code: int, tied: bool) -> dict[str, float]:
    n_steps = STEPS if n_input <= 64 else 300
    x = np.random.default_rng(0).standard_normal((20_000, n_input))
    rows = torch.tensor(x, dtype=torch.float32)
    ours = bare = 0.0
    times = []
    # In turn, so that a slower spell of the machine meets both.
    for _ in range(6):
        began = time.perf_counter()
        train_straight_through(x, n_code, n_steps=n_steps, tied=tied, rng=0)
        middle = time.perf_counter()
        bare_loop(rows, n_code, n_steps)
        times.append((middle - began, time.perf_counter() - middle))
    ours, bare = np.median(times[1:], axis=0).tolist()
    floor = products(n_input, n_code, n_steps)
    return {
        "microseconds_per_step": 1e6 * ours / n_steps,
        "bare_loop_microseconds_per_step": 1e6 * bare / n_steps,
        "over_bare_loop": ours / bare,
        "over_matrix_products": ours / floor,
        "products_gflops": 10 * BATCH * n_input * n_code * n_steps / floor / 1e9,
    }


def main() -> None:
    torch.set_num_threads(1)
    figures: dict[str, object] = {"torch": torch.__version__, "threads": 1}
    for n_input, n_code in SIZES:
        for tied in (False, True):
            name = f"{n_input}_to_{n_code}_{'tied' if tied else 'untied'}"
            figures[name] = measure(n_input, n_code, tied)
    write("straight_through", figures)


if __name__ == "__main__":
    main()
