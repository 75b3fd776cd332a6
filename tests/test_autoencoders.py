"""The autoencoders of `specs/`: each trains, shortened, to what a right one reaches and a broken one does not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.support import ROOT, rows_of

FOLDER = ROOT / "specs" / "autoencoders"


@cache
def digits() -> tuple[Any, Any]:
    """Pictures of the training and the test split of all these specs, values 0 to 1."""
    from sklearn.datasets import load_digits

    rows = rows_of(FOLDER / "undercomplete.yaml")
    pictures = load_digits().images / 16
    return pictures[rows.train], pictures[rows.test]


def components(number: int, pictures: Any | None = None) -> float:
    """Mean squared error of so many principal components, given other pictures than the test split or not."""
    from sklearn.decomposition import PCA

    train, test = (part.reshape(-1, 64) for part in digits())
    model = PCA(number).fit(train)
    entering = test if pictures is None else pictures.reshape(-1, 64)
    return float(((model.inverse_transform(model.transform(entering)) - test) ** 2).mean())


def trained(name: str, epochs: int, folder: Path) -> Any:
    """The saved model of a run of so many epochs, which takes grey values as they are stored, 0 to 16."""
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    assert run(["train", str(FOLDER / f"{name}.yaml"), "--set", f"train.epochs={epochs}"]) == 0
    model = open_run(find_run(name, folder / "runs")).model
    return lambda pictures: model.predict(16 * pictures[..., None].astype("float32"), verbose=0)


def error(answers: Any) -> float:
    """Mean squared error of what is made of the test split."""
    return float(((answers["again"][..., 0] - digits()[1]) ** 2).mean())


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_a_linear_one_finds_principal_components(tmp_path: Path) -> None:
    """Not better than PCA, which is the best linear code, and not much worse (measured in full: 1.004 times)."""
    answers = trained("principal_components", 30, tmp_path)(digits()[1])
    assert 1 <= error(answers) / components(8) < 1.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "epochs", "components_of_the_code", "share"),
    [
        ("undercomplete", 25, 8, 0.75),  # in full: 0.44
        ("deep", 25, 2, 0.9),  # in full: 0.59
        ("convolutional", 8, 16, 1.4),  # in full: 0.60
    ],
)
def test_a_code_says_more_than_principal_components(
    name: str, epochs: int, components_of_the_code: int, share: float, tmp_path: Path
) -> None:
    answers = trained(name, epochs, tmp_path)(digits()[1])
    assert answers["code"].reshape(len(answers["code"]), -1).shape[1] == components_of_the_code
    assert error(answers) < share * components(components_of_the_code)


@pytest.mark.slow
def test_a_divergence_keeps_units_rarely_active(tmp_path: Path) -> None:
    """Without the penalty the mean activation stays near 0.5."""
    answers = trained("sparse_kl", 30, tmp_path)(digits()[1])
    assert 0.03 < answers["code"].mean() < 0.15
    assert error(answers) < 0.02


@pytest.mark.slow
def test_an_l1_penalty_silences_units(tmp_path: Path) -> None:
    answers = trained("sparse_l1", 30, tmp_path)(digits()[1])
    assert (answers["code"] == 0).mean() > 0.5
    assert error(answers) < 0.005


@pytest.mark.slow
def test_noise_is_taken_away(tmp_path: Path) -> None:
    """Better than the best projection on principal components; one that trained on clean pictures leaves 0.037."""
    noise = 0.3 * np.random.default_rng(0).standard_normal(digits()[1].shape)
    noisy = np.clip(digits()[1] + noise, 0, 1)
    answers = {"again": trained("denoising", 40, tmp_path)(noisy)}
    assert error(answers) < 0.9 * min(components(number, noisy) for number in range(6, 26))


@pytest.mark.slow
def test_what_cannot_be_copied_is_an_outlier(tmp_path: Path) -> None:
    """Digits on their side, each in the same grey values as the upright ones."""
    from sklearn.metrics import roc_auc_score

    answer, upright = trained("outliers", 15, tmp_path), digits()[1]
    scores = np.concatenate([answer(upright), answer(np.rot90(upright, axes=(1, 2)))])
    assert roc_auc_score(np.repeat([0, 1], len(upright)), scores) > 0.95


@pytest.mark.exhaustive
def test_what_they_reach_in_full(tmp_path: Path) -> None:
    assert error(trained("undercomplete", 130, tmp_path)(digits()[1])) <= 0.55 * components(8)
    noise = 0.3 * np.random.default_rng(0).standard_normal(digits()[1].shape)
    noisy = np.clip(digits()[1] + noise, 0, 1)
    best = min(components(number, noisy) for number in range(4, 33))
    assert error({"again": trained("denoising", 130, tmp_path)(noisy)}) <= 0.75 * best
