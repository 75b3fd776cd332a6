"""Folds and shares of the training split, beside scikit-learn's splitters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from dlspec.components.sections.folds import Fold
from dlspec.components.sections.split import Split
from dlspec.components.sections.splitters import Grouped, Stratified, Time
from dlspec.core.errors import Problem
from dlspec.data.order.folds import fold, share
from tests.support import rows_of

COUNTS = st.integers(20, 200)
FOLDS = st.integers(2, 7)


def _folds(split: Split, of: int, count: int, values: Any = None, repeat: int = 1) -> list[tuple[Any, Any]]:
    """All folds: who trains, and who is in the fold."""
    given = {**split.given}
    return [
        fold(Split(**given, fold=Fold(number=number, of=of, repeat=repeat)), count, values)
        for number in range(1, of + 1)
    ]


def _divide_all(folds: list[tuple[Any, Any]], count: int) -> None:
    """Each example is in one fold, and trains in the others."""
    assert sorted(np.concatenate([inside for _, inside in folds]).tolist()) == list(range(count))
    for outside, inside in folds:
        assert sorted([*outside, *inside]) == list(range(count))


@given(COUNTS, FOLDS, st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_folds_by_chance_have_the_sizes_of_scikit_learns(count: int, of: int, seed: int) -> None:
    """Every example once, and sizes that differ by one at most, the larger ones first."""
    folds = _folds(Split(seed=seed), of, count)
    _divide_all(folds, count)
    theirs = [len(inside) for _, inside in KFold(of).split(np.zeros(count))]
    assert [len(inside) for _, inside in folds] == theirs


def test_another_repeat_or_seed_gives_other_folds() -> None:
    """And the same ones the same, on every machine: they follow from the seed alone."""
    first, again = (_folds(Split(seed=1), 5, 100)[0][1].tolist() for _ in range(2))
    assert first == again
    assert first != _folds(Split(seed=2), 5, 100)[0][1].tolist()
    assert first != _folds(Split(seed=1), 5, 100, repeat=2)[0][1].tolist()


@given(COUNTS, FOLDS, st.integers(2, 4), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_stratified_folds_have_every_class_as_scikit_learns(count: int, of: int, classes: int, seed: int) -> None:
    """Of every class, and of all together, folds differ by one example at most."""
    labels = np.sort(np.random.default_rng(seed).integers(0, classes, count))
    folds = _folds(Split(seed=seed, by=Stratified()), of, count, labels)
    _divide_all(folds, count)
    ours = np.array([np.bincount(labels[inside], minlength=classes) for _, inside in folds])
    assert (np.ptp(ours, axis=0) <= 1).all() and np.ptp(ours.sum(axis=1)) <= 1
    if np.bincount(labels).min() >= of:  # scikit-learn warns of fewer
        theirs = [
            np.bincount(labels[inside], minlength=classes) for _, inside in StratifiedKFold(of).split(labels, labels)
        ]
        assert sorted(map(sum, ours.tolist())) == sorted(int(each.sum()) for each in theirs)
        assert [sorted(column) for column in ours.T.tolist()] == [sorted(c) for c in np.array(theirs).T.tolist()]


@given(COUNTS, FOLDS, st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_folds_of_groups_have_the_sizes_of_scikit_learns(count: int, of: int, seed: int) -> None:
    """No group in two folds, the largest ones first, each into the smallest fold."""
    groups = np.random.default_rng(seed).integers(0, 12, count)
    if len(set(groups.tolist())) < of:
        return
    folds = _folds(Split(seed=seed, by=Grouped(column="g")), of, count, groups)
    _divide_all(folds, count)
    for outside, inside in folds:
        assert not {*groups[outside]} & {*groups[inside]}
    theirs = [len(inside) for _, inside in GroupKFold(of).split(groups, groups=groups)]
    assert sorted(len(inside) for _, inside in folds) == sorted(theirs)


@given(COUNTS, FOLDS, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_folds_by_time_are_scikit_learns(count: int, of: int, gap: int) -> None:
    """Each is trained on what lies before it, less the gap."""
    times = np.random.default_rng(count).permutation(count)
    try:
        theirs = list(TimeSeriesSplit(of, gap=gap).split(np.zeros(count)))
    except ValueError:
        with pytest.raises(Problem):
            _folds(Split(by=Time(gap=gap)), of, count)
        return
    ordered = _folds(Split(by=Time(gap=gap)), of, count)
    by_column = _folds(Split(by=Time(column="t", gap=gap)), of, count, times)
    for (train, test), ours, shuffled in zip(theirs, ordered, by_column, strict=True):
        assert [train.tolist(), test.tolist()] == [part.tolist() for part in ours]
        assert [{*times[part]} for part in shuffled] == [{*train}, {*test}]


@given(st.sampled_from([0.05, 0.3, 0.5, 0.9]), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_a_larger_share_holds_every_smaller_one(fraction: float, seed: int) -> None:
    """So that the points of a learning curve differ by what is added."""
    labels = np.random.default_rng(seed).integers(0, 3, 300)
    train = np.sort(np.random.default_rng(seed).permutation(300)[:200])
    for by, values in (("random", None), (Stratified(), labels), (Grouped(column="g"), labels), (Time(), None)):
        small, large = (
            share(Split(seed=seed, by=by, training_fraction=part), values, train)
            for part in (fraction, min(1, fraction * 2))
        )
        assert {*small} <= {*large} <= {*train.tolist()}
        if not isinstance(by, Grouped):
            assert abs(len(small) - fraction * 200) <= 2
        else:  # whole groups
            assert all((np.isin(train[labels[train] == group], small)).mean() in (0, 1) for group in range(3))


SPEC = """
data:
  source: {{sklearn: wine}}
  targets: {{kind: {{column: target}}}}
  split: {{{split}}}
layers: [{{dense: {{units: 3, activation: softmax, name: kind}}}}]
train: {{loss: sparse_categorical_crossentropy}}
"""


@pytest.mark.parametrize("by", ["random", "stratified", "{time: {gap: 3}}"])
def test_no_fold_sees_the_test_split(tmp_path: Path, by: str) -> None:
    """Folds divide what is left of it, and the validation split is cut from the other folds."""
    whole, parts = tmp_path / "whole.yaml", tmp_path / "fold.yaml"
    whole.write_text(SPEC.format(split=f"test: 0.2, validation: 0.1, by: {by}"))
    kept = {*rows_of(whole).test.tolist()}
    tested: set[int] = set()
    for number in (1, 2, 3):
        parts.write_text(SPEC.format(split=f"test: 0.2, validation: 0.1, by: {by}, fold: {{number: {number}, of: 3}}"))
        train, validation, test = ({*part.tolist()} for part in rows_of(parts))
        assert not train & validation and not (train | validation) & test and not kept & (train | validation | test)
        assert validation and not tested & test
        tested |= test
    if by != "{time: {gap: 3}}":
        assert len(tested | kept) == 178
