"""Training of an encoder together with the layers that read its signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float

from isthmus.core.door import real_array, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import hold_out
from isthmus.core.random import as_rng
from isthmus.core.typing import Matrix
from isthmus.decoders import LearnedDecoder
from isthmus.decoders.learning import Plan, Rows, learn
from isthmus.frames import DenseFrame
from isthmus.models.unrolled_autoencoder import UnrolledAutoencoder
from isthmus.training.samples import check_positive, check_samples

if TYPE_CHECKING:
    from torch import Tensor

_CALL = "train_with_layers"


def train_with_layers(
    decoder: LearnedDecoder,
    X: Matrix,
    *,
    weights: Float[np.ndarray, " input"] | None = None,
    temperature: float = 1.0,
    n_steps: int = 600,
    batch_size: int = 64,
    learning_rate: float = 0.03,
    rng: np.random.Generator | int | None,
    progress: Callable[[int, int], object] | None = None,
) -> LearnedDecoder:
    r"""Train encoder and layers of a learned decoder on rows, straight through the signs.

    .. math:: \min_{W, \theta} \sum_t \|x_t - D_\theta(\mathrm{sign}(W x_t); W)\|^2,
        \qquad \mathrm{sign}'(u) := \frac{d}{du} \tanh(u / \tau)

    Adam as in :meth:`isthmus.decoders.LearnedDecoder.fit`; after every step W goes back
    to its polar factor, because message passing needs orthonormal rows (or columns, where
    these are fewer). A fifth of the rows is held out, and what is kept is the best on
    them of 21 check-ups, the start among these: on them it is never worse than what it
    was given. It pays where rows depend on each other's coordinates. Independent ones
    leave it nothing: any mixing W serves them alike.

    Args:
        decoder: Where layers and encoder start, fitted or not; stays as it is. The same
            seed here and in its `fit` holds the same rows out.
        X: Rows, "sample input", in the coordinates that the decoder gives back; float32
            ones train in float32. Of one length, if lengths are sent.
        weights: Of the coordinates' squared errors, positive or zero, "input"; None for
            equal ones.
        temperature: Width tau of the surrogate, in standard deviations of a
            pre-activation; positive.
        n_steps: Steps of the optimiser.
        batch_size: Rows a step.
        learning_rate: Of Adam, positive; entries of W move at it times their size.
        rng: Seed or generator that draws held-out rows and batches; on one machine the
            same gives the same.
        progress: Called with the steps done and the steps in all.

    Returns:
        A decoder with the trained layers. Its `frame` is the trained encoder, for codes
        sign(W x), and its `history` that of this training.

    Raises:
        DataError: If rows are not finite numbers, zero throughout, or all equal.
        ValueOutOfRange: If an argument is outside its domain.
        NotConverged: If ten batches in a row give no gradient.

    Examples:
        >>> from isthmus.frames import haar
        >>> from isthmus.priors import Gaussian
        >>> wave = np.linspace(0, 6, 16) + np.random.default_rng(0).uniform(0, 6, (400, 1))
        >>> start = LearnedDecoder(haar(16, 16, rng=0), Gaussian())
        >>> found = train_with_layers(start, 1.4 * np.sin(wave), n_steps=60, rng=0)
        >>> errors = found.history.held_out_nmse
        >>> bool(errors.min() < 0.7 * errors[0])
        True

    References:
        [kogler:24], [bengio:13]
    """
    if not isinstance(decoder, LearnedDecoder):
        raise ValueOutOfRange(
            f"`{_CALL}(decoder=...)` must be a LearnedDecoder, whose layers have "
            f"gradients; got {shown(decoder)}. Make one of the same frame and prior."
        )
    plan = Plan.checked(_CALL, n_steps, batch_size, learning_rate)
    check_positive(_CALL, temperature=temperature)
    x = _checked_rows(X, decoder.frame.n_input)
    root = float(decoder.state()["root"])
    unit = _units(weights, x)
    generator = as_rng(rng)
    start = decoder.with_frame(DenseFrame(decoder.frame.to_dense()))
    model = UnrolledAutoencoder(start.network, temperature=float(temperature))
    given = torch.tensor(x / x.dtype.type(root))
    halves = hold_out(x, rng=generator)
    rows = Rows(given, given, unit)
    train, test = (
        rows.some(torch.from_numpy(part)) for part in (halves.train, halves.test)
    )
    history = learn(model, train, test, plan, generator, progress)
    trained = start.with_frame(DenseFrame(model.weight.detach().numpy().copy()))
    trained.history = history
    return trained


def _checked_rows(X: object, n_input: int) -> np.ndarray:
    values = check_samples(_CALL, X, None, name="X").values
    if values.shape[1] != n_input:
        raise ValueOutOfRange(
            f"`{_CALL}(X=...)` must have {n_input} columns, as the decoder's frame has; "
            f"got {values.shape[1]}."
        )
    return values if values.dtype == np.float32 else values.astype(np.float64)


def _units(weights: object, x: np.ndarray) -> Tensor:
    """Roots of the weights of squared errors, "sample input", without a copy per row."""
    if weights is None:
        return torch.ones(x.shape[0], 1, dtype=torch.from_numpy(x[:1]).dtype)
    found = real_array(f"{_CALL}(weights=...)", weights)
    if found.shape != x.shape[1:] or not (np.isfinite(found).all() and found.min() >= 0):
        raise ValueOutOfRange(
            f"`{_CALL}(weights=...)` must be {x.shape[1]} finite numbers >= 0, one per "
            f"column; got shape {found.shape}."
        )
    if not found.max() > 0:
        raise ValueOutOfRange(
            f"`{_CALL}(weights=...)` must not all be zero: nothing would be learned."
        )
    roots = np.sqrt(found / found.max()).astype(x.dtype)
    return torch.tensor(roots).expand(x.shape)
