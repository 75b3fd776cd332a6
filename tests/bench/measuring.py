"""Paired measurements and their verdicts."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 11
# Share of the median ratio by which the middle half of the ratios may be spread.
NOISY = 0.2


def report(what: str, value: float, limit: float, unit: str = "×") -> bool:
    """Prints one line; whether the value keeps its limit."""
    good = value <= limit
    print(f"{'ok  ' if good else 'FAIL'} {what:<68} {value:6.2f}{unit} (limit {limit:g}{unit})", flush=True)
    return good


def process(arguments: list[str]) -> float:
    """Seconds of wall time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def paired(first: Callable[[], float], second: Callable[[], float], runs: int = RUNS) -> tuple[float, float, float]:
    """Median seconds of each after a warm-up, and the median of the ratios first / second, pair by pair.

    Where the ratios are far apart, something else was running: as many pairs again are then taken, once.
    """
    first(), second()
    pairs = [(first(), second()) for _ in range(runs)]
    if _spread(pairs) > NOISY:
        print(f"     the ratios differ by {_spread(pairs):.0%}: {runs} more pairs", flush=True)
        pairs += [(first(), second()) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), ratio


def _spread(pairs: list[tuple[float, float]]) -> float:
    """How far the middle half of the ratios is spread, as a share of their median."""
    lower, middle, upper = statistics.quantiles((a / b for a, b in pairs), n=4)
    return (upper - lower) / middle
