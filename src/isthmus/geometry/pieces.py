"""The layers that `as_layers` makes: kinks, windows, scales, shapes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Floats = Float[Tensor, "..."]


class Kinked(nn.Module):
    r"""Continuous piecewise-affine function of one number, applied to every unit.

    .. math:: f(u) = a_k u + c_k, \qquad k = \#\{j : u > t_j\}

    A number on a threshold belongs to the piece below it.

    Args:
        name: What it stands for, as in ``"ReLU"``.
        thresholds: t, where the kinks lie, ascending.
        slopes: a, one more than there are thresholds; a tensor "channel" where channels
            (dimension 1) have slopes of their own.
        intercepts: c, likewise.

    Examples:
        >>> layer = Kinked("Hardtanh", (-1.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 1.0))
        >>> layer(torch.tensor([[-3.0, 0.5, 3.0]])).tolist()
        [[-1.0, 0.5, 1.0]]
        >>> layer.slope(torch.tensor([[-3.0, 0.5, 3.0]])).tolist()
        [[0.0, 1.0, 0.0]]
    """

    def __init__(
        self,
        name: str,
        thresholds: tuple[float, ...],
        slopes: tuple[float | Tensor, ...],
        intercepts: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.name, self.thresholds = name, thresholds
        self.slopes, self.intercepts = slopes, intercepts

    def forward(self, u: Floats) -> Floats:
        """Values, in the shape of `u`."""
        if self.name == "ReLU":
            return u.clamp_min(0.0)
        return self.slope(u) * u + self._select(u, self.intercepts)

    def slope(self, u: Floats) -> Floats:
        """Slopes at `u`, in its shape and type."""
        return self._select(u, self.slopes)

    def switching(self, u: Floats) -> Floats:
        """Numbers u - t, "sample unit": in row order, a unit's thresholds together."""
        flat = u.flatten(1)
        if self.thresholds == (0.0,):
            return flat
        return (flat[..., None] - flat.new_tensor(self.thresholds)).flatten(1)

    def _select(self, u: Floats, values: tuple[float | Tensor, ...]) -> Floats:
        chosen = _channels(values[0], u).expand(u.shape)
        for threshold, value in zip(self.thresholds, values[1:], strict=True):
            chosen = torch.where(u > threshold, _channels(value, u), chosen)
        return chosen


