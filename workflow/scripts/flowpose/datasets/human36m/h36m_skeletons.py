"""The skeletons of Human3.6M's labels."""

from flowpose.pose.skeletons import Skeleton

# The names of Human3.6M's own files; a star marks a joint that coincides with an earlier one.
H36M_32 = Skeleton.of(
    "h36m_32",
    "pelvis r_hip r_knee r_ankle r_toe_base r_toe l_hip l_knee l_ankle l_toe_base l_toe pelvis* "
    "spine neck nose head neck* l_shoulder l_elbow l_wrist l_wrist* l_thumb l_hand l_hand* "
    "neck** r_shoulder r_elbow r_wrist r_wrist* r_thumb r_hand r_hand*",
)
# The 17 that VideoPose3D keeps.
H36M_17 = Skeleton(
    "h36m_17",
    tuple(H36M_32.joints[i] for i in (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)),
)
# By the number of joints, as label files do not name them.
SKELETONS = {len(skeleton): skeleton for skeleton in (H36M_17, H36M_32)}
