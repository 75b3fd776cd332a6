"""Runs whose loop over steps XLA compiles go on after signals and kills as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_resume import Press, go, stateful

from dlspec.training.loop.signals import Interrupted
from tests.crash.results import different, results
from tests.support import ROOT

pytestmark = pytest.mark.slow


class PressAtAnEpoch(Press):
    """The same, but that it does not follow single steps."""

    every_step = False

    def make(self, **extra: Any) -> Any:
        import keras

        outer = self

        class Presses(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                outer.press(epoch, None)

        return Presses()


@pytest.mark.parametrize("epoch", [0, 2])
def test_a_loop_that_xla_compiles_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    monkeypatch.setattr("dlspec.training.loop.speed._PATIENCE", 0)
    monkeypatch.setattr("dlspec.training.loop.speed._WORTH", 0.0)

    def looped(press: Press) -> Any:
        return stateful(press, speed="auto")

    expected = results(go(tmp_path / "whole", looped(PressAtAnEpoch(epoch=-1))).folder)
    press = PressAtAnEpoch(epoch=epoch)
    with pytest.raises(Interrupted):
        go(tmp_path, looped(press))
    done = go(tmp_path, looped(press))
    assert done.facts["speed"]["looped"] is True
    assert different(expected, results(done.folder)) == []


def test_kills_of_a_loop_that_xla_compiles(tmp_path: Path) -> None:
    """A kill -9, a SIGTERM and a Ctrl-C."""
    command = [sys.executable, "-m", "tests.crash.loops", str(tmp_path), "1", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("identical") == 3 and "4 of 4 runs looped" in done.stdout
