"""Pose toward flow: the energy and its minimisation (paper section 3.3)."""
