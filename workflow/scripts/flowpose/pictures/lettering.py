"""Words on pictures."""

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

_FONT = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
_INK = (40, 40, 40)
# Words that are too long for their place are smaller, down to this part, and then cut.
_SMALLEST = 0.7


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONT), size)


@lru_cache(maxsize=256)
def _mask(text: str, size: int) -> UInt8[np.ndarray, "h w"]:
    """How much of each pixel a line of text covers, 0 to 255; all lines of a size are as high."""
    font = _font(size)
    picture = Image.new("L", (max(1, round(font.getlength(text))), sum(font.getmetrics())))
    ImageDraw.Draw(picture).text((0, 0), text, fill=255, font=font)
    return np.asarray(picture)


def write(
    picture: UInt8[np.ndarray, "H W 3"],
    text: str,
    size: int,
    *,
    at: float = 0,
    ink: tuple[int, int, int] = _INK,
) -> None:
    """Write a line of text into a picture, half way between its upper and lower border.

    Args:
        size: of the letters, px; smaller if the text is too long.
        at: 0 for flush left, 1 for flush right, 0.5 for in the middle.
    """
    height, width = picture.shape[:2]
    for smaller in range(size, max(1, round(_SMALLEST * size)) - 1, -1):
        mask = _mask(text, smaller)
        if mask.shape[1] <= width:
            break
    mask = mask[:height, :width]
    left, top = round(at * (width - mask.shape[1])), (height - mask.shape[0]) // 2
    part = picture[top : top + mask.shape[0], left : left + mask.shape[1]]
    cover = mask[..., None].astype(np.uint16)
    part[...] = (part * (255 - cover) + np.array(ink, np.uint16) * cover + 127) // 255
