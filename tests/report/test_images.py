import base64
import struct
import zlib

import numpy as np

from isthmus.report.images import image_urls, png


def test_png_holds_its_pixels():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    data = png(pixels)
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert (width, height, depth, colour) == (4, 2, 8, 2)
    start = data.index(b"IDAT")
    size = struct.unpack(">I", data[start - 4 : start])[0]
    raw = zlib.decompress(data[start + 4 : start + 4 + size])
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(2, 13)
    assert rows[:, 0].tolist() == [0, 0]
    np.testing.assert_array_equal(rows[:, 1:].reshape(2, 4, 3), pixels)


def test_images_need_a_shape_that_fits():
    rows = np.arange(128.0).reshape(2, 64)
    assert len(image_urls(rows, (8, 8))) == 2
    assert len(image_urls(rows, (8, 8, 1))) == 2
    for shape in (None, (64,), (8, 9), (4, 8, 2)):
        assert image_urls(rows, shape) == ()
    big = image_urls(np.zeros((1, 300 * 200)), (300, 200))[0]
    header = base64.b64decode(big.split(",")[1])[16:24]
    assert max(struct.unpack(">II", header)) <= 96
