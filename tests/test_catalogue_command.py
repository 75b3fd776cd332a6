"""``dlspec layers`` through the real command line, and what it says held against the declarations."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dlspec.components import registry
from dlspec.components.registry import Component
from dlspec.views import catalogue
from tests.support import ROOT, as_documented, compile_text, dlspec_here

KINDS = registry.kinds()
COMPONENTS = [owner for kind in KINDS for owner in catalogue.components(kind)]
NAMED = [pytest.param(owner, id=f"{owner.kind}.{owner.registered_name}") for owner in COMPONENTS]
KEYS = {
    "kind", "name", "aliases", "family", "meaning", "description", "keras", "shorthand", "options", "inputs",
    "examples",
}  # fmt: skip


def shown(*arguments: str) -> str:
    """What the command prints; nothing may go wrong."""
    result = dlspec_here("layers", *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def refused(*arguments: str) -> str:
    """What the command says of wrong usage."""
    result = dlspec_here("layers", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    return result.stderr


def test_the_list_has_every_layer_under_its_family() -> None:
    text = shown()
    for owner in catalogue.components("layer"):
        assert re.search(rf"^  {owner.registered_name}\b", text, re.MULTILINE)
    families = text.split("\n\n")
    place = families.index("Convolutions, plain and transposed, in one to three spatial dimensions")
    assert families[place + 1].startswith("  conv1d ")
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text


def test_a_layer() -> None:
    text = shown("conv2d")
    assert text.startswith("layer conv2d  (keras.layers.Conv2D)\n\nSlides learned filters over an image.\n")
    assert "  one tensor: the previous output, or `from: a`\n" in text
    assert "  filters               whole number ≥ 1; required\n" + " " * 24 + "Number of output channels.\n" in text
    assert "  kernel_size           whole number ≥ 1, or a list of 2; required\n" in text
    assert "  padding               valid | same; default valid\n" in text
    assert "  kernel_initializer    an initializer; default glorot_uniform\n" in text
    assert "  # takes [28, 28, 1]\n  - conv2d: {filters: 32, kernel_size: 3, activation: relu}\n" in text
    assert "`name`, `from`, `repeat`, `if`" in text


def test_inputs_in_words() -> None:
    assert "a list of at least 2 tensors: `from: [a, b]`" in shown("add")
    assert "a list of 2 tensors: `from: [a, b]`" in shown("dot")
    assert "a list of 2 to 3 tensors, in this order: query, value, key: `from: [a, b]`" in shown("attention")
    text = " ".join(shown("multi_head_attention").split())
    assert "2 tensors: `from: [a, b]` or `from: {query: a, value: b}`; `from: {query: a, value: b, …}` also" in text
    assert "`from: {sequence: a, …}` also takes `initial_state`" in shown("lstm")


def test_other_kinds_are_found_by_their_bare_names() -> None:
    text = shown("adam")
    assert text.startswith("optimizer adam  (keras.optimizers.Adam)\n")
    assert "number > 0, or a schedule; default 0.001" in text
    assert "`adam: VALUE` is short for `adam: {learning_rate: VALUE}`" in text
    assert "Input\n" not in text
    assert shown("--kind", "optimizer", "adam") == text
    assert shown("csv").startswith("source csv\n")


def test_one_name_of_several_kinds() -> None:
    assert shown("elu").startswith("layer elu  (keras.layers.ELU)")
    assert "Of the same name: activation (--kind activation)." in shown("elu")
    assert shown("--kind", "activation", "elu").startswith("activation elu  (keras.activations.elu)")
    assert "Also called mse." in shown("--kind", "losses", "mse")
    assert shown("least_squares").startswith("solver least_squares\n")


@pytest.mark.parametrize("word", ["loss", "losses", "metrics", "schedule", "callbacks", "regularizers", "source"])
def test_kinds_in_singular_and_plural(word: str) -> None:
    text = shown("--kind", word)
    assert text == shown(word)
    for owner in catalogue.components(catalogue.kind_of(word)):
        assert f"\n  {owner.registered_name}" in text


def test_misspelt_names_and_kinds() -> None:
    assert "no such layer or other component `con2d`; did you mean `conv2d`?" in refused("con2d")
    assert "did you mean `conv2d`?" in refused("Conv2D")
    assert "did you mean `add` or `adam`?" in refused("adma")
    assert "no such loss `huberr`; did you mean `huber`?" in refused("--kind", "loss", "huberr")
    assert "no such loss `conv2d`; `dlspec layers --kind loss` lists what there is" in refused("--kind=loss", "conv2d")
    assert "no such kind `optimiser`; did you mean `optimizer`?" in refused("--kind", "optimiser")
    assert "`residual` is no component but part of the language" in refused("residual")
    assert "`lambda` is no layer of a spec: it runs a Python function" in refused("lambda")


def test_json_of_a_list_and_of_one() -> None:
    document = as_documented("output/layers", shown("--format", "json"))
    assert (set(document), document["version"], document["kind"]) == ({"version", "kind", "components"}, 1, "layer")
    assert [item["name"] for item in document["components"]] == [
        owner.registered_name for owner in catalogue.components("layer")
    ]
    assert all(set(item) == KEYS for item in document["components"])
    one = as_documented("output/layers", shown("conv2d", "--format", "json"))
    assert one == {"version": 1, **next(item for item in document["components"] if item["name"] == "conv2d")}
    options = {option["name"]: option for option in one["options"]}
    assert options["filters"] == {
        "name": "filters", "required": True, "default": None, "value": "whole number ≥ 1", "component": None,
        "meaning": "Number of output channels.", "schema": {"type": "integer", "minimum": 1},
    }  # fmt: skip
    assert options["activation"]["component"] == "activation"
    assert one["inputs"] == {
        "arguments": ["inputs"], "optional": [], "listed": [], "list": False, "minimum": 1, "maximum": 1,
    }  # fmt: skip
    assert one["examples"][0]["inputs"] == [[28, 28, 1]]


def test_json_names_every_option_of_every_component() -> None:
    for kind in KINDS:
        for item in json.loads(json.dumps(catalogue.listing(kind)))["components"]:
            owner = registry.find(kind, item["name"])
            assert owner is not None
            assert [option["name"] for option in item["options"]] == list(owner.fields)


@pytest.mark.parametrize("owner", NAMED)
def test_text_is_readable(owner: type[Component]) -> None:
    text = catalogue.text(owner)
    assert max(map(len, text.splitlines())) <= 100
    for name, field in owner.fields.items():
        assert f"\n  {name} " in text
        assert catalogue.value_text(field, owner)
    assert not {"None", "True", "False", "()"} & set(re.split(r"[\s;,]+", text)) and "``" not in text


@pytest.mark.parametrize("owner", [owner for owner in NAMED if owner.values[0].kind == "layer"])  # type: ignore[attr-defined]
def test_examples_of_layers_work_as_they_are_shown(owner: type[Component], tmp_path: Path) -> None:
    # E406: of several outputs, each wants a name of the writer's; E417: training alone can have some as its last step;
    # E402: what derives one tensor by another cannot do so with two inputs.
    allowed = {"E406", "E417"} | ({"E402"} if owner.derives else set())  # type: ignore[attr-defined]
    for example in catalogue.facts(owner)["examples"]:
        inputs = {
            name: _input(shape, example["dtype"]) for name, shape in zip("abcdef", example["inputs"], strict=False)
        }
        state = compile_text(tmp_path, f"inputs: {json.dumps(inputs)}\nlayers:\n  - {example['yaml']}\n")
        assert [item for item in state.diagnostics.errors if item.code not in allowed] == [], example["yaml"]


def _input(shape: list[Any], dtype: str) -> dict[str, Any]:
    return {"shape": shape, "dtype": dtype}


@pytest.mark.parametrize("arguments", [[], ["conv2d"], ["adam", "--format", "json"], ["conv22d"]])
def test_neither_frameworks_nor_unasked_modules_are_imported(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom dlspec.cli.main import run\n"
        f"run(['layers', *{arguments!r}])\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split("\n")[-2].split())
    assert not loaded & {"tensorflow", "keras", "numpy", "rich", "jinja2"}
    if arguments == ["conv2d"]:
        assert "dlspec.components.layers.convolution" in loaded
        assert not loaded & {"dlspec.components.layers.recurrent", "dlspec.components.training.optimizers"}
