"""What every prior of one input coordinate can do."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from array_api_compat import array_namespace, is_torch_array
from jaxtyping import Float

from isthmus.core.door import real_array, real_number, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng
from isthmus.core.typing import Numbers
from isthmus.priors.landmarks import Landmarks


class PriorMoments(NamedTuple):
    """First moments of a prior.

    Attributes:
        mean: E[x]; every prior here is symmetric.
        variance: E[x^2].
        fourth: E[x^4].
    """

    mean: float
    variance: float
    fourth: float


class AbstractPrior(abc.ABC):
    r"""Symmetric distribution of one input coordinate x, seen through Gaussian noise.

    The channel is r = x + N(0, noise_variance). A leaf brings the moments, the sampler
    and closed forms of the posterior and of the density of r.

    Examples:
        >>> from isthmus.priors import SparseRademacher
        >>> mean, variance = SparseRademacher(0.5).posterior([0.0, 3.0], 0.1)
        >>> mean.round(6).tolist(), variance.round(6).tolist()
        ([0.0, 1.414214], [9.1e-05, 0.0])
    """

    block_bytes: ClassVar[int] = 2**16
    """Of the observations that are worked on at a time."""

    takes_tensors: ClassVar[bool] = False
    """Whether posteriors are plain arithmetic, which runs on any array library."""

    @property
    @abc.abstractmethod
    def moments(self) -> PriorMoments:
        """Mean, variance and fourth moment, exact."""

    @property
    @abc.abstractmethod
    def mean_absolute(self) -> float:
        """E|x|, exact."""

    @abc.abstractmethod
    def _draw(self, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Independent draws, float64."""

    @abc.abstractmethod
    def _posterior(self, r: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean and variance in the type of r, of the shape of both together."""

    @abc.abstractmethod
    def _log_density(self, r: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Logarithm of the density of r, float64."""

    @abc.abstractmethod
    def _mmse(self, noise: float) -> float:
        """Least mean squared error at one noise variance."""

    @property
    @abc.abstractmethod
    def _landmarks(self) -> Landmarks:
        """Scales and places at which the posterior bends."""

    @abc.abstractmethod
    def _tail(self, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P(x > a) and E[x; x > a] for thresholds a >= 0."""

    @property
    def variance(self) -> float:
        """E[x^2]."""
        return self.moments.variance

    @property
    def excess_kurtosis(self) -> float:
        """E[x^4] / E[x^2]^2 - 3: 0 for a Gaussian, exact."""
        return self.moments.fourth / self.moments.variance**2 - 3.0

    def sample(self, shape: int | tuple[int, ...], rng: object) -> Float[np.ndarray, "*s"]:
        """Independent draws of x.

        Args:
            shape: Shape of the result.
            rng: Seed or NumPy generator.

        Returns:
            Draws, float64.

        Raises:
            ValueOutOfRange: If `rng` is neither a seed nor a generator.
        """
        size = (shape,) if isinstance(shape, int) else tuple(shape)
        return self._draw(size, as_rng(rng))

    def posterior(self, r: Any, noise_variance: Any) -> tuple[Any, Any]:
        """Mean and variance of x given r = x + N(0, noise_variance).

        Args:
            r: Observations of any shape. float32 is computed and answered in float32
                (where special functions are needed, computed in float64). Tensors of
                torch stay where they are for mixtures of Gaussians; other priors
                compute on the host.
            noise_variance: Positive; broadcasts against `r`.

        Returns:
            Posterior mean and variance, of the broadcast shape. For noise variances from
            1e-8 to 1e8 and observations up to 1000 noise standard deviations accurate to
            1e-9 relative in float64 and 1e-4 in float32, and without overflow.

        Raises:
            ValueOutOfRange: If a noise variance is not positive and finite, or the shapes
                do not broadcast.
        """
        call = f"{type(self).__name__}.posterior"
        if is_torch_array(r):
            return self._tensor_posterior(r, noise_variance)
        seen, noise = _channel(call, r, noise_variance)
        shape = np.broadcast_shapes(seen.shape, noise.shape)
        seen, noise = np.atleast_1d(seen), np.atleast_1d(noise)
        whole = np.broadcast_shapes(seen.shape, noise.shape)
        blocks = _blocks(seen, noise, whole, self.block_bytes)
        if len(blocks) == 1:
            mean, variance = self._posterior(seen, noise)
            return mean.reshape(shape), variance.reshape(shape)
        mean, variance = np.empty(whole, seen.dtype), np.empty(whole, seen.dtype)
        for at_r, at_noise, out in blocks:
            mean_of, variance_of = self._posterior(seen[at_r], noise[at_noise])
            mean[out], variance[out] = mean_of, variance_of
        return mean.reshape(shape), variance.reshape(shape)

    def _tensor_posterior(self, r: Any, noise_variance: Any) -> tuple[Any, Any]:
        if self.takes_tensors:
            return self._posterior(r, noise_variance)
        noise = noise_variance.cpu().numpy() if is_torch_array(noise_variance) else None
        host = self.posterior(r.cpu().numpy(), noise_variance if noise is None else noise)
        space = array_namespace(r)
        mean, variance = (space.asarray(part, device=r.device) for part in host)
        return mean, variance

    def log_density(
        self, r: float | Numbers, noise_variance: float | Numbers
    ) -> Float[np.ndarray, "*s"]:
        """Logarithm of the density of r = x + N(0, noise_variance).

        Args:
            r: Observations of any shape.
            noise_variance: Positive; broadcasts against `r`.

        Returns:
            Natural logarithm of the density, float64.

        Raises:
            ValueOutOfRange: If a noise variance is not positive and finite, or the shapes
                do not broadcast.
        """
        call = f"{type(self).__name__}.log_density"
        seen, noise = _channel(call, real_array(f"{call}(r=...)", r), noise_variance)
        value = self._log_density(np.atleast_1d(seen), np.atleast_1d(noise))
        return value.reshape(np.broadcast_shapes(seen.shape, noise.shape))

    def tail_moments(
        self, threshold: float | Numbers
    ) -> tuple[Float[np.ndarray, "*s"], Float[np.ndarray, "*s"]]:
        """Probability of x above a threshold, and its first moment there.

        Args:
            threshold: a, not negative, of any shape; infinity is allowed.

        Returns:
            P(x > a) and E[x; x > a], float64, of the shape of `threshold`. Exact, with
            full relative accuracy far out; an atom at a itself is not above it.

        Raises:
            ValueOutOfRange: If a threshold is negative or no number.
        """
        call = f"{type(self).__name__}.tail_moments"
        at = real_array(f"{call}(threshold=...)", threshold)
        if not np.all(at >= 0):
            raise ValueOutOfRange(
                f"`{call}(threshold=...)` must not be negative; got {shown(threshold)}. "
                "The prior is symmetric: mirror it."
            )
        share, first = self._tail(np.atleast_1d(at))
        return share.reshape(at.shape), first.reshape(at.shape)

    @property
    def breakpoints(self) -> Float[np.ndarray, " point"]:
        """Sizes |x| at which the distribution may be rough: 0, scales, atoms and edges.

        Ascending; the last is where |x| ends as far as float64 can see.
        """
        at = self._landmarks
        inner = np.unique(np.abs([0.0, *at.marks]))
        return np.append(inner, 9.5 * at.width + 46.0 * at.tail + 1.001 * inner[-1])

    def mmse(self, noise_variance: float | Numbers) -> float | Float[np.ndarray, "*s"]:
        """Least mean squared error of x from r = x + N(0, noise_variance).

        The posterior variance averaged over r by quadrature, split at atoms and edges.

        Args:
            noise_variance: Positive; an array is taken entrywise.

        Returns:
            MMSE, accurate to 1e-9 of the smaller of prior and noise variance; a float
            for a scalar, else an array of its shape.

        Raises:
            ValueOutOfRange: If a noise variance is not positive and finite.
        """
        call = f"{type(self).__name__}.mmse"
        _, noise = _channel(call, 0.0, noise_variance)
        if noise.ndim == 0:
            return self._mmse(float(noise))
        return np.array([self._mmse(float(s)) for s in noise.ravel()]).reshape(noise.shape)


def check_density(call: str, density: object) -> float:
    """A share of non-zeros in (0, 1], or an error that says what it is."""
    share = real_number(f"{call}(density=...)", density)
    if not 1e-12 <= share <= 1.0:
        raise ValueOutOfRange(
            f"`{call}(density=...)` must lie in (0, 1] (from 1e-12 on); got {density!r}. "
            "It is the share of coordinates that are not zero, e.g. 0.1."
        )
    return share


def in_float64(
    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    r: np.ndarray,
    noise: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate in float64 and answer in the type of r."""
    wide = r.astype(np.float64, copy=False), noise.astype(np.float64, copy=False)
    mean, variance = function(*wide)
    return mean.astype(r.dtype, copy=False), variance.astype(r.dtype, copy=False)


def _channel(
    call: str, r: float | Numbers, noise_variance: float | Numbers
) -> tuple[np.ndarray, np.ndarray]:
    """Observations and noise as arrays of one floating type that broadcast."""
    is_single = isinstance(r, (np.ndarray, np.generic)) and r.dtype == np.float32
    seen = np.asarray(r) if is_single else real_array(f"{call}(r=...)", r)
    noise = real_array(f"{call}(noise_variance=...)", noise_variance)
    if not (np.all(noise > 0) and np.all(np.isfinite(noise))):
        raise ValueOutOfRange(
            f"`{call}(noise_variance=...)` must be positive and finite; got "
            f"{shown(noise_variance)}. Without noise x is r itself."
        )
    try:
        np.broadcast_shapes(seen.shape, noise.shape)
    except ValueError:
        raise ValueOutOfRange(
            f"`{call}(noise_variance=...)` must broadcast against r of shape "
            f"{seen.shape}; got shape {noise.shape}. Pass one number, or one per row "
            "with shape (n, 1)."
        ) from None
    return seen, noise.astype(seen.dtype, copy=False)


def _blocks(
    r: np.ndarray, noise: np.ndarray, shape: tuple[int, ...], block_bytes: int
) -> list[tuple[slice, slice, slice]]:
    """Slices along the first axis that stay in cache."""
    everything = slice(None)
    size = math.prod(shape)
    most = block_bytes // r.itemsize
    if size <= most:
        return [(everything, everything, everything)]
    step = max(1, most * shape[0] // size)

    def along(array: np.ndarray, start: int) -> slice:
        fixed = array.ndim < len(shape) or array.shape[0] == 1
        return everything if fixed else slice(start, start + step)

    starts = range(0, shape[0], step)
    return [(along(r, i), along(noise, i), slice(i, i + step)) for i in starts]