class MaxPool(nn.Module):
    """Largest entry of every window of one or two dimensions; the first one at ties.

    Args:
        n_dims: 1 or 2, dimensions after sample and channel.
        kernel: Candidates along each dimension.
        stride: From one window to the next, likewise; so are the others.
        padding: Places around the sample that never win.
        dilation: From one candidate to the next.
        ceil_mode: Whether windows may start that end outside.

    Examples:
        >>> layer = max_pool(1, 2)
        >>> layer(torch.tensor([[[1.0, 4.0, 3.0, 3.0]]])).tolist()
        [[[4.0, 3.0]]]
        >>> layer.winner(torch.tensor([[[1.0, 4.0, 3.0, 3.0]]])).tolist()
        [[1, 0]]
    """

    def __init__(
        self,
        n_dims: int,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        ceil_mode: bool,
    ) -> None:
        super().__init__()
        self.n_dims, self.ceil_mode = n_dims, ceil_mode
        self.kernel, self.stride = kernel, stride
        self.padding, self.dilation = padding, dilation

    def windows(self, shape: tuple[int, ...]) -> Int[Tensor, "window candidate"]:
        """Positions in a flat sample of this shape that each output sees, -1 = padding.

        Args:
            shape: Of one sample, channel first.
        """
        at = torch.arange(shape[0])[:, None]
        for axis in range(self.n_dims):
            places, size = self._places(axis, shape[1 + axis]), shape[1 + axis]
            step = at[:, None, :, None] * size + places[None, :, None, :]
            hidden = (at[:, None, :, None] < 0) | (places[None, :, None, :] < 0)
            at = step.masked_fill(hidden, -1)
            at = at.reshape(at.shape[0] * at.shape[1], -1)
        return at

    def candidates(self, u: Floats) -> Float[Tensor, "sample window candidate"]:
        """Entries that each output chooses from; -inf in the padding."""
        windows = self.windows(tuple(u.shape[1:])).to(u.device)
        taken = u.flatten(1)[:, windows.clamp_min(0)]
        return taken.masked_fill(windows < 0, -torch.inf)

    def winner(self, u: Floats) -> Int[Tensor, "sample window"]:
        """Number of the first largest candidate of every window."""
        return self.candidates(u).argmax(dim=2)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of an output sample for an input sample of shape `shape`."""
        return (
            shape[0],
            *(len(self._places(axis, shape[1 + axis])) for axis in range(self.n_dims)),
        )

    def forward(self, u: Floats) -> Floats:
        """Maxima, "sample channel ..."."""
        largest = self.candidates(u).amax(dim=2)
        return largest.reshape(len(u), *self.out_shape(tuple(u.shape[1:])))

    def _places(self, axis: int, size: int) -> Int[Tensor, "output kernel"]:
        kernel, stride = self.kernel[axis], self.stride[axis]
        padding, dilation = self.padding[axis], self.dilation[axis]
        counted = torch.nn.functional.max_pool1d(
            torch.zeros(1, 1, size), kernel, stride, padding, dilation, self.ceil_mode
        ).shape[-1]
        place = (
            stride * torch.arange(counted)[:, None]
            + dilation * torch.arange(kernel)
            - padding
        )
        return place.masked_fill(place >= size, -1).clamp_min(-1)


class Affine(nn.Module):
    """Every channel (dimension 1) times a number plus a number: batch norm in eval.

    Args:
        scale: "channel".
        shift: "channel".

    Examples:
        >>> Affine(torch.tensor([2.0, 3.0]), torch.tensor([0.0, 1.0]))(torch.ones(1, 2))
        tensor([[2., 4.]])
    """

    def __init__(self, scale: Floats, shift: Floats) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, u: Floats) -> Floats:
        """Scaled and shifted, in the shape of `u`."""
        return u * _channels(self.scale, u) + _channels(self.shift, u)

    def scaled(self, u: Floats) -> Floats:
        """Scaled alone."""
        return u * _channels(self.scale, u)


class Reshape(nn.Module):
    """Every sample in another shape.

    Args:
        shape: Of one sample; one entry may be -1.

    Examples:
        >>> Reshape((2, -1))(torch.zeros(5, 6)).shape
        torch.Size([5, 2, 3])
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, u: Floats) -> Floats:
        """The same numbers."""
        return u.reshape(len(u), *self.shape)


MADE = (Kinked, MaxPool, Affine, Reshape)


def relu_like(name: str, slope: float | Tensor) -> Kinked:
    """Kinked at 0: slope 1 above it, the given one below.

    Examples:
        >>> relu_like("Abs", -1.0)(torch.tensor([[-2.0]])).tolist()
        [[2.0]]
    """
    return Kinked(name, (0.0,), (slope, 1.0), (0.0, 0.0))


def clipped(name: str, low: float, high: float) -> Kinked:
    """Kinked at both ends of an interval: the nearest number inside.

    Examples:
        >>> clipped("ReLU6", 0.0, 6.0).thresholds
        (0.0, 6.0)
    """
    return Kinked(name, (low, high), (0.0, 1.0, 0.0), (low, 0.0, high))


def max_pool(
    n_dims: int,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
) -> MaxPool:
    """Max-pooling with torch's arguments.

    Examples:
        >>> max_pool(2, 3, padding=1).stride
        (3, 3)
    """

    def each(value: int | tuple[int, ...]) -> tuple[int, ...]:
        given = (value,) if isinstance(value, int) else tuple(value)
        return given * n_dims if len(given) == 1 else given

    return MaxPool(
        n_dims,
        each(kernel),
        each(stride) if stride else each(kernel),
        each(padding),
        each(dilation),
        ceil_mode,
    )


def _channels(value: float | Tensor, u: Floats) -> Floats:
    """A number per channel, against samples of any number of dimensions."""
    given = torch.as_tensor(value, dtype=u.dtype, device=u.device)
    return given if given.numel() == 1 else given.reshape(-1, *[1] * (u.ndim - 2))
