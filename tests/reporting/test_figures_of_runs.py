"""The section `report` in real runs: its figures are those that NumPy gives from the saved model's answers."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity

from dlspec.cli.main import run
from dlspec.data.order.splits import choose
from dlspec.training.saved import SavedRun, open_run
from dlspec.views.figures.frechet import distance
from dlspec.views.pages.index import find_run
from tests.support import as_documented

pytestmark = pytest.mark.slow

CODES = """
name: codes
inputs: {image: [8, 8, 1], z: {shape: [4], draw: normal}}
models:
  Decoder: {inputs: {code: [4]}, layers: [{dense: {units: 64, activation: sigmoid}}, {reshape: [8, 8, 1]}]}
layers:
  - flatten: {from: image}
  - dense: {units: 4, name: code}
  - Decoder: {name: again}
  - losses.mse: {from: [image, again], name: score}
  - Decoder: {from: z, name: drawn}
outputs: [code, score, drawn]
data:
  source: {sklearn: digits}
  inputs: {image: {column: images, prepare: [{rescaling: {scale: 1 / 16}}]}}
  split: {test: 0.2}
train: {minimize: score, optimizer: {adam: 0.01}, epochs: 2}
report:
  neighbours: {of: code, by: target, k: 3}
  map: code
  clusters: {of: code, by: target, k: 6}
  outliers: {of: score, by: target, are: [8, 9], share: 0.1}
  frechet: {of: drawn, features: judge, count: 300}
"""
JUDGE = """
name: judge
inputs: {pixels: [8, 8, 1]}
layers: [flatten, {dense: {units: 12, activation: relu, name: features}}, {dense: {units: 10}}]
data:
  source: {sklearn: digits}
  inputs: {pixels: {column: images, prepare: [{rescaling: {scale: 1 / 16}}]}}
  targets: {digit: target}
  split: {test: 0.2}
