"""Transform coding on one core, against the matrix product that it cannot do without."""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import numpy as np
from harness import least_seconds, write

from isthmus.estimators import TransformCoder


def coding(power: float, *, d: int = 768, n_rows: int = 16_384) -> dict[str, float]:
    """Microseconds per row at rate 1, float32, eigenvalues k^-power."""
    deviation = np.arange(1, d + 1) ** (-0.5 * power)
    x = (np.random.default_rng(0).standard_normal((n_rows, d)) * deviation).astype("f4")
    coder = TransformCoder(rate=1).fit(x)
    codes, basis = coder.transform(x), coder.basis_.astype(np.float32)
    coordinates = x @ basis
    works = {
        "encode": lambda: coder.transform(x),
        "encode_floor": lambda: x @ basis,
        "decode": lambda: coder.inverse_transform(codes),
        "decode_floor": lambda: coordinates @ basis.T,
    }
    least = least_seconds(works, 12)
    figures = {f"{name}_us": 1e6 * value / n_rows for name, value in least.items()}
    figures["directions"] = float(basis.shape[1])
    figures["encode_over_floor"] = least["encode"] / least["encode_floor"]
    figures["decode_over_floor"] = least["decode"] / least["decode_floor"]
    return figures


def main() -> None:
    write("transform_coding", {f"k^-{power:g}": coding(power) for power in (0.0, 1.0, 2.0)})


if __name__ == "__main__":
    main()
