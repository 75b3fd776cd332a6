"""Figures of the section `report` against scikit-learn, SciPy and sums written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity

from dlspec.views.figures import groups, neighbours
from dlspec.views.figures.detection import detection, threshold
from dlspec.views.figures.frechet import distance
from dlspec.views.figures.neighbours import nearest


def clouds(seed: int = 0) -> tuple[Any, Any, Any, Any]:
    random = np.random.default_rng(seed)
    asked, among = random.normal(size=(40, 6)), random.normal(size=(90, 6))
    return asked, among, random.integers(0, 4, 40).astype(str), random.integers(0, 5, 90).astype(str)


@pytest.mark.parametrize("chunk", [8_000_000, 200])
def test_neighbours_and_retrieval(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_CHUNK", chunk)
    asked, among, own, others = clouds()
    found = nearest(asked, among, 5, (own, others))
    similar = cosine_similarity(asked, among)
    order = np.argsort(-similar, axis=1, kind="stable")
    assert np.array_equal(found.numbers, order[:, :5])
    assert np.allclose(found.similarity, np.take_along_axis(similar, order[:, :5], axis=1))
    first, exact, any_of, chance = [], [], [], []
    for row, name in zip(order, own, strict=True):
        right = others[row] == name
        count = int(right.sum())
        first.append(right[:5].mean())
        exact.append(right[:count].mean())
        any_of.append(right[:5].any())
        chance.append(count / 90)
    assert found.retrieval is not None
    want = {"precision": first, "r_precision": exact, "recall": any_of, "chance": chance}
    assert found.retrieval == pytest.approx({name: np.mean(values) for name, values in want.items()})


def test_no_example_is_its_own_neighbour() -> None:
    _, among, _, others = clouds(1)
    others[0] = "alone"
    found = nearest(among, among, 200, (others, others), same=True)
    assert found.numbers.shape == (90, 89)
    assert all(number not in row for number, row in enumerate(found.numbers))
    rows = [others[row] == others[number] for number, row in enumerate(found.numbers) if number]
    assert found.retrieval is not None
    assert found.retrieval["r_precision"] == pytest.approx(np.mean([row[: row.sum()].mean() for row in rows]))
    assert found.retrieval["precision"] == pytest.approx(np.mean([row.mean() for row in rows]))


def test_a_vector_of_zeros_is_far_from_all_and_unknown_classes_measure_nothing() -> None:
    found = nearest(np.zeros((1, 2)), np.eye(2), 2, (np.array(["a"]), np.array(["b", "b"])))
    assert found.similarity.tolist() == [[0, 0]] and found.numbers.tolist() == [[0, 1]] and found.retrieval is None


def test_maps_and_groups() -> None:
    asked, among, own, _ = clouds(2)
    points, shares = groups.plane(among)
    pca = PCA(2).fit(among)
    assert np.allclose(points, pca.transform(among)) and np.allclose(shares or [], pca.explained_variance_ratio_)
    two, nothing = groups.plane(among[:, :2])
    assert np.array_equal(two, among[:, :2]) and nothing is None
    numbers = groups.groups(among, asked, 4, 3)
    assert np.array_equal(numbers, KMeans(4, n_init=10, random_state=3).fit(among).predict(asked))
    assert groups.adjusted_rand(numbers, own) == adjusted_rand_score(own, numbers)
    told = groups.described(np.array([0, 0, 0, 2]), 3, np.array(["a", "b", "b", "c"], object))
    assert [(one["examples"], one["most"]) for one in told] == [(3, "b"), (1, "c"), (0, None)]
    assert [one["share"] for one in told] == [pytest.approx(2 / 3), 1, None]


def test_outliers() -> None:
    random = np.random.default_rng(3)
    train = random.normal(size=200)
    outlier = random.random(100) < 0.3
    scores = random.normal(size=100) + 1.5 * outlier
    limit = threshold(train, 0.1)
    assert limit == np.quantile(train, 0.9) and (train > limit).mean() == pytest.approx(0.1)
    found = detection(scores, outlier, limit)
    assert found["outliers"] == outlier.sum() and found["auc"] == roc_auc_score(outlier, scores)
    assert found["recall"] == ((scores > limit) & outlier).sum() / outlier.sum()
    assert found["false_alarms"] == ((scores > limit) & ~outlier).sum() / (~outlier).sum()
    assert found["precision"] == ((scores > limit) & outlier).sum() / (scores > limit).sum()
    assert found["roc"][0] == [0, 0] and found["roc"][-1] == [1, 1]
    none = detection(scores, np.zeros(100, bool), 99)
    assert (none["auc"], none["recall"], none["precision"], none["false_alarms"], none["roc"]) == (
        None,
        None,
        None,
        0,
        [],
    )


def test_frechet_distance() -> None:
    random = np.random.default_rng(4)
    first = random.normal(size=(60, 5)) @ random.normal(size=(5, 5))
    second = random.normal(size=(80, 5)) @ random.normal(size=(5, 5)) + random.normal(size=5)
    one, other = np.cov(first.T), np.cov(second.T)
    apart = first.mean(axis=0) - second.mean(axis=0)
    want = apart @ apart + np.trace(one + other - 2 * sqrtm(one @ other).real)
    assert distance(first, second) == pytest.approx(want)
    assert distance(first, first) == pytest.approx(0, abs=1e-9)
    # In one dimension it is (m₁ − m₂)² + (s₁ − s₂)²; features that never change have no root of their covariance.
    assert distance(first[:, :1], second[:, :1]) == pytest.approx(
        apart[0] ** 2 + (first[:, 0].std(ddof=1) - second[:, 0].std(ddof=1)) ** 2
    )
    flat = np.concatenate([first, np.zeros((60, 3))], axis=1)
    assert distance(flat, flat + 1) == pytest.approx(8)
