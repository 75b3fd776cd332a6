"""Inputs that are drawn: their distributions, and that they follow from seeds and places alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dlspec.components.registry import find, names
from dlspec.core.ir import Tensor
from dlspec.data.binding.drawn import Drawn, in_training
from dlspec.data.binding.signature import of_graph
from dlspec.data.feeding.feed import Feed
from dlspec.data.feeding.pipeline import Prepared, prepare
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Trainable
from dlspec.standalone.draws import draws_at

SPEC = """\
name: noisy
inputs:
  measures: [4]
  noise: {shape: [3], draw: normal}
layers:
  - concatenate: [measures, noise]
  - dense: {units: 3, activation: softmax, name: species}
data:
  source: {sklearn: iris}
  inputs: {measures: {column: data, prepare: [normalization]}}
  targets: {species: {column: target}}
  split: {validation: 0.2, test: 0.2}
  batch_size: 20
train: {loss: sparse_categorical_crossentropy, optimizer: {sgd: 0.1}, epochs: 3}
"""
EVEN = stats.randint(0, 10)
KINDS = {
    "normal": ({"mean": 1.0, "stddev": 2.0}, stats.norm(1, 2).cdf),
    "truncated_normal": ({"mean": 1.0, "stddev": 2.0}, stats.truncnorm(-2, 2, 1, 2).cdf),
    "uniform": ({"minval": -1.0, "maxval": 3.0}, stats.uniform(-1, 4).cdf),
    "gamma": ({"alpha": 2.0}, stats.gamma(2).cdf),
    "beta": ({"alpha": 2.0, "beta": 5.0}, stats.beta(2, 5).cdf),
}


def numbers(name: str) -> str:
    """What :mod:`dlspec.standalone.draws` calls the numbers of a distribution."""
    return find("draw", name).numbers  # type: ignore[union-attr]


def trainable(folder: Path, text: str = SPEC) -> Trainable:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    state = compile_spec(path, (), Workspace())
    assert not state.diagnostics.items, [item.message for item in state.diagnostics.items]
    return state.trainable()  # type: ignore[attr-defined,no-any-return]


def prepared(state: Trainable) -> Prepared:
    return prepare(state.data_section, state.folder, of_graph(state.graph), state.method)


def feed(found: Prepared, batch_size: int = 20) -> Feed:
    return Feed(found.fed, batch_size, seed=0, draws=in_training(found.binding.drawn))


def noise(source: Feed, epoch: int, start: int = 0) -> list[Any]:
    source.set_position(epoch, start)
    return [inputs["noise"] for inputs, _ in source.dataset.as_numpy_iterator()]


@pytest.mark.parametrize("name", KINDS)
def test_distributions(name: str) -> None:
    options, cdf = KINDS[name]
    values = draws_at((numbers(name), options), (5,), "float32", (0, name), np.arange(4000))
    assert values.shape == (4000, 5) and values.dtype == np.float32
    assert stats.kstest(values.reshape(-1), cdf).pvalue > 1e-3
    assert abs(np.corrcoef(values[:-1, 0], values[1:, 0])[0, 1]) < 0.06


def test_whole_numbers() -> None:
    values = draws_at((numbers("randint"), {"minval": -3, "maxval": 7}), (), "int32", (1,), np.arange(20_000))
    assert values.dtype == np.int32 and set(values.tolist()) == set(range(-3, 7))
    assert stats.chisquare(np.bincount(values + 3)).pvalue > 1e-3
    counts = draws_at(
        (numbers("binomial"), {"counts": 4, "probabilities": 0.25}), (), "float32", (1,), np.arange(20_000)
    )
    expected = stats.binom(4, 0.25).pmf(np.arange(5)) * len(counts)
    assert stats.chisquare(np.bincount(counts.astype(int), minlength=5), expected).pvalue > 1e-3


def test_every_distribution_is_tested() -> None:
    assert set(names("draw")) == {*KINDS, "randint", "binomial"}


def test_a_place_has_its_numbers_whoever_asks() -> None:
    draw, places = (numbers("truncated_normal"), {"mean": 0.0, "stddev": 1.0}), np.array([70, 3, 33, 70, 32])
    whole = draws_at(draw, (2, 2), "float64", (5, "z"), np.arange(100))
    np.testing.assert_array_equal(draws_at(draw, (2, 2), "float64", (5, "z"), places), whole[places])
    assert not np.isin(draws_at(draw, (2, 2), "float64", (6, "z"), places), whole).any()


def test_epochs_batches_and_learners_have_their_own(tmp_path: Path) -> None:
    found = prepared(trainable(tmp_path))
    first, second = noise(feed(found), 0), noise(feed(found), 1)
    assert [len(batch) for batch in first] == [20] * 4 + [10]
    values = np.concatenate([*first, *second])
    assert len(np.unique(values)) == values.size
    np.testing.assert_array_equal(np.concatenate(noise(feed(found, 7), 0)), np.concatenate(first))
    (one,) = found.binding.drawn
    assert not np.isin(one.in_training(0, "critic", 0, 90), one.in_training(0, "generator", 0, 90)).any()
    both = in_training(found.binding.drawn, ("critic", "generator"))
    assert both is not None
    drawn = both(0, 20, 40)
    assert list(drawn) == ["critic/noise", "generator/noise"]
    np.testing.assert_array_equal(drawn["critic/noise"], one.in_training(0, "critic", 20, 40))


def test_going_on_within_an_epoch(tmp_path: Path) -> None:
    found = prepared(trainable(tmp_path))
    whole = noise(feed(found), 2)
    for one, other in zip(whole[3:], noise(feed(found), 2, 3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_other_parts_have_the_same_in_every_epoch(tmp_path: Path, cache: str) -> None:
    found = prepared(trainable(tmp_path, SPEC.replace("batch_size: 20", f"batch_size: 20\n  cache: {cache}")))
    assert found.validation is not None
    validation = Feed(found.validation.examples, 8, seed=0, shuffle=False)
    first = np.concatenate(noise(validation, 0))
    np.testing.assert_array_equal(first, np.concatenate(noise(validation, 1)))
    (one,) = found.binding.drawn
    np.testing.assert_array_equal(first, one.at(found.parts.validation))
    if cache == "none":
        training = noise(Feed(found.fed, 20, seed=0, draws=in_training(found.binding.drawn)), 0)
        np.testing.assert_array_equal(np.concatenate(training), one.in_training(0, "", 0, 90))


def test_nothing_but_draws(tmp_path: Path) -> None:
    text = SPEC.replace(
        "  measures: [4]\n", "  step: {shape: [1], draw: {randint: {minval: 0, maxval: 9}}, dtype: int64}\n"
    )
    text = text.replace("  - concatenate: [measures, noise]\n", "  - multiply: [step, noise]\n").replace(
        "units: 3, activation: softmax, name: species", "units: 1, name: species"
    )
    text = text.replace("  inputs: {measures: {column: data, prepare: [normalization]}}\n", "")
    text = text.replace("{sklearn: iris}", "{draws: 50}").replace("column: target", "column: number")
    text = text.replace("sparse_categorical_crossentropy", "mse")
    found = prepared(trainable(tmp_path, text))
    assert found.train.count == 30 and found.train.inputs["step"].dtype == np.int64
    assert sorted(found.train.inputs) == ["noise", "step"]
    inputs, targets = next(feed(found, 30).dataset.as_numpy_iterator())
    assert inputs["noise"].shape == (30, 3) and sorted(targets["species"][:, 0]) == found.parts.train.tolist()


def test_the_seed_decides() -> None:
    from dlspec.components.training.draws import Normal

    one, other = (Drawn("z", Tensor((2,)), Normal(), seed) for seed in (0, 1))
    assert not np.isin(one.at(np.arange(9)), other.at(np.arange(9))).any()


@pytest.mark.slow
def test_training_evaluating_and_predicting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlspec.data.sources.sklearn import SklearnTable
    from dlspec.training.evaluate import evaluate
    from dlspec.training.predict import predict, together
    from dlspec.training.saved import open_run
    from dlspec.training.train import request_of, run
    from dlspec.views.pages.index import find_run

    report = run(request_of(trainable(tmp_path)), tmp_path / "runs")
    again = run(request_of(trainable(tmp_path)), tmp_path / "runs")
    assert report.facts["data"]["drawn"] == {"noise": {"normal": {}}}
    assert (report.folder / "metrics.csv").read_text() == (again.folder / "metrics.csv").read_text()
    saved = open_run(find_run(str(report.folder), tmp_path))
    monkeypatch.chdir(tmp_path)
    measured = evaluate(saved)["metrics"]
    assert measured["test"]["loss"] == pytest.approx(report.facts["metrics"]["test"]["loss"], rel=1e-5)
    rows = SklearnTable("iris").read(["data"])["data"][:40]
    np.savez(tmp_path / "some.npz", data=rows)
    (one,) = saved.training.drawn
    np.savez(tmp_path / "given.npz", data=rows, noise=one.at(np.arange(40)))
    np.savez(tmp_path / "zeros.npz", data=rows, noise=np.zeros((40, 3)))
    answers = [together(predict(saved, tmp_path / f"{name}.npz"))["species"] for name in ("some", "given", "zeros")]
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-6)
    assert np.abs(answers[0] - answers[2]).max() > 1e-3


@pytest.mark.slow
def test_each_learner_moves_by_its_own_draws(tmp_path: Path) -> None:
    """Two weights that begin at 0 and minimise a product with what is drawn end at minus its mean."""
    import keras

    from dlspec.training.train import request_of, run
    from dlspec.views.pages.index import find_run

    layers = "".join(
        f"  - dense: {{units: 1, use_bias: false, kernel_initializer: zeros, from: z, name: {name}}}\n" for name in "ab"
    )
    text = (
        f"name: two\ninputs: {{z: {{shape: [3], draw: normal}}}}\nlayers:\n{layers}outputs: [a, b]\n"
        "data: {source: {draws: 50}, batch_size: 50}\ntrain:\n  optimizer: {sgd: 1}\n  epochs: 1\n"
        "  learners:\n    first: {trains: a, minimize: a}\n    second: {trains: b, minimize: b}\n"
    )
    state = trainable(tmp_path, text)
    report = run(request_of(state), tmp_path / "runs")
    model = keras.saving.load_model(find_run(str(report.folder), tmp_path).path / "model.keras")
    (one,) = prepared(state).binding.drawn
    for name, learner in (("a", "first"), ("b", "second")):
        mean = one.in_training(0, learner, 0, 50).mean(axis=0)
        np.testing.assert_allclose(model.get_layer(name).kernel[:, 0], -mean, rtol=1e-4, atol=1e-6)
