"""What every penalty is, and several at once."""

from __future__ import annotations

import abc
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import real_number, shown
from isthmus.core.errors import ValueOutOfRange

Batch = Float[Tensor, "sample input"]
Codes = Float[Tensor, "sample code"]


class AbstractPenalty(nn.Module, abc.ABC):
    """A term of the loss that looks at a network of an `encoder` and a `decoder`.

    In a loop of one's own, with an optimiser over the parameters of both::

        given, wanted = penalty.pair(batch)
        codes = network.encoder(given)
        found = network.decoder(codes)
        loss = mse_loss(found, wanted) + penalty(network, given, codes, found)

    :func:`~isthmus.training.train_autoencoder` does just that. Random numbers come from
    torch's global generator.

    Attributes:
        weight: Factor of the term, at least 0. A penalty of weight 0 computes nothing.
    """

    weight: float

    def pair(self, batch: Batch) -> tuple[Batch, Batch]:
        """What the network is given for a batch, and what it should give back."""
        return batch, batch

    @abc.abstractmethod
    def forward(
        self,
        network: nn.Module,
        batch: Batch,
        codes: Codes,
        reconstruction: Batch,
    ) -> Float[Tensor, ""]:
        """The term, weight included.

        Args:
            network: Its parts are `encoder` and `decoder`.
            batch: What the network was given.
            codes: What the encoder made of it.
            reconstruction: What the decoder made of these.
        """

    def extra_repr(self) -> str:
        """Settings by name, as torch prints them: two penalties of equal text are equal."""
        settings = {
            name: value
            for name, value in vars(self).items()
            if not name.startswith("_") and name != "training"
        }
        return ", ".join(f"{name}={value!r}" for name, value in settings.items())


class PenaltySum(AbstractPenalty):
    """Several penalties at once; generators that they share are trained once.

    Args:
        *parts: Penalties. Each `pair` acts on what the one before it gives the network;
            what the network should give back stays the clean batch, unless a part adds
            rows of its own.

    Raises:
        ValueOutOfRange: If there is none, or something else among them.

    Examples:
        >>> from isthmus.training.penalties import Contractive, Denoising
        >>> both = PenaltySum(Denoising(0.1), Contractive(0.01))
        >>> given, wanted = both.pair(torch.ones(2, 3))
        >>> bool((given != wanted).all()), wanted.tolist()[0]
        (True, [1.0, 1.0, 1.0])
    """

    def __init__(self, *parts: AbstractPenalty) -> None:
        super().__init__()
        if not parts or not all(isinstance(part, AbstractPenalty) for part in parts):
            raise ValueOutOfRange(
                "`PenaltySum(...)` must be given penalties, at least one; got "
                f"{shown([type(part).__name__ for part in parts])}."
            )
        self.weight = 1.0
        self.parts = nn.ModuleList(parts)

    def pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The batch after all parts' changes, and the clean batch."""
        given, wanted = batch, batch
        for part in self.parts:
            made, asked = part.pair(given)  # type: ignore[operator]
            wanted = wanted if asked is given else asked
            given = made
        return given, wanted

    def forward(
        self,
        network: nn.Module,
        batch: Batch,
        codes: Codes,
        reconstruction: Batch,
    ) -> Float[Tensor, ""]:
        """Sum of the parts' terms."""
        terms = [part(network, batch, codes, reconstruction) for part in self.parts]
        return torch.stack(terms).sum()


def checked_weight(name: str, value: object) -> float:
    """A number of at least 0.

    Args:
        name: Call and argument, as in ``"Contractive(weight=...)"``.
        value: What was given.

    Raises:
        ValueOutOfRange: If it is anything else.

    Examples:
        >>> checked_weight("f(weight=...)", 2)
        2.0
    """
    number = real_number(name, value)
    if not 0.0 <= number < math.inf:
        raise ValueOutOfRange(
            f"`{name}` must be zero or positive, and finite; got {shown(value)}. "
            "Zero switches it off."
        )
    return number