train: {loss: {sparse_categorical_crossentropy: {from_logits: true}}, optimizer: {adam: 0.01}, epochs: 2}
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of both runs, and what training has printed."""
    folder = tmp_path_factory.mktemp("figures")
    (folder / "codes.yaml").write_text(CODES, encoding="utf-8")
    (folder / "judge.yaml").write_text(JUDGE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.chdir(folder)
        assert run(["train", "judge.yaml", "--run", "judge", "--quiet"]) == 0
        assert run(["train", "codes.yaml", "--run", "codes", "--quiet"]) == 0
    return folder, printed.getvalue()


@pytest.fixture(scope="module")
def made(printed: tuple[Path, str]) -> tuple[Path, str]:
    """The folder of both runs, and the report of the first."""
    return printed[0], (printed[0] / "codes" / "report.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def answers(made: tuple[Path, str]) -> dict[str, Any]:
    """What the saved models give, and the classes, for both parts."""
    saved, judge = (open_run(find_run(str(made[0] / name), made[0])) for name in ("codes", "judge"))
    rows = choose(saved.data, saved.data.source.open(made[0]), 1797)
    digits = load_digits()
    found: dict[str, Any] = {"test": digits.target[rows.test], "train": digits.target[rows.train]}
    for part, pick in (("test", rows.test), ("train", rows.train)):
        (one,) = saved.training.drawn
        given = saved.model({"image": digits.images[pick][..., None], "z": one.at(pick)})
        found |= {f"{part} {name}": np.asarray(values) for name, values in given.items()}
        found[f"{part} features"] = features(judge, digits.images[pick][..., None] / 16)
    drawn = saved.model({"image": np.zeros((300, 8, 8, 1)), "z": one.at(np.arange(300))})["drawn"]
    found["features"] = features(judge, drawn)
    found["logits"] = np.asarray(judge.model(16 * drawn))
    return found


def features(judge: SavedRun, pixels: Any) -> Any:
    weights = [np.asarray(one) for one in judge.model.get_weights()]
    return np.maximum(np.asarray(pixels).reshape(len(pixels), -1) @ weights[0] + weights[1], 0)


def test_neighbours(made: tuple[Path, str], answers: dict[str, Any]) -> None:
    found = as_documented("report", made[1])["figures"]["neighbours"]
    similar = cosine_similarity(answers["test code"].astype(float), answers["train code"].astype(float))
    order = np.argsort(-similar, axis=1, kind="stable")
    right = answers["train"][order] == answers["test"][:, None]
    assert found["retrieval"]["precision"] == pytest.approx(right[:, :3].mean(), abs=1e-3)
    exact = [row[: row.sum()].mean() for row in right]
    assert found["retrieval"]["r_precision"] == pytest.approx(np.mean(exact), abs=1e-4)
    assert found["retrieval"]["recall"] == pytest.approx(right[:, :3].any(axis=1).mean(), abs=3e-3)
    assert (found["asked"], found["among"], len(found["examples"])) == (359, 1438, 8)
    one = found["examples"][0]
    row = load_digits().target[int(re.findall(r"row (\d+)", one["where"])[0]) - 1]
    assert one["of"] in (str(row), str(load_digits().target[int(re.findall(r"\d+", one["where"])[-1])]))
    assert (made[0] / "codes" / "pictures" / "code-neighbours.png").is_file()


def test_maps_groups_and_outliers(made: tuple[Path, str], answers: dict[str, Any]) -> None:
    found = json.loads(made[1])["figures"]
    code = answers["test code"].astype(float)
    shares = np.linalg.svd(code - code.mean(axis=0), compute_uv=False) ** 2
    assert found["map"]["explained"] == pytest.approx(list(shares[:2] / shares.sum()), abs=1e-4)
    assert len(found["map"]["points"]) == 359 and found["map"]["of_class"] == []
    means = KMeans(6, n_init=10, random_state=0).fit(answers["train code"].astype(float))
    rand = adjusted_rand_score(answers["test"], means.predict(code))
    assert found["clusters"]["adjusted_rand"] == pytest.approx(rand, abs=5e-3)
    told, strange = found["outliers"], answers["test"] >= 8
    assert told["threshold"] == pytest.approx(np.quantile(answers["train score"], 0.9), rel=1e-4)
    assert told["detection"]["auc"] == pytest.approx(roc_auc_score(strange, answers["test score"]), abs=1e-4)
    assert told["detection"]["outliers"] == strange.sum()


def test_the_distance_of_drawn_examples(made: tuple[Path, str], answers: dict[str, Any]) -> None:
    found = json.loads(made[1])["figures"]["frechet"]
    assert found["distance"] == pytest.approx(distance(answers["features"], answers["test features"]), rel=1e-4)
    assert found["training"] == pytest.approx(
        distance(answers["train features"][:300], answers["test features"]), rel=1e-4
    )
    assert found["training"] < found["distance"]
    shares = np.exp(answers["logits"]) / np.exp(answers["logits"]).sum(axis=1, keepdims=True)
    assert found["sure"] == pytest.approx((shares.max(axis=1) >= 0.9).mean(), abs=5e-3)
    assert [one["share"] for one in found["classes"]] == pytest.approx(
        np.bincount(shares.argmax(axis=1), minlength=10) / 300, abs=5e-3
    )
    assert (found["layer"], found["beside"], found["drawn"], found["real"]) == ("features", "image", 300, 359)


def test_people_read_them(printed: tuple[Path, str]) -> None:
    page = (printed[0] / "codes" / "report.html").read_text(encoding="utf-8")
    for title in ("Neighbours by code", "Groups by code", "Outliers by score", "Distance of drawn from image"):
        assert f"<h2>{title}</h2>" in page and f"\n{title}: " in printed[1]
    assert "<h2>Map of code</h2>" in page and max(map(len, printed[1].splitlines())) < 160


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("features: judge", "features: codes"), "takes `image` [8, 8, 1], `z` [4], and `drawn` is [8, 8, 1]"),
        (("features: judge", "features: nowhere"), "there is no folder `nowhere`"),
        (("features: judge", "layer: last, features: judge"), "has no layer `last`"),
        (
            ("scale: 1 / 16", "scale: 1 / 8"),
            "prepares `pixels` by `rescaling: {scale: 0.0625}`, and this one `image` by",
        ),
        (("features: judge", "features: ."), "`.` holds no `model.keras`"),
    ],
)
def test_a_run_that_sees_no_such_examples(
    made: tuple[Path, str], edit: tuple[str, str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(made[0])
    Path("other.yaml").write_text(CODES.replace(*edit), encoding="utf-8")
    assert run(["train", "other.yaml", "--quiet"]) != 0
    assert words in capsys.readouterr().err
