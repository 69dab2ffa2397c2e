"""Every instance that runs under a contract."""

from isthmus import frames

SIZES = [(1, 1), (5, 16), (16, 16), (23, 16), (64, 16), (1, 7), (7, 1), (1, 8), (8, 3)]

FRAMES = [
    make(n_code, n_input, rng=1, **kwargs)
    for make, kwargs in (
        (frames.dct, {}),
        (frames.dct, {"rounds": 2}),
        (frames.haar, {}),
        (frames.hadamard, {}),
        (frames.hadamard, {"rounds": 3}),
    )
    for n_code, n_input in SIZES
    if make is not frames.hadamard or max(n_code, n_input).bit_count() == 1
]

OPERATORS = [*FRAMES]
