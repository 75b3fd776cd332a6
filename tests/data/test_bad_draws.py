"""Mistakes with the source of a model whose inputs are all drawn: what is said of them, where."""

from __future__ import annotations

from pathlib import Path

from bad_inputs import Bad, cases, expect

SPEC = """\
inputs: {z: {shape: [4], draw: normal}}
layers:
  - dense: {units: 1, name: value}
data:
  source: {draws: 64}
  targets: {value: number}
  split: {validation: 0.25}
train: {loss: mse}
"""
COUNT = "draws: 64"


@cases(
    Bad("no examples", "E615", "`examples_per_epoch` of draws must be at least 1, got 0", "0",
        replace=((COUNT, "draws: 0"),)),
    Bad("no number", "E613", "draws needs `examples_per_epoch`", "draws", replace=(("{draws: 64}", "draws"),)),
    Bad("a file", "E614", "draws takes a whole number or its options, got text `a.csv`", "a.csv",
        replace=((COUNT, "draws: a.csv"),)),
    Bad("fewer than none", "E615", "`examples_per_epoch` of draws must be at least 1, got -5", "-5",
        replace=((COUNT, "draws: -5"),)),
    Bad("half an example", "E614", "draws takes a whole number or its options, got 1.5", "1.5",
        replace=((COUNT, "draws: 1.5"),)),
    Bad("a split that leaves nothing", "E606", "nothing of 1 examples is left to train on", "0.6",
        replace=((COUNT, "draws: 1"), ("0.25", "0.6"))),
    Bad("unknown option", "E611", "unknown option of draws `count`", "count", replace=((COUNT, "draws: {count: 64}"),)),
    Bad("unknown column", "E602", "the source has no column `index`", "index", replace=((": number", ": index"),)),
    Bad("a column for what is drawn", "E607", "`z` is drawn: no column gives it", "z",
        replace=(("  targets", "  inputs: {z: number}\n  targets"),)),
    Bad("an input that nothing gives", "E607", "no column is left to enter the model", "64",
        replace=((", draw: normal", ""),)),
)  # fmt: skip
def test_bad_specs(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, lambda folder: None, SPEC)
