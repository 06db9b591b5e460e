"""Where in the overlay video what is."""

from dataclasses import dataclass

import numpy as np

# The longer side of the video's picture in the overlay, px: what is larger is scaled down, what is
# much smaller is enlarged, so that words and lines have room.
LONGEST, SHORTEST = 1920, 640
# A picture this much wider than high has the panels below, one this much higher than wide in one
# column beside, others two by two beside.
_WIDE, _HIGH = 1.5, 1.3
_LETTERS_PER_SIDE = 40
# The smallest panel, in heights of letters.
_MIN_WIDTH, _MIN_HEIGHT = 13, 15


@dataclass(frozen=True)
class Box:
    """A part of the overlay: its first column and row, its width and height, px."""

    left: int
    top: int
    width: int
    height: int

    def of(self, picture: np.ndarray) -> np.ndarray:
        """This part of a picture, to look at or to draw on."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]

    def rows(self, top: int, height: int) -> "Box":
        """Some rows of it."""
        return Box(self.left, self.top + top, self.width, height)


@dataclass(frozen=True)
class Panel:
    """A panel: a line for its title, and what is below."""

    title: Box
    content: Box


@dataclass(frozen=True)
class Layout:
    """Where what is; nothing overlaps.

    Attributes:
        size: width and height of the overlay, px, even.
        letters: height of letters, px.
        head: a line above all, of the sequence and the time.
        picture: the video's.
        panels: four, of the flow before and after, the pose in space and what colours mean.
        words: a line below, of what is the matter with a frame.
        timeline: below it.
    """

    size: tuple[int, int]
    letters: int
    head: Box
    picture: Box
    panels: tuple[Panel, Panel, Panel, Panel]
    words: Box
    timeline: Box

    @classmethod
    def of(cls, picture: tuple[int, int], flow: tuple[int, int]) -> "Layout":
        """The layout for a picture and flow fields of these sizes (width, height), px."""
        width, height = picture
        letters = max(12, round((width * height) ** 0.5 / _LETTERS_PER_SIDE))
        line, gap = round(1.5 * letters), max(4, letters // 3)
        least = _MIN_HEIGHT * letters
        aspect = flow[0] / flow[1]
        main = Box(gap, gap + line, width, height)
        left, top = main.left + width + gap, main.top
        if width >= _WIDE * height:
            columns, left, top = 4, gap, main.top + height + gap
            w = (width - 3 * gap) // 4
            h = max(min(round(w / aspect), height // 2) + line, least)
            heights = [h] * 4
        elif height >= _HIGH * width:
            columns, h = 1, (height - least - 3 * gap) // 3
            heights = [h, h, h, least]
        else:
            columns, h = 2, max((height - gap) // 2, least)
            heights = [h] * 4
        if columns < 4:
            w = min(round((h - line) * aspect), width)
        w = max(w, _MIN_WIDTH * letters)
        cells = []
        for n, h in enumerate(heights):
            row, column = divmod(n, columns)
            down = sum(heights[:row]) + row * gap if columns < 4 else 0
            cells.append(Box(left + column * (w + gap), top + down, w, h))
        right = max(main.left + width, cells[-1].left + w)
        bottom = max(main.top + height, cells[-1].top + h)
        inner = right - gap
        size = (right + gap, bottom + gap + line + gap + line // 2 + gap)
        return cls(
            size=(size[0] + size[0] % 2, size[1] + size[1] % 2),
            letters=letters,
            head=Box(gap, gap // 2, inner, line),
            picture=main,
            panels=tuple(
                Panel(cell.rows(0, line), cell.rows(line, cell.height - line)) for cell in cells
            ),  # type: ignore[arg-type]
            words=Box(gap, bottom + gap, inner, line),
            timeline=Box(gap, bottom + 2 * gap + line, inner, line // 2),
        )
