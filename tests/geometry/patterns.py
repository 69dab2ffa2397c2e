"""Networks, and what their layers do at given points, by torch alone."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def dense(widths, seed, *, activation=nn.ReLU, bias=True):
    """Random fully connected network in float64, linear at the end."""
    torch.manual_seed(seed)
    layers = []
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(n_in, n_out, bias=bias), activation()]
    return nn.Sequential(*layers[:-1]).double().eval()


def pooled(seed, *, kernel=2, bias=True, side=6):
    """Convolution, ReLU, max-pool, convolution, leaky ReLU, dense: back to its input."""
    torch.manual_seed(seed)
    flat = 3 * ((side - kernel) // kernel + 1) ** 2
    return (
        nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            nn.Conv2d(1, 3, 3, padding=1, bias=bias),
            nn.ReLU(),
            nn.MaxPool2d(kernel),
            nn.Flatten(),
            nn.Linear(flat, 6, bias=bias),
            nn.LeakyReLU(0.1),
            nn.Linear(6, side * side, bias=bias),
        )
        .double()
        .eval()
    )


def randomly(network, seed):
    """The network with Gaussian weights, which cut a square more often than torch's."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = 1.0 if parameter.ndim == 1 else parameter[0].numel() ** -0.5
            parameter.copy_(
                scale * torch.randn(parameter.shape, generator=generator).double()
            )
    return network


def pattern(network, inputs):
    """Integers that tell in which way each layer acts on each row."""
    x, found = torch.as_tensor(np.asarray(inputs)), []
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.MaxPool2d):
                _, won = F.max_pool2d(
                    x, layer.kernel_size, layer.stride, layer.padding, return_indices=True
                )
                found.append(won.flatten(1))
            elif isinstance(layer, (nn.ReLU, nn.LeakyReLU, nn.PReLU)):
                found.append((x > 0).flatten(1).long())
            elif isinstance(layer, nn.Hardtanh):
                above = (x > layer.min_val).long() + (x > layer.max_val).long()
                found.append(above.flatten(1))
            x = layer(x)
    return torch.cat(found, dim=1).numpy().astype(np.int16)


def distinct(codes):
    """Different rows as a set of bytes."""
    return {row.tobytes() for row in np.ascontiguousarray(codes)}


def answers(network, inputs):
    """The network's answers, flat."""
    with torch.no_grad():
        return network(torch.as_tensor(np.asarray(inputs))).flatten(1).numpy()
