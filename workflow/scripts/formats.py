"""The formats that estimates and truths may have: which keys each needs, and which module reads it.

The config's check, its documentation and the rules follow from these tables; no job imports them,
so that a new format re-runs nothing. CONTRIBUTING.md says how to add one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["file", "folder", "text"]
# What a key of each kind must be; the schema has these under $defs.
_CHECKED_AS = {"file": "path", "folder": "folder", "text": "text"}


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        module: reads it, by a function that takes the keys: `read_joints` a pose,
            `read_detections` keypoints, `read_labels` a truth, `read_true_flow` a true flow.
        summary: what it is, in a line.
        keys: of the config, besides `format`; what each names.
        optional: those of the keys that may be left out.
        pattern: which files of its folders it reads.
    """

    module: str
    summary: str
    keys: Mapping[str, Kind] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    pattern: str = "**/*"

    def paths(self, values: Mapping[str, str], kind: Kind) -> list[str]:
        """The files or folders that a part of the config names."""
        return [values[key] for key, of in self.keys.items() if of == kind and key in values]

    def described(self, key: str) -> str:
        """A key as the documentation names it."""
        return f"`{key}`" + (" (optional)" if key in self.optional else "")


_MEDIAPIPE = Format(
    "flowpose.readers.mediapipe",
    "MediaPipe Pose: an npz of several cameras, laid out as in `resources/demo/README.md`",
    {"file": "file", "camera": "text"},
)
_LANDMARKS = Format(
    "flowpose.readers.landmarks",
    "MediaPipe Pose, as rule `landmarks` runs it: the `landmarks.h5` of the sequence",
    {"file": "file"},
)
_NPZ = Format(
    "flowpose.readers.own_npz",
    "anything of one's own: an npz of plain arrays of all frames of the video, see "
    "`docs/own-estimates.md`",
    {"file": "file"},
)
POSES = {
    "mediapipe": _MEDIAPIPE,
    "metro": Format(
        "flowpose.readers.metro", "METRO: its npz of the frames used", {"file": "file"}
    ),
    "landmarks": _LANDMARKS,
    "npz": _NPZ,
}
KEYPOINTS = {
    "mediapipe": _MEDIAPIPE,
    "dcpose": Format(
        "flowpose.readers.dcpose", "DCPose: its JSON of the frames used", {"file": "file"}
    ),
    "openpose": Format(
        "flowpose.readers.openpose",
        "OpenPose: the folder of its `--write_json`, BODY_25 or COCO, of all frames of the video",
        {"folder": "folder"},
        pattern="*_keypoints.json",
    ),
    "landmarks": _LANDMARKS,
    "npz": _NPZ,
}
TRUTHS = {
    "multiview": Format(
        "flowpose.datasets.multiview",
        "joints from several calibrated cameras, laid out as in `resources/demo/README.md`",
        {"file": "file", "camera": "text"},
    ),
    "human36m": Format(
        "flowpose.datasets.human36m.recordings",
        "Human3.6M's labels: VideoPose3D's two files",
        {
            "file": "file",
            "file_2d": "file",
            "subject": "text",
            "action": "text",
            "camera": "text",
        },
    ),
    "annotated": Format(
        "flowpose.datasets.annotated",
        "joints marked in the picture: an npz of their names, `joints`, and `joints_2d` (frames of "
        "the video, joints, 2), px of the video, NaN where not marked; errors in the picture only",
        {"file": "file"},
    ),
    "none": Format("flowpose.datasets.unlabelled", "not known: no error is computed"),
}
TRUE_FLOWS = {
    "files": Format(
        "flowpose.datasets.flow_files",
        "a folder of `.flo` (Middlebury, MPI-Sintel) or KITTI's `.png`, one a pair of frames; and "
        "one of masks of the person, `.png`, one a frame",
        {"folder": "folder", "persons": "folder"},
        optional=("persons",),
        pattern="*",
    ),
}
# By the part of a sequence that has one of them.
FORMATS = {"pose": POSES, "keypoints": KEYPOINTS, "truth": TRUTHS, "true_flow": TRUE_FLOWS}


def schema(formats: Mapping[str, Format], default: str | None = None) -> dict[str, Any]:
    """The JSON Schema of a part of the config that has one of some formats."""
    names = list(formats)
    key: dict[str, Any] = {"enum": names, "description": " or ".join(names)}
    if default:
        key["default"] = default
    cases = [
        {
            "if": {"properties": {"format": {"const": name}}},
            "then": {
                "additionalProperties": False,
                "required": [key for key in found.keys if key not in found.optional],
                "properties": {
                    "format": {},
                    **{k: {"$ref": f"#/$defs/{_CHECKED_AS[of]}"} for k, of in found.keys.items()},
                },
            },
        }
        for name, found in formats.items()
    ]
    return {
        "type": "object",
        "required": ["format"],
        "properties": {"format": key},
        # Without a format, all cases would hold.
        "if": {"required": ["format"]},
        "then": {"allOf": cases},
    }


def documentation() -> str:
    """The table of config/README.md."""
    rows = [
        f"| `{part}` | `{name}` | {', '.join(map(found.described, found.keys))} | {found.summary} |"
        for part, formats in FORMATS.items()
        for name, found in formats.items()
    ]
    return "\n".join(["| part | `format` | keys | what it is |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    print(documentation())
