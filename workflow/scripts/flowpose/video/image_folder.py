"""A folder of pictures in the place of a video."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps

from flowpose.errors import InputError, check
from flowpose.storage.whole_files import check_readable

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class ImageFolder:
    """A folder of pictures, one a frame, in the order of the numbers in their names.

    Attributes:
        size: width and height of the pictures, px, turned upright as their files say.
    """

    def __init__(self, folder: Path | str, fps: float) -> None:
        self._folder, self._fps = folder, fps
        files = [path for path in Path(folder).iterdir() if not path.name.startswith(".")]
        self._files = sorted((path for path in files if is_picture(path)), key=_natural)
        check(bool(self._files), folder, f"a folder without pictures ({', '.join(PICTURES)})")
        self.size = _read(self._files[0]).shape[1::-1]

    def pictures(self, used: range) -> Iterator[tuple[int, UInt8[np.ndarray, "h w 3"]]]:
        """Of frames in `used`, their index and RGB.

        Raises:
            InputError: a picture cannot be read, or is of another size than the first.
        """
        for index, file in enumerate(self._files):
            if index not in used:
                continue
            picture = _read(file)
            width, height = picture.shape[1::-1]
            check(
                (width, height) == self.size,
                file,
                f"{width} x {height} px, {self._files[0].name} has {self.size[0]} x {self.size[1]}",
                "all pictures of a folder must be of one size",
            )
            yield index, picture

    @property
    def times(self) -> Float[np.ndarray, "F"]:
        """When each picture is shown, s after the first."""
        return np.arange(len(self._files)) / self._fps

    def rate(self, frames: Sequence[int]) -> float:
        """How many of these frames, given by ascending indices, are shown a second."""
        span = frames[-1] - frames[0]
        return (len(frames) - 1) / span * self._fps if span else 0.0


def is_picture(path: Path) -> bool:
    """Whether a file's name is that of a picture."""
    return path.suffix.lower() in PICTURES


def _natural(path: Path) -> tuple[list[int | str], str]:
    """By this, picture 10 comes after picture 9."""
    # Text and numbers take turns, so that like is compared with like.
    parts = re.split(r"(\d+)", path.name.lower())
    return [int(part) if n % 2 else part for n, part in enumerate(parts)], path.name


def _read(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a picture, turned as its file says."""
    try:
        with Image.open(path) as picture:
            check(
                not picture.mode.startswith(("I", "F")),
                path,
                f"grey levels of more than 8 bits (mode {picture.mode})",
                "convert the pictures to 8 bits a channel",
            )
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        check_readable(path)
        raise InputError(f"{path}: no picture that can be read ({error})") from error
