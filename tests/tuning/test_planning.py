"""What a search knows before anything is trained: conditions, exact values, what differs, what is pruned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlspec.graph.lower.space import Space, parse_space
from dlspec.passes import compile_spec
from dlspec.tuning.plan.oracles import Driver
from dlspec.tuning.plan.plan import Plan, plan_of
from dlspec.tuning.plan.spaces import hyperparameters, listed
from dlspec.tuning.workers.trial import PRUNED, Result, Task, check

# Keras Tuner 1.4 uses what Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")
SPEC = Path(__file__).parent / "iris.yaml"


def plan(*overrides: str) -> Plan:
    state = compile_spec(SPEC, overrides)
    assert not state.diagnostics.errors, [error.message for error in state.diagnostics.errors]
    return plan_of(state)


def driver(plan: Plan) -> Driver:
    space = hyperparameters(plan.spaces, plan.conditions, grid=plan.tune.algorithm.listing)
    return Driver(plan.tune, space, plan.epochs, plan.smaller)


def score(values: dict[str, Any]) -> float:
    """Any measure that follows from the values."""
    return sum(float(value) * (place + 1) for place, value in enumerate(values.values())) % 1.0


def test_parameters_under_an_if_or_in_a_repeat_are_conditional() -> None:
    assert plan().conditions == {"hidden": {"deep": (True,)}, "wide": {"count": (1, 2)}}


def test_trials_that_differ_in_unused_values_are_the_same() -> None:
    found = plan()
    values = {"deep": False, "units": 8, "hidden": 8, "count": 0, "wide": 4, "rate": 0.01}
    assert found.key(values) == found.key({**values, "hidden": 16, "wide": 6})
    assert found.key(values) != found.key({**values, "deep": True})


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ({"float": [0.0, 0.5], "step": 0.1}, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"float": [0.1, 0.7], "step": 0.2}, [0.1, 0.3, 0.5, 0.7]),
        ({"float": [1e-4, 1e-1], "step": 10, "log": True}, [1e-4, 1e-3, 1e-2, 1e-1]),
        ({"int": [8, 64], "step": 2, "log": True}, [8, 16, 32, 64]),
        ({"float": [-1.0, 1.0], "step": 0.5}, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        ({"int": [-3, 3], "step": 3}, [-3, 0, 3]),
    ],
)
def test_ranges_with_steps_have_both_ends(written: dict[str, Any], values: list[Any]) -> None:
    assert listed(parse_space(written), grid=False) == values


def test_380_ranges_of_floats_hold_their_upper_end() -> None:
    for tenths in range(1, 20):
        for count in range(1, 21):
            step = tenths / 10
            space = Space("float", (0.0, count * step), step=step)
            found = listed(space, grid=True)
            assert found is not None and len(found) == count + 1
            assert found[-1] == pytest.approx(count * step)


def test_a_grid_tries_every_combination_once() -> None:
    found = plan("tune.algorithm=grid", "tune.trials=1000")
    oracle, tried = driver(found), []
    while (proposal := oracle.propose()) is not None:
        tried.append(
            found.key({name: proposal.values.get(name, space.default) for name, space in found.spaces.items()})
        )
        oracle.tell(proposal.handle, score(proposal.values))
    # deep: 2 values of hidden, or none; count: 0, or 2 counts with 2 widths; 3 units, 3 rates
    assert len(tried) == len(set(tried)) == (2 + 1) * (1 + 2 * 2) * 3 * 3


@pytest.mark.parametrize("algorithm", ["random", "bayesian", "hyperband", "grid"])
def test_the_same_calls_give_the_same_proposals(algorithm: str) -> None:
    def proposals() -> list[Any]:
        oracle, found = driver(plan(f"tune.algorithm={algorithm}", "tune.epochs=9")), []
        for _ in range(15):
            proposal = oracle.propose()
            if proposal is None:
                break
            found.append(proposal)
            oracle.tell(proposal.handle, score(proposal.values))
        return found

    assert proposals() == proposals()


def test_seed_0_is_a_seed() -> None:
    first = [driver(plan("tune.seed=0")).propose() for _ in range(2)]
    assert first[0] == first[1] != driver(plan("tune.seed=1")).propose()


@pytest.mark.parametrize("algorithm", ["random", "bayesian", "hyperband", "grid"])
def test_half_of_the_trials_may_fail(algorithm: str) -> None:
    oracle, ran, epochs = driver(plan(f"tune.algorithm={algorithm}", "tune.epochs=9")), 0, []
    for _ in range(12):
        proposal = oracle.propose()
        if proposal is None:
            break
        ran += 1
        epochs.append(proposal.epochs)
        oracle.tell(proposal.handle, None if ran % 2 else score(proposal.values))
    assert ran == 12
    if algorithm == "hyperband":
        assert max(epochs) > min(epochs)  # some were promoted


def test_the_bayesian_search_of_a_small_space_repeats_nothing() -> None:
    found = plan("tune.algorithm=bayesian", "params.deep=false", "params.count=0", "params.wide=4", "params.hidden=8")
    oracle, tried = driver(found), []
    while (proposal := oracle.propose()) is not None:
        tried.append(tuple(proposal.values.values()))
        oracle.tell(proposal.handle, score(proposal.values))
    assert len(tried) == len(set(tried)) == 9


def task(folder: Path, limits: dict[str, float | None], **values: Any) -> Task:
    defaults = {"deep": False, "units": 8, "hidden": 8, "count": 0, "wide": 4, "rate": 0.01}
    return Task(SPEC, (), {**defaults, **values}, folder, "val_accuracy", False, 2, limits=limits)


def pruned(task: Task) -> Result | None:
    """The result where that ends the trial before it begins."""
    found = check(task)
    return found if isinstance(found, Result) else None


def test_what_is_wrong_or_too_large_is_pruned(tmp_path: Path) -> None:
    assert pruned(task(tmp_path, {})) is None
    large = pruned(task(tmp_path, {"parameters": 60}, units=24))
    assert large is not None and large.status == PRUNED and "above the limit of 60" in large.reason
    # 8 × 5 + 3 × 9 parameters of 4 bytes; 32 examples, of each 4 + 8 + 3 numbers
    for limit, status in ((67 * 4 + 32 * 15 * 4, None), (67 * 4 + 32 * 15 * 4 - 1, PRUNED)):
        ended = pruned(task(tmp_path, {"memory": limit}))
        assert (ended.status if ended is not None else None) == status
    assert ended is not None and ended.reason == "2,188 bytes of memory, above the limit of 2,187"
    operations = pruned(task(tmp_path, {"flops": 1}))
    assert operations is not None and "floating-point operations, above the limit of 1" in operations.reason
    wrong = pruned(task(tmp_path, {}, units=0))
    assert wrong is not None and wrong.status == PRUNED and wrong.reason.startswith("E")


def test_a_grid_has_as_many_trials_as_there_are_combinations() -> None:
    """`trials` allows 20; the progress counts to what comes."""
    narrow = ("params.units=8", "params.count=1", "params.wide=4", "params.rate=0.01", "tune.algorithm=grid")
    found = plan(*narrow)
    assert found.trials == found.combinations == 4
    assert plan(*narrow, "tune.trials=3").trials == 3


def test_the_command_line_may_decide_all_that_was_to_be_searched() -> None:
    """What it gives is an ordinary spec, whose run folder can be read again."""
    spec = compile_spec(SPEC)
    state = compile_spec(SPEC, [f"params.{name}={space.default}" for name, space in spec.params.spaces.items()])
    assert not state.diagnostics.errors
    assert "tune" not in state.data
