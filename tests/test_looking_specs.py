"""`specs/looking`: what is said of an answer has to do with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from dlspec.cli.main import run
from dlspec.training.answer_scores import AnswerScores
from dlspec.training.saved import open_run
from dlspec.views.pages.index import find_run
from tests.support import ROOT

Array = np.ndarray[Any, Any]
# Of 64.
_PIXELS = 6


@pytest.mark.exhaustive
def test_answers_follow_from_the_pixels_that_saliency_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pixels turned grey change more answers where saliency chooses them than where chance does."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(ROOT / "specs" / "looking" / "saliency.yaml"), "--quiet"]) == 0
    saved = open_run(find_run("saliency", Path("runs")), allow_outside=True)
    facts = json.loads((saved.run.path / "report.json").read_text(encoding="utf-8"))
    assert facts["figures"]["saliency"]["layer"] == "features"
    assert facts["results"]["outputs"]["digit"]["accuracy"] > 0.9
    images = load_digits().images[::6, ..., None].astype("float32") / 16
    answers = np.asarray(saved.core(images)).argmax(axis=1)
    scores = AnswerScores(saved.core, saved.outputs, saved.outputs[0])
    pixels, _ = scores.pixels({"image": images}, answers, "image")
    chance = np.random.default_rng(0).random(pixels.shape)
    by_chance, by_saliency = (_same(saved.core, images, answers, order) for order in (chance, pixels))
    assert by_saliency < by_chance - 0.15, (by_saliency, by_chance)


def _same(model: Any, images: Array, answers: Array, order: Array) -> float:
    """The share of answers that stay where the pixels that are first in an order are grey."""
    flat = images.reshape(len(images), -1).copy()
    chosen = np.argsort(-order.reshape(len(images), -1), axis=1)[:, :_PIXELS]
    np.put_along_axis(flat, chosen, 0.5, axis=1)
    given = np.asarray(model(flat.reshape(images.shape)))
    return float((given.argmax(axis=1) == answers).mean())
