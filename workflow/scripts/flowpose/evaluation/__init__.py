"""Errors of poses and flows, and tables of them."""
