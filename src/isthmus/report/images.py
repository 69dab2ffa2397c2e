"""Sample images as PNG ``data:`` addresses, without an imaging library."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

MAX_SIDE = 96
_NEGATIVE, _POSITIVE = (0, 114, 178), (213, 94, 0)  # blue and vermillion of the figures


def image_urls(
    samples: np.ndarray, sample_shape: tuple[int, ...] | None, *, at_most: int = 16
) -> tuple[str, ...]:
    """Draw samples that are images; nothing when they are not.

    Images are two-dimensional, or three-dimensional with one or three channels last.
    The smallest finite value drawn is black and the largest is white.

    Args:
        samples: Rows, all columns.
        sample_shape: Shape of one sample.
        at_most: How many to draw.

    Returns:
        One address per image; empty if the samples are no images.
    """
    if sample_shape is None or not _fits(samples, sample_shape):
        return ()
    chosen = np.asarray(samples[:at_most], dtype=np.float64)
    finite = chosen[np.isfinite(chosen)]
    if not finite.size:
        return ()
    low, high = float(finite.min()), float(finite.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    levels = np.nan_to_num((chosen - low) * scale, nan=0.0, posinf=255.0, neginf=0.0)
    pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    height, width = sample_shape[:2]
    step = -(-max(height, width) // MAX_SIDE)
    pictures = pixels.reshape(-1, height, width, *sample_shape[2:])
    return tuple(_data_url(picture[::step, ::step]) for picture in pictures)


def pair_urls(
    rows: np.ndarray, back: np.ndarray, sample_shape: tuple[int, ...] | None
) -> tuple[tuple[str, str], ...]:
    """Draw each row beside its reconstruction, both of a pair on one scale.

    Args:
        rows: Originals, all columns.
        back: Their reconstructions.
        sample_shape: Shape of one sample.

    Returns:
        Two addresses per row; empty if the rows are no images or nothing in them is
        finite.
    """
    drawn = [
        image_urls(np.stack(pair), sample_shape) for pair in zip(rows, back, strict=True)
    ]
    return tuple((pair[0], pair[1]) for pair in drawn if len(pair) == 2)


def signed_urls(fields: np.ndarray) -> tuple[str, ...]:
    """Draw fields in two colours about white, which is 0, all on one scale.

    Args:
        fields: "picture row column"; blue where negative, orange where positive.

    Returns:
        One address per picture.

    Examples:
        >>> len(signed_urls(np.array([[[0.0, 1.0]], [[-0.5, 0.0]]])))
        2
    """
    largest = float(np.abs(fields).max(initial=0.0))
    share = fields / largest if largest > 0 else np.zeros_like(fields)
    away = np.abs(share)[..., None]
    ends = np.where(share[..., None] < 0, _NEGATIVE, _POSITIVE)
    pixels = np.rint(255.0 * (1.0 - away) + ends * away).astype(np.uint8)
    return tuple(_data_url(picture) for picture in pixels)


def shrunk(picture: np.ndarray, most: int = MAX_SIDE) -> np.ndarray:
    """Means of blocks of a picture, so that no side is longer than `most`.

    Examples:
        >>> shrunk(np.arange(4.0)[None], 2).tolist(), shrunk(np.eye(3)).shape
        ([[0.5, 2.5]], (3, 3))
    """
    for axis in (0, 1):
        size = picture.shape[axis]
        starts = np.unique(
            np.linspace(0, size, min(size, most), endpoint=False).astype(int)
        )
        counts = np.diff(np.append(starts, size))
        sums = np.add.reduceat(picture, starts, axis=axis)
        picture = sums / (counts[:, None] if axis == 0 else counts)
    return picture


def _fits(samples: np.ndarray, sample_shape: tuple[int, ...]) -> bool:
    """Whether rows are images of this shape."""
    flat = samples.ndim == 2 and samples.shape[1] == int(np.prod(sample_shape))
    return is_image(sample_shape) and flat


def is_image(sample_shape: tuple[int, ...] | None) -> bool:
    """Whether a sample of this shape can be drawn.

    Examples:
        >>> is_image((8, 8)), is_image((32, 32, 3)), is_image((61,)), is_image(None)
        (True, True, False, False)
    """
    if sample_shape is None or len(sample_shape) not in (2, 3) or 0 in sample_shape:
        return False
    return len(sample_shape) == 2 or sample_shape[2] in (1, 3)


def png(pixels: np.ndarray) -> bytes:
    """Encode grey ``(height, width)`` or colour ``(height, width, 3)`` bytes as PNG.

    Args:
        pixels: Unsigned bytes.

    Returns:
        The file.

    Examples:
        >>> png(np.zeros((2, 2), dtype=np.uint8))[1:4]
        b'PNG'
    """
    height, width = pixels.shape[:2]
    colour_type = 2 if pixels.ndim == 3 else 0
    rows = pixels.reshape(height, -1)
    raw = np.hstack([np.zeros((height, 1), dtype=np.uint8), rows]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body))
        + name
        + body
        + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _data_url(picture: np.ndarray) -> str:
    flat = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    return "data:image/png;base64," + base64.b64encode(png(flat)).decode("ascii")
