from isthmus.training.descend import Descent, descend
from isthmus.training.routes import orthonormal_rows, tight_frame, water_filled_rows

__all__ = [
    "Descent",
    "descend",
    "orthonormal_rows",
    "tight_frame",
    "water_filled_rows",
]
