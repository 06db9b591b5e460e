"""The colours of pictures, and what they stand for.

They are from the palette of Okabe and Ito, which people with any colour vision tell apart.
"""

BLACK, GREEN, BLUE, SKY_BLUE = "#000000", "#009E73", "#0072B2", "#56B4E9"
VERMILION, ORANGE, PURPLE = "#D55E00", "#E69F00", "#CC79A7"

# In the order in which they are drawn.
COLOURS = {"truth": BLACK, "pose": GREEN, "before": VERMILION, "after": BLUE}
BETWEEN = SKY_BLUE


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour as numbers from 0 to 255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def after_cycles(n: int) -> str:
    """What "after" means where there were n cycles."""
    return f"after {n} cycle" + ("s" if n > 1 else "")
