"""The parts of flow fields that lie around a person's joints, kept instead of the whole fields."""

import numpy as np
from jaxtyping import Bool, Float, Int

from flowpose.errors import check
from flowpose.runtime.streams import Stream

# Of the image's longer side: joints mostly move by less while a pose is refined.
_MARGIN = 1 / 40


class FlowPatches:
    """A square of each field around each of some points, px.

    Of 1,000 fields of 1000 x 1000 px it keeps 300 MB for 14 joints instead of 8 GB. What lies
    beyond a square is not lost: whoever asks for it has the field read again, and the squares of
    that field moved there. Beyond the image the flow of the nearest border continues.

    Attributes:
        size: width and height of the fields, px.
    """

    def __init__(
        self,
        flows: Stream[Float[np.ndarray, "H W 2"]],
        points: Float[np.ndarray, "pairs J 2"],
        margin: int | None = None,
    ) -> None:
        """Read the fields one after the other.

        Args:
            flows: a field a pair of frames.
            points: x, y around which the squares are taken; where not finite, (0, 0).
            margin: of a square around its point, px; by default a 40th of the longer side.

        Raises:
            InputError: there are not as many fields as points' frames.
        """
        check(
            len(flows) == len(points),
            "flow",
            f"{len(flows)} fields for {len(points)} pairs of frames",
        )
        height, width = flows[0].shape[:2]
        self.size = width, height
        self._flows = flows
        self._margin = round(_MARGIN * max(height, width)) if margin is None else margin
        self._side = 2 * self._margin + 2
        shape = points.shape[:2]
        self._origin = np.zeros((*shape, 2), np.intp)
        self._values = np.empty((*shape, self._side, self._side, 2), np.float32)
        self._first = np.arange(points[..., 0].size).reshape(shape) * self._side**2
        centres = np.clip(np.nan_to_num(points), 0, np.array(self.size) - 1).astype(np.intp)
        for t in range(len(flows)):
            self._read(t, centres[t])

    def corners(
        self, x: Int[np.ndarray, "pairs J"], y: Int[np.ndarray, "pairs J"]
    ) -> tuple[Float[np.ndarray, "pairs J 2"], ...]:
        """Flow at pixels (x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1) of each field."""
        local_x, local_y = x - self._origin[..., 0], y - self._origin[..., 1]
        beyond = self._beyond(local_x) | self._beyond(local_y)
        if beyond.any():
            for t in np.flatnonzero(beyond.any(1)).tolist():
                self._read(t, np.stack([x[t], y[t]], -1))
            return self.corners(x, y)
        index = self._first + local_y * self._side + local_x
        pixels = self._values.reshape(-1, 2)
        return tuple(
            pixels.take(index + offset, axis=0) for offset in (0, 1, self._side, self._side + 1)
        )

    def _beyond(self, local: Int[np.ndarray, "pairs J"]) -> Bool[np.ndarray, "pairs J"]:
        """Whether a pixel or the one after it is not in its square."""
        return (local < 0) | (local > self._side - 2)

    def _read(self, t: int, centres: Int[np.ndarray, "J 2"]) -> None:
        self._origin[t] = centres - self._margin
        width, height = self.size
        steps = np.arange(self._side)
        columns, rows = (self._origin[t, :, i, None] + steps for i in (0, 1))
        columns, rows = np.clip(columns, 0, width - 1), np.clip(rows, 0, height - 1)
        pixels = self._flows[t].reshape(-1, 2)
        self._values[t] = pixels.take(rows[:, :, None] * width + columns[:, None], axis=0)
