"""Sounds as arrays."""

from pathlib import Path

import numpy as np
from scipy.io import wavfile


def sound(path: Path, frames: int) -> np.ndarray:
    """The samples of a sound from -1 to 1, cut or filled with silence: [frames, channels]."""
    _, samples = wavfile.read(path)
    if samples.dtype == "uint8":
        samples = samples / 128 - 1
    elif samples.dtype.kind == "i":
        samples = samples / (np.iinfo(samples.dtype).max + 1)
    samples = samples.reshape(len(samples), -1)[:frames].astype("float32")
    return np.pad(samples, ((0, frames - len(samples)), (0, 0)))
