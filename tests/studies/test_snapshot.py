"""Snapshots of one training: members go on from each other, and the model that is kept gives their mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_iris

from tests.studies.test_studies import cli

SPEC = """
name: flowers
inputs: {x: [4]}
layers: [{dense: {units: 8, activation: tanh}}, {batch_normalization: {momentum: 0.5}}, {dense: {units: 3, name: kind}}]
data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}, split: {validation: 0.2}, batch_size: 15}
train:
  method: {snapshot: 3}
  loss: {sparse_categorical_crossentropy: {from_logits: true}}
  optimizer: {sgd: {learning_rate: {cosine_decay: {initial_learning_rate: 0.3, decay_steps: 24}}}}
  metrics: [accuracy]
  epochs: 3
"""


def _model(run: Path) -> Any:
    import keras

    return keras.saving.load_model(run / "model.keras", compile=False)


@pytest.mark.slow
def test_members_go_on_from_each_other(tmp_path: Path) -> None:
    """Each begins with all weights of the one before, and the kept model gives the mean of their probabilities."""
    import keras

    (tmp_path / "flowers.yaml").write_text(SPEC)
    code, out, err = cli("train", str(tmp_path / "flowers.yaml"), "--run", str(tmp_path / "study"), "-q")
    assert code == 0 and "W626" not in err, out + err
    facts = json.loads((tmp_path / "study" / "study.json").read_text())
    members = [tmp_path / "study" / each["folder"] for each in facts["members"]]
    for number, run in enumerate(members):
        spec = yaml.safe_load((run / "spec.yaml").read_text())
        report = json.loads((run / "report.json").read_text())
        assert report["kept"] == "last" and report["epochs"] == 3 and report["best"] is None
        assert spec["train"].get("start_from") == (f"study/members/{number}" if number else None)
        if number:
            assert report["method_facts"]["start_from"]["value"] == "8 of 8 tensors"
    x = load_iris().data.astype(np.float32)
    shares = [np.asarray(keras.ops.softmax(_model(run)(x))) for run in members]
    assert np.abs(shares[0] - shares[1]).max() > 1e-3
    kept = _model(tmp_path / "study" / facts["model"])(x)
    kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
    assert np.allclose(keras.ops.softmax(kept), np.mean(shares, axis=0), atol=1e-6)


@pytest.mark.slow
def test_workers_have_nothing_to_share(tmp_path: Path) -> None:
    (tmp_path / "flowers.yaml").write_text(SPEC)
    code, _, err = cli("train", str(tmp_path / "flowers.yaml"), "--workers", "2")
    assert code == 2 and "members of `snapshot` follow one another" in err
