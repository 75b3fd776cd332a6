"""Doubles each dimension of spec and data: ``make bench BENCH=growth``; fails where time grows by more than 2.3."""

from __future__ import annotations

import gc
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dlspec.syntax import expressions
from tests.bench.dimensions import Dimension, Work, spec_dimensions
from tests.bench.growing_data import data_dimensions
from tests.bench.growing_runs import run_dimensions

LIMIT = 2.3
# Repetitions of each size; the best counts, since whatever disturbs makes it slower. Short work is repeated for so many
# seconds, at most so often.
RUNS, ENOUGH, MOST = 2, 0.3, 25
# How often all sizes are measured again where the limit is broken: a machine with other work to do is slow for a while.
ROUNDS = 8
# Seconds of processor time after which a single piece of work is given up.
PATIENCE = 30


def growth(*words: str) -> bool:
    """Every dimension at two sizes, by processor time; what a command takes in any case is not counted.

    Args:
        words: All of them must stand in the name of a dimension that is measured.
    """
    return all(list(map(_measured, (one for one in dimensions() if all(word in one.name for word in words)))))


def dimensions() -> list[Dimension]:
    """Everything that may grow."""
    return [*spec_dimensions(), *data_dimensions(), *run_dimensions()]


def _measured(dimension: Dimension) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            works = [_prepared(dimension, Path(folder, str(factor)), factor) for factor in (0, 1, 2)]
            works[0]()  # what is loaded at the first use
            times, rounds = [_best(work) for work in works], 0
            while _ratio(times) > LIMIT and rounds < ROUNDS:
                times = [min(best, _best(work)) for best, work in zip(times, works, strict=True)]
                rounds += 1
        except Exception as error:
            return _report(False, dimension, f"{type(error).__name__}: {error}"[-300:])
    again = f", {rounds + 1} rounds" if rounds else ""
    text = f"{_ratio(times):5.2f}× ({', '.join(f'{one:.3f}' for one in times)} s{again})"
    return _report(_ratio(times) <= LIMIT, dimension, text)


def _prepared(dimension: Dimension, place: Path, factor: int) -> Work:
    place.mkdir()
    return dimension.prepare(place, max(1, dimension.size * factor))


def _ratio(times: list[float]) -> float:
    return (times[2] - times[0]) / max(times[1] - times[0], 1e-3)


def _report(good: bool, dimension: Dimension, text: str) -> bool:
    print(f"{'ok  ' if good else 'FAIL'} {dimension.name:<70} {text}", flush=True)
    return good


def _best(work: Work) -> float:
    times = [_seconds(work) for _ in range(RUNS)]
    while sum(times) < ENOUGH and len(times) < MOST:
        times.append(_seconds(work))
    return min(times)


def _seconds(work: Work) -> float:
    """Processor time of one piece of work and its processes, without what earlier ones have left in caches."""
    expressions.parse.cache_clear()
    expressions.template.cache_clear()
    gc.collect()
    signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        start = _spent()
        work()
        return _spent() - start
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _spent() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _give_up(_signal: int, _frame: Any) -> None:
    raise TimeoutError(f"more than {PATIENCE} s of processor time")


if __name__ == "__main__":
    sys.exit(not growth(*sys.argv[1:]))
