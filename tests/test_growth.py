"""The work that a command does grows in proportion to spec and data: steps of Python are counted, time is not.

``make bench BENCH=growth`` measures the same at larger sizes, in processor time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlspec.syntax import expressions
from tests.bench.dimensions import Dimension, Work
from tests.bench.growth import LIMIT, dimensions

SHARES = 12


def _steps(work: Work) -> int:
    """How many functions, of Python or of C, the work calls."""
    count = 0

    def called(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    expressions.parse.cache_clear()
    expressions.template.cache_clear()
    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def _growth(dimension: Dimension, folder: Path) -> float:
    """How many times as much is done for twice the size; what is done in any case is not counted."""
    counts = []
    for factor in (0, 1, 2):
        place = folder / str(factor)
        place.mkdir(parents=True)
        work = dimension.prepare(place, max(1, dimension.small * factor))
        if not factor:
            work()  # what is loaded at the first use
        counts.append(_steps(work))
    return (counts[2] - counts[0]) / max(counts[1] - counts[0], 100)


def _share(number: int) -> Iterator[Dimension]:
    counted = [one for one in dimensions() if one.small]
    return (one for place, one in enumerate(counted) if place % SHARES == number)


@pytest.mark.parametrize("number", range(SHARES))
def test_twice_as_much_takes_twice_the_steps(number: int, tmp_path: Path) -> None:
    found = {one.name: _growth(one, tmp_path / str(place)) for place, one in enumerate(_share(number))}
    assert {name: round(ratio, 2) for name, ratio in found.items() if ratio > LIMIT} == {}


def _bytecodes(work: Work, file: str) -> int:
    """How many bytecodes of one file run: a comprehension is a single call, however long it loops."""
    count = 0

    def traced(frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith(file):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        count += event == "opcode"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    ("name", "file", "least"),
    [("inputs", "drawing/tracks.py", 50), ("states of turns", "drawing/layout.py", 150)],
)
def test_loops_of_a_drawing_grow_with_it(name: str, file: str, least: int, tmp_path: Path) -> None:
    (drawing,) = (one for one in dimensions() if one.name == f"show --svg: {name}")
    counts = []
    for size in (least, 2 * least):
        place = tmp_path / str(size)
        place.mkdir()
        counts.append(_bytecodes(drawing.prepare(place, size), file))
    assert counts[1] < 2.2 * counts[0]
