"""The flow of a doll of flat strips before a wall that stands still, without pictures."""

import cv2
import numpy as np
from jaxtyping import Float, Int
from mini_human36m_render import STRIPS


class StripFlow:
    """A field a pair of frames, computed when it is first asked for.

    A strip covers the bone and half its width beyond either end. Where strips lie over each other
    it is the nearest one that moves; beside the doll nothing does.
    """

    def __init__(
        self,
        pixels: Float[np.ndarray, "T 32 2"],
        depth: Float[np.ndarray, "T 32"],
        px_per_m: Float[np.ndarray, "T 32"],
        side: int,
    ) -> None:
        """Joints in px, their depths in m, px a m there, and the side of the frames, px."""
        starts, ends = (pixels[:, [strip[end] for strip in STRIPS]] for end in (0, 1))
        depths = [depth[:, strip[:2]].mean(1) + strip[3] for strip in STRIPS]
        self._order = np.argsort(-np.stack(depths, 1), axis=1)
        along = ends - starts
        length = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
        scale = np.stack([px_per_m[:, strip[:2]].mean(1) for strip in STRIPS], 1)
        half_width = scale * [strip[2] for strip in STRIPS]
        across = np.stack([-along[..., 1], along[..., 0]], -1) / length * half_width[..., None]
        tip = along / length * half_width[..., None]
        self._corners = np.stack(
            [
                starts - tip + across,
                ends + tip + across,
                ends + tip - across,
                starts - tip - across,
            ],
            2,
        )
        axes = np.stack([along, across], -1)
        self._moves = axes[1:] @ np.linalg.pinv(axes[:-1])
        self._start = starts
        self._side = side
        self._fields: dict[int, Float[np.ndarray, "side side 2"]] = {}

    def __len__(self) -> int:
        return len(self._start) - 1

    def __getitem__(self, t: int) -> Float[np.ndarray, "side side 2"]:
        if t not in self._fields:
            self._fields[t] = self._field(t)
        return self._fields[t]

    def _field(self, t: int) -> Float[np.ndarray, "side side 2"]:
        owner = self._owner(t)
        rows, columns = np.nonzero(owner >= 0)
        strips = owner[rows, columns]
        points = np.stack([columns, rows], -1)
        local = np.einsum("nij,nj->ni", self._moves[t, strips], points - self._start[t, strips])
        flow = np.zeros((self._side, self._side, 2), np.float32)
        flow[rows, columns] = self._start[t + 1, strips] + local - points
        return flow

    def _owner(self, t: int) -> Int[np.ndarray, "side side"]:
        """The strip that each pixel is of; -1: none."""
        owner = np.full((self._side, self._side), -1, np.int32)
        for strip in self._order[t]:
            # With four binary digits after the point.
            corners = np.rint(self._corners[t, strip] * 16).astype(np.int32)
            cv2.fillConvexPoly(owner, corners, int(strip), shift=4)
        return owner
