import numpy as np
import pytest
import torch

from isthmus.models import DenseAutoencoder
from isthmus.topology.layout import layout
from isthmus.training.encoder_start import LEAST_ROWS, lay_out


def test_codes_come_near_to_the_layout_and_rows_back(rng):
    angle = rng.uniform(0, 2 * np.pi, 120)
    rows = np.column_stack([np.cos(angle), np.sin(angle), 0.1 * np.cos(2 * angle)])
    rows = np.unique(rows.astype(np.float32), axis=0)
    network = DenseAutoencoder(3, 2, hidden_layer_sizes=(32,), activation="tanh", rng=0)
    lay_out(network, rows, np.random.default_rng(0))
    with torch.no_grad():
        codes = network.encoder(torch.from_numpy(rows)).numpy()
        back = network(torch.from_numpy(rows)).numpy()
    assert np.mean((codes - layout(rows.astype(float), 2)) ** 2) < 0.01
    assert np.mean((back - rows) ** 2) < 0.01


@pytest.mark.parametrize("n_rows", [1, LEAST_ROWS - 1])
def test_few_rows_change_nothing(n_rows, rng):
    network = DenseAutoencoder(3, 2, rng=0)
    before = {name: part.clone() for name, part in network.state_dict().items()}
    lay_out(network, rng.normal(size=(n_rows, 3)), np.random.default_rng(0))
    for name, part in network.state_dict().items():
        assert torch.equal(part, before[name])
