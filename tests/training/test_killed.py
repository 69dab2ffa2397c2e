import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import isthmus
from isthmus.training.checkpoint import read_checkpoint

SCRIPT = """
import sys
import numpy as np
from safetensors.numpy import save
from isthmus.core.files import write_whole
from isthmus.models import DenseAutoencoder
from isthmus.models.state import arrays_of
from isthmus.training import train_autoencoder
from pathlib import Path

folder, checkpoint = Path(sys.argv[1]), sys.argv[2]
rows = np.random.default_rng(0).standard_normal((1500, 40)).cumsum(axis=1)
network = DenseAutoencoder(40, 3, hidden_layer_sizes=(128, 64), rng=0)
print("ready", flush=True)
found = train_autoencoder(
    network, rows[:1200], validation=rows[1200:], n_epochs=40, batch_size=32, rng=0,
    optimizer="adamw", weight_decay=0.01, clip_norm=1.0, patience=35, device="cpu",
    checkpoint=None if checkpoint == "none" else folder / checkpoint,
)
arrays = arrays_of(network) | {"mse": found.history.mse}
arrays |= {"validation_mse": found.history.validation_mse}
write_whole(folder / f"{checkpoint}.weights", save(arrays))
"""


def started(folder, checkpoint, script=SCRIPT):
    """A process that is about to train."""
    source = str(Path(isthmus.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script, str(folder), checkpoint]
    run = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
    with run.stdout as told:
        assert told.readline() == b"ready\n"
    return run


@pytest.mark.slow
def test_a_run_killed_at_five_random_moments_ends_with_the_same_bytes(tmp_path):
    assert started(tmp_path, "none").wait() == 0
    path, epochs = tmp_path / "run.safetensors", [0]
    for moment in np.random.default_rng().uniform(0.0, 0.12, 5):
        before = path.stat().st_mtime_ns if path.exists() else 0
        run = started(tmp_path, path.name)
        while not path.exists() or path.stat().st_mtime_ns == before:
            assert run.poll() is None
            time.sleep(0.001)
        time.sleep(moment)
        os.kill(run.pid, signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        assert not (tmp_path / "run.safetensors.weights").exists()
        # Under its final name a checkpoint is always whole: reading checks every byte.
        epochs.append(read_checkpoint(path).state["epoch"])
        names = {p.name for p in tmp_path.iterdir()}
        assert names <= {"none.weights", path.name, f".{path.name}.part"}
    assert epochs == sorted(set(epochs))  # every process went on from the one before
    assert epochs[-1] < 40, epochs
    assert started(tmp_path, "run.safetensors").wait() == 0
    # Even where a kill met the middle of a write, the next write cleans it away.
    assert not (tmp_path / f".{path.name}.part").exists()
    alone, killed = (tmp_path / f"{n}.weights" for n in ("none", "run.safetensors"))
    assert alone.read_bytes() == killed.read_bytes()
    assert load_file(alone)["mse"].size == 40


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_write_leaves_the_state_before(tmp_path):
    slow = "import os, time\nos.fsync = lambda handle: time.sleep(0.3)\n" + SCRIPT
    path, part = tmp_path / "c.safetensors", tmp_path / ".c.safetensors.part"
    for least in (0, 1, 1):
        run = started(tmp_path, path.name, slow)
        while not (part.exists() and (path.exists() or least == 0)):
            assert run.poll() is None
            time.sleep(0.01)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        assert part.exists()
        assert path.exists() == (least > 0)
        if least:
            assert read_checkpoint(path).state["epoch"] >= 1
            part.unlink()
    assert started(tmp_path, path.name).wait() == 0
    assert not part.exists()
