"""Progress: a bar on a terminal, lines elsewhere, colour only where it is wanted."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dlspec.training.loop.progress import BarProgress, LineProgress, Progress, choose


def shown(progress: Progress, stream: io.StringIO) -> str:
    progress.start(2, 10, 320)
    progress.step(1, 5, {"loss": 0.75})
    progress.epoch(1, {"loss": 0.5, "val_accuracy": 0.987654}, 1.26)
    progress.stop()
    return stream.getvalue()


def test_one_line_per_epoch_off_a_terminal() -> None:
    stream = io.StringIO()
    progress = choose(Console(file=stream))
    assert type(progress) is LineProgress
    assert shown(progress, stream) == "epoch 1/2  loss 0.5  val_accuracy 0.9877  1.3 s  254 examples/s  1.3 s left\n"


def test_a_bar_on_a_terminal() -> None:
    stream = io.StringIO()
    progress = choose(Console(file=stream, force_terminal=True, width=120))
    assert type(progress) is BarProgress
    text = shown(progress, stream)
    assert "epoch 1/2  loss 0.5" in text
    assert "5/20" in text or "0/20" in text


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    colour = "\x1b[32m"
    stream = io.StringIO()
    assert colour in shown(choose(Console(file=stream, force_terminal=True, color_system="256")), stream)
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    assert colour not in shown(choose(Console(file=stream, force_terminal=True, color_system="256")), stream)


def test_quiet_says_nothing() -> None:
    assert type(choose(None)) is Progress
