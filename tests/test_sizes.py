"""Sizes beyond what programs can count, or a machine can hold, are mistakes that ``check`` finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlspec.cli.main import run
from dlspec.data.sources.limits import machine_memory
from dlspec.graph.facts import show_bytes, show_count
from dlspec.graph.needs import TENSORFLOW
from tests.support import ROOT, compile_text, problems

BIG = 10**60 - 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"inputs: {{x: [{BIG}, {BIG}, {BIG}]}}\nlayers:\n  - flatten\n  - dense: 1\n", ("E415", 1, 10)),
        ("inputs: {x: [4]}\nlayers:\n  - dense: 4000000000000000000\n  - dense: 3\n", ("E415", 3, 5)),
        (f"inputs: {{x: [4]}}\nlayers:\n  - repeat_vector: {2**62}\n  - flatten\n  - dense: 3\n", ("E415", 3, 5)),
        (
            f"inputs: {{x: [4]}}\nmodels: {{M: {{inputs: {{a: [{2**61}, null]}}, layers: [re_lu]}}}}\n"
            f"layers:\n  - repeat_vector: {2**60}\n  - M\n",
            ("E402", 5, 5),
        ),
    ],
    ids=["inputs", "weights", "outputs", "models"],
)
def test_more_elements_than_can_be_counted(text: str, place: tuple[str, int, int], tmp_path: Path) -> None:
    assert problems(compile_text(tmp_path, text)) == [place]


@pytest.mark.parametrize("command", ["check", "show"])
def test_weights_that_the_machine_cannot_hold(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units = machine_memory() // 16
    (tmp_path / "spec.yaml").write_text(f"inputs: {{x: [4]}}\nlayers:\n  - dense: {units}\n  - dense: 1\n")
    assert run([command, str(tmp_path / "spec.yaml")]) == 1
    captured = capsys.readouterr()
    told = captured.out + captured.err
    total = show_bytes(TENSORFLOW + 3 * 4 * 4 * units)
    assert f"error[E416]: building takes {total} at least, and there are " in told
    assert f"{show_bytes(4 * (5 * units + units + 1))} for weights" in told
    assert "limits: {memory: …}" in told


def test_a_limit_of_the_process_counts(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("inputs: {x: [4]}\nlayers:\n  - dense: 200000000\n")
    limited = f"ulimit -v 2000000; exec {sys.executable} -m dlspec check {tmp_path / 'spec.yaml'}"
    found = subprocess.run(["bash", "-c", limited], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True)
    assert found.returncode == 1, found.stderr
    assert "E416" in found.stdout and "there are 1.91 GiB of memory here" in found.stdout


def test_counts_of_any_size_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = "".join(f"  M{k}: {{inputs: {{a: [4]}}, layers: [M{k - 1}, M{k - 1}]}}\n" for k in range(1, 71))
    text = f"inputs: {{x: [4]}}\nmodels:\n  M0: {{inputs: {{a: [4]}}, layers: [dense: 4]}}\n{models}layers: [M70]\n"
    (tmp_path / "spec.yaml").write_text(text)
    assert run(["check", str(tmp_path / "spec.yaml")]) == 0
    flops = 36 * 2**70
    assert capsys.readouterr().out.endswith(f": ok, 1 layer, 20 parameters, {flops:.2e} FLOPs\n")


def test_units_of_large_counts() -> None:
    assert [show_count(10**power) for power in (3, 12, 17, 18, 60)] == [
        "1.00 k", "1.00 T", "100000.00 T", "1.00e+18", "1.00e+60",
    ]  # fmt: skip
    assert [show_bytes(2**power) for power in (10, 40, 50, 60)] == ["1.00 KiB", "1.00 TiB", "1.00 PiB", "1024.00 PiB"]
