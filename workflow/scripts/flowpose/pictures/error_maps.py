"""A picture of where a sequence's flow errs, or where it changed if the true flow is not known."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from flowpose.pictures.drawing import STYLE, draw_title, save
from flowpose.pictures.moment import Moment

# Maps that people with any colour vision read: of errors, and of what is better (blue) or worse.
_ERRORS, _CHANGES = "cividis", "RdBu_r"
# Of the pixels, the part whose values the colours tell apart.
_QUANTILE = 0.995
# Values that are not known.
_UNKNOWN = "0.85"
# Of each map its title, and what its colours mean.
_WORDS = {
    "before": ("Error of the flow before", "end-point error (px)"),
    "after": ("Error of the flow after", "end-point error (px)"),
    "difference": ("After less before", "end-point error (px): blue is better"),
    "change": ("Change of the flow", "distance of after from before (px)"),
}
_PANEL_INCHES, _INCHES_AROUND = 5.0, 1.8


def draw_error_maps(moment: Moment, *paths: Path | str, title: str) -> None:
    """Draw end-point errors before and after and their difference, as PNG or PDF.

    Without a true flow, how far the flows before and after are apart.

    Args:
        title: name of the sequence.
    """
    maps = error_maps(moment)
    person = moment.true_flow.person if moment.true_flow else None
    height, width = moment.picture.shape[:2]
    with style.context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        # As high as the frames want.
        size = (
            _PANEL_INCHES * (1 + len(maps)),
            np.clip(_PANEL_INCHES * height / width, 2, 12) + _INCHES_AROUND,
        )
        figure = Figure(figsize=size, dpi=100, layout=layout)
        draw_title(figure, f"{title}: frames {moment.pair} to {moment.pair + 1}")
        picture, *panels = figure.subplots(1, 1 + len(maps))
        picture.imshow(moment.picture)
        picture.set_title("First frame")
        for panel, (name, values) in zip(panels, maps.items(), strict=True):
            _draw_map(panel, name, values, alike=_alike(name, maps), person=person)
        for panel in (picture, *panels):
            panel.set(xticks=[], yticks=[])
            panel.set_anchor("N")
        save(figure, *paths)


def error_maps(moment: Moment) -> dict[str, Float[np.ndarray, "H W"]]:
    """End-point errors "before" and "after" and their "difference", px, NaN where not known.

    Without a true flow, the "change" of the flow, px.
    """
    if moment.true_flow is None:
        return {"change": np.linalg.norm(moment.flows[1] - moment.flows[0], axis=-1)}
    before, after = (np.linalg.norm(flow - moment.true_flow.flow, axis=-1) for flow in moment.flows)
    return {"before": before, "after": after, "difference": after - before}


def _draw_map(
    axes: Axes,
    name: str,
    values: Float[np.ndarray, "H W"],
    *,
    alike: Sequence[Float[np.ndarray, "H W"]],
    person: Bool[np.ndarray, "H W"] | None,
) -> None:
    """A map with its bar of colours, which those alike share, and the person's outline."""
    known = [np.abs(of[np.isfinite(of)]) for of in alike]
    limit = max((float(np.quantile(of, _QUANTILE)) for of in known if of.size), default=0.0)
    # Where nothing errs the bar still needs two ends.
    limit = limit or 1.0
    signed = name == "difference"
    axes.set_facecolor(_UNKNOWN)
    image = axes.imshow(
        values,
        cmap=_CHANGES if signed else _ERRORS,
        vmin=-limit if signed else 0,
        vmax=limit,
        interpolation="nearest",
    )
    if person is not None and person.any() and not person.all():
        axes.contour(person, levels=[0.5], colors="black" if signed else "white", linewidths=0.8)
    title, label = _WORDS[name]
    axes.set_title(title)
    extend = "both" if signed else "max"
    below = axes.inset_axes((0, -0.07, 1, 0.03))
    bar = axes.figure.colorbar(
        image, cax=below, orientation="horizontal", label=label, extend=extend
    )
    bar.outline.set_visible(False)


def _alike(
    name: str, maps: Mapping[str, Float[np.ndarray, "H W"]]
) -> list[Float[np.ndarray, "H W"]]:
    """The maps that share the colours of one."""
    return [maps["before"], maps["after"]] if name in ("before", "after") else [maps[name]]
