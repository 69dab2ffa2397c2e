"""Slopes of the decoder in different regions should be moved into each other by a group."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.training.penalties.amounts import (
    Explained,
    explained,
    explained_by_factors,
)
from isthmus.training.penalties.base import Codes
from isthmus.training.penalties.chains import DENSE, Along, along, chain_of
from isthmus.training.penalties.generators import Generators
from isthmus.training.penalties.lie import AbstractLie
from isthmus.training.penalties.neighbours import across, bisected, check_kinked
from isthmus.training.penalties.products import gram, quadratic_form
from isthmus.training.penalties.sampling import mixed_codes, nearby, spans
from isthmus.training.penalties.slopes import push, slopes_by_func, unit_columns

NEIGHBOURS = ("far", "exact", "dichotomic")


class Lie2(AbstractLie):
    r"""Second-order symmetry penalty on the decoder.

    .. math:: \lambda\, \mathbb E \min_\epsilon
        \|J_D(z) - (I + \sum_k \epsilon_k G_k) J_D(z')\|_F^2 / (d h)

    z lies between neighbouring codes of the batch. Slopes on both sides of one facet differ
    by rank one, so that over true neighbours the term vanishes for affine decoders alone,
    if the bracket is invertible and slopes have full rank; far neighbours have no such
    bound.

    Args:
        weight: lambda, at least 0.
        generators: Learnt with the network, or known.
        neighbours: What z' is. ``"far"``: z moved as by :class:`Lie1`, many regions away.
            ``"exact"``: beyond the facet that a random line from z meets first, in closed
            form. ``"dichotomic"``: between a far neighbour and z, the nearest point in
            another region, found by halving.
        radius: As for :class:`Lie1`; where halving starts.
        relative: Whether each pair is divided by its squared difference of slopes.
        n_pairs: Per batch; None for a quarter of its rows, at least one.

    Raises:
        ValueOutOfRange: If an argument is outside its domain; in use, if a decoder has no
            regions and neighbours are not far.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(3, 2, hidden_layer_sizes=(8,), rng=0)
        >>> x = torch.eye(3)
        >>> exact = Lie2(1.0, Generators(3, 2, rng=0), neighbours="exact")
        >>> term = exact(net, x, net.encoder(x), net(x))
        >>> term.shape, bool(term > 0)
        (torch.Size([]), True)

    References:
        [cosentino:22]
    """

    def __init__(
        self,
        weight: float,
        generators: Generators,
        *,
        neighbours: str = "far",
        radius: float = 0.05,
        relative: bool = False,
        n_pairs: int | None = None,
    ) -> None:
        super().__init__(weight, generators, radius, relative, n_pairs)
        if not isinstance(neighbours, str) or neighbours not in NEIGHBOURS:
            raise ValueOutOfRange(
                f"`Lie2(neighbours=...)` must be one of {', '.join(NEIGHBOURS)}; got "
                f"{shown(neighbours)}."
            )
        self.neighbours = neighbours

    def explained(self, network: nn.Module, codes: Codes) -> Explained:
        """What the generators leave of the differences between slopes of random pairs."""
        z = mixed_codes(codes, self.n_pairs or max(1, len(codes) // 4))
        decoder = network.decoder
        assert isinstance(decoder, nn.Module)
        layers = chain_of(decoder)
        if self.neighbours != "far":
            layers = check_kinked(layers, decoder, self.neighbours)
        if layers is None:
            slopes = slopes_by_func(decoder, torch.cat([z, nearby(z, codes, self.radius)]))
            return explained(self.generators, slopes)
        return self._by_chain(self._sides(layers, z, codes), z)

    def _entries(self, n_input: int, n_code: int) -> int:
        return n_input * n_code

    def _sides(self, layers: tuple[nn.Module, ...], z: Tensor, codes: Codes) -> Along:
        if self.neighbours == "far":
            return along(layers, torch.cat([z, nearby(z, codes, self.radius)]))
        direction = spans(codes) * torch.randn_like(z)
        if self.neighbours == "exact":
            return across(layers, z, direction)
        return bisected(layers, z, self.radius * direction)

    def _by_chain(self, sides: Along, z: Tensor) -> Explained:
        """Slopes carried to the last layer, and through it where that is cheaper."""
        n, generators = len(z), self.generators
        start = unit_columns(tuple(z.shape[1:]), z)
        last = sides.layers[-1] if sides.layers else None
        if isinstance(last, DENSE) and generators.is_factored:
            inside = push(sides, start, stop=-1).expand(2 * n, -1, -1)
            left, right = (part.flatten(0, 1) for part in generators.factors())
            weight = last.weight
            if _products_are_cheaper(2 * inside.shape[1] * n, weight, len(left)):
                return _through_products(inside, weight, left, right, generators)
            slopes = inside @ weight.T
        else:
            slopes = push(sides, start).flatten(2).expand(2 * n, -1, -1)
        return explained(generators, slopes)


def _products_are_cheaper(n_rows: int, weight: Tensor, n_factors: int) -> bool:
    """Multiplications forward and backward, of slopes and of products with the weight."""
    d, m = weight.shape
    f, half = n_factors, n_rows // 2
    plain = 3 * n_rows * m * d + 2 * 3 * half * d * f
    products = 2 * m * m * d + 2 * 3 * m * d * f + half * (2 * 3 * m * f + 2 * m * m)
    return products < plain


def _through_products(
    inside: Float[Tensor, "side column unit"],
    weight: Float[Tensor, "input unit"],
    left: Float[Tensor, "factor input"],
    right: Float[Tensor, "factor input"],
    generators: Generators,
) -> Explained:
    """As :func:`explained` of slopes T W^T, from products of W and the factors alone."""
    first, second = inside.chunk(2)
    change = first - second
    n, h = change.shape[:2]
    seen = torch.cat([left, right]) @ weight
    outer, inner = torch.chunk(seen, 2)
    squared = quadratic_form(change.flatten(0, 1), gram(weight.T))
    return explained_by_factors(
        squared.reshape(n, h).sum(dim=1),
        second @ inner.T,
        change @ outer.T,
        gram(left),
        generators.n_generators,
    )
