import numpy as np
import pytest
import torch
from cases import NETWORKS

from isthmus.core import ValueOutOfRange
from isthmus.geometry import affine_map
from isthmus.geometry.pair import pair, run, slopes


@pytest.mark.parametrize("name", NETWORKS)
def test_slopes_by_pulling_back_are_those_of_the_affine_map(rng, name):
    network, shape = NETWORKS[name]
    n_input = int(np.prod(shape))
    x = rng.normal(size=(5, *shape))
    with torch.no_grad():
        n_output = network(torch.from_numpy(x).to(next(network.parameters()))).flatten(1)
    back = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(n_output.shape[1], n_input)
    ).eval()
    both = pair("f", network, back, x, smooth=False)
    rows = both.rows("f(x=...)", x)
    assert rows.shape == (5, n_input)
    value, slope = slopes(both.whole[: len(both.encoder)], rows)
    expected, offset = affine_map(network, x)
    np.testing.assert_allclose(slope.swapaxes(1, 2).numpy(), expected, atol=1e-12)
    moved = (expected @ rows.numpy()[:, :, None])[:, :, 0] + offset
    np.testing.assert_allclose(value.numpy(), moved, atol=1e-11)
    np.testing.assert_allclose(run(both.encoder, rows).detach().numpy(), value.numpy())


def test_slopes_of_a_smooth_network_agree_with_central_differences(rng):
    network = torch.nn.Sequential(
        torch.nn.Linear(3, 7), torch.nn.Tanh(), torch.nn.Linear(7, 4), torch.nn.SiLU()
    ).eval()
    both = pair("f", network, torch.nn.Linear(4, 3), rng.normal(size=(6, 3)), smooth=True)
    x = torch.from_numpy(rng.normal(size=(6, 3)))
    value, slope = slopes(both.encoder, x)
    with torch.no_grad():
        for column in range(3):
            step = torch.zeros(3, dtype=torch.float64)
            step[column] = 1e-5
            change = run(both.encoder, x + step) - run(both.encoder, x - step)
            np.testing.assert_allclose(slope[:, column], change / 2e-5, atol=1e-9)
    assert "Tanh" in both.smooth


def test_a_decoder_that_ignores_its_code_has_slope_zero():
    class Constant(torch.nn.Module):
        def forward(self, z):
            return torch.ones(len(z), 2, dtype=z.dtype)

    both = pair("f", torch.nn.Linear(2, 1), Constant(), np.ones((1, 2)), smooth=True)
    value, slope = slopes(both.decoder, torch.zeros(4, 1, dtype=torch.float64))
    assert (value == 1.0).all()
    assert slope.shape == (4, 1, 2)
    assert (slope == 0.0).all()


class Noisy(torch.nn.Module):
    def forward(self, z):
        return torch.tanh(z) + torch.randn(len(z), 2)


class Mixing(torch.nn.Module):
    def forward(self, z):
        return torch.tanh(z - z.mean(dim=0))


@pytest.mark.parametrize("decoder", [Noisy(), Mixing()])
def test_networks_that_do_not_take_rows_one_by_one_are_refused(decoder):
    with pytest.raises(ValueOutOfRange, match="where a second one is beside it"):
        pair("f", torch.nn.Linear(2, 2), decoder.eval(), np.eye(2), smooth=True)


def test_activations_in_place_leave_rows_alone():
    smooth = torch.nn.Sequential(torch.nn.ELU(inplace=True), torch.nn.Linear(2, 2)).eval()
    both = pair("f", torch.nn.Identity(), smooth, -np.eye(2), smooth=True)
    x = -torch.eye(2, dtype=torch.float64)
    value, slope = slopes(both.decoder, x)
    torch.testing.assert_close(run(both.decoder, x), value)
    torch.testing.assert_close(x, -torch.eye(2, dtype=torch.float64))
    gain = torch.exp(torch.tensor(-1.0, dtype=torch.float64))
    weight = smooth[1].weight.detach().double()
    torch.testing.assert_close(slope[0], torch.stack([gain * weight[:, 0], weight[:, 1]]))


def test_codes_without_a_number_are_refused():
    with pytest.raises(ValueOutOfRange, match="at least one number"):
        pair("f", Cut(), Wide(), np.eye(2), smooth=True)


class Cut(torch.nn.Module):
    def forward(self, x):
        return x[:, :0]


class Wide(torch.nn.Module):
    def forward(self, z):
        return z.sum(dim=1, keepdim=True).expand(-1, 2)
