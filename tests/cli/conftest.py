import numpy as np
import pytest

from isthmus.cli.main import run


@pytest.fixture
def isthmus(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = run([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """Words of a command that reports on few rows in little time."""
    path = tmp_path_factory.mktemp("few") / "few.npy"
    np.save(path, np.random.default_rng(0).standard_normal((150, 6)).cumsum(axis=1))
    return [path, "--rate", "1", "--budget", "5"]
