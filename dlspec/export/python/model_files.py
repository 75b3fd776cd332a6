"""The weights of models that a spec reads from files: a file beside the generated module for each of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from dlspec.components.registry import snake_case
from dlspec.core.ir import Graph, shared_models
from dlspec.core.weights import Origin
from dlspec.export.python.syntax import call, constant, name

# What a generated module must import for the statements below.
NEEDS = "from pathlib import Path"


def _file_of(origin: Origin) -> str:
    return f"{snake_case(origin.model)}.weights.h5"


def model_files(graph: Graph) -> list[str]:
    """Names of all files that a module for a graph needs beside it."""
    return [*_by_file(graph)]


def _by_file(graph: Graph) -> dict[str, str]:
    """A model for each file: an average begins with that of what it follows."""
    saved = [(model.name, model.origin) for model in shared_models(graph) if model.origin is not None]
    return {_file_of(origin): name for name, origin in saved}


def loading(variable: str, origin: Origin) -> ast.stmt:
    """The statement that gives a model its weights; Keras settles layers that compute with constants made of them."""
    path = call("Path", [name("__file__")])
    file = ast.Call(ast.Attribute(path, "with_name", ast.Load()), [constant(_file_of(origin))], [])
    return ast.Expr(call(f"{variable}.load_weights", [file]))


def freezing(variable: str) -> ast.stmt:
    """The statement that keeps a model from learning."""
    trainable = ast.Attribute(name(variable), "trainable", ast.Store())
    return ast.Assign([trainable], constant(False), lineno=0)


def write_model_files(graph: Graph, folder: Path) -> None:
    """Writes these files. Starts TensorFlow where there are any.

    Raises:
        Problem: E542, the weights of a model cannot be read any more.
    """
    if not (wanted := _by_file(graph)):
        return
    import keras

    from dlspec.backends.keras.build import build
    from dlspec.backends.keras.internals import flatten_layers

    keras.backend.clear_session()
    layers = {layer.name: layer for layer in flatten_layers(build(graph)) if isinstance(layer, keras.Model)}
    for file, model in wanted.items():
        layers[model].save_weights(folder / file)


def needs_path(codes: Iterable[str]) -> bool:
    """Whether generated functions load weights that stand beside their module."""
    return any("Path(__file__)" in code for code in codes)
