"""The random runs of :mod:`cases` with each batch divided among two parts of the CPU.

TensorFlow divides the CPU only before it starts: ``test_judged.py`` runs this file in a process of its own.
"""

from __future__ import annotations

from pathlib import Path

import cases
import judged
import pytest


@pytest.fixture(scope="module", autouse=True)
def two_devices() -> None:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.mark.parametrize("seed", range(2000, 2020))
def test_every_figure_is_what_numpy_says(seed: int, tmp_path: Path) -> None:
    assert judged.disagreements(cases.case(seed, devices=2), tmp_path) == []
