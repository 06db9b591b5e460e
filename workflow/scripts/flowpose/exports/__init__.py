"""Poses and flows in the formats of other tools: a file a format."""
