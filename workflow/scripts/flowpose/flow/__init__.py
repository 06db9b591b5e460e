"""Flow fields: their files, and flow at points."""
