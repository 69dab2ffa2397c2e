"""What the generators of a trained penalty do for an autoencoder."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from isthmus.training.deep_checks import to_tensor
from isthmus.training.penalties.base import AbstractPenalty
from isthmus.training.penalties.diagnosis import sparsity
from isthmus.training.penalties.generators import Generators
from isthmus.training.penalties.lie_first import Lie1
from isthmus.training.penalties.lie_second import Lie2
from isthmus.training.penalties.named import generators_of

SPANNED = 0.99
"""Share of the outputs' energy in the directions that generators are told by."""

Rows = Float[np.ndarray, "sample input"]


@dataclasses.dataclass(frozen=True, eq=False)
class GeneratorUse:
    r"""Generators beside the amounts of them that explain a decoder.

    Attributes:
        kind: Of the generators.
        of: What they explain: ``"outputs"`` of near codes, or ``"slopes"`` there.
        residual: Share of the squared differences that they leave, 0 to 1.
        sparsity: Share of amounts below 5 % of the largest of their pair.
        use: Mean of :math:`|\epsilon_k| \|G_k\|_F` over pairs, "generator".
    """

    kind: str
    of: str
    residual: float
    sparsity: float
    use: Float[np.ndarray, " generator"]

    @property
    def order(self) -> np.ndarray:
        """Numbers of the generators, the most used one first."""
        return np.argsort(-self.use, kind="stable")


def generator_use(
    penalty: AbstractPenalty | None, network: nn.Module, rows: Rows, *, seed: int = 0
) -> GeneratorUse | None:
    """Measure what a penalty's generators explain between the codes of rows.

    Args:
        penalty: Any; one without symmetry terms of its own, which only moves rows along
            generators, is looked at as :class:`Lie1` would.
        network: Its parts are `encoder` and `decoder`.
        rows: As the network takes them, at least two.
        seed: Of the pairs of codes.

    Returns:
        The use; None where the penalty has no generators.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(2, 1, hidden_layer_sizes=(), bias=False, rng=0)
        >>> line = Lie1(1.0, Generators(2, 1, matrices=np.eye(2)[None]))
        >>> rows = np.random.default_rng(0).normal(size=(20, 2))
        >>> found = generator_use(line, net, rows)
        >>> found.residual < 0.01, found.sparsity, found.use.shape
        (True, 0.0, (1,))
    """
    generators = generators_of(penalty)
    if generators is None or penalty is None:
        return None
    terms = [part for part in penalty.modules() if isinstance(part, (Lie1, Lie2))]
    term = terms[0] if terms else Lie1(1.0, generators)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        codes = network.encoder(to_tensor(rows, network))  # type: ignore[operator]
        found = term.explained(network, codes)
        amounts = found.amounts.double().cpu().numpy()
        norms = generators.norms().double().cpu().numpy()
    return GeneratorUse(
        kind=generators.kind,
        of="slopes" if isinstance(term, Lie2) else "outputs",
        residual=found.unexplained(),
        sparsity=sparsity(amounts, generators),
        use=np.abs(amounts).mean(axis=0) * norms,
    )


def output_span(
    network: nn.Module, rows: Rows, *, share: float = SPANNED
) -> Float[np.ndarray, "input direction"]:
    """Directions that hold nearly all of a network's outputs: off them nothing is learnt.

    Args:
        network: Rows to rows.
        rows: As it takes them.
        share: Of the outputs' energy.

    Returns:
        Orthonormal columns, as few as do; at least one.

    Examples:
        >>> output_span(nn.Linear(3, 3).requires_grad_(), np.zeros((4, 3))).shape
        (3, 1)
    """
    with torch.no_grad():
        outputs = network(to_tensor(rows, network)).double().cpu().numpy()
    _, sizes, right = np.linalg.svd(outputs, full_matrices=False)
    energy = np.cumsum(sizes**2)
    count = int(np.searchsorted(energy, share * energy[-1])) + 1
    return np.asarray(right[:count].T)


def fields(generators: Generators, rows: Rows) -> Float[np.ndarray, "row generator input"]:
    """G_k x for rows about their mean, in their own units.

    Args:
        generators: K of them.
        rows: About the mean that was taken off before training.

    Returns:
        The fields.

    Examples:
        >>> turn = Generators(2, 1, matrices=np.array([[[0.0, -1.0], [1.0, 0.0]]]))
        >>> fields(turn, np.array([[1.0, 0.0]])).tolist()
        [[[0.0, 1.0]]]
    """
    like = next(iter(generators.state_dict().values()))
    with torch.no_grad():
        found = generators.apply(torch.from_numpy(rows).to(like))
    return np.asarray(found.double().cpu().numpy())


def projected(
    generators: Generators, number: int, basis: Float[np.ndarray, "input direction"]
) -> Float[np.ndarray, "input input"]:
    """P G_k P, with P onto the directions of data: off them nothing can be learnt.

    Args:
        generators: K of them.
        number: k.
        basis: Orthonormal columns that span the rows about their mean.

    Returns:
        A matrix.

    Examples:
        >>> turn = Generators(2, 1, matrices=np.array([[[0.0, -1.0], [1.0, 0.0]]]))
        >>> projected(turn, 0, np.eye(2)[:, :1]).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
        >>> projected(turn, 0, np.eye(2)).tolist()
        [[0.0, -1.0], [1.0, 0.0]]
    """
    with torch.no_grad():
        matrix = generators.matrices()[number].double().cpu().numpy()
    if basis.shape[0] == basis.shape[1]:
        return np.asarray(matrix)
    return np.asarray(basis @ (basis.T @ matrix @ basis) @ basis.T)
