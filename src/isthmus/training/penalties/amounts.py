"""The amounts of each generator that best explain a difference, in closed form."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.training.penalties.generators import Generators
from isthmus.training.penalties.products import quadratic_form

RIDGE = 1e-6  # of the mean diagonal of the normal equations
_LEAST = 1e-12
_ROUNDINGS = 8  # of the trace, below which sums of float32 are noise


@dataclasses.dataclass(frozen=True, eq=False)
class Explained:
    """Differences of pairs, and what the generators leave of them.

    Attributes:
        squared: |r|^2 of each pair, detached.
        residual: |r - sum_k eps_k G_k p|^2, with gradients for r, p and G.
        ridge: Ridge times |eps|^2, detached.
        amounts: eps, "pair generator", detached.
    """

    squared: Float[Tensor, " pair"]
    residual: Float[Tensor, " pair"]
    ridge: Float[Tensor, " pair"]
    amounts: Float[Tensor, "pair generator"]

    def term(self, *, relative: bool, size: int) -> Float[Tensor, ""]:
        """Mean over pairs per coordinate, or relative to what there was to explain."""
        objective = self.residual + self.ridge
        if not relative:
            return objective.mean() / size
        some = self.squared > 0
        return (
            torch.where(some, objective, 0.0) / torch.where(some, self.squared, 1.0)
        ).mean()

    def unexplained(self) -> float:
        """Sum of what is left over the sum of what there was, between 0 and 1."""
        there = float(self.squared.double().sum())
        left = float(self.residual.double().sum())
        return min(max(left / there, 0.0), 1.0) if there > 0.0 else 0.0


def explained(
    generators: Generators, sides: Float[Tensor, "side column input"]
) -> Explained:
    r"""Least squares of a step by the generators' fields at its end, all columns at once.

    .. math:: \min_\epsilon \sum_j \|r_j - \sum_k \epsilon_k G_k p_j\|^2
        + \delta \|\epsilon\|^2, \qquad
        \delta = 10^{-6}\, \operatorname{tr}(V^\top V) / K + 10^{-12}

    with V the fields. At the minimum the derivative with respect to epsilon is zero, so
    epsilon is detached (envelope theorem): gradients for p, r and G are those of the
    objective, delta held. In float32 delta is at least 1e-6 of the trace, because below
    that sums are rounding.

    Args:
        generators: K of them.
        sides: First the points p + r of all pairs, then all p; one or several columns.

    Returns:
        What is left.
    """
    if generators.is_factored:
        left, right = generators.factors()
        found = _Residual.apply(sides, left, right)  # type: ignore[no-untyped-call]
        return Explained(*found)
    first, point = sides.chunk(2)
    fields = generators.apply(point.flatten(0, 1))
    v = fields.reshape(*point.shape[:2], *fields.shape[1:]).transpose(1, 2).flatten(2)
    r = (first - point).flatten(1)
    with torch.no_grad():
        normal = v @ v.transpose(1, 2)
        amounts, ridge = _solved(normal, (v @ r[..., None])[..., 0])
    left_over = r - (amounts[:, None] @ v)[:, 0]
    squared = r.detach().square().sum(dim=1)
    return Explained(squared, left_over.square().sum(dim=1), ridge, amounts)


def explained_by_factors(
    squared: Float[Tensor, " pair"],
    inner: Float[Tensor, "pair column factor"],
    outer: Float[Tensor, "pair column factor"],
    overlap: Float[Tensor, "factor factor"],
    n_generators: int,
) -> Explained:
    """The same from inner products alone, for generators L^T R.

    Args:
        squared: |r|^2.
        inner: R p, the factors of all generators side by side.
        outer: L r, likewise.
        overlap: L L^T.
        n_generators: K.
    """
    n, h, wide = inner.shape
    with torch.no_grad():
        amounts, ridge = _from_factors(inner, outer, overlap, n_generators)
    taken = (inner.reshape(n, h, n_generators, -1) * amounts[:, None, :, None]).flatten(2)
    crossed = (taken * outer).sum(dim=(1, 2))
    own = quadratic_form(taken.flatten(0, 1), overlap).reshape(n, h).sum(dim=1)
    return Explained(squared.detach(), squared - 2.0 * crossed + own, ridge, amounts)


class _Residual(torch.autograd.Function):
    """:func:`explained` for generators L^T R, with as few wide products as there can be.

    With s the amounts times R p, the residual r - s L is needed for the gradients of r and
    L alone; that of s is 2 (s L L^T - r L^T), known from the normal equations.
    """

    @staticmethod
    def forward(
        ctx: Any, sides: Tensor, left: Tensor, right: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Squared step, residual, ridge and amounts of every pair."""
        first, point = sides.chunk(2)
        step = first - point
        n, h = step.shape[:2]
        wide, k = left.flatten(0, 1), len(left)
        inner = (point.flatten(0, 1) @ right.flatten(0, 1).T).reshape(n, h, -1)
        outer = (step.flatten(0, 1) @ wide.T).reshape(n, h, -1)
        overlap = wide @ wide.T
        amounts, ridge = _from_factors(inner, outer, overlap, k)
        taken = (inner.reshape(n, h, k, -1) * amounts[:, None, :, None]).flatten(2)
        image = taken @ overlap
        squared = torch.linalg.vector_norm(step, dim=(1, 2)).square()
        residual = squared + (taken * (image - 2.0 * outer)).sum(dim=(1, 2))
        slope = (image - outer).reshape(n, h, k, -1) * amounts[:, None, :, None]
        ctx.save_for_backward(sides, step, left, right, taken, slope.flatten(2))
        ctx.mark_non_differentiable(squared, ridge, amounts)
        return squared, residual, ridge, amounts

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, _: Tensor, g: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """Gradients for both sides, and the factors."""
        sides, step, left, right, taken, slope = ctx.saved_tensors
        n = len(step)
        twice = 2.0 * g[:, None, None]
        scaled = (twice * taken).flatten(0, 1)
        of_inner = (twice * slope).flatten(0, 1)
        of_sides = torch.empty_like(sides)
        of_step, of_point = (part.flatten(0, 1) for part in of_sides.chunk(2))
        torch.mul(step, twice, out=of_sides[:n])
        of_step.addmm_(scaled, left.flatten(0, 1), alpha=-1.0)
        torch.addmm(of_step, of_inner, right.flatten(0, 1), beta=-1.0, out=of_point)
        of_left = taken.flatten(0, 1).T @ of_step
        of_right = of_inner.T @ sides[n:].flatten(0, 1)
        return of_sides, -of_left.reshape(left.shape), of_right.reshape(right.shape)


