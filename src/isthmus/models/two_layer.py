"""The two-layer autoencoder as a torch module."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.core.errors import ValueOutOfRange
from isthmus.models.straight_through import code_layer, straight_through


class TwoLayerAutoencoder(torch.nn.Module):
    r"""Autoencoder x -> A s(B x) whose encoder rows have unit norm where data are white.

    .. math:: B = \tilde B W, \quad \|\tilde b_i\| = 1, \qquad
        A \text{ free, or } A = \beta \tilde B^\top \text{ (tied)}

    Rows are normalised inside the forward pass, so that any torch optimiser may move the
    parameters; gradients through a quantised code are straight-through.

    Args:
        directions: B~, "code input", rows of any norm but 0. Sets type and device.
        decoder: A, "input code", or a scalar beta for a tied decoder.
        whitening: W, "input input", symmetric: the inverse root of the covariance, or
            None for data that are white already.
        activation: Name, odd NumPy function or :class:`~isthmus.core.Activation`.
        temperature: Of the surrogate gradient, positive.

    Raises:
        ValueOutOfRange: If shapes disagree or a row of `directions` is zero.

    Examples:
        >>> model = TwoLayerAutoencoder(torch.eye(2), torch.tensor(0.8))
        >>> model(torch.tensor([[3.0, -0.1]])).tolist()
        [[0.800000011920929, -0.800000011920929]]

    References:
        [shevchenko:23]
    """

    _whitening: Tensor | None

    def __init__(
        self,
        directions: Tensor,
        decoder: Tensor,
        *,
        whitening: Tensor | None = None,
        activation: object = "sign",
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        _check_shapes(directions, decoder, whitening)
        self.layer = code_layer(activation, temperature=temperature)
        self.directions = torch.nn.Parameter(directions)
        self.decoder = torch.nn.Parameter(decoder)
        self.register_buffer("_whitening", whitening)

    @property
    def tied(self) -> bool:
        """Whether the decoder is the transposed directions times one number."""
        return self.decoder.ndim == 0

    @property
    def encoder_weight(self) -> Tensor:
        """B, "code input", for rows in input units."""
        rows = torch.nn.functional.normalize(self.directions, dim=1)
        return rows if self._whitening is None else rows @ self._whitening

    @property
    def decoder_weight(self) -> Tensor:
        """A, "input code"."""
        if not self.tied:
            return self.decoder
        return self.decoder * torch.nn.functional.normalize(self.directions, dim=1).T

    def encode(self, x: Tensor) -> Tensor:
        """Codes s(B x), "sample code", of centred rows "sample input"."""
        return straight_through(x @ self.encoder_weight.T, self.layer)

    def decode(self, code: Tensor) -> Tensor:
        """Reconstructions A y, "sample input", of codes "sample code"."""
        return code @ self.decoder_weight.T

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction of centred rows."""
        return self.decode(self.encode(x))


def _check_shapes(directions: Tensor, decoder: Tensor, whitening: Tensor | None) -> None:
    call = "TwoLayerAutoencoder"
    if directions.ndim != 2 or directions.numel() == 0:
        raise ValueOutOfRange(
            f"`{call}(directions=...)` must have shape (code, input); "
            f"got {tuple(directions.shape)}."
        )
    n_code, n_input = directions.shape
    if decoder.ndim != 0 and decoder.shape != (n_input, n_code):
        raise ValueOutOfRange(
            f"`{call}(decoder=...)` must have shape (input, code) = {(n_input, n_code)}, "
            f"or be one number for a tied decoder; got {tuple(decoder.shape)}."
        )
    if whitening is not None and whitening.shape != (n_input, n_input):
        raise ValueOutOfRange(
            f"`{call}(whitening=...)` must have shape (input, input) = "
            f"{(n_input, n_input)}; got {tuple(whitening.shape)}."
        )
    zero = torch.nonzero(~(torch.linalg.vector_norm(directions.detach(), dim=1) > 0))
    if zero.numel():
        raise ValueOutOfRange(
            f"`{call}(directions=...)` must have rows that are finite and not zero; "
            f"row {int(zero[0, 0])} is not. Leave it out or draw another."
        )
