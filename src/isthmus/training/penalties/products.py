"""Norms of products, without the products where that is cheaper."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


class _Gram(torch.autograd.Function):
    """W W^T, whose gradient is one product and not two."""

    @staticmethod
    def forward(ctx: Any, w: Tensor) -> Tensor:
        ctx.save_for_backward(w)
        return w @ w.T

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        w: Tensor = ctx.saved_tensors[0]
        return (g + g.T) @ w


class _QuadraticForm(torch.autograd.Function):
    """Rows r to r S r^T for symmetric S; the gradient takes r S from the way there."""

    @staticmethod
    def forward(ctx: Any, r: Tensor, s: Tensor) -> Tensor:
        image = r @ s
        ctx.save_for_backward(r, image)
        return (image * r).sum(dim=1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
        r, image = ctx.saved_tensors
        return 2.0 * g[:, None] * image, (g[:, None] * r).T @ r


def gram(w: Float[Tensor, "row column"]) -> Float[Tensor, "row row"]:
    """W W^T.

    Examples:
        >>> gram(torch.tensor([[1.0, 2.0]])).tolist()
        [[5.0]]
    """
    found: Tensor = _Gram.apply(w)  # type: ignore[no-untyped-call]
    return found


def quadratic_form(
    r: Float[Tensor, "row unit"], s: Float[Tensor, "unit unit"]
) -> Float[Tensor, " row"]:
    """Forms r S r^T of every row, for symmetric S.

    Examples:
        >>> quadratic_form(torch.tensor([[1.0, 2.0]]), torch.eye(2)).tolist()
        [5.0]
    """
    found: Tensor = _QuadraticForm.apply(r, s)  # type: ignore[no-untyped-call]
    return found


def row_norms(
    r: Float[Tensor, "sample probe unit"], weight: Float[Tensor, "unit input"] | None
) -> Float[Tensor, "sample probe"]:
    """Squared norms of r W, or of r itself.

    Forward and backward, the products take 3 R m n multiplications for R rows of m units
    and n inputs; the form r (W W^T) r^T takes 2 m^2 n + 2 R m^2, less for many rows.

    Examples:
        >>> row_norms(torch.ones(1, 1, 2), torch.eye(2)).tolist()
        [[2.0]]
    """
    if weight is None:
        return r.square().sum(dim=2)
    rows, (m, n) = r.shape[0] * r.shape[1], weight.shape
    if 3 * rows * n > 2 * m * (n + rows):
        return quadratic_form(r.flatten(0, 1), gram(weight)).reshape(r.shape[:2])
    return (r @ weight).square().sum(dim=2)
