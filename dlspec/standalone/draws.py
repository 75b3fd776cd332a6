"""Numbers drawn at random for examples, as a function of a key and of the example's place alone.

NumPy's Philox counts, so that any place can be asked for by itself: the same key and place give the same numbers in
every process, whatever is drawn before, and however examples are batched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def draws_at(
    draw: tuple[str, Mapping[str, Any]], shape: tuple[int, ...], dtype: str, key: tuple[Any, ...], places: np.ndarray
) -> np.ndarray:
    """Random values for the examples at `places`, the same for the same key.

    Args:
        draw: What :func:`drawn_once` draws, and the arguments of the function of ``keras.random`` for it.
        shape: Of what one example gets.
        dtype: Of the result.
        key: What tells these draws from others: a seed, an epoch, names without blanks.
        places: Whole numbers from 0, shape [n].

    Returns:
        An array of shape [n, \\*shape].
    """
    together = 32  # neighbours are drawn together: to begin a stream of numbers takes longer than to draw some
    text = " ".join(str(part) for part in key)
    first, second = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), np.uint64)
    groups, inverse = np.unique(places // together, return_inverse=True)
    drawn = np.empty((len(groups), together, *shape), dtype)
    for row, group in enumerate(groups.tolist()):
        bits = np.random.Philox(key=np.array([first, second]), counter=np.array([0, 0, group, 0], np.uint64))
        drawn[row] = drawn_once(np.random.Generator(bits), draw, (together, *shape), dtype)
    return drawn[inverse, places % together]


def drawn_once(generator: np.random.Generator, draw: tuple[str, Mapping[str, Any]], shape: Any, dtype: str) -> Any:
    """Numbers of `shape`, drawn one after the other."""
    name, options = draw
    precise: Any = np.float64 if dtype == "float64" else np.float32
    ways = {
        "gaussian": lambda: generator.standard_normal(shape, precise) * options["stddev"] + options["mean"],
        "truncated": lambda: truncated_normal(generator, shape, precise) * options["stddev"] + options["mean"],
        "even": lambda: uniform(generator, shape, dtype, options["minval"], options["maxval"]),
        "whole": lambda: generator.integers(options["minval"], options["maxval"], shape),
        "counted": lambda: generator.binomial(options["counts"], options["probabilities"], shape),
        "standard_gamma": lambda: generator.standard_gamma(options["alpha"], shape, precise),
        "shares": lambda: generator.beta(options["alpha"], options["beta"], shape),
    }
    return ways[name]()


def uniform(generator: np.random.Generator, shape: Any, dtype: str, least: float, most: float) -> Any:
    """Numbers from `least` on and below `most`, whatever they are rounded to."""
    precise: Any = np.float64 if dtype == "float64" else np.float32
    values = generator.random(shape, precise) * precise(most - least) + precise(least)
    return np.minimum(values, np.nextafter(np.dtype(dtype).type(most), np.dtype(dtype).type(least)))


def truncated_normal(generator: np.random.Generator, shape: Any, dtype: Any) -> Any:
    """Normal numbers of which none is further than 2 from 0: those that are, are drawn again."""
    values = generator.standard_normal(shape, dtype)
    while (far := np.abs(values) > 2).any():
        values[far] = generator.standard_normal(int(far.sum()), dtype)
    return values
