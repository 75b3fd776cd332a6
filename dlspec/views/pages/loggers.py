"""Logs for other programs' eyes: TensorBoard, MLflow, Weights & Biases. All of them stay in the run folder.

They are written when a run is over, from what it measured: training is not slowed down, and a run that was killed and
went on has one whole log. Nothing is sent over the network.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from dlspec.components.sections.logs import LOGS
from dlspec.core.errors import Problem

Facts = Mapping[str, Any]
Rows = Sequence[Mapping[str, float]]

_TAGS = ("name", "id", "status", "command")


def require(names: Sequence[str]) -> None:
    """Checks that the packages of the loggers in `names` are installed.

    Raises:
        Problem: E525, it is not.
    """
    for name in names:
        if importlib.util.find_spec(LOGS[name].module) is None:
            help = f"pip install '{LOGS[name].package}', or leave `{name}` out of `log`"
            raise Problem("E525", f"`log` asks for {name}, which is not installed", help, "log")


def write_logs(names: Sequence[str], folder: Path, facts: Facts, history: Rows) -> list[str]:
    """Writes the logs of the loggers in `names` anew.

    Args:
        names: Of the logs: ``tensorboard``, ``mlflow``, ``wandb``.
        folder: The run folder.
        facts: What stands in ``report.json``.
        history: The rows of ``metrics.csv``.

    Returns:
        A sentence for each log that could not be written: the run itself is over and well.
    """
    failures = []
    for name in names:
        try:
            _WRITERS[name](folder, facts, history)
        except Exception as error:  # other people's programs raise of every kind
            failures.append(f"the log for {name} could not be written: {type(error).__name__}: {error}")
    return failures


def _tensorboard(folder: Path, facts: Facts, history: Rows) -> None:
    """Event files in ``tensorboard/train`` and ``tensorboard/validation``."""
    import tensorflow as tf

    target = _empty(folder / "tensorboard")
    for part, prefix in (("train", ""), ("validation", "val_")):
        writer = None
        for row in history:
            for name, value in _measures(row, prefix):
                writer = writer or tf.summary.create_file_writer(str(target / part))
                with writer.as_default(step=int(row["epoch"])):
                    tf.summary.scalar(f"epoch_{name}", value)
        if writer is not None:
            writer.close()


def _measures(row: Mapping[str, float], prefix: str) -> Iterator[tuple[str, float]]:
    for name, value in row.items():
        if name not in ("epoch", "seconds") and name.startswith("val_") == bool(prefix):
            yield name.removeprefix(prefix), value


def _mlflow(folder: Path, facts: Facts, history: Rows) -> None:
    """A file store in ``mlruns``: ``mlflow ui --backend-store-uri file:RUN/mlruns`` shows it."""
    # MLflow asks to be told that a store of files is meant; and it would report its use to its makers.
    with _settings(MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true"):
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param, RunTag

        store = folder / "mlruns"
        client = MlflowClient(tracking_uri=store.resolve().as_uri())
        begun = int(datetime.fromisoformat(facts["started"]).timestamp() * 1000)
        known = client.get_experiment_by_name(str(facts["name"]))
        experiment = known.experiment_id if known is not None else client.create_experiment(str(facts["name"]))
        for old in client.search_runs([experiment]):
            shutil.rmtree(store / experiment / old.info.run_id)
        run = client.create_run(experiment, start_time=begun, run_name=str(facts["id"])).info.run_id
        at, metrics = begun, []
        for row in history:
            at += int(1000 * row.get("seconds", 0))
            names = (name for name in row if name not in ("epoch", "seconds"))
            metrics += [Metric(name, row[name], at, int(row["epoch"])) for name in names]
        metrics += [Metric(name, value, at, len(history)) for name, value in _finals(facts)]
        for start in range(0, len(metrics), 1000):  # no more at once
            client.log_batch(run, metrics=metrics[start : start + 1000])
        client.log_batch(
            run,
            params=[Param("seed", str(facts["seed"])), Param("parameters", str(facts["parameters"]["total"]))],
            tags=[RunTag(name, str(facts[name])) for name in _TAGS],
        )
        client.set_terminated(run, "FINISHED" if facts["status"] == "finished" else "FAILED")


def _wandb(folder: Path, facts: Facts, history: Rows) -> None:
    """An offline run in ``wandb``: ``wandb sync RUN/wandb/offline-run-…`` sends it, when you want that."""
    with _settings(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_ERROR_REPORTING="false"):
        import wandb

        _empty(folder / "wandb")
        settings = wandb.Settings(mode="offline", silent=True, console="off", disable_git=True, save_code=False)
        config = {"seed": facts["seed"], "parameters": facts["parameters"]["total"], "command": facts["command"]}
        run = wandb.init(
            project=str(facts["name"]), name=str(facts["id"]), dir=str(folder), config=config, settings=settings
        )
        for row in history:
            run.log({name: value for name, value in row.items() if name != "epoch"}, step=int(row["epoch"]))
        run.summary.update(dict(_finals(facts)))
        run.finish(exit_code=0 if facts["status"] == "finished" else 1)


_WRITERS: Mapping[str, Callable[[Path, Facts, Rows], None]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
}


def _finals(facts: Facts) -> Iterator[tuple[str, float]]:
    """Measures with the kept weights."""
    for part, measured in (facts.get("metrics") or {}).items():
        yield from ((f"final_{part}_{name}", value) for name, value in measured.items())


def _empty(folder: Path) -> Path:
    """The folder without what an earlier part of the same run wrote."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _settings(**values: str) -> Iterator[None]:
    """Environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
