"""Poses, 2D detections and truths of a sequence: skeletons, cameras, files."""
