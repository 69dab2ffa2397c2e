"""Where torch works."""

from __future__ import annotations

import torch

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange


def resolve_device(call: str, device: object) -> torch.device:
    """A device that works here.

    Args:
        call: Whose error message this is.
        device: As torch names it; ``"auto"`` for CUDA, MPS or CPU, whichever comes first.

    Raises:
        ValueOutOfRange: If torch has no such device here.

    Examples:
        >>> resolve_device("f", "cpu")
        device(type='cpu')
    """
    found = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    if isinstance(device, str) and device == "auto":
        return torch.device(found[1] if len(found) > 1 else "cpu")
    try:
        place: torch.device = torch.device(device)  # type: ignore[call-overload]
        torch.zeros(1, device=place).cpu()
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise ValueOutOfRange(
            f"`{call}(device=...)` must be a device that torch has here; got "
            f"{shown(device)}. Use 'auto' or one of {', '.join(found)}."
        ) from error
    return place


def seed_torch(seed: int, device: torch.device) -> None:
    """Seed the generator of the CPU, and the device's where it is another one.

    ``torch.manual_seed`` seeds all there may be: without any it notes down for each, with
    a stack trace, what to do once there is one, which takes milliseconds.

    Args:
        seed: From 0 to 2**64 - 1.
        device: Where the network is.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
