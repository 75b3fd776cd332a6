"""The declared facts of the bundled sets are those of scikit-learn."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlspec.data.sources.sklearn import SETS, Sklearn


def spec_name(name: str) -> str:
    return re.sub(r"\W+", "_", name.removesuffix(" (cm)")).lower()


@pytest.mark.parametrize("name", SETS)
def test_facts_are_those_of_scikit_learn(name: str) -> None:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    facts = SETS[name]
    assert bunch.data.shape == (facts.examples, len(facts.features))
    assert tuple(spec_name(feature) for feature in bunch.feature_names) == facts.features
    table = Sklearn(set=name).open(Path())
    if facts.members:
        assert tuple(np.bincount(bunch.target)) == facts.members
        assert table.labels("target").values == tuple(range(len(facts.members)))
    arrays = table.read(table.columns)
    assert (arrays["target"] == bunch.target).all()
    for column, fact in table.columns.items():
        assert arrays[column].shape == (fact.count, *fact.tensor.shape)
        assert arrays[column].dtype.name == fact.tensor.dtype
    last = facts.features[-1]
    assert (arrays[last] == bunch.data[:, -1]).all()
    if facts.targets:
        assert tuple(spec_name(target) for target in bunch.target_names) == facts.targets
    for position, target in enumerate(facts.targets):
        assert (arrays[target] == bunch.target[:, position]).all()


def test_every_bundled_set_is_here() -> None:
    from sklearn import datasets

    bundled = {name.removeprefix("load_") for name in datasets.__all__ if name.startswith("load_")}
    no_sets = {"files", "svmlight_file", "svmlight_files", "sample_image", "sample_images"}
    assert bundled - no_sets == set(SETS)


@pytest.mark.slow
def test_facts_need_no_scikit_learn() -> None:
    code = (
        "import sys; from pathlib import Path; from dlspec.data.sources.sklearn import Sklearn;"
        "table = Sklearn(set='digits').open(Path()); table.columns; table.labels('target');"
        "assert not {'sklearn', 'numpy', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
