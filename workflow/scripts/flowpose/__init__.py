"""flowpose: test-time adaptation of human optical flow and 3D pose to each other."""

__version__ = "0.1.0"