def _from_factors(
    inner: Tensor, outer: Tensor, overlap: Tensor, n_generators: int
) -> tuple[Tensor, Tensor]:
    """Amounts and ridge; normal equations without the fields G p themselves."""
    n, h, wide = inner.shape
    k, rank = n_generators, wide // n_generators
    c = inner.reshape(n, h, k, rank)
    by_generator = c.permute(2, 0, 1, 3).reshape(k, n * h, rank)
    spread = by_generator @ overlap.reshape(k, rank, wide)
    normal = (spread.reshape(k, n, h, k, rank) * c).sum(dim=(2, 4)).permute(1, 0, 2)
    moment = (c * outer.reshape(n, h, k, rank)).sum(dim=(1, 3))
    return _solved(normal, moment)


def _solved(
    normal: Float[Tensor, "pair generator generator"],
    moment: Float[Tensor, "pair generator"],
) -> tuple[Float[Tensor, "pair generator"], Float[Tensor, " pair"]]:
    """Amounts of the ridge problem, and the ridge times their squares."""
    trace = normal.diagonal(dim1=1, dim2=2).sum(dim=1)
    share = max(RIDGE / normal.shape[1], _ROUNDINGS * torch.finfo(normal.dtype).eps)
    wide = torch.float32 if normal.device.type == "mps" else torch.float64
    delta = (share * trace + _LEAST).to(wide)
    whole = normal.to(wide, copy=True)
    whole.diagonal(dim1=1, dim2=2).add_(delta[:, None])
    found = torch.linalg.solve_ex(whole, moment.to(wide)[..., None])[0][..., 0]
    ridge = delta * found.square().sum(dim=1)
    return found.to(normal.dtype), ridge.to(normal.dtype)
