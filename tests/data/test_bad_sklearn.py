"""Mistakes with the sets of scikit-learn: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from pathlib import Path

from bad_inputs import Bad, cases, diagnose, expect

SPEC = """\
inputs: {image: [8, 8, 1]}
layers:
  - rescaling: 1 / 255
  - flatten
  - dense: {units: 10, activation: softmax}
data:
  source: {sklearn: digits}
  inputs: {image: {column: images}}
  targets: {digit: target}
  split: {validation: 0.1}
train: {loss: sparse_categorical_crossentropy}
"""
SET = "sklearn: digits"


@cases(
    Bad("misspelt set", "E615", "`set` of sklearn cannot be `digit`", "digit", replace=((SET, "sklearn: digit"),)),
    Bad("a set that would be fetched", "E615", "`set` of sklearn cannot be `california_housing`", "california_housing",
        replace=((SET, "sklearn: california_housing"),)),
    Bad("no set", "E613", "sklearn needs `set`", "sklearn", replace=(("{sklearn: digits}", "sklearn"),)),
    Bad("a number", "E614", "sklearn takes its options, got 10", "10", replace=((SET, "sklearn: 10"),)),
    Bad("unknown option", "E611", "unknown option of sklearn `size`", "size",
        replace=((SET, "sklearn: {set: digits, size: 8}"),)),
    Bad("unknown source", "E612", "unknown source `scikit`", "scikit", replace=((SET, "scikit: digits"),)),
    Bad("missing column", "E602", "the source has no column `image`", "image",
        replace=(("column: images", "column: image"),)),
    Bad("a column of another set", "E602", "the source has no column `alcohol`", "alcohol",
        replace=(("column: images", "column: alcohol"),)),
    Bad("another shape than the model's", "E605", "input `image` has shape [8, 8, 1], the data (`data`) give [64]",
        "{column: data}", replace=(("column: images", "column: data"),)),
    Bad("stacked images", "E605", "column `images` is [8, 8] float64, only single numbers can be stacked", "images",
        replace=(("column: images", "columns: images"),)),
    Bad("a label outside the head", "E604", "target `digit` has label 9, the output has 9 classes, 0 to 8", "target",
        replace=(("units: 10", "units: 9"),)),
    Bad("numbers as classes", "E604", "target `digit` has label ", "pixel_0_2",
        replace=(("digit: target", "digit: pixel_0_2"),)),
    Bad("too few for a part", "E606", "0.0001 of 1797 examples is none", "0.0001",
        replace=(("validation: 0.1", "validation: 0.0001"),)),
)  # fmt: skip
def test_mistakes(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, lambda _: None, SPEC)


def test_a_good_spec(tmp_path: Path) -> None:
    assert diagnose(tmp_path, SPEC) == []
