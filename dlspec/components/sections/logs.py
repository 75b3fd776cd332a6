"""Logs for other programs: each with what writes it."""

from __future__ import annotations

from typing import NamedTuple


class Log(NamedTuple):
    """One log.

    Attributes:
        module: The package that writes it.
        package: What to install for it.
        callback: Dotted path of the Keras callback that writes it in a generated project; "" for none.
    """

    module: str
    package: str
    callback: str = ""


LOGS = {
    "tensorboard": Log("tensorflow", "dlspec", "keras.callbacks.TensorBoard"),
    "mlflow": Log("mlflow", "dlspec[mlflow]"),
    "wandb": Log("wandb", "dlspec[wandb]"),
}
