"""The energy models of `specs/`: whole trainings, and bars that broken trainers miss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.support import ROOT

ENERGY = ROOT / "specs" / "energy"
pytestmark = pytest.mark.exhaustive


def machine(name: str, folder: Path) -> tuple[list[Any], Any, Any]:
    """The weights of a trained machine, and what the digits of the training and the test split are to it."""
    from sklearn.datasets import load_digits

    from dlspec.data.order.splits import choose
    from dlspec.passes import compile_spec
    from dlspec.passes.state import Checked
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    whole = open_run(find_run(name, folder / "runs")).whole
    inner = next(layer for layer in whole.layers if layer.name == "Machine")
    weights = [np.asarray(one, np.float64) for one in inner.get_weights()]
    state = compile_spec(ENERGY / f"{name}.yaml")
    assert isinstance(state, Checked) and state.data_section is not None
    rows = choose(state.data_section, state.data_section.source.open(ENERGY), 1797)
    pixels = (load_digits().data / 16 > 0.5).astype(float)
    return weights, pixels[rows.train], pixels[rows.test]


def marginal(train: Any, count: int) -> Any:
    """Noise in which each pixel by itself is as often lit as in the digits: biases alone cannot tell it from them."""
    return (np.random.default_rng(9).uniform(size=(count, 64)) < train.mean(axis=0)).astype(float)


def test_a_restricted_machine_knows_digits_from_marginal_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(ENERGY / "restricted_boltzmann.yaml"), "--quiet"]) == 0
    (kernel, bias, visible), train, test = machine("restricted_boltzmann", tmp_path)

    def free(v: Any) -> Any:
        return -v @ visible - np.logaddexp(0, v @ kernel + bias).sum(axis=1)

    noise = marginal(train, len(test))
    assert (free(test) < free(noise)).mean() >= 0.85
    assert free(noise).mean() - free(test).mean() >= 6
    assert abs(free(train).mean() - free(test).mean()) < 2
    assert run(["generate", "restricted_boltzmann", "--count", "4", "-o", "drawn"]) == 0
    assert len(list(Path("drawn").glob("*.png"))) == 5


def test_a_deep_machine_reaches_its_likelihood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By all 4096 states of the lower layer; with the upper layer idle it is -20.7 to -21.0."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(ENERGY / "deep_boltzmann.yaml"), "--quiet"]) == 0
    (first, second, low, middle, high, *_), _, test = machine("deep_boltzmann", tmp_path)
    states = np.array([[number >> place & 1 for place in range(12)] for number in range(4096)], float)
    above = states @ middle + np.logaddexp(0, states @ second + high).sum(axis=1)
    log_z = np.logaddexp.reduce(above + np.logaddexp(0, states @ first.T + low).sum(axis=1))
    found = np.logaddexp.reduce((test @ low)[:, None] + test @ first @ states.T + above, axis=1) - log_z
    assert found.mean() >= -20.2
