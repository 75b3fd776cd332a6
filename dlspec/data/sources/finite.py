"""Numbers that float32, in which models compute, can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# From here on a number becomes infinite in float32: half a step above its largest, (2 - 2⁻²³) · 2¹²⁷ (IEEE 754).
_TOO_LARGE = (2 - 2**-24) * 2.0**127


def finite(values: Array) -> Array:
    """Mask of the examples whose numbers are all finite in float32, shape [examples]."""
    import numpy as np

    small = values.dtype.itemsize <= 4
    single = np.asarray(np.isfinite(values) if small else np.abs(values) < _TOO_LARGE)  # false for NaN
    every: Array = np.all(single.reshape(len(values), -1), axis=1)
    return every


def infinite(values: Array) -> Array:
    """Mask of the examples with a number that is infinite in float32, shape [examples]; missing ones are not."""
    import numpy as np

    small = values.dtype.itemsize <= 4
    single = np.asarray(np.isinf(values) if small else np.abs(values) >= _TOO_LARGE)
    some: Array = np.any(single.reshape(len(values), -1), axis=1)
    return some


def too_large(values: Array) -> str:
    """Description of a finite number beyond float32 in an example; "" where there is none."""
    import numpy as np

    wrong = values[np.isfinite(values) & (np.abs(values) >= _TOO_LARGE)] if values.dtype.itemsize > 4 else values[:0]
    return f"`{wrong[0]:g}`, which is too large for float32 (3.4e38 at most)" if wrong.size else ""
