"""What lines and colours of an overlay video mean."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from flowpose.pictures.flow_colours import FlowColours
from flowpose.pictures.lettering import write
from flowpose.pictures.overlay_layout import Box
from flowpose.pictures.palette import after_cycles
from flowpose.pictures.scene import Scene
from flowpose.pictures.skeleton_lines import COLOURS, WHITE, draw_sample

_BLACK, _GREY = (0, 0, 0), (150, 150, 150)


def draw_key(
    canvas: UInt8[np.ndarray, "H W 3"],
    box: Box,
    letters: int,
    scene: Scene,
    colours: FlowColours,
    cycles: int,
) -> None:
    """Draw samples of all lines with their names, and the wheel of flow's colours.

    Args:
        box: the part of the canvas to draw on.
        letters: height of letters, px.
        cycles: after how many the pose is that after.
    """
    line = round(1.5 * letters)
    rows = [box.rows(top, line) for top in range(0, box.height, line)]

    def sample_and_words() -> tuple[np.ndarray, np.ndarray]:
        row = rows.pop(0).of(canvas)
        return row[:, : 2 * line], row[:, 2 * line + letters // 2 :]

    names = {"after": after_cycles(cycles)}
    for who in COLOURS:
        if who in scene.joints_2d:
            sample, words = sample_and_words()
            draw_sample(sample, who, letters)
            write(words, names.get(who, who), letters)
    write(rows.pop(0).of(canvas), "joints on the left: hollow", letters)
    if scene.header.view.crop[2:] != scene.header.video.size:
        sample, words = sample_and_words()
        sample[...] = _GREY
        draw_outline(sample, np.array([[0.5, 0.25], [1.5, 0.75]]) * line, letters)
        write(words, "part that is used", letters)
    _draw_wheel(canvas, rows, box, letters, scene, colours)


def draw_outline(
    picture: UInt8[np.ndarray, "H W 3"], corners: Float[np.ndarray, "2 2"], letters: int
) -> None:
    """Draw a rectangle that shows on any ground: white between black."""
    width = max(1, round(letters / 14))
    first, last = (tuple(map(int, corner)) for corner in np.round(corners))
    cv2.rectangle(picture, first, last, _BLACK, 3 * width)
    cv2.rectangle(picture, first, last, WHITE, width)


def _draw_wheel(
    canvas: UInt8[np.ndarray, "H W 3"],
    rows: Sequence[Box],
    box: Box,
    letters: int,
    scene: Scene,
    colours: FlowColours,
) -> None:
    """The wheel in the rows that are left, and how fast its rim is."""
    side = min(box.top + box.height - rows[0].top, 2 * box.width // 5)
    place = Box(box.left, rows[0].top, side, side).of(canvas)
    disc, inside = colours.disc(side)
    place[...] = np.round(255 - (255.0 - disc) * inside[..., None])
    lines = [f"rim: {colours.rim:.3g} px"]
    scale = float(np.mean(scene.header.view.scale))
    if scale != 1:
        lines.append(f"video: {colours.rim / scale:.3g} px")
    lines.append(f"in {float(np.median(np.diff(scene.header.time))):.2g} s")
    for row, words in zip(rows, lines, strict=False):
        write(row.of(canvas)[:, side + letters // 2 :], words, letters)
