"""Videos, and the frames of them that are used."""
