"""A video of what the method did to a sequence: poses over its video, flows, the pose in space."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from flowpose.errors import check
from flowpose.flow.field_file import open_flows
from flowpose.pictures.flow_colours import FlowColours, rim_of
from flowpose.pictures.lettering import write
from flowpose.pictures.overlay_key import draw_key, draw_outline
from flowpose.pictures.overlay_layout import LONGEST, SHORTEST, Box, Layout
from flowpose.pictures.palette import ORANGE, rgb
from flowpose.pictures.scene import Scene, between, read_scene
from flowpose.pictures.skeleton_lines import WHITE, draw_skeletons
from flowpose.pictures.turning_view import SQUARE_M, TurningView
from flowpose.video.decoding import open_video
from flowpose.video.encoding import create_video
from flowpose.video.frames_file import View

_MARKED = rgb(ORANGE)
_BLACK, _PALE = (0, 0, 0), (225, 225, 225)


def write_overlay(
    path: Path | str,
    video: Path | str,
    poses: Sequence[Path | str],
    truth: Path | str,
    flows: Sequence[Path | str],
    *,
    title: str,
    cycles: int,
    fps: float | None = None,
    threads: int = 1,
    progress: Callable[[Iterable], Iterable] = iter,
) -> None:
    """Write overlay.mp4: the video from the first frame used to the last, picture by picture.

    Args:
        video: a file, or a folder of pictures.
        poses: pose_0.h5 and, if it was refined, the last pose_k.h5.
        truth: truth.h5.
        flows: flow_k.h5 of the first and the last cycle.
        title: name of the sequence.
        cycles: how many there were.
        fps: pictures a second, of a folder of them.

    Raises:
        InputError: a file is missing or damaged, or the video is not that of the poses.
    """
    scene = read_scene(poses, truth)
    index, info = scene.header.index, scene.header.video
    frames = range(int(index[0]), int(index[-1]) + 1)
    remedy = "is it another video than the poses are of?"
    with (
        open_flows(flows[0]) as before,
        open_flows(flows[-1]) as after,
        open_video(video, threads, fps) as source,
    ):
        check(
            source.size == info.size,
            video,
            f"{source.size[0]} x {source.size[1]} px, expected {info.size[0]} x {info.size[1]}",
            remedy,
        )
        fields = (flow[t] for flow in (before, after) for t in range(len(flow)))
        painter = _Painter(scene, FlowColours(rim_of(fields)), title, cycles)
        start, pair, shown = scene.time(frames[0]), -1, 0
        with create_video(path, painter.size, info.fps, title=title, threads=threads) as overlay:
            for frame, picture in progress(islice(source.pictures(frames), len(frames))):
                if pair < (now := min(int(scene.place(frame)), len(index) - 2)):
                    pair = now
                    painter.show_flows(before[pair], after[pair])
                time = scene.time(frame)
                end = scene.time(frame + 1) if frame < frames[-1] else time + 1 / info.fps
                overlay.add(painter.paint(frame, picture), time - start, end - start)
                shown += 1
            check(shown == len(frames), video, f"it ends before frame {frames[-1]}", remedy)


def shown_view(size: tuple[int, int]) -> View:
    """How a video of a size (width, height) is shown: as it is, unless it is large or small."""
    if max(size) < SHORTEST:
        return View.of(size, None, math.ceil(SHORTEST / max(size)) * size[0])
    return View.of(size, None, None, LONGEST)


class _Painter:
    """Paints one picture after the other, on the same canvas.

    Attributes:
        size: its width and height, px.
    """

    def __init__(self, scene: Scene, colours: FlowColours, title: str, cycles: int) -> None:
        header = scene.header
        self._scene, self._colours = scene, colours
        self._view = shown_view(header.video.size)
        self._layout = Layout.of(self._view.size, header.view.size)
        self.size, self._letters = self._layout.size, self._layout.letters
        self._joints_2d = {who: self._view.to_frame(of) for who, of in scene.joints_2d.items()}
        _, _, space, key = self._layout.panels
        box = space.content
        self._turning = TurningView(scene.joints_3d, (box.width, box.height))
        self._canvas = np.full((*self.size[::-1], 3), 255, np.uint8)
        self._clock = self._split_head(title)
        names = ("Flow before", "Flow after", f"Turning (square: {SQUARE_M:g} m)", "Colours")
        for panel, name in zip(self._layout.panels, names, strict=True):
            write(panel.title.of(self._canvas), name, self._letters)
        draw_key(self._canvas, key.content, self._letters, scene, colours, cycles)
        self._remark: str | None = None
        self._timeline = self._draw_timeline()

    def show_flows(
        self, before: Float[np.ndarray, "H W 2"], after: Float[np.ndarray, "H W 2"]
    ) -> None:
        """Paint two fields, for all pictures until the next ones."""
        for panel, flow in zip(self._layout.panels[:2], (before, after), strict=True):
            box, (height, width) = panel.content, flow.shape[:2]
            scale = min(box.width / width, box.height / height)
            size = (max(1, int(scale * width)), max(1, int(scale * height)))
            place = Box(box.left, box.top, *size).of(self._canvas)
            place[...] = cv2.resize(self._colours(flow), size, interpolation=cv2.INTER_LINEAR)
            cv2.rectangle(place, (0, 0), (size[0] - 1, size[1] - 1), _PALE)

    def paint(self, frame: int, picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "H W 3"]:
        """The overlay of a frame of the video; valid until the next one is painted."""
        place, time = self._scene.place(frame), self._scene.time(frame)
        shown = self._layout.picture.of(self._canvas)
        shown[...] = self._view.cut(picture)
        self._draw_part_used(shown)
        draw_skeletons(shown, between(self._joints_2d, place), self._letters)
        space = self._layout.panels[2].content.of(self._canvas)
        poses = between(self._scene.joints_3d, place)
        self._turning.draw(space, poses, time - self._scene.header.time[0], self._letters)
        clock = self._clock.of(self._canvas)
        clock[...] = 255
        write(clock, f"{time:.2f} s, frame {frame}", self._letters, at=1)
        self._show_remark(self._scene.remarks[int(place + 0.5)])
        self._show_place(place)
        return self._canvas

    def _split_head(self, title: str) -> Box:
        """Write the title; the place beside it for the time."""
        head = self._layout.head
        width = min(16 * self._letters, head.width // 2)
        left = Box(head.left, head.top, head.width - width - self._letters, head.height)
        write(left.of(self._canvas), title, self._letters)
        return Box(head.left + head.width - width, head.top, width, head.height)

    def _draw_part_used(self, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        """Outline the part of the picture that poses and flows are of."""
        header = self._scene.header
        x, y, width, height = header.view.crop
        if (width, height) != header.video.size:
            corners = np.array([[x, y], [x + width, y + height]]) - 0.5
            draw_outline(picture, self._view.to_frame(corners), self._letters)

    def _show_remark(self, remark: str) -> None:
        """Write what is the matter with a frame; else how frames are used."""
        if remark == self._remark:
            return
        self._remark = remark
        place = self._layout.words.of(self._canvas)
        place[...] = _MARKED if remark else WHITE
        step = int(np.median(np.diff(self._scene.header.index)))
        used = f"one frame in {step} is used, poses in between are interpolated" if step > 1 else ""
        room = place[:, self._letters // 2 : -(self._letters // 2)] if remark else place
        write(room, remark or used, self._letters, ink=_BLACK if remark else (90, 90, 90))

    def _draw_timeline(self) -> UInt8[np.ndarray, "h w 3"]:
        """A line from the first frame to the last, with marks where something is the matter."""
        box, n = self._layout.timeline, len(self._scene.remarks)
        strip = np.full((box.height, box.width, 3), 255, np.uint8)
        strip[box.height // 3 : -(box.height // 3)] = _PALE
        for t, remark in enumerate(self._scene.remarks):
            if remark:
                ends = [round((t + d) / (n - 1) * (box.width - 1)) for d in (-0.5, 0.5)]
                strip[:, max(0, ends[0]) : ends[1] + 1] = _MARKED
        return strip

    def _show_place(self, place: float) -> None:
        """The timeline, with a dot at the present frame."""
        strip = self._layout.timeline.of(self._canvas)
        strip[...] = self._timeline
        height, width = strip.shape[:2]
        radius = height // 2
        x = radius + round(place / (len(self._scene.remarks) - 1) * (width - 1 - 2 * radius))
        cv2.circle(strip, (x, height // 2), radius, (60, 60, 60), cv2.FILLED, cv2.LINE_AA)
