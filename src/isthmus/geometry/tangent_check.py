"""Whether encoder and decoder undo each other along the tangents of the data."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.core.typing import Matrix
from isthmus.geometry.affine import affine_map
from isthmus.geometry.exits import exit_time
from isthmus.geometry.pair import Pair, Rows, pair, run
from isthmus.geometry.tangents import checked_tangents, local_tangents

_BLOCK_BYTES = 2**26

_Floats = Float[np.ndarray, " sample"]


@dataclasses.dataclass(frozen=True, eq=False)
class Biorthogonality:
    r"""How far the slopes of encoder and decoder are from undoing each other, per row.

    A^E and A^D are the slopes at the row and at its code, T its tangents.

    Attributes:
        deviation: :math:`\|A^E A^D - I\|_F`. Need not be 0 where the data have fewer
            dimensions than the code: there it is no sign of an error.
        restricted: :math:`\|A^E A^D a - a\|_F / \|a\|_F` of a = A^E T: must be 0 where the
            pair is exact along T. 1 where the encoder does not see T at all, a = 0.
        tangent_deviation: Largest :math:`\|A^D A^E t - t\|` over unit t in the span of T;
            0 if and only if the pair is exact along T, but for a constant.
        mean_deviation: Root mean square of the same over all unit t.
        angles: Principal angles between the span of T and the image of A^D, radians,
            "sample dim", largest first; pi / 2 for each dimension that the image lacks.
        encoder_rank: Singular values of A^E above 1e-10 of the largest.
        decoder_rank: The same of A^D.
        spectrum: Eigenvalues of A^E A^D, "sample code", largest first.
        error: :math:`\|D(E(x)) - x\|`, input units.
        chord: Length of the region of the autoencoder along the t of the largest
            deviation, input units; infinite where the region is not bounded that way.
    """

    deviation: _Floats
    restricted: _Floats
    tangent_deviation: _Floats
    mean_deviation: _Floats
    angles: Float[np.ndarray, "sample dim"]
    encoder_rank: Int[np.ndarray, " sample"]
    decoder_rank: Int[np.ndarray, " sample"]
    spectrum: Complex[np.ndarray, "sample code"]
    error: _Floats
    chord: _Floats

    @property
    def explained(self) -> _Floats:
        """Deviation along tangents that errors as large as the row's may bring, no unit.

        The error changes along the chord by the deviation times its length, so that errors
        of at most `error` at both ends allow 2 error / chord. A `tangent_deviation` below
        that says nothing beyond the error itself.
        """
        bounded = self.chord > 0
        chord = np.where(bounded, self.chord, 1.0)
        return np.asarray(np.where(bounded, 2.0 * self.error / chord, np.inf))


def biorthogonality(
    encoder: object, decoder: object, x: Any, *, tangents: Matrix | None = None
) -> Biorthogonality:
    r"""Check the slopes of a piecewise-affine autoencoder against the data's tangents.

    Exact reconstruction of data with tangents T in a region means A^D A^E T = T. Then
    A^E A^D a = a for a = A^E T, and A^E A^D = I only if there are as many tangents as code
    numbers. Ranks below the number of tangents rule exactness out. Training makes errors
    small, not their slopes: read the numbers beside `error` and `chord`.

    Args:
        encoder: Torch module in eval, piecewise affine.
        decoder: Torch module in eval, piecewise affine, of the encoder's codes.
        x: Rows, "sample ...", array or tensor.
        tangents: Orthonormal, "sample input dim", of flat rows; None for
            :func:`local_tangents` of `x` itself. Where `x` are few or test rows, pass
            ``local_tangents(train, x)``.

    Returns:
        All measures; float64, exact to rounding for the tangents given.

    Raises:
        ValueOutOfRange: If a layer is not piecewise affine or in training mode, the
            networks do not fit, or tangents are not orthonormal.
        DataError: If rows are not finite, or too few to find tangents.

    Examples:
        >>> narrow, wide = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        >>> for part, weight in ((narrow, (1.0, 1.0)), (wide, (1.0, 0.5))):
        ...     _ = part.weight.data.copy_(torch.diag(torch.tensor(weight)))
        >>> line = np.column_stack([np.linspace(0.0, 1.0, 20), np.zeros(20)])
        >>> along = np.tile([[1.0], [0.0]], (20, 1, 1))
        >>> found = biorthogonality(narrow, wide, line, tangents=along)
        >>> float(found.deviation[0]), float(found.restricted[0]), float(found.angles[0, 0])
        (0.5, 0.0, 0.0)

    References:
        [cosentino:22], corrected
    """
    call = "biorthogonality"
    both = pair(call, encoder, decoder, x, smooth=False)
    rows = both.rows(f"{call}(x=...)", x)
    if tangents is None:
        given = local_tangents(np.asarray(rows.cpu().numpy()))
    else:
        shape = (len(rows), both.n_input)
        given = checked_tangents(f"{call}(tangents=...)", tangents, shape)
    size = max(1, _BLOCK_BYTES // (8 * both.n_input * (2 * both.n_code + given.shape[2])))
    parts = []
    bases = torch.from_numpy(given)
    with torch.no_grad():
        for start in range(0, len(rows), size):
            part, basis = (each[start : start + size] for each in (rows, bases))
            parts.append(_measured(both, part, basis.to(part.device)))
    names = [field.name for field in dataclasses.fields(Biorthogonality)]
    return Biorthogonality(
        **{
            name: np.asarray(torch.cat([part[name] for part in parts]).cpu().numpy())
            for name in names
        }
    )


def _measured(both: Pair, x: Rows, tangents: Tensor) -> dict[str, Tensor]:
    """All attributes of the result, of one block of rows."""
    codes = run(both.encoder, x)
    down, _ = affine_map(both.encoder, x)
    up, _ = affine_map(both.decoder, codes)
    product = down @ up
    seen = down @ tangents
    change = up @ seen - tangents
    _, sizes, right = torch.linalg.svd(change, full_matrices=False)
    worst = (tangents @ right[:, 0, :, None]).squeeze(2)
    spectrum = torch.linalg.eigvals(product)
    order = spectrum.abs().argsort(dim=1, descending=True)
    image, decoder_rank = _image(up)
    unit = torch.eye(both.n_code, dtype=x.dtype, device=x.device)
    return {
        "deviation": torch.linalg.matrix_norm(product - unit),
        "restricted": _relative(product @ seen - seen, seen),
        "tangent_deviation": sizes[:, 0],
        "mean_deviation": sizes.square().mean(dim=1).sqrt(),
        "angles": _angles(tangents, image),
        "encoder_rank": _rank(torch.linalg.svdvals(down)),
        "decoder_rank": decoder_rank,
        "spectrum": spectrum.gather(1, order),
        "error": (run(both.decoder, codes) - x).norm(dim=1),
        "chord": _chord(both, x, worst),
    }


def _relative(change: Tensor, of: Tensor) -> Tensor:
    size = torch.linalg.matrix_norm(of)
    relative = torch.linalg.matrix_norm(change) / torch.where(size > 0, size, 1.0)
    return torch.where(size > 0, relative, 1.0)


def _rank(values: Tensor) -> Tensor:
    largest = values[:, :1]
    return ((values > RELATIVE_RANK * largest) & (largest > 0)).sum(dim=1)


def _image(slope: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal basis of the image of every slope, zero beyond its rank; the rank."""
    left, values, _ = torch.linalg.svd(slope, full_matrices=False)
    rank = _rank(values)
    inside = torch.arange(values.shape[1], device=slope.device) < rank[:, None]
    return left * inside[:, None, :], rank


def _angles(tangents: Tensor, image: Tensor) -> Tensor:
    """From sines and cosines, each accurate where the other is not."""
    inside = image.transpose(1, 2) @ tangents
    sines = torch.linalg.svdvals(tangents - image @ inside)
    cosines = torch.linalg.svdvals(inside).flip(1)
    lacking = sines.shape[1] - cosines.shape[1]
    cosines = torch.nn.functional.pad(cosines, (max(lacking, 0), 0))
    return torch.atan2(sines, cosines[:, : sines.shape[1]])


def _chord(both: Pair, x: Rows, direction: Rows) -> Tensor:
    whole = both.whole
    ends: list[Tensor] = [exit_time(whole, x, u).time for u in (direction, -direction)]
    return ends[0] + ends[1]
