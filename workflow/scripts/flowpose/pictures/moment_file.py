"""The file of a moment, from which a picture is drawn when frames and flows are gone."""

from pathlib import Path

import numpy as np

from flowpose.pictures.moment import Moment
from flowpose.pose.skeletons import METRO_14
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance

_TIMES = ("before", "after")


def write_moment(path: Path | str, moment: Moment, provenance: Provenance) -> None:
    """Write a moment's picture, poses, motions and flows."""
    with stage_files.create(path, provenance) as h5:
        h5.attrs["pair"] = moment.pair
        stage_files.add(h5, "picture", moment.picture, axes="y x rgb")
        for kind, of in (("poses", moment.poses), ("motions", moment.motions)):
            group = h5.create_group(kind)
            for who, points in of.items():
                stage_files.add(
                    group, who, points, axes="joint xy", unit="px", joints=METRO_14.joints
                )
        for when, flow in zip(_TIMES, moment.flows, strict=True):
            stage_files.add(h5, f"flow_{when}", flow.astype(np.float32), axes="y x xy", unit="px")


def read_moment(path: Path | str) -> Moment:
    """Read what `write_moment` wrote.

    Raises:
        InputError: the file is damaged.
    """
    with stage_files.opened(path) as h5:
        before, after = (stage_files.read(h5, f"flow_{when}", (None, None, 2)) for when in _TIMES)
        return Moment(
            int(h5.attrs["pair"]),
            stage_files.read(h5, "picture", (None, None, 3)),
            poses={who: stage_files.read(h5["poses"], who, (14, 2)) for who in h5["poses"]},
            motions={who: stage_files.read(h5["motions"], who, (14, 2)) for who in h5["motions"]},
            flows=(before, after),
        )
