"""The loop of a search with results made up: failures are counted, and what cannot work is never handed out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dlspec.passes import compile_spec
from dlspec.tuning.plan.plan import plan_of
from dlspec.tuning.search.record import Record
from dlspec.tuning.search.search import Search
from dlspec.tuning.workers.trial import COMPLETED, FAILED, PRUNED, Result, Task

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")
ALGORITHMS = ("random", "bayesian", "hyperband", "grid")
SPEC = """
params:
  units: {int: [1, 60]}
  rows: {choice: [1, 2, 4]}
  columns: {choice: [4, 2, 1]}
inputs: {x: [4]}
layers:
  - reshape: {target_shape: [$rows, $columns]}
  - flatten
  - dense: {units: $units, activation: relu}
  - dense: {units: 3, activation: softmax}
data: {source: {sklearn: iris}, targets: {species: {column: target}}, split: {validation: 0.3}}
train: {loss: sparse_categorical_crossentropy}
"""


class Pretending:
    """Workers that train nothing.

    The score follows from the values unless all are given, and every second trial fails if it is to.
    """

    count = 1

    def __init__(self, fail: bool, scores: tuple[float, ...] = ()) -> None:
        self._fail, self._scores = fail, scores
        self.tasks: list[Task] = []

    def submit(self, task: Task) -> Callable[[], Result]:
        self.tasks.append(task)
        task.folder.mkdir(exist_ok=True)
        (task.folder / "model.keras").touch()
        if self._fail and len(self.tasks) % 2:
            return lambda: Result(FAILED, reason="it was told to")
        score = self._scores[len(self.tasks) - 1] if self._scores else float(task.values["units"])
        return lambda: Result(COMPLETED, score, epoch=task.epochs)

    def close(self) -> None:
        pass


def searched(folder: Path, algorithm: str, workers: Pretending) -> Search:
    spec = folder / "spec.yaml"
    trials = "" if algorithm == "hyperband" else ", trials: 9"
    spec.write_text(f"{SPEC}tune: {{algorithm: {algorithm}, epochs: 9{trials}}}\n", encoding="utf-8")
    state = compile_spec(spec)
    assert not state.diagnostics.errors
    (folder / "trials").mkdir()
    search = Search(plan_of(state), spec, (), folder, Record(folder))
    search.run(workers)
    search.record.close()
    return search


@pytest.mark.parametrize("fail", [False, True], ids=["all complete", "half fail"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_completes_its_plan(algorithm: str, fail: bool, tmp_path: Path) -> None:
    workers = Pretending(fail)
    search = searched(tmp_path, algorithm, workers)
    counted = search.counted
    assert all(trial.result is not None for trial in search.trials)
    assert len(counted) == len(workers.tasks)
    if algorithm == "hyperband":
        # The rounds of 9 epochs, to their end: later ones go on with the best of earlier ones, never with a failed one.
        promoted = [trial for trial in counted if trial.before is not None]
        left_out = [trial for trial in search.trials if trial.before is not None and trial not in counted]
        assert all(search.trials[(trial.before or 0) - 1].score is None for trial in left_out)
        assert max(trial.epochs for trial in promoted) == 9
        assert all(search.trials[(trial.before or 0) - 1].score is not None for trial in promoted)
    else:
        assert len(counted) == 9
    if fail:
        statuses = [trial.result.status for trial in counted if trial.result is not None]
        assert statuses.count(FAILED) >= len(statuses) // 2 and COMPLETED in statuses


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_does_not_fit_is_pruned_counted_and_never_handed_out(algorithm: str, tmp_path: Path) -> None:
    workers = Pretending(fail=False)
    search = searched(tmp_path, algorithm, workers)
    pruned = [trial for trial in search.trials if trial.result is not None and trial.result.status == PRUNED]
    own = [trial for trial in pruned if trial.same_as is None and trial.before is None]
    assert own and all(trial.result is not None and "cannot bring shape [4]" in trial.result.reason for trial in own)
    assert workers.tasks and all(task.values["rows"] * task.values["columns"] == 4 for task in workers.tasks)
    best = search.best
    assert best is not None and best.score == min(task.values["units"] for task in workers.tasks)
    ended = [trial.result for trial in search.counted if trial.result is not None]
    tally = search.tally
    assert (tally.counted, tally.ended) == (len(search.counted), len(ended)) == (len(ended), len(ended))
    assert tally.seconds == sum(result.seconds for result in ended)
    assert tally.since == len([trial for trial in search.counted if trial.number > best.number])
    again = Search(search.plan, search.spec, (), tmp_path, Record(tmp_path))
    assert again.tally == tally
    again.record.close()


def test_only_the_best_trial_keeps_its_model(tmp_path: Path) -> None:
    # The first one is the best until the last one ends, eight trials later.
    search = searched(tmp_path, "random", Pretending(fail=False, scores=(5.0, *[9.0] * 7, 4.0)))
    assert search.best is not None and search.best.score == 4.0
    assert [path.parent for path in tmp_path.glob("trials/*/model.keras")] == [search.path(search.best.number)]
