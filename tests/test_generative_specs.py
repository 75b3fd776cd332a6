"""The generative examples of `specs/`: they train, draw pictures, and reach what right ones reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.support import ROOT, rows_of

GENERATIVE = ROOT / "specs" / "generative"
# What these make follows from a picture that is given.
TRANSLATING = ("cycle_gan", "pix2pix", "srgan", "vq_vae")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({path.stem for path in GENERATIVE.glob("*.yaml")} - {*TRANSLATING}))
def test_an_epoch_and_pictures(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(GENERATIVE / f"{name}.yaml"), "--set", "train.epochs=1"]) == 0
    given = ["--where", "label=3"] if name == "conditional_gan" else []
    assert run(["generate", name, "--count", "4", "-o", "drawn", *given]) == 0
    assert len(list(Path("drawn").glob("*.png"))) == 5


def negative_elbo(weights: dict[str, Any], pixels: Any, draws: int) -> float:
    """Nats of one picture, by NumPy alone and with noise of its own: a code without noise does not pass."""

    def dense(x: Any, name: str) -> Any:
        kernel, bias = weights[name]
        return x @ kernel + bias

    features = np.maximum(dense(np.maximum(dense(pixels, "dense"), 0), "features"), 0)
    mean, log_variance = dense(features, "mean"), dense(features, "log_variance")
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1)
    random, lost = np.random.default_rng(0), np.zeros(len(pixels))
    for _ in range(draws):
        code = mean + np.exp(log_variance / 2) * random.standard_normal(mean.shape)
        hidden = np.maximum(dense(np.maximum(dense(code, "inner"), 0), "inner_1"), 0)
        logits = dense(hidden, "logits")
        lost += (np.logaddexp(0, logits) - pixels * logits).sum(axis=1) / draws
    return float((lost + divergence).mean())


def held_out(folder: Path) -> float:
    """−ELBO of the test split of a trained `vae`."""
    from sklearn.datasets import load_digits

    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    saved = open_run(find_run("vae", folder / "runs"))
    whole = saved.whole
    named = {layer.name: layer for layer in whole.layers}
    inner = [layer for layer in named["Decoder"].layers if layer.weights]
    found = [(name, named[name]) for name in ("dense", "features", "mean", "log_variance")]
    found += zip(("inner", "inner_1", "logits"), inner, strict=True)
    weights = {name: [np.asarray(w, np.float64) for w in layer.get_weights()] for name, layer in found}
    rows = rows_of(GENERATIVE / "vae.yaml").test
    return negative_elbo(weights, load_digits().data[rows] / 16, 50)


@pytest.mark.exhaustive
def test_a_vae_reaches_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Independent pixels reach 27.13 nats, a code without noise 170, no divergence 183."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(GENERATIVE / "vae.yaml")]) == 0
    assert held_out(tmp_path) <= 24.3
