"""The Python of the recipes: the script beside a spec builds the same model, and a result is used as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dlspec.cli.main import run
from tests.documents import blocks, furnish
from tests.support import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("recipes")]
USING = "docs/recipes/using.md"


def _ran(text: str, name: str = "recipe") -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": name}
    exec(compile(text, name, "exec"), names)
    return names


def test_the_script_of_keras_and_the_spec_are_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dlspec

    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    (script,) = blocks("python", "docs/recipes/keras.md")
    by_hand = _ran(script.text)
    spec = dlspec.load("digits_as_spec.yaml")
    assert not spec.check()
    model = spec.build()
    assert [weight.shape for weight in model.weights] == [weight.shape for weight in by_hand["model"].weights]
    kinds = [type(layer).__name__ for layer in by_hand["model"].layers]
    assert [kind for kind in kinds if kind != "Rescaling"] == [type(layer).__name__ for layer in model.layers]
    sizes = [len(by_hand[name]) / 1797 for name in ("x_val", "x_test")]
    assert sizes == pytest.approx([0.15, 0.15], abs=0.01)


def test_a_result_is_used_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["train", "vintage.yaml"]) == 0
    for form, suffix in (("onnx", "onnx"), ("litert", "tflite")):
        assert run(["export", "vintage", "--to", form, "-o", f"vintage.{suffix}"]) == 0
    (model,) = Path("runs/vintage").glob("*/model.keras")
    capsys.readouterr()
    said = []
    for block in blocks("python", USING):
        _ran(re.sub(r"runs/vintage/[^\"]*/model\.keras", model.as_posix(), block.text))
        said.append(capsys.readouterr().out.splitlines()[-1])
    assert len(said) == 4
    classes = [said[0], said[2].strip("[]"), said[3].strip("[]")]
    assert len(set(classes)) == 1 and classes[0] in "012", said


def test_the_row_that_is_sent_to_the_service_is_one_of_the_examples() -> None:
    text = (ROOT / USING).read_text(encoding="utf-8")
    (sent,) = re.findall(r"-d '([^']*)'", text)
    (row,) = json.loads(sent)["rows"]
    assert len(row["data"]) == 13 and f"[{json.dumps(row['data'])}]" in text
