"""Training of 784-128-32-128-784 on MNIST against a bare torch loop and other libraries.

Batch 256, 20 epochs, one thread; all take the same centred rows, and turns, each run in a
process of its own. Processor seconds leave out what other processes took meanwhile. `make
rivals` makes the virtual environments of the pinned peers in ``envs/``; one that is missing
is left out and named. ``--rounds`` says how many turns, ``--epochs`` how many epochs.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from deep_rivals import BATCH, N_CODE, N_HIDDEN, RATE, race
from harness import write

HERE = Path(__file__).parent
VALIDATION = 5000


def data() -> dict[str, np.ndarray]:
    """Centred rows in units of their root mean square: 60 000, and 10 000 held out."""
    with np.load(Path(os.environ["ISTHMUS_DATA"]) / "mnist.npz") as file:
        parts = [file[name].reshape(-1, 784) / 255.0 for name in ("x_train", "x_test")]
    mean = parts[0].mean(axis=0)
    scale = np.sqrt(np.mean((parts[0] - mean) ** 2))
    train, test = (((part - mean) / scale).astype(np.float32) for part in parts)
    return {"train": train, "validation": test[:VALIDATION], "test": test[VALIDATION:]}


def ours(x, epochs, **options):
    """The trainer alone, with the constant learning rate of the bare loop."""
    import torch

    from isthmus.models import DenseAutoencoder
    from isthmus.training import train_autoencoder

    net = DenseAutoencoder(x.shape[1], N_CODE, hidden_layer_sizes=(N_HIDDEN,), rng=0)
    same = {"n_epochs": epochs, "batch_size": BATCH, "learning_rate": RATE}
    train_autoencoder(
        net, x, rng=0, device="cpu", **same, **{"schedule": "constant"} | options
    )
    return lambda y: net(torch.from_numpy(y)).detach().numpy()


def ours_guarded(x, epochs):
    """With clipping, validation rows and a checkpoint every epoch."""
    with np.load(sys.argv[3]) as file, tempfile.TemporaryDirectory() as folder:
        held, path = file["validation"], Path(folder) / "run.safetensors"
        return ours(x, epochs, validation=held, checkpoint=path, clip_norm=1.0)


def estimator(x, epochs):
    """DeepAutoencoder.fit as it comes: checks, split, cosine schedule, checkpoints."""
    from isthmus import DeepAutoencoder

    with tempfile.TemporaryDirectory() as folder:
        model = DeepAutoencoder(
            N_CODE,
            hidden_layer_sizes=(N_HIDDEN,),
            n_epochs=epochs,
            batch_size=BATCH,
            checkpoint=Path(folder) / "run.safetensors",
            device="cpu",
            random_state=0,
        ).fit(x)
    return lambda y: model.inverse_transform(model.transform(y))


OURS = {"ours": ours, "ours_guarded": ours_guarded, "estimator": estimator}


def child(name: str, path: str, epochs: int) -> dict[str, float]:
    """One contestant in a process of its own, by its own interpreter."""
    command = [sys.executable, str(HERE / "deep_rivals.py"), name, path, str(epochs)]
    if name in OURS:
        command = [sys.executable, __file__, "--child", name, path, str(epochs)]
    elif name == "pythae":
        command[0] = str(HERE / "envs" / name / "bin" / "python")
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env={**os.environ, **threads}
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(name, found, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    if "ISTHMUS_DATA" not in os.environ:
        print("bench_deep_training needs mnist.npz in the folder $ISTHMUS_DATA")
        return
    names = ["bare", "bare_fused", "ours", "ours_guarded", "estimator", "sklearn"]
    left_out = [] if (HERE / "envs/pythae/bin/python").exists() else ["pythae"]
    names += [] if left_out else ["pythae"]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows.npz")
        np.savez(path, **data())
        for _ in range(given.rounds):
            for name in names:
                runs[name].append(child(name, path, given.epochs))
    figures: dict[str, object] = {
        "threads": 1, "epochs": given.epochs, "rounds": given.rounds, "left_out": left_out
    }  # fmt: skip
    for name, found in runs.items():
        told: dict[str, float] = {"held_out_nmse": found[0]["nmse"]}
        for key in ("seconds", "processor_seconds"):
            ratios = [a[key] / b[key] for a, b in zip(found, runs["bare"], strict=True)]
            told[key] = statistics.median(run[key] for run in found)
            told[f"{key}_over_bare_loop"] = statistics.median(ratios)
        figures[name] = told
    write("deep_training", figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        race(OURS[sys.argv[2]], *sys.argv[3:])
    else:
        main()
