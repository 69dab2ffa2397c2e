"""Generators of one-parameter groups, learnt or given."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import real_array, shown, whole_number
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng, random_normal

KINDS = ("auto", "full", "skew", "low-rank", "skew-low-rank")
LOW_RANK_FROM = 512
_COPIES = 5  # parameter, gradient, two moments of Adam, the best so far
_CALL = "Generators"

Rows = Float[Tensor, "row input"]


class Generators(nn.Module):
    r"""Matrices :math:`G_1 \ldots G_K` in :math:`dx/d\theta = G x`.

    Only their span matters where amounts are free: scales and mixtures of the generators
    and of the amounts cancel.

    Args:
        n_input: Coordinates of a row.
        n_generators: K, at least 1.
        kind: ``"full"``; ``"skew"``, G = S - S^T, rotations; ``"low-rank"``,
            G = L^T R with `rank` rows each; ``"skew-low-rank"``, G = L^T R - R^T L;
            ``"auto"`` for full below 512 coordinates and low-rank from there.
        rank: Of the low-rank kinds.
        matrices: Known generators, "generator input input", which are not trained; `kind`
            and `rank` mean nothing then.
        rng: Seed or generator of the start: entries of a G have standard deviation
            0.1 / sqrt(n_input).

    Attributes:
        n_input, n_generators, kind, rank: As above, ``"auto"`` resolved.

    Raises:
        ValueOutOfRange: If an argument is outside its domain, matrices have another shape,
            or training would not fit into memory.
        DataError: If matrices are not finite.

    Examples:
        >>> turn = np.array([[[0.0, -1.0], [1.0, 0.0]]])
        >>> known = Generators(2, 1, matrices=turn)
        >>> known.apply(torch.tensor([[1.0, 0.0]])).tolist()
        [[[0.0, 1.0]]]
        >>> Generators(784, 10, rng=0)
        Generators(n_input=784, n_generators=10, kind=low-rank, rank=16)

    References:
        [cosentino:22]
    """

    def __init__(
        self,
        n_input: int,
        n_generators: int,
        *,
        kind: str = "auto",
        rank: int = 16,
        matrices: object = None,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        super().__init__()
        self.n_input = whole_number(f"{_CALL}(n_input=...)", n_input, least=1)
        self.n_generators = whole_number(
            f"{_CALL}(n_generators=...)", n_generators, least=1
        )
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueOutOfRange(
                f"`{_CALL}(kind=...)` must be one of {', '.join(KINDS)}; got {shown(kind)}."
            )
        rank = whole_number(f"{_CALL}(rank=...)", rank, least=1)
        self.rank = min(rank, self.n_input)
        if matrices is not None:
            self.kind = "known"
            dtype = torch.get_default_dtype()
            self.register_buffer(
                "known", torch.tensor(self._checked(matrices), dtype=dtype)
            )
            return
        self.kind = kind if kind != "auto" else automatic_kind(self.n_input)
        needed = training_memory(self.n_input, self.n_generators, kind=self.kind, rank=rank)
        check_memory(
            f"{_CALL}(n_generators=...)",
            self.n_generators,
            needed,
            "Use kind='low-rank', or fewer of them.",
        )
        self._start(as_rng(rng))

    def _start(self, rng: np.random.Generator) -> None:
        k, d, r = self.n_generators, self.n_input, self.rank
        spread = 0.1 / math.sqrt(d) / (math.sqrt(2.0) if "skew" in self.kind else 1.0)
        if self.is_factored:
            spread = math.sqrt(spread / math.sqrt(r))
            self.left = nn.Parameter(_normal(rng, spread, k, r, d))
            self.right = nn.Parameter(_normal(rng, spread, k, r, d))
        else:
            self.whole = nn.Parameter(_normal(rng, spread, k, d, d))

    @property
    def is_factored(self) -> bool:
        """Whether the generators are products of two narrow matrices."""
        return self.kind in ("low-rank", "skew-low-rank")

    def factors(
        self,
    ) -> tuple[
        Float[Tensor, "generator rank input"], Float[Tensor, "generator rank input"]
    ]:
        """L and R with G = L^T R, for the low-rank kinds."""
        if self.kind == "low-rank":
            return self.left, self.right
        return (
            torch.cat([self.left, self.right], dim=1),
            torch.cat([self.right, -self.left], dim=1),
        )

    def matrices(self) -> Float[Tensor, "generator input input"]:
        """The generators themselves."""
        if self.is_factored:
            left, right = self.factors()
            return left.transpose(1, 2) @ right
        if self.kind == "skew":
            return self.whole - self.whole.transpose(1, 2)
        found: Tensor = self.known if self.kind == "known" else self.whole  # type: ignore[assignment]
        return found

    def apply(self, v: Rows) -> Float[Tensor, "row generator input"]:  # type: ignore[override]
        """G_k v for every row v and every k.

        Named as torch names another thing: ``nn.Module.apply(function)`` is taken where a
        function is given.
        """
        if not isinstance(v, Tensor):
            return super().apply(v)
        self.check_width(v)
        if self.is_factored:
            left, right = self.factors()
            return torch.einsum("bkr,krd->bkd", _seen(v, right), left)
        return _seen(v, self.matrices())

    def combined(self, v: Rows, amounts: Float[Tensor, "row generator"]) -> Rows:
        """Sum over k of amounts_k G_k v."""
        if self.is_factored:
            self.check_width(v)
            left, right = self.factors()
            inner = _seen(v, right)
            return (inner * amounts[..., None]).flatten(1) @ left.flatten(0, 1)
        return torch.einsum("bkd,bk->bd", self.apply(v), amounts)

    def transport(
        self, x: Rows, amounts: Float[Tensor, "row generator"], *, n_steps: int = 4
    ) -> Rows:
        r"""Rows moved along the group, :math:`(I + \frac1n \sum_k a_k G_k)^n x`.

        Args:
            x: Rows.
            amounts: a, of each row.
            n_steps: n; the error against the exponential is O(|a|^2 / n).

        Returns:
            Moved rows.

        Examples:
            >>> turn = Generators(2, 1, matrices=np.array([[[0.0, -1.0], [1.0, 0.0]]]))
            >>> moved = turn.transport(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.1]]))
            >>> bool((moved - torch.tensor([[0.995, 0.0998]])).abs().max() < 2e-3)
            True
        """
        for _ in range(n_steps):
            x = x + self.combined(x, amounts / n_steps)
        return x

    def norms(self) -> Float[Tensor, " generator"]:
        """Frobenius norms of the generators."""
        if self.is_factored:
            left, right = self.factors()
            inner = (left @ left.transpose(1, 2)) * (right @ right.transpose(1, 2))
            return inner.sum(dim=(1, 2)).clamp_min(0.0).sqrt()
        return self.matrices().square().sum(dim=(1, 2)).sqrt()

    def check_width(self, v: Tensor) -> None:
        """Refuse rows of another number of coordinates.

        Raises:
            ValueOutOfRange: If they have.
        """
        if v.ndim != 2 or v.shape[1] != self.n_input:
            raise ValueOutOfRange(
                f"`{_CALL}(n_input=...)` must be the number of coordinates of a row; "
                f"generators of {self.n_input} met rows of shape {tuple(v.shape)}."
            )

    def extra_repr(self) -> str:
        """Sizes and kind."""
        text = f"n_input={self.n_input}, n_generators={self.n_generators}, kind={self.kind}"
        return f"{text}, rank={self.rank}" if self.is_factored else text

    def _checked(self, matrices: object) -> np.ndarray:
        given = (
            matrices.detach().cpu().numpy() if isinstance(matrices, Tensor) else matrices
        )
        found = real_array(f"{_CALL}(matrices=...)", given)
        wanted = (self.n_generators, self.n_input, self.n_input)
        if found.shape != wanted:
            raise ValueOutOfRange(
                f"`{_CALL}(matrices=...)` must have shape (generator, input, input), here "
                f"{wanted}; got {found.shape}. Write G[None] for a single one."
            )
        if not np.isfinite(found).all():
            raise DataError(
                f"`{_CALL}(matrices=...)` must be finite; it holds NaN or infinity."
            )
        return found


def checked_generators(name: str, value: object) -> Generators:
    """What was given, if it is generators.

    Raises:
        ValueOutOfRange: If it is anything else.
    """
    if not isinstance(value, Generators):
        raise ValueOutOfRange(
            f"`{name}` must be Generators; got {type(value).__name__}. Known matrices go "
            "in as Generators(n_input, n_generators, matrices=...)."
        )
    return value


def automatic_kind(n_input: int) -> str:
    """Kind that ``"auto"`` stands for.

    Examples:
        >>> automatic_kind(511), automatic_kind(512)
        ('full', 'low-rank')
    """
    return "full" if n_input < LOW_RANK_FROM else "low-rank"


def training_memory(
    n_input: int, n_generators: int, *, kind: str = "auto", rank: int = 16
) -> int:
    """Bytes that learning generators takes in float32.

    Parameters, their gradient, two moments of Adam, and a copy of the best.

    Args:
        n_input: Coordinates of a row.
        n_generators: How many.
        kind: As for :class:`Generators`.
        rank: Likewise.

    Examples:
        >>> f"{training_memory(3072, 10, kind='full') / 1e9:.1f} GB"
        '1.9 GB'
        >>> f"{training_memory(3072, 10) / 1e6:.0f} MB"
        '20 MB'
    """
    if (automatic_kind(n_input) if kind == "auto" else kind) in ("full", "skew"):
        numbers = n_input**2
    else:
        numbers = 2 * min(rank, n_input) * n_input
    return 4 * _COPIES * n_generators * numbers


def _seen(v: Rows, parts: Float[Tensor, "generator part input"]) -> Tensor:
    """Inner products, "row generator part", as one product of matrices."""
    return (v @ parts.flatten(0, 1).T).reshape(len(v), *parts.shape[:2])


def _normal(rng: np.random.Generator, spread: float, *shape: int) -> Tensor:
    drawn = random_normal(rng, shape[0] * shape[1], shape[2]).reshape(shape)
    return torch.tensor(spread * drawn, dtype=torch.get_default_dtype())
