"""One SGD step of the two-layer autoencoder, its gradient written out, in place."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.models.straight_through import CodeLayer


class TwoLayerStep:
    r"""Plain SGD on the squared error summed over coordinates, mean over the batch.

    With u = z B^T, y = s(u) and the residual e of a batch of m rows:

    .. math:: \nabla_A = \tfrac2m e^\top y, \qquad
        \nabla_B = \tfrac2m (e A \odot s'(u))^\top z \qquad (e = y A^\top - x)

    Five matrix products per step and no autograd graph. For a tied decoder A = beta B^T
    the encoder's gradient has both of its parts, and beta moves by Newton's step on the
    batch times the rate: its curvature, the energy of y B, is not of order one.

    Args:
        directions: B, "code input", unit rows; updated in place.
        decoder: A, "input code", or scalar beta; updated in place.
        layer: Activation with its surrogate.
        n_batch: Rows per step, m.
    """

    def __init__(
        self, directions: Tensor, decoder: Tensor, layer: CodeLayer, n_batch: int
    ) -> None:
        n_code, n_input = directions.shape
        self.directions, self.decoder, self.layer = directions, decoder, layer
        self.n_batch = n_batch
        self._sign = layer.thresholds == (0.0,) and layer.levels == (-1.0, 1.0)
        self._tied = decoder.ndim == 0
        self._one = directions.new_ones(())
        self._u = directions.new_empty(n_batch, n_code)
        self._y, self._slope = torch.empty_like(self._u), torch.empty_like(self._u)
        self._error = directions.new_empty(n_batch, n_input)
        self._norm = directions.new_empty(n_code, 1)
        self._guess = torch.empty_like(self._error) if self._tied else self._error

    def __call__(
        self, x: Tensor, z: Tensor, rate: float, decoder_rate: float, energy: Tensor
    ) -> None:
        """Move both layers down the gradient of one batch.

        Args:
            x: Batch, "sample input".
            z: The same rows in white coordinates.
            rate: Step of the encoder.
            decoder_rate: Step of the decoder.
            energy: Scalar that receives the batch's squared error before the step.
        """
        b, a, y, error = self.directions, self.decoder, self._y, self._error
        scale = 2.0 / x.shape[0]
        self._code(z)
        if self._tied:
            torch.mm(self._y, b, out=self._guess)
            torch.addcmul(x, self._guess, a, value=-1.0, out=error).neg_()
            self._record(energy)
            guess = self._guess.view(-1)
            newton = torch.dot(error.view(-1), guess) / torch.dot(guess, guess)
            error.mul_(a)
            a.sub_(newton, alpha=decoder_rate)
            torch.mm(error, b.T, out=self._u)
            b.addmm_(y.T, error, alpha=-rate * scale)
        else:
            torch.addmm(x, y, a.T, beta=-1.0, out=error)
            self._record(energy)
            torch.mm(error, a, out=self._u)
            a.addmm_(error.T, y, alpha=-decoder_rate * scale)
        self._through()
        b.addmm_(self._u.T, z, alpha=-rate * scale * self._factor)
        torch.linalg.vector_norm(b, dim=1, keepdim=True, out=self._norm)
        b.div_(self._norm)

    @property
    def decoder_weight(self) -> Tensor:
        """A, "input code"."""
        return self.decoder * self.directions.T if self._tied else self.decoder

    def is_finite(self) -> bool:
        """Whether the last step left every encoder row finite and not zero."""
        return bool(torch.all(torch.isfinite(self._norm) & (self._norm > 0)))

    def decoder_curvature(self, z: Tensor) -> float:
        """Largest eigenvalue of the code's second moments on a batch, from below."""
        self._code(z)
        y, v = self._y, self._y[0]
        for _ in range(8):
            v = torch.mv(y.T, torch.mv(y, v / torch.linalg.vector_norm(v)))
        return float(torch.linalg.vector_norm(v)) / z.shape[0]

    def _code(self, z: Tensor) -> None:
        u, y = self._u, self._y
        if self._sign:
            # Scaled for the sigmoid below; adding 0 turns -0.0, which is +1, into 0.0.
            torch.addmm(
                u, z, self.directions.T, beta=0.0, alpha=2.0 / self.layer.temperature, out=u
            )
            torch.sigmoid(u, out=self._slope)
            torch.copysign(self._one, u.add_(0.0), out=y)
            self._factor = 4.0 / self.layer.temperature
        else:
            torch.mm(z, self.directions.T, out=u)
            y.copy_(self.layer.forward(u))
            self._slope.copy_(self.layer.slope(u))
            self._factor = 1.0

    def _through(self) -> None:
        u, slope = self._u, self._slope
        if self._sign:
            # One pass for u p (1 - p): a quarter of the surrogate's derivative.
            torch.ops.aten.sigmoid_backward.grad_input(u, slope, grad_input=u)
        else:
            u.mul_(slope)

    def _record(self, energy: Tensor) -> None:
        flat = self._error.view(-1)
        torch.dot(flat, flat, out=energy)
