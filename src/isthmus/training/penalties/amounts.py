"""The amounts of each generator that best explain a difference, in closed form."""

from __future__ import annotations

import dataclasses

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.training.penalties.generators import Generators
from isthmus.training.penalties.products import gram, quadratic_form

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


def explained(
    generators: Generators,
    point: Float[Tensor, "pair column input"],
    step: Float[Tensor, "pair column input"],
) -> Explained:
    r"""Least squares of a step by the generators' fields at a point, all columns at once.

    .. math:: \min_\epsilon \sum_j \|r_j - \sum_k \epsilon_k G_k p_j\|^2
        + \delta \|\epsilon\|^2, \qquad
        \delta = 10^{-6}\, \operatorname{tr}(V^\top V) / K + 10^{-12}

    At the minimum the derivative with respect to epsilon is zero, so epsilon is detached
    (envelope theorem): gradients for p, r and G are those of the objective, delta held. In
    float32 delta is at least 1e-6 of the trace, because below that sums are rounding.

    Args:
        generators: K of them.
        point: p, one or several columns per pair.
        step: r, likewise.

    Returns:
        What is left.
    """
    if generators.is_factored:
        left, right = (part.flatten(0, 1) for part in generators.factors())
        n = len(step)
        inner = point.flatten(0, 1) @ right.T
        outer = step.flatten(0, 1) @ left.T
        return explained_by_factors(
            step.square().sum(dim=(1, 2)),
            inner.reshape(n, -1, len(left)),
            outer.reshape(n, -1, len(left)),
            gram(left),
            generators.n_generators,
        )
    fields = generators.apply(point.flatten(0, 1))
    v = fields.reshape(*point.shape[:2], *fields.shape[1:]).transpose(1, 2).flatten(2)
    r = step.flatten(1)
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
    split = (n_generators, wide // n_generators)
    with torch.no_grad():
        c = inner.detach().reshape(n, h, *split)
        by_generator = c.permute(2, 0, 1, 3).reshape(split[0], n * h, split[1])
        spread = by_generator @ overlap.detach().reshape(*split, wide)
        spread = spread.reshape(split[0], n, h, *split)
        normal = (spread * c).sum(dim=(2, 4)).permute(1, 0, 2)
        moment = (c * outer.detach().reshape(n, h, *split)).sum(dim=(1, 3))
        amounts, ridge = _solved(normal, moment)
    taken = (inner.reshape(n, h, *split) * amounts[:, None, :, None]).flatten(2)
    crossed = (taken * outer).sum(dim=(1, 2))
    own = quadratic_form(taken.flatten(0, 1), overlap).reshape(n, h).sum(dim=1)
    return Explained(squared.detach(), squared - 2.0 * crossed + own, ridge, amounts)


def _solved(
    normal: Float[Tensor, "pair generator generator"],
    moment: Float[Tensor, "pair generator"],
) -> tuple[Float[Tensor, "pair generator"], Float[Tensor, " pair"]]:
    """Amounts of the ridge problem, and the ridge times their squares."""
    trace = normal.diagonal(dim1=1, dim2=2).sum(dim=1)
    share = max(RIDGE / normal.shape[1], _ROUNDINGS * torch.finfo(normal.dtype).eps)
    delta = (share * trace + _LEAST).double()
    whole = normal.double()
    whole.diagonal(dim1=1, dim2=2).add_(delta[:, None])
    found = torch.linalg.solve_ex(whole, moment.double()[..., None])[0][..., 0]
    ridge = delta * found.square().sum(dim=1)
    return found.to(normal.dtype), ridge.to(normal.dtype)
