"""The energy models of `specs/`: whole trainings, and bars that broken trainers miss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dlspec.cli.main import run
from tests.support import ROOT, rows_of

ENERGY = ROOT / "specs" / "energy"


def machine(name: str, folder: Path) -> tuple[list[Any], Any, Any]:
    """The weights of a trained machine, and what the digits of the training and the test split are to it."""
    from sklearn.datasets import load_digits

    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    whole = open_run(find_run(name, folder / "runs")).whole
    inner = next(layer for layer in whole.layers if layer.name == "Machine")
    weights = [np.asarray(one, np.float64) for one in inner.get_weights()]
    rows = rows_of(ENERGY / f"{name}.yaml")
    pixels = (load_digits().data / 16 > 0.5).astype(float)
    return weights, pixels[rows.train], pixels[rows.test]


def marginal(train: Any, count: int) -> Any:
    """Noise in which each pixel by itself is as often lit as in the digits: biases alone cannot tell it from them."""
    return (np.random.default_rng(9).uniform(size=(count, 64)) < train.mean(axis=0)).astype(float)


def free_energies(folder: Path) -> dict[str, float]:
    """Of the trained `restricted_boltzmann`: digits of the test split beside noise of the same pixels, two by two.

    Returns:
        The share of pairs in which the digit has less free energy, by how much in the mean, and how far the means of
        training and test digits lie apart.
    """
    (kernel, bias, visible), train, test = machine("restricted_boltzmann", folder)

    def free(v: Any) -> Any:
        return -v @ visible - np.logaddexp(0, v @ kernel + bias).sum(axis=1)

    digits, noise = free(test), free(marginal(train, len(test)))
    return {
        "share": float((digits < noise).mean()),
        "gap": float(noise.mean() - digits.mean()),
        "held out": float(abs(free(train).mean() - digits.mean())),
    }


@pytest.mark.parametrize(
    ("epochs", "share", "gap"),
    [
        pytest.param(5, 0.75, 3, marks=pytest.mark.slow),
        pytest.param(20, 0.85, 6, marks=pytest.mark.exhaustive),
    ],
)
def test_a_restricted_machine_knows_digits_from_marginal_noise(
    epochs: int, share: float, gap: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 20 epochs 0.96 and 11.4; a machine of biases alone tells 0.52 of the pairs."""
    monkeypatch.chdir(tmp_path)
    spec = str(ENERGY / "restricted_boltzmann.yaml")
    assert run(["train", spec, "--quiet", "--set", f"train.epochs={epochs}"]) == 0
    figures = free_energies(tmp_path)
    assert figures["share"] >= share and figures["gap"] >= gap and figures["held out"] < 2
    assert run(["generate", "restricted_boltzmann", "--count", "4", "-o", "drawn"]) == 0
    assert len(list(Path("drawn").glob("*.png"))) == 5


def likelihoods(folder: Path) -> tuple[Any, Any]:
    """Log-likelihood in nats of each digit of the test split under the trained `deep_boltzmann`, and its bound.

    The first is exact: the 4096 states of the lower layer are summed.
    """
    (first, second, low, middle, high, *_), _, test = machine("deep_boltzmann", folder)
    states = np.array([[number >> place & 1 for place in range(12)] for number in range(4096)], float)
    above = states @ middle + np.logaddexp(0, states @ second + high).sum(axis=1)
    log_z = np.logaddexp.reduce(above + np.logaddexp(0, states @ first.T + low).sum(axis=1))
    exact = np.logaddexp.reduce((test @ low)[:, None] + test @ first @ states.T + above, axis=1) - log_z
    lower = sigmoid(2 * test @ first + middle)
    for _ in range(10):
        upper = sigmoid(lower @ second + high)
        lower = sigmoid(test @ first + upper @ second.T + middle)
    bound = test @ low + lower @ middle + upper @ high + ((test @ first + upper @ second.T) * lower).sum(axis=1)
    return exact, bound + entropy(lower) + entropy(upper) - log_z


