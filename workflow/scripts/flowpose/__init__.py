"""flowpose: test-time adaptation of human optical flow and 3D pose to each other."""
