"""300 random specs that ask everything of the language, as Python."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dlspec.export.python.module import draws_needlessly, emit_model, structured
from dlspec.export.python.syntax import Unsupported
from dlspec.passes import compile_spec
from dlspec.passes.state import Compilation
from tests.emit.equality import compare
from tests.emit.random_structured import Structured

COUNT = 300
QUICK = 16


def random_spec(seed: int, folder: Path) -> Compilation:
    """A random spec without dead ends, which are errors: the first one of some seeds."""
    path = folder / "random.yaml"
    for attempt in range(20):
        path.write_text(Structured(seed + 1000 * attempt).text(), encoding="utf-8")
        state = compile_spec(path)
        if not state.diagnostics.errors:
            return state
    raise AssertionError("no valid spec")


@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=[] if n < QUICK else [pytest.mark.exhaustive]) for n in range(COUNT)]
)
def test_a_random_spec_and_its_module_are_equal(seed: int, tmp_path: Path) -> None:
    state = random_spec(seed, tmp_path)
    compare(state, emit_model(state, exact=False), same_seeds=not draws_needlessly(state))
    if draws_needlessly(state):
        compare(state, emit_model(state))


@pytest.mark.exhaustive
def test_few_specs_lose_their_structure(tmp_path: Path) -> None:
    reasons: Counter[str] = Counter()
    for seed in range(COUNT):
        try:
            structured(random_spec(seed, tmp_path))
        except Unsupported as error:
            reasons[str(error)] += 1
    print(reasons)
    assert reasons.total() <= 0.05 * COUNT, reasons
