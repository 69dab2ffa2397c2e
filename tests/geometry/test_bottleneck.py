import pytest
import torch
from torch import nn

from isthmus.core.errors import ValueOutOfRange
from isthmus.geometry import split_at


class Named(nn.Module):
    """Blocks with names, an activation that is a function, and a smooth one."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 2))
        self.up = nn.Linear(2, 5)

    def forward(self, x):
        return self.up(torch.relu(self.down(x)))


@pytest.mark.parametrize(("name", "layers"), [("down", 3), ("down.2", 3), ("down.0", 1)])
def test_both_halves_make_the_whole(name, layers):
    whole = Named().eval()
    encoder, decoder = split_at(whole, name)
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    assert len(encoder) == layers
    assert not encoder.training
    torch.testing.assert_close(decoder(encoder(x)), whole(x))
    assert encoder[0].weight is whole.down[0].weight


@pytest.mark.parametrize("name", ["", "up", "code", "relu.1"])
def test_a_bottleneck_is_a_layer_with_others_after_it(name):
    with pytest.raises(ValueOutOfRange, match=r"There are: down\.0, down\.1, down\.2"):
        split_at(Named(), name)


def test_layers_keep_their_modes():
    whole = nn.Sequential(nn.Linear(4, 2), nn.Dropout(), nn.Linear(2, 4)).eval()
    whole[1].train()
    _, decoder = split_at(whole, "0")
    assert whole[1].training
    assert decoder[0].training
