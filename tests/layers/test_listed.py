"""``dlspec layers --format json`` held against the installed Keras: no name and no argument missing or unknown."""

from __future__ import annotations

import inspect
import json
from typing import Any

import keras
import pytest
from test_against_keras import LEFT_OUT

import dlspec.keras_layers
from dlspec.components.layers.refused import REFUSED
from dlspec.components.registry import BUILT_IN, snake_case
from tests.support import dlspec as run

COMMON = {"self", "name", "args", "kwargs", "trainable", "dtype", "autocast"}


def classes(module: Any) -> dict[str, type]:
    """The layers of a module by the names that a spec gives them; Keras has some under several."""
    found = ((name, value) for name, value in vars(module).items() if isinstance(value, type))
    return {snake_case(name): value for name, value in found if issubclass(value, keras.layers.Layer)}


# Layers of Keras that stand as classes of our own, which do what Keras's say.
MENDED = {"mel_spectrogram", "random_crop"}

KERAS, OURS = classes(keras.layers), classes(dlspec.keras_layers)


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """What the command lists, by name, but for the operations, and for losses as steps, which are one class."""
    result = run("layers", "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    components = json.loads(result.stdout)["components"]
    steps = ("ops.", "losses.")
    return {item["name"].replace(".", "_"): item for item in components if not item["name"].startswith(steps)}


def test_names(listed: dict[str, Any]) -> None:
    theirs = {name for name, item in listed.items() if item["keras"].startswith("keras.")}
    assert {KERAS[name] for name in theirs} == {
        value for name, value in KERAS.items() if name not in {*REFUSED, *MENDED}
    }
    assert len({KERAS[name] for name in theirs}) == len(theirs)
    assert set(listed) - theirs <= set(OURS)


def test_constructor_arguments(listed: dict[str, Any]) -> None:
    for name, item in listed.items():
        known = KERAS | OURS
        made, called = (set(inspect.signature(f).parameters) for f in (known[name].__init__, known[name].call))  # type: ignore
        options = {option["name"] for option in item["options"]} - COMMON
        assert (name, made - COMMON - set(LEFT_OUT) - options) == (name, set())
        owner = BUILT_IN.find("layer", item["name"])
        assert owner is not None
        assert (name, options - made - called - set(owner.apart)) == (name, set())
