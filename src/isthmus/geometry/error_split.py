"""Why test rows are reconstructed badly: the decoder's image, the encoder, the regions."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from isthmus.core.door import whole_number
from isthmus.core.errors import DataError
from isthmus.core.protocol import Measurement, group_of_row, measure_errors, row_errors
from isthmus.geometry.nearest_code import nearest_codes, squared_distances
from isthmus.geometry.pair import Pair, Rows, pair, run
from isthmus.geometry.region_shares import RegionShare, region_shares

_BLOCK = 4096

_Floats = Float[np.ndarray, " sample"]


@dataclasses.dataclass(frozen=True, eq=False)
class Generalisation:
    """Test error of an autoencoder, split into what its two halves miss.

    Attributes:
        train_error: NMSE of the training rows.
        test_error: NMSE of the test rows, manifold gap plus encoder gap.
        manifold_gap: NMSE of the nearest points found on the decoder's image: at least
            what no encoder could repair; an upper bound of it, since a nearer point may
            have been overlooked.
        encoder_gap: The rest, what another code would have saved; never negative, and a
            lower bound of the true one.
        row_error: Squared error of every test row, input units squared.
        row_manifold_gap: Squared distance to the nearest point found, likewise.
        codes: Codes of these points, "sample code".
        regions: Shares of rows whose region holds a training row, under the names
            "encoder" and "decoder" (each in its own partition) and "autoencoder" (both at
            once); None where a network is not piecewise affine.
        no_regions: Why there are none, one sentence; None if there are.
    """

    train_error: Measurement
    test_error: Measurement
    manifold_gap: Measurement
    encoder_gap: Measurement
    row_error: _Floats
    row_manifold_gap: _Floats
    codes: Float[np.ndarray, "sample code"]
    regions: dict[str, RegionShare] | None
    no_regions: str | None


def generalisation(
    encoder: object,
    decoder: object,
    train: Any,
    test: Any,
    *,
    n_starts: int = 2,
    max_steps: int = 30,
) -> Generalisation:
    r"""Split the test error of an autoencoder, and count rows in regions of training rows.

    .. math:: \|D(E(x)) - x\|^2 = \min_z \|D(z) - x\|^2 + \text{encoder gap}

    The least value is searched for by Gauss-Newton steps with exact slopes from E(x) and
    from the training codes whose decodings are nearest to x. All errors are over the
    spread of the rows about the mean of the training rows; standard errors are over rows,
    equal ones taken as one, given the networks.

    Args:
        encoder: Torch module in eval; piecewise affine or smooth.
        decoder: Torch module in eval, of the encoder's codes.
        train: Rows that the networks were trained on, "sample ...", array or tensor.
        test: Rows that they were not.
        n_starts: Training codes to start from, beside E(x).
        max_steps: Slopes computed per start.

    Returns:
        Errors, gaps and shares. Computed in float64, whatever the networks are in.

    Raises:
        ValueOutOfRange: If the networks do not fit each other or the rows, or are in
            training mode.
        DataError: If rows or what becomes of them are not finite, if they are of two
            shapes, or all equal to the mean.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(60, 3))
        >>> narrow, wide = torch.nn.Linear(3, 1), torch.nn.Linear(1, 3)
        >>> found = generalisation(narrow, wide, rows[:40], rows[40:])
        >>> parts = found.manifold_gap.value + found.encoder_gap.value
        >>> abs(found.test_error.value - parts) < 1e-12, found.regions["decoder"].test.value
        (True, 1.0)

    References:
        [cosentino:22] for the regions
    """
    call = "generalisation"
    n_starts = whole_number(f"{call}(n_starts=...)", n_starts, least=0)
    max_steps = whole_number(f"{call}(max_steps=...)", max_steps, least=0)
    both = pair(call, encoder, decoder, train, smooth=True)
    old = both.rows(f"{call}(train=...)", train)
    new = both.rows(f"{call}(test=...)", test)
    with torch.no_grad():
        old_codes, new_codes = _blocks(both.encoder, old), _blocks(both.encoder, new)
        old_back = _blocks(both.decoder, old_codes)
        error = squared_distances(both.decoder, new_codes, new)
        starts = _starts(old_codes, old_back, new_codes, new, n_starts)
        codes, gap = nearest_codes(both.decoder, new, starts, max_steps)
    gap = torch.minimum(gap, error)  # rounding differs between blocks
    x, mean = _array(new), _array(old).mean(axis=0)
    energy, group = row_errors(x, mean), group_of_row(x)
    regions = None if both.smooth else _regions(both, old, old_codes, new, new_codes)
    return Generalisation(
        _train_error(_array(old), _array(old_back), mean),
        measure_errors(_array(error), energy, group),
        measure_errors(_array(gap), energy, group),
        measure_errors(_array(error - gap), energy, group),
        _array(error),
        _array(gap),
        _array(codes),
        regions,
        both.smooth,
    )


def _starts(
    old_codes: Rows, old_back: Rows, codes: Rows, x: Rows, n_starts: int
) -> Float[torch.Tensor, "start sample code"]:
    """E(x), and the training codes whose decodings are nearest."""
    count = min(n_starts, len(old_back))
    if count == 0:
        return codes[None]
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=count).fit(_array(old_back))
    which = torch.from_numpy(near.kneighbors(_array(x), return_distance=False))
    others = old_codes[which.to(old_codes.device)]
    return torch.cat([codes[None], others.transpose(0, 1)])


def _regions(
    both: Pair, old: Rows, old_codes: Rows, new: Rows, new_codes: Rows
) -> dict[str, RegionShare]:
    different = np.unique(group_of_row(_array(old)), return_index=True)[1]
    keep = torch.from_numpy(different).to(old.device)
    return region_shares(
        {
            "encoder": (both.encoder, old[keep], new),
            "decoder": (both.decoder, old_codes[keep], new_codes),
        },
        group_of_row(_array(new)),
    )


def _train_error(x: np.ndarray, back: np.ndarray, mean: np.ndarray) -> Measurement:
    return measure_errors(row_errors(x, back), row_errors(x, mean), group_of_row(x))


def _blocks(chain: Any, x: Rows) -> Rows:
    starts = range(0, len(x), _BLOCK)
    found = torch.cat([run(chain, x[start : start + _BLOCK]) for start in starts])
    if not bool(torch.isfinite(found).all()):
        bad = int(torch.nonzero(~torch.isfinite(found))[0, 0])
        raise DataError(
            "`generalisation(encoder, decoder)` must give finite numbers on all rows; got "
            f"NaN or infinity for row {bad}. Is the row on the scale of the others?"
        )
    return found


def _array(x: torch.Tensor) -> np.ndarray:
    return np.asarray(x.detach().cpu().numpy())
