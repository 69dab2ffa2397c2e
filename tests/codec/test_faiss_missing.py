import sys

import numpy as np
import pytest

from isthmus.codec.faiss import read_index, sign_codes, to_binary_index, train_index
from isthmus.core import MissingDependency


@pytest.mark.parametrize(
    "call",
    [
        lambda: sign_codes("LSH", np.eye(8)),
        lambda: train_index("LSH", np.eye(8)),
        lambda: to_binary_index(np.ones((2, 8))),
        lambda: read_index(__file__),
    ],
)
def test_without_faiss_the_extra_is_named(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependency, match=r"pip install 'isthmus\[faiss\]'"):
        call()