@pytest.mark.exhaustive
def test_a_deep_machine_reaches_its_likelihood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the upper layer idle it is -20.7 to -21.0."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(ENERGY / "deep_boltzmann.yaml"), "--quiet"]) == 0
    exact, bound = likelihoods(tmp_path)
    assert exact.mean() >= -20.2
    assert (bound <= exact + 1e-9).all()
    assert (exact - bound).mean() < 0.2


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def entropy(chances: Any) -> Any:
    near = chances.clip(1e-12, 1 - 1e-12)
    return -(near * np.log(near) + (1 - near) * np.log(1 - near)).sum(axis=1)


TRAINING, TEST = np.split(np.random.default_rng(0).permutation(1797), [1437])


def accuracy(name: str, train: dict[str, Any], layers: list[Any], rows: Any, labels: bool) -> float | None:
    """Trains layers of the deep belief network on some digits; with labels, the accuracy on 360 others."""
    from sklearn.datasets import load_digits

    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    pixels, digits = (load_digits().data / 16).astype("float32"), load_digits().target
    np.savez(f"{name}.npz", x=pixels[rows], y=digits[rows])
    data = {"source": {"npz": f"{name}.npz"}, "inputs": {"image": "x"}, "batch_size": 20}
    data |= {"targets": {"digit": "y"}} if labels else {}
    spec = {"name": name, "inputs": {"image": [64]}, "layers": layers, "outputs": "digit" if labels else "third"}
    text = yaml.safe_dump({**spec, "data": data, "train": {"keep": "last", **train}})
    Path(f"{name}.yaml").write_text(text, encoding="utf-8")
    assert run(["train", f"{name}.yaml", "--quiet"]) == 0
    if not labels:
        return None
    guess = open_run(find_run(name, Path("runs"))).model.predict(pixels[TEST], verbose=0)
    return float((guess.argmax(axis=1) == digits[TEST]).mean())


def pretrained(seed: int, epochs: int) -> tuple[list[Any], str]:
    """The layers of the deep belief network, and the run in which they learnt one after another, without labels."""
    from dlspec.views.pages.index import find_run

    spec = yaml.safe_load((ENERGY / "deep_belief_network.yaml").read_text(encoding="utf-8"))
    phases = {name: {**phase, "epochs": epochs} for name, phase in spec["train"]["phases"].items() if name != "labels"}
    accuracy("before", {"seed": seed, "phases": phases}, spec["layers"][1:-1], TRAINING, labels=False)
    return spec["layers"][1:], str(find_run("before", Path("runs")).path)


def fine_tuned(layers: list[Any], seed: int, count: int, epochs: int, **more: str) -> float:
    train = {
        "seed": seed, "epochs": epochs, "loss": "sparse_categorical_crossentropy",
        "optimizer": {"sgd": {"learning_rate": 0.1, "momentum": 0.9}}, **more,
    }  # fmt: skip
    rows = np.random.default_rng(seed).permutation(TRAINING)[:count]
    found = accuracy("with" if more else "without", train, layers, rows, labels=True)
    assert found is not None
    return found


@pytest.mark.slow
def test_a_deep_belief_network_begins_with_what_it_learnt_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 labels, seen so briefly that sigmoids which begin by chance stay at 0.25."""
    monkeypatch.chdir(tmp_path)
    layers, before = pretrained(seed=0, epochs=5)
    assert fine_tuned(layers, 0, 200, 30, start_from=before) >= 0.5


def gains_of_labels(seed: int) -> dict[int, float]:
    """By how much a deep belief network is more accurate with what it learnt before, by number of labels."""
    layers, before = pretrained(seed, epochs=15)
    return {
        count: fine_tuned(layers, seed, count, 60, start_from=before) - fine_tuned(layers, seed, count, 60)
        for count in (100, 200)
    }


@pytest.mark.exhaustive
def test_a_deep_belief_network_gains_by_what_it_learnt_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is gained where the first phases are thrown away. Five seeds gain 0.19 at 100 labels, 0.14 at 200."""
    monkeypatch.chdir(tmp_path)
    gains = [gains_of_labels(seed) for seed in (0, 1)]
    assert np.mean([gain[100] for gain in gains]) >= 0.10 and np.mean([gain[200] for gain in gains]) >= 0.03
    assert min(least for gain in gains for least in gain.values()) > 0
