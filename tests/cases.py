"""Every instance that runs under a contract."""

from isthmus import frames

FRAMES = [
    make(n_code, n_input, rng=1)
    for make in (frames.dct, frames.haar)
    for n_code, n_input in [(1, 1), (5, 16), (16, 16), (23, 16), (64, 16), (1, 7), (7, 1)]
]
