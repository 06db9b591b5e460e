"""Files that pass between stages: written whole, checked when read."""
