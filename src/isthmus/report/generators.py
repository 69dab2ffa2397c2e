"""What the generators of an autoencoder's penalty explain."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import ValueOutOfRange


@dataclasses.dataclass(frozen=True)
class GeneratorFacts:
    """Generators of a fitted penalty beside the amounts of them that explain its decoder.

    Attributes:
        n_generators: How many.
        kind: ``"full"``, ``"skew"``, ``"low-rank"``, ``"skew-low-rank"`` or ``"known"``.
        of: What they explain: ``"outputs"`` of near codes, or ``"slopes"`` there.
        residual: Share of the squared differences that they leave, 0 to 1.
        sparsity: Share of amounts below 5 % of the largest of their pair.
        use: Mean size of each generator's part, amount times Frobenius norm.
        angles: To known generators, in degrees, ascending, both on the directions that hold
            99 % of the energy of what the autoencoder answers; None where none were given.
    """

    n_generators: int
    kind: str
    of: str
    residual: float
    sparsity: float
    use: tuple[float, ...]
    angles: tuple[float, ...] | None

    @property
    def order(self) -> tuple[int, ...]:
        """Numbers of the generators, the most used one first."""
        return tuple(np.argsort(-np.array(self.use), kind="stable").tolist())

    def lines(self) -> tuple[str, ...]:
        """Residual, sparsity and angles in words."""
        what = "outputs of near codes" if self.of == "outputs" else "slopes at near codes"
        said = [
            f"{self.n_generators} generators ({self.kind}) leave {self.residual:.3g} of "
            f"the squared differences between {what}",
            f"{self.sparsity:.0%} of their amounts are below a twentieth of the largest of "
            "their pair",
        ]
        if self.angles is not None:
            angles = ", ".join(f"{angle:.3g}" for angle in self.angles)
            said.append(f"principal angles to the known generators: {angles} degrees")
        return tuple(said)


def generator_facts(
    model: Any,
    rows: Float[np.ndarray, "row column"],
    *,
    known: Any = None,
    seed: int = 0,
) -> GeneratorFacts | None:
    """Measure what the generators of a model's penalty explain.

    Args:
        model: Whatever is diagnosed.
        rows: As its networks take them.
        known: Generators to compare with, "generator input input".
        seed: Of the pairs of codes.

    Returns:
        The facts; None for models without such a penalty.

    Raises:
        ValueOutOfRange: If known generators were given and there are none to compare with,
            or they have another shape.
    """
    penalty = getattr(model, "penalty_", None)
    found = None
    if penalty is not None and len(rows) > 1:
        from isthmus.training.penalties import generator_use

        found = generator_use(penalty, model.network_, rows, seed=seed)
    if found is None:
        if known is not None:
            raise ValueOutOfRange(
                "`diagnose(known_generators=...)` needs a DeepAutoencoder fitted with a "
                "penalty that has generators: lie-1, lie-2 or orbit-augmentation."
            )
        return None
    angles = None
    if known is not None:
        from isthmus.training.penalties import generators_of, principal_angles
        from isthmus.training.penalties.use import output_span

        span = output_span(model.network_, rows).T
        matrices = np.asarray(known, dtype=np.float64)
        matrices = matrices[None] if matrices.ndim == 2 else matrices
        radians = principal_angles(generators_of(penalty), matrices, data=span)
        angles = tuple(np.degrees(radians).tolist())
    return GeneratorFacts(
        n_generators=found.use.size,
        kind=found.kind,
        of=found.of,
        residual=found.residual,
        sparsity=found.sparsity,
        use=tuple(found.use.tolist()),
        angles=angles,
    )
