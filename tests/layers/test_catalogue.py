"""The catalogue is whole: every class of keras.layers is declared or refused with a reason, and nothing is made up."""

from __future__ import annotations

import keras
import pytest
from both import CATALOGUE, call, of_example, symbol

from dlspec.components.layers.refused import REFUSED
from dlspec.components.registry import Component, load_attribute, names, snake_case

PUBLIC = {value: name for name, value in vars(keras.layers).items() if isinstance(value, type)}
DECLARED = {owner for (kind, _), owner in CATALOGUE.items() if kind in ("layer", "cell")}
FROM_KERAS = sorted(
    (owner for owner in DECLARED if owner.keras.startswith("keras.layers.")), key=lambda owner: owner.keras
)
# Their code or their bases are what a spec cannot use; cells are refused as layers and declared as cells.
UNFIT = {"FlaxLayer", "InputLayer", "InputSpec", "JaxLayer", "Lambda", "Layer", "TFSMLayer", "TorchModuleWrapper",
         "Wrapper"}  # fmt: skip


# Declared with a class of ours, which does what Keras's says of itself.
MENDED = {"MelSpectrogram", "RandomCrop"}


def test_every_class_is_declared_or_refused() -> None:
    declared = {load_attribute(owner.keras) for owner in FROM_KERAS}
    missing = sorted(cls.__name__ for cls in PUBLIC if cls not in declared)
    assert missing == sorted(UNFIT | MENDED)
    assert len(declared) == len(PUBLIC) - len(missing) == 133
    assert {load_attribute(owner.keras).__name__ for owner in DECLARED} >= MENDED


@pytest.mark.parametrize("owner", FROM_KERAS, ids=lambda owner: owner.registered_name)
def test_declared_is_known_to_keras(owner: type[Component]) -> None:
    assert load_attribute(owner.keras) in PUBLIC
    assert owner.registered_name == snake_case(owner.keras.rsplit(".", 1)[-1])


@pytest.mark.parametrize("owner", FROM_KERAS, ids=lambda owner: owner.registered_name)
def test_stays_in_the_graph(owner: type[Component]) -> None:
    """An output that is the input itself would cut the layer out of a functional model."""
    if owner.kind == "cell":
        pytest.skip("a cell is no step of a graph")
    layer, inputs = of_example(owner, owner.examples[0])
    symbols = [symbol(x) for x in inputs]
    for output in keras.tree.flatten(call(layer, layer.make(), symbols, [])):
        assert all(output is not x for x in symbols)


def test_equalization_is_applied() -> None:
    layer, _ = of_example(CATALOGUE["layer", "equalization"], CATALOGUE["layer", "equalization"].examples[0])
    images = keras.random.uniform((2, 8, 8, 3), 0, 80)
    entering = keras.Input((8, 8, 3))
    model = keras.Model(entering, layer.make()(entering))
    assert abs(model(images) - keras.layers.Equalization()(images)).numpy().max() < 1e-5


def test_refused_are_no_layers() -> None:
    known = {snake_case(cls.__name__) for cls in PUBLIC}
    cells = {owner.registered_name for owner in DECLARED if owner.kind == "cell"}
    operations = {name for name in REFUSED if name.startswith("ops.")}
    assert {snake_case(name) for name in UNFIT} | cells | operations == set(REFUSED)
    assert set(REFUSED) - operations <= known
    assert all(load_attribute(f"keras.{name}") for name in operations)
    assert not set(REFUSED) & set(names("layer"))
    assert all(refusal.reason and refusal.help for refusal in REFUSED.values())


def test_index_is_whole() -> None:
    assert {name for kind, name in CATALOGUE if kind == "layer"} == set(names("layer"))
