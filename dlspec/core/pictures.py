"""Which arrays can be looked at as pictures."""

from __future__ import annotations

from dlspec.core.ir import Shape

_SMALLEST = 4


def is_map(shape: Shape) -> bool:
    """Whether an array of this shape can be looked at as a picture: [height, width] with or without channels."""
    sides = shape[:2]
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        return False
    if any(side is None or side < _SMALLEST for side in sides):
        return False
    height, width = (int(side or 0) for side in sides)
    return max(height, width) <= 4 * min(height, width)
