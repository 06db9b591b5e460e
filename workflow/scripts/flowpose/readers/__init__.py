"""Pose and keypoint estimates of others: a file a format."""
