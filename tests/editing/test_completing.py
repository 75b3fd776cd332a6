"""What is offered while a spec is typed: mostly the text is no YAML yet."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dlspec.components import registry
from dlspec.views.editing.completing import completions
from dlspec.views.editing.text import Text
from tests.editing.client import Client
from tests.support import ROOT, SPECS

HEAD = """\
inputs: {x: [4], y: [3]}
params: {width: 3}
blocks:
  Stage:
    params: {size: 2}
    layers:
      - dense: {units: $size, name: inner}
"""
DATA = "inputs: {a: [1]}\nlayers:\n  - dense: {units: 1, name: b}\ndata:\n  source: {csv: table.csv}\n"


def offered(client: Client, text: str, folder: Path) -> dict[str, str]:
    """Labels offered at the ``|`` in the text, in order, each with the text that it would write."""
    before, _, after = text.partition("|")
    uri = client.open(folder / "spec.yaml", before + after, "dlspec")
    character = len((before[before.rfind("\n") + 1 :]).encode("utf-16-le")) // 2
    answer = client.at("textDocument/completion", uri, before.count("\n"), character)
    items = sorted(answer["items"], key=lambda item: item["sortText"])
    return {item["label"]: item["textEdit"]["newText"] for item in items}


def test_layers_with_what_they_need(client: Client, tmp_path: Path) -> None:
    labels = offered(client, HEAD + "layers:\n  - |\n", tmp_path)
    assert {*registry.names("layer"), "residual", "repeat", "parallel", "Stage"} == set(labels)
    assert next(iter(labels)) == "Stage"
    assert labels["flatten"] == "flatten" and labels["dense"] == "dense: "
    assert labels["conv2d"] == "conv2d: {filters: , kernel_size: }"


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("layers:\n  - conv2d:\n      |\n", {"filters", "kernel_size", "padding", "name", "if"}, {"units"}),
        ("layers:\n  - conv2d: {filters: 3, |}\n", {"kernel_size", "from"}, {"filters"}),
        ("layers:\n  - conv2d: {filters: 3, |\n  - dense: 3\n", {"kernel_size"}, {"filters"}),
        (
            "layers:\n  - conv2d:\n      filters: 3\n      |\n      strides: 1\n",
            {"kernel_size"},
            {"filters", "strides"},
        ),
        ("layers:\n  - conv2d: {padding: |\n", {"same", "valid"}, {"filters"}),
        ("layers:\n  - conv2d:\n      padding: s|\n", {"same"}, {"filters"}),
        ("layers:\n  - conv2d: {use_bias: |}\n", {"true", "false"}, {"same"}),
        ("layers:\n  - dense: {units: 3, activation: |\n", {"relu", "softmax"}, {"adam"}),
        ("layers:\n  - dense: {units: |\n", {"$width"}, {"$size"}),
        ("layers:\n  - dense: {units: $|}\n", {"$width", "$channels"}, {"relu"}),
        ("layers:\n  - dense: {units: 3, name: up}\n  - dense: $channels(|\n", {"up", "x"}, {"$width", "prev"}),
        ("layers:\n  - repeat:\n      times: 3\n      layers:\n        - res|", {"residual", "Stage"}, {"filters"}),
        ("layers:\n  - Stage: {|}\n", {"size", "from", "repeat"}, {"units"}),
        ("layers: [dense: 3]\n|\n", {"train", "data", "outputs"}, {"inputs", "layers", "dense"}),
        ("layers: [dense: 3]\ntr|\n", {"train", "data"}, {"layers"}),
        ("layers: [dense: 3]\ntrain:\n  |\n", {"loss", "optimizer", "epochs"}, {"layers"}),
        ("layers: [dense: 3]\ntrain:\n  optimizer: |\n", {"adam", "sgd"}, {"mse"}),
        ("layers: [dense: 3]\ntrain:\n  optimizer: {adam: {|\n", {"learning_rate"}, {"adam"}),
        ("layers: [dense: 3]\ntrain:\n  loss: |\n  epochs: 3\n", {"mse"}, {"adam"}),
        ("layers: [dense: 3]\ntrain:\n  metrics: [acc|\n", {"accuracy"}, {"mse: "}),
        ("layers: [dense: 3]\ntrain:\n  callbacks:\n    - |\n", {"early_stopping"}, {"adam"}),
        ("layers: [dense: 3]\ndata:\n  source:\n    |\n", {"csv", "parquet"}, {"adam"}),
        ("layers: [dense: 3]\ndata:\n  inputs:\n    |\n", {"x", "y"}, {"width"}),
    ],
)
def test_what_fits_is_offered(client: Client, tmp_path: Path, text: str, some: set[str], none: set[str]) -> None:
    labels = set(offered(client, HEAD + text, tmp_path))
    assert some <= labels and not none & labels


@pytest.mark.parametrize("ending", ["", "}", "\n  - dense: {units: 3, name: later}\n", "\ntrain: {loss: mse}\n"])
def test_names_for_from_are_those_above_the_nearest_first(client: Client, tmp_path: Path, ending: str) -> None:
    text = HEAD + "layers:\n  - dense: {units: 3, name: near, from: x}\n  - dense: {units: 3, from: |" + ending
    labels = list(offered(client, text, tmp_path))
    assert labels[:2] == ["prev", "near"] and set(labels) == {"prev", "near", "x", "y"}


def test_names_inside_a_block_are_its_own(client: Client, tmp_path: Path) -> None:
    text = HEAD + "      - add: [prev, |]\nlayers:\n  - dense: {units: 3, name: outer}\n"
    assert set(offered(client, text, tmp_path)) == {"prev", "input", "inner"}


def test_outputs_are_names_of_the_spec_with_their_shapes(client: Client, tmp_path: Path) -> None:
    text = HEAD + "layers:\n  - dense: {units: 5, name: five, from: x}\noutputs: |five\n"
    assert {"five", "x", "y"} == set(offered(client, text, tmp_path))


@pytest.mark.parametrize("ending", ["column: |\n", "column: |}\n", "{column: |", "{column: s|\ntrain: {loss: mse}\n"])
def test_columns_of_the_data_are_offered(client: Client, tmp_path: Path, ending: str) -> None:
    (tmp_path / "table.csv").write_text("size,with space,no\n1.0,2,x\n3.5,4,y\n")
    between = "  targets:\n    b: " if ending[0] == "{" else "  targets:\n    b:\n      "
    labels = offered(client, DATA + between + ending, tmp_path)
    assert labels["size"] == "size" and labels["with space"] == "with space" and labels["no"] in ("no", "'no'")


def test_codes_are_offered_in_the_comment_that_leaves_them_out(client: Client, tmp_path: Path) -> None:
    labels = offered(client, HEAD + "layers:\n  - dense: 3  # dlspec: ignore |\n", tmp_path)
    assert "W402" in labels and "E201" not in labels
    assert offered(client, HEAD + "layers:\n  - dense: 3  # any |\n", tmp_path) == {}


def test_what_is_offered_is_right(tmp_path: Path) -> None:
    # Every layer of every spec of the gallery is among those that are offered at its place.
    for spec in SPECS:
        text = Text((ROOT / spec).read_text(encoding="utf-8"))
        for number, line in enumerate(text.lines, 1):
            head = line.partition("- ")[0]
            name = line.strip().removeprefix("- ").partition(":")[0]
            if not line.strip().startswith("- ") or head.strip() or registry.find("layer", name) is None:
                continue
            cursor, offers = completions(tmp_path / "spec.yaml", text, number, len(head) + 3)
            if "layers" in cursor.path and cursor.path[-1] == "-":
                assert name in {offer.label for offer in offers}, (spec, number)


def test_nothing_fails_wherever_the_cursor_is(tmp_path: Path) -> None:
    draw = random.Random(3)
    texts = [(ROOT / spec).read_text(encoding="utf-8") for spec in SPECS]
    for _ in range(200):
        whole = draw.choice(texts)
        text = Text(whole[: draw.randrange(len(whole))] + draw.choice(("", "{", "- ", ": ", "$", "\n\n  ", "'", "]")))
        line = draw.randrange(1, len(text.lines) + 1)
        column = draw.randrange(1, len(text.line(line)) + 2)
        completions(tmp_path / "spec.yaml", text, line, column)
