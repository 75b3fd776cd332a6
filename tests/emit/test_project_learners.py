"""Projects of specs with `minimize` and `learners` measure what ``dlspec train`` measures, and save its weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.emit.learner_cases import ADVERSARIAL, CASES, PHASED, PHASED_TURNS, SHARED
from tests.emit.projects import emitted, train_spec
from tests.emit.test_project import refusal
from tests.emit.test_project_training import compared
from tests.support import ROOT

# Keras 3.15 with numpy 2 warns about its own conversion of every weight that it saves.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning"),
]


def written(folder: Path, text: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(f"name: learning\n{text}", encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.exhaustive] * (case not in ("every", "few_labels", "phased", "weighed")))
        for case in CASES
    ],
)
def test_the_same_curve(case: str, tmp_path: Path) -> None:
    # Rows of the first source do not tell what enters from another one.
    own = {"inputs": lambda: np.ones((3, 8), "float32")} if case == "unpaired" else {}
    if case == "few_labels":
        shutil.copy(ROOT / "specs/learning/few_labels.npz", tmp_path)
    found = compared(written(tmp_path, CASES[case]), tmp_path, **own)
    # Targets in other units, and rows that a normalization measures, are summed in another order.
    assert max(found.values()) <= (1e-6 if case in ("units", "unpaired") else 0), found


@pytest.mark.exhaustive
def test_all_weights_are_saved_beside_the_model(tmp_path: Path) -> None:
    from dlspec.backends.keras.build import build

    path = written(tmp_path, ADVERSARIAL)
    compared(path, tmp_path)
    state, _ = emitted(path, tmp_path / "project")
    _, run = train_spec(state, tmp_path / "again")
    found = []
    for file in (run / "training.weights.h5", tmp_path / "project/output/training.weights.h5"):
        whole = build(state.training_graph)  # type: ignore[arg-type]
        whole.load_weights(file)
        found.append(whole.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_reads_as_one_would_write_it(tmp_path: Path) -> None:
    _, files = emitted(written(tmp_path, CASES["every"]), tmp_path / "project")
    text = " ".join(files["train.py"].split())
    assert "whole = build_whole() model = saved_part(whole)" in text
    assert 'name="generator", minimize={"fooled": 1.0}, trains=["Generator"], every=3, )' in text
    assert f"optimizers=[ {'keras.optimizers.Adam(0.0005, beta_1=0.5), ' * 2}]" in text
    assert 'model.save(arguments.output / "model.keras")' in text  # what is drawn needs no preparation
    assert "with_preparation" not in files["data.py"]
    assert "(self.seed, self.epoch, learner, " in files["data.py"]
    assert "`learning.py`" in files["README.md"] and "`output/training.weights.h5`" in files["README.md"]


def test_each_phase_trains_a_model_of_its_own(tmp_path: Path) -> None:
    _, files = emitted(written(tmp_path, PHASED), tmp_path / "project")
    text = " ".join(files["train.py"].split())
    assert 'best = BestEpoch(whole, output / "best.weights.h5", monitor="val_loss", mode="min")' in text
    assert 'minimize={"error": 1.0}' in text and "trained.compile( optimizer=keras.optimizers.SGD(0.1)," in text
    assert "whole.load_weights(best.filepath) return model, trained, whole, measures" in text
    _, files = emitted(written(tmp_path, PHASED_TURNS), tmp_path / "turns")
    text = files["train.py"]
    assert text.index("training.learners = ()") < text.index('training.learners = ("critic", "generator")')


REFUSED = {
    "phases without `minimize` that compare other outputs": PHASED.replace("outputs: digit", "outputs: [digit, two]")
    .replace("outputs:", "  - dense: {units: 10, activation: softmax, from: less, name: two}\noutputs:")
    .replace("targets: {digit: target}", "targets: {digit: target, two: target}")
    .replace("metrics: [accuracy]", "metrics: {digit: [accuracy]}")
    .replace("  loss: sparse", "  loss: {digit: sparse_categorical_crossentropy, two: sparse")
    .replace("py\n  metrics", "py}\n  metrics")
    .replace("monitor: val_accuracy", "monitor: val_digit_accuracy")
    .replace(", metrics: [sparse_top_k_categorical_accuracy]", ", loss: {digit: sparse_categorical_crossentropy}"),
    "`weight` where some phases minimise tensors and others do not": PHASED.replace(
        "\n  split", "\n  weight: target\n  split"
    ),
    "a search of `every` in `learners`": ADVERSARIAL.replace("minimize: fooled", "minimize: fooled, every: $turns")
    + "params: {turns: {choice: [1, 2]}}\ntune: {algorithm: random, trials: 2, objective: val_fooled}\n",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_words_is_refused_before_anything_is_written(what: str, tmp_path: Path) -> None:
    said = refusal("export", str(written(tmp_path, REFUSED[what])), "--project", str(tmp_path / "project"))
    assert f"error[E705]: `export --project` does not support {what}" in said
    assert not (tmp_path / "project").exists()


def test_layers_are_meant_by_their_places(tmp_path: Path) -> None:
    _, files = emitted(written(tmp_path, SHARED), tmp_path / "project")
    assert "trains=model.layers[1:3]" in files["train.py"] and "build_whole" not in files["model.py"]
