"""One autoencoder as two networks, cut behind a named layer."""

from __future__ import annotations

from torch import nn

from isthmus.core.errors import ValueOutOfRange
from isthmus.geometry.tracing import traced

_CALL = "split_at"


def split_at(autoencoder: nn.Module, bottleneck: str) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder of an autoencoder whose forward pass is a chain of layers.

    Args:
        autoencoder: Module that applies one layer after the other.
        bottleneck: Path of the layer whose answer is the code, or of a block that ends in
            it, as :meth:`torch.nn.Module.named_modules` writes it.

    Returns:
        All layers up to and with that one, and those after it. They share the weights of
        the autoencoder.

    Raises:
        ValueOutOfRange: If there is no such layer, or none before or after it, or the
            forward pass is no chain. The message names the layers that there are.

    Examples:
        >>> whole = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4))
        >>> encoder, decoder = split_at(whole, "1")
        >>> len(encoder), len(decoder)
        (2, 1)
    """
    parts = list(traced(autoencoder, _CALL))
    inside = [
        i
        for i, (path, _) in enumerate(parts)
        if path == bottleneck or path.startswith(f"{bottleneck}.")
    ]
    if not inside or inside[-1] == len(parts) - 1:
        there = ", ".join(path for path, _ in parts[:-1])
        raise ValueOutOfRange(
            f"`{_CALL}(bottleneck=...)` must name a layer with others after it; got "
            f"{bottleneck!r}. There are: {there or 'none'}."
        )
    cut = inside[-1] + 1
    halves = (
        nn.Sequential(*(part for _, part in some)) for some in (parts[:cut], parts[cut:])
    )
    encoder, decoder = halves
    encoder.training = decoder.training = autoencoder.training  # layers keep their modes
    return encoder, decoder
