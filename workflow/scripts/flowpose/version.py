"""The version of flowpose."""

__version__ = "0.1.0"
