"""The models of `keras.applications`, made anew without weights, to read their configs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from dlspec.backends.importing.archives import Source
from dlspec.core.errors import Problem, did_you_mean

# An address in memory, which differs each time: Keras tells by it which layers share an object.
_ADDRESS = "shared_object_id"


def read_application(name: str) -> Source:
    """The model of that name as data. Starts TensorFlow; nothing is fetched.

    Raises:
        Problem: E801, there is none.
    """
    import keras

    known = [known_name for known_name in dir(keras.applications) if known_name[:1].isupper()]
    if name not in known:
        raise Problem("E801", f"there is no `keras.applications.{name}`", did_you_mean(name, known))
    return Source(made(name, {}), {}, f"keras.applications.{name}")


def made(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What Keras writes of one of them: the same for the same arguments. Starts TensorFlow; nothing is fetched.

    Args:
        name: Its name, which there is.
        arguments: Those of Keras's function but for weights.

    Raises:
        ValueError: Keras does not make such a model.
    """
    import keras

    keras.backend.clear_session()
    # No values are drawn for its weights, which may be gigabytes.
    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None, **arguments)
    tree: dict[str, Any] = _without_addresses(json.loads(model.to_json()))
    return tree


def _without_addresses(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_addresses(inner) for key, inner in value.items() if key != _ADDRESS}
    return [_without_addresses(inner) for inner in value] if isinstance(value, list) else value


def answer() -> None:
    """Reads name and arguments as JSON from stdin, and writes the model, or why there is none, to stdout.

    A process of its own calls it: what checks a spec never loads TensorFlow.
    """
    from dlspec.backends.keras.starting import import_keras

    asked = json.load(sys.stdin)
    import_keras()
    shape = asked["arguments"].get("input_shape")
    given = {**asked["arguments"], **({} if shape is None else {"input_shape": tuple(shape)})}
    try:
        answered: dict[str, Any] = {"model": made(asked["name"], given)}
    except ValueError as error:
        answered = {"error": str(error)}
    json.dump(answered, sys.stdout)
