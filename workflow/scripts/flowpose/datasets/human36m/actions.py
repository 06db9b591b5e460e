"""The names of Human3.6M's recordings: `"Walking 1"` is an action, of the activity `"Walking"`."""

from pathlib import Path

from flowpose.errors import check

# The ids, in the order of VideoPose3D's files.
CAMERAS = ("54138969", "55011271", "58860488", "60457274")

# The 15 rows of the field's tables, under the names that VideoPose3D gives them.
ACTIVITIES = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Photo",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "Waiting",
    "WalkDog",
    "Walking",
    "WalkTogether",
)
# Some subjects' files have other names for the same.
_OTHER_NAMES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}

# What is known of single recordings, by subject and action. VideoPose3D leaves the one of S11 out
# (docs/reference.md, B17); that those of S9 are off is what others found who use the data set.
_SHIFTED = (
    "the labels are known to be some 200 mm off along the world's x axis: errors relative to the "
    "hips do not notice, but in the picture the joints are elsewhere"
)
UNLABELLED = {("S11", "Directions"): "its labels are left out, as one of its videos is damaged"}
SHIFTED = {("S9", action): _SHIFTED for action in ("Greeting", "SittingDown 1", "Waiting 1")}


def canonical_action(name: str) -> str:
    """An action's name as the labels have it: `"WalkingDog 1"` is `"WalkDog 1"`."""
    for other, usual in _OTHER_NAMES.items():
        name = name.replace(other, usual)
    return name


def activity_of(action: str) -> str:
    """Which of the 15 activities an action is of: `"TakingPhoto 1"` is of `"Photo"`.

    Raises:
        InputError: it is of none.
    """
    activity = canonical_action(action).split(" ", 1)[0]
    check(
        activity in ACTIVITIES,
        f"action {action}",
        f"expected one of {', '.join(ACTIVITIES)}, with or without a number",
    )
    return activity


def split_video_name(video: Path | str) -> tuple[str, str]:
    """Action and camera of a video: `"S9/Videos/TakingPhoto 1.60457274.mp4"` gives
    `("Photo 1", "60457274")`.

    Raises:
        InputError: it is not named like the videos of Human3.6M.
    """
    action, _, camera = Path(video).stem.rpartition(".")
    check(
        camera in CAMERAS and bool(action),
        video,
        f"expected a name like 'Walking 1.{CAMERAS[-1]}.mp4', with one of the cameras "
        f"{', '.join(CAMERAS)}",
    )
    return canonical_action(action), camera
