"""Logs for TensorBoard, MLflow and Weights & Biases: what they hold, and what is said where a package lacks."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from dlspec.core.errors import Problem
from dlspec.views.pages.loggers import require, write_logs

pytestmark = pytest.mark.slow

HISTORY = [
    {"epoch": 1.0, "loss": 0.5, "val_loss": 0.75, "seconds": 0.25},
    {"epoch": 2.0, "loss": 0.25, "val_loss": 0.5, "seconds": 0.25},
]
FACTS = {
    "name": "houses", "id": "20260101T000000Z-aaaa", "status": "finished", "command": "dlspec train houses.yaml",
    "started": "2026-01-01T00:00:00+00:00", "seed": 7, "parameters": {"total": 12},
    "metrics": {"test": {"loss": 0.125}},
}  # fmt: skip


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def test_tensorboard_reads_the_event_files(tmp_path: Path) -> None:
    import tensorflow as tf

    for _ in range(2):  # the second time, as after a run that went on
        assert write_logs(["tensorboard"], tmp_path, FACTS, HISTORY) == []
    for part, expected in (("train", [0.5, 0.25]), ("validation", [0.75, 0.5])):
        (file,) = (tmp_path / "tensorboard" / part).iterdir()
        found = [
            (event.step, value.tag, float(tf.make_ndarray(value.tensor)))
            for event in tf.compat.v1.train.summary_iterator(str(file))
            for value in event.summary.value
        ]
        assert found == [(1, "epoch_loss", expected[0]), (2, "epoch_loss", expected[1])]


@pytest.mark.skipif(not has("mlflow"), reason="mlflow is not installed")
@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_its_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    for _ in range(2):
        assert write_logs(["mlflow"], tmp_path, FACTS, HISTORY) == []
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").resolve().as_uri())
    experiment = client.get_experiment_by_name("houses")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics == {"loss": 0.25, "val_loss": 0.5, "final_test_loss": 0.125}
    assert run.data.params == {"seed": "7", "parameters": "12"}
    assert [one.value for one in client.get_metric_history(run.info.run_id, "loss")] == [0.5, 0.25]


@pytest.mark.skipif(not has("wandb"), reason="wandb is not installed")
@pytest.mark.filterwarnings("ignore")
def test_weights_and_biases_stays_offline(tmp_path: Path) -> None:
    for _ in range(2):
        assert write_logs(["wandb"], tmp_path, FACTS, HISTORY) == []
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    assert b"val_loss" in next(run.glob("*.wandb")).read_bytes()


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_what_is_not_installed_is_said_before_training(name: str) -> None:
    if has(name):
        require([name])
        return
    with pytest.raises(Problem, match=f"`log` asks for {name}, which is not installed") as caught:
        require(["tensorboard", name])
    assert caught.value.code == "E525" and f"pip install 'dlspec[{name}]'" in caught.value.help


def test_a_log_that_cannot_be_written_is_no_end_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    (said,) = write_logs(["tensorboard"], tmp_path, FACTS, HISTORY)
    assert said.startswith("the log for tensorboard could not be written: ")
