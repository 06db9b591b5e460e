"""The file of a moment, from which pictures are drawn when frames and flows are gone."""

from pathlib import Path

import numpy as np

from flowpose.flow.true_flow_file import TrueField
from flowpose.pictures.moment import Moment
from flowpose.pose.skeletons import METRO_14
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance

_TIMES = ("before", "after")


def write_moment(path: Path | str, moment: Moment, provenance: Provenance) -> None:
    """Write moment.h5."""
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
        if moment.true_flow is not None:
            true = moment.true_flow.flow.astype(np.float32)
            stage_files.add(h5, "true_flow", true, axes="y x xy", unit="px")
            if moment.true_flow.person is not None:
                stage_files.add(h5, "person", moment.true_flow.person, axes="y x")
        group = h5.create_group("losses")
        for stage, loss in moment.losses.items():
            axes, unit = ("pass pair", "px") if loss.ndim == 2 else ("step", "")
            stage_files.add(group, stage, loss, axes=axes, unit=unit)


def read_moment(path: Path | str) -> Moment:
    """Read what `write_moment` wrote.

    Raises:
        InputError: the file is damaged.
    """
    with stage_files.opened(path) as h5:
        before, after = (stage_files.read(h5, f"flow_{when}", (None, None, 2)) for when in _TIMES)
        truth = None
        if "true_flow" in h5:
            person = stage_files.read(h5, "person", (None, None)) if "person" in h5 else None
            truth = TrueField(stage_files.read(h5, "true_flow", (None, None, 2)), person)
        return Moment(
            int(h5.attrs["pair"]),
            stage_files.read(h5, "picture", (None, None, 3)),
            poses={who: stage_files.read(h5["poses"], who, (14, 2)) for who in h5["poses"]},
            motions={who: stage_files.read(h5["motions"], who, (14, 2)) for who in h5["motions"]},
            flows=(before, after),
            true_flow=truth,
            losses={stage: stage_files.read(h5["losses"], stage) for stage in h5["losses"]},
        )
