"""Autoencoders 784-128-32-128-784 of others on the same rows; each a function of them.

``python deep_rivals.py NAME ROWS.npz EPOCHS`` trains one and prints its seconds and its
held-out NMSE. The file is also run by the interpreters of ``envs/``, which know nothing of
isthmus.
"""

import json
import sys
import tempfile
import time
import warnings

import numpy as np

N_INPUT, N_HIDDEN, N_CODE = 784, 128, 32
BATCH, RATE = 256, 1e-3


def layers():
    import torch

    sizes = (N_INPUT, N_HIDDEN, N_CODE, N_HIDDEN, N_INPUT)
    first, second, third, last = (
        torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)
    )
    return first, torch.nn.ReLU(), second, third, torch.nn.ReLU(), last


def bare(x, epochs, *, fused=False):
    """What one would write by hand."""
    import torch

    torch.manual_seed(0)
    rows, net = torch.from_numpy(x), torch.nn.Sequential(*layers())
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE, fused=fused)
    for _ in range(epochs):
        for index in torch.randperm(len(rows)).split(BATCH):
            batch = rows[index]
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(net(batch), batch).backward()
            optimiser.step()
    return lambda y: net(torch.from_numpy(y)).detach().numpy()


def bare_fused(x, epochs):
    """The same with torch's fused optimiser."""
    return bare(x, epochs, fused=True)


def sklearn(x, epochs):
    """MLPRegressor(X, X)."""
    from sklearn.neural_network import MLPRegressor

    warnings.simplefilter("ignore")
    model = MLPRegressor(
        hidden_layer_sizes=(N_HIDDEN, N_CODE, N_HIDDEN),
        batch_size=BATCH,
        learning_rate_init=RATE,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        random_state=0,
    )
    return model.fit(x, x).predict


def pythae(x, epochs):
    """Pythae's autoencoder and trainer, with the same layers."""
    import logging

    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.models import AE, AEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    given = layers()

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Sequential(*given[:3])

        def forward(self, x):
            return ModelOutput(embedding=self.net(x))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Sequential(*given[3:])

        def forward(self, z):
            return ModelOutput(reconstruction=self.net(z))

    model = AE(AEConfig(input_dim=(N_INPUT,), latent_dim=N_CODE), Encoder(), Decoder())
    rows = torch.from_numpy(x)
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            learning_rate=RATE,
            per_device_train_batch_size=BATCH,
            no_cuda=True,
            seed=0,
        )
        BaseTrainer(model, BaseDataset(rows, torch.zeros(len(rows))), None, config).train()
    net = torch.nn.Sequential(*given)
    return lambda y: net(torch.from_numpy(y)).detach().numpy()


RIVALS = {"bare": bare, "bare_fused": bare_fused, "sklearn": sklearn, "pythae": pythae}


def race(train, path, epochs):
    """Seconds of training after a short run that loads what is loaded late, and NMSE."""
    with np.load(path) as file:
        x, test = file["train"], file["test"]
    train(x[: 2 * BATCH], 1)
    began, busy = time.perf_counter(), time.process_time()
    reconstruct = train(x, int(epochs))
    taken = {
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - busy,
    }
    error = np.square(test - reconstruct(test), dtype=np.float64).sum()
    energy = np.square(test - x.mean(axis=0), dtype=np.float64).sum()
    print(json.dumps({**taken, "nmse": float(error / energy)}))


if __name__ == "__main__":
    race(RIVALS[sys.argv[1]], *sys.argv[2:])
