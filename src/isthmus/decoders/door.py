"""Arguments that decoders share, checked before anything is decoded."""

from __future__ import annotations

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.frames import AbstractFrame
from isthmus.priors import AbstractPrior, CoordinatePriors

AnyPrior = AbstractPrior | CoordinatePriors


def check_frame(call: str, frame: object) -> AbstractFrame:
    """A partial isometry, or an error that says how to make one."""
    if not isinstance(frame, AbstractFrame):
        raise ValueOutOfRange(
            f"`{call}(frame=...)` must be a frame of isthmus.frames, with orthonormal rows "
            f"(or columns, above rate 1); got {shown(frame)}. Of a matrix B take the polar "
            "factor first: isthmus.frames.polar(B)."
        )
    return frame


def check_prior(call: str, prior: object, n_input: int) -> AnyPrior:
    """A prior of as many coordinates as there are inputs, or an error."""
    if not isinstance(prior, AbstractPrior | CoordinatePriors):
        raise ValueOutOfRange(
            f"`{call}(prior=...)` must be a prior; got {shown(prior)}. Fit one with "
            "isthmus.priors.fit_scale_mixture(X), or pass e.g. GaussBernoulli(0.1)."
        )
    if isinstance(prior, CoordinatePriors) and prior.n_input != n_input:
        raise ValueOutOfRange(
            f"`{call}(prior=...)` must have one prior per input coordinate, {n_input}; "
            f"got {prior.n_input}."
        )
    return prior
