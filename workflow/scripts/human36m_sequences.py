"""The sequences of Human3.6M, found by their videos."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowpose.datasets.human36m.actions import SHIFTED, UNLABELLED, split_video_name
from flowpose.datasets.human36m.layout import RAW_FOLDERS, RAW_KINDS
from given_inputs import files_in


def human36m_sequences(
    human36m: Mapping[str, Any], *, labels: str
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What a config without `sequences` means: a sequence a video of Human3.6M.

    Args:
        human36m: this part of the config.
        labels: the folder of labels that are made from raw ones.

    Returns:
        The sequences, as if the config had them, and those left out, with the reason.
    """
    sequences: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for subject in human36m["subjects"]:
        for video in sorted(Path(human36m["folder"], subject, "Videos").glob("*.mp4")):
            # Of all cameras' actions in one; of no use here.
            if video.name.startswith("_ALL"):
                continue
            action, camera = split_video_name(video)
            if camera not in human36m["cameras"]:
                continue
            several = len(human36m["cameras"]) > 1
            name = f"{subject} {action}" + (f" {camera}" if several else "")
            recording = (subject, action)
            if recording in UNLABELLED:
                left_out[name] = UNLABELLED[recording]
            elif recording in SHIFTED and human36m["without_shifted"]:
                left_out[name] = SHIFTED[recording]
            else:
                sequences[name] = _sequence(human36m, labels, video, subject, action, camera)
    return sequences, left_out


def raw_files(raw: Mapping[str, str], made: str) -> list[str]:
    """The files that labels are made from: archives, or what is in the subjects' folders.

    Args:
        raw: the folder or archive of each subject. One that is not there is left to the stage that
            reads it.
        made: the record of the labels.
    """
    kinds = tuple(f"{folder}/*{kind}" for folder in RAW_FOLDERS for kind in RAW_KINDS)
    return [
        file
        for path in raw.values()
        for file in ([path] if Path(path).is_file() else files_in(path, made, kinds))
    ]


def _sequence(
    human36m: Mapping[str, Any], labels: str, video: Path, subject: str, action: str, camera: str
) -> dict[str, Any]:
    made = bool(human36m["raw"])
    return {
        "video": str(video),
        "subject": subject,
        "action": action,
        "estimates": {
            "pose": {
                "format": "metro",
                "file": f"{human36m['metro']}/{subject}/{video.stem}_results.npz",
            },
            "keypoints": {
                "format": "dcpose",
                "file": f"{human36m['dcpose']}/{subject}/result_{video.stem}.json",
            },
        },
        "truth": {
            "format": "human36m",
            "file": f"{labels}/data_3d_h36m.npz" if made else human36m["labels_3d"],
            "file_2d": f"{labels}/data_2d_h36m_gt.npz" if made else human36m["labels_2d"],
            "subject": subject,
            "action": action,
            "camera": camera,
        },
    }
