"""Figures behind lines, explanations, outline and folding, as an editor gets them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dlspec.graph.facts import facts
from dlspec.passes import Checked, compile_spec
from tests.editing.client import Client
from tests.support import ROOT, SPECS

WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 10_000, "character": 0}}
SPEC = """\
params: {width: 12}
inputs:
  image: [8, 8, 1]
blocks:
  Stage:
    params: {size: 4}
    layers:
      - conv2d: {filters: $size, kernel_size: 3}
      - residual:
          - conv2d: {filters: $size, kernel_size: 3, padding: same}
layers:
  - Stage
  - Stage: {size: 6, name: deep}
  # two comments
  # in a row
  - flatten
  - dense: {units: $width, activation: relu, name: hidden}  # a remark
  - dense:
      units: 10
      from: hidden
"""


def hints(client: Client, uri: str) -> dict[int, str]:
    """What is shown behind each line, counted from 1."""
    given = client.request("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": WHOLE})
    return {item["position"]["line"] + 1: item["label"] for item in given}


def explained(client: Client, uri: str, text: str, line: int, word: str) -> str:
    """The explanation of a word in a line, counted from 1; "" for none."""
    character = text.split("\n")[line - 1].index(word) + 1
    answer = client.at("textDocument/hover", uri, line - 1, character)
    return "" if answer is None else str(answer["contents"]["value"])


def test_each_line_has_the_shape_and_parameters_that_it_makes(client: Client, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "spec.yaml", SPEC)
    assert client.problems(uri) == []
    assert hints(client, uri) == {
        8: "→ [6, 6, 4], [4, 4, 6], 262 parameters",
        9: "→ [6, 6, 4], [4, 4, 6]",
        10: "→ [6, 6, 4], [4, 4, 6], 478 parameters",
        12: "→ [6, 6, 4], 188 parameters",
        13: "→ [4, 4, 6], 552 parameters",
        16: "→ [96]",
        17: "→ [12], 1,164 parameters",
        18: "→ [10], 130 parameters",
    }


LONE = [spec for spec in SPECS if spec.startswith(("specs/start/", "specs/cnn/", "specs/segmentation/"))]


@pytest.mark.parametrize("spec", [spec for spec in LONE if "extends:" not in (ROOT / spec).read_text()])
def test_the_figures_are_those_of_show(client: Client, spec: str) -> None:
    state = compile_spec(ROOT / spec)
    assert isinstance(state, Checked)
    uri = client.open(ROOT / spec, (ROOT / spec).read_text(encoding="utf-8"))
    shown = hints(client, uri)
    rows: dict[int, list[Any]] = {}
    for row in facts(state.graph, "x")["layers"]:
        if row["line"] is not None and row["layer"] != "input":
            rows.setdefault(row["line"], []).append(row)
    # A line inside a block that is called often, or in a repeat, makes several; their sum stands behind it.
    alone = {line: row for line, (row, *more) in rows.items() if not more}
    assert alone
    for line, row in alone.items():
        counted = re.search(r"([\d,]+) parameter", shown[line])
        assert (int(counted.group(1).replace(",", "")) if counted else 0) == row["parameters"], (spec, line)


def test_figures_stand_only_where_they_hold(client: Client, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "spec.yaml", SPEC.replace("units: 10", "units: ten"))
    assert client.problems(uri)
    assert hints(client, uri) == {}
    client.change(uri, SPEC)
    assert len(hints(client, uri)) == 8, "an answer is that of the newest text"


def test_words_are_explained(client: Client, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "spec.yaml", SPEC)
    layer = explained(client, uri, SPEC, 8, "conv2d")
    assert "`keras.layers.Conv2D`" in layer and "- `filters`: whole number ≥ 1; required" in layer
    assert "takes `[8, 8, 1], [6, 6, 4]`" in layer and "262 parameters" in layer and "FLOPs per example" in layer
    assert "Size of the window" in explained(client, uri, SPEC, 8, "kernel_size")
    assert explained(client, uri, SPEC, 17, "relu").startswith("**relu** — max(x, 0)")
    width = explained(client, uri, SPEC, 17, "width")
    assert "parameter `width`, line 1" in width and "width: 12" in width
    assert "params: {size: 4}" in explained(client, uri, SPEC, 8, "size")
    hidden = explained(client, uri, SPEC, 20, "hidden")
    assert "tensor `hidden`, line 17" in hidden and "gives `[12]`" in hidden
    assert "called in line 12, 13" in explained(client, uri, SPEC, 5, "Stage")


def test_codes_in_comments_are_explained(client: Client, tmp_path: Path) -> None:
    text = SPEC.replace("# a remark", "# dlspec: ignore W402 it is meant")
    uri = client.open(tmp_path / "spec.yaml", text)
    assert len(explained(client, uri, text, 17, "W402")) > 40


def test_the_outline_has_sections_blocks_and_layers(client: Client, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "spec.yaml", SPEC)

    def tree(entries: list[dict[str, Any]]) -> list[Any]:
        return [[entry["name"], *([tree(entry["children"])] if entry.get("children") else [])] for entry in entries]

    symbols = client.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert tree(symbols) == [
        ["params", [["width"]]],
        ["inputs", [["image"]]],
        ["blocks", [["Stage", [["conv2d"], ["residual", [["conv2d"]]]]]]],
        ["layers", [["Stage"], ["Stage"], ["flatten"], ["dense"], ["dense"]]],
    ]
    layers = symbols[3]["children"]
    assert [layer.get("detail") for layer in layers] == [None, "deep", None, "hidden", None]
    for entry in (*symbols, *layers):
        inner, outer = entry["selectionRange"], entry["range"]
        assert outer["start"]["line"] <= inner["start"]["line"] and inner["end"]["line"] <= outer["end"]["line"]


def test_sections_blocks_and_comments_fold(client: Client, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "spec.yaml", SPEC)
    folds = client.request("textDocument/foldingRange", {"textDocument": {"uri": uri}})
    places = {(fold["startLine"] + 1, fold["endLine"] + 1, fold.get("kind")) for fold in folds}
    assert {(4, 10, None), (5, 10, None), (11, 20, None), (18, 20, None), (14, 15, "comment")} <= places
