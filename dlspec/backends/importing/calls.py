"""What enters a saved layer: which tensors, by which argument, and constants of the call."""

from __future__ import annotations

from typing import Any, NamedTuple

from dlspec.backends.importing.network import Call, Ref, refs
from dlspec.backends.importing.options import Lacking, short
from dlspec.components.layers.base import Layer
from dlspec.components.registry import Component

# Arguments of a call that a spec has no need of: what training is follows from how the model is used, and masks pass
# on by themselves.
_NOISE = ("training", "mask")


class Entering(NamedTuple):
    """What a call says.

    Attributes:
        sources: Tensors of the file in the form of ``from``.
        options: Constants that a spec writes among the options.
        lacking: What a spec cannot say.
        owner: The component that is called.
    """

    sources: Any
    options: dict[str, Any]
    lacking: list[Lacking]
    owner: type[Component] | None = None


def entering_of(owner: type[Layer], call: Call) -> Entering:
    """The arguments of a call of a layer."""
    options: dict[str, Any] = {}
    lacking: list[Lacking] = []
    tensors: dict[str, Any] = {}
    names = [name.rstrip("?") for name in owner.arguments]
    listed = owner.takes_list or owner.one_list
    if listed:
        given = list(call.args[0]) if call.args and isinstance(call.args[0], list) else list(call.args[:1])
        tensors = {str(number): value for number, value in enumerate(given) if next(refs(value), None) is not None}
        rest = call.args[1:]
    else:
        tensors, rest = _positional(names, call.args, lacking)
    lacking += [Lacking("an argument of its call") for value in rest if value is not None]
    for name, value in call.kwargs.items():
        if next(refs(value), None) is not None:
            if listed or name not in names:
                lacking.append(Lacking(f"the tensor `{name}` of its call"))
            else:
                tensors[name] = value
        elif name in owner.call_options:
            field = owner.fields[name]
            options |= {} if value == field.default or value is None else {name: value}
        elif value not in (None, False, [], {}) and name not in _NOISE:
            lacking.append(Lacking(f"the argument `{name}: {short(value)}` of its call"))
    return Entering(_form(owner, tensors, listed, names), options, lacking)


def _positional(names: list[str], args: list[Any], lacking: list[Lacking]) -> tuple[dict[str, Any], list[Any]]:
    tensors = {}
    for name, value in zip(names, args, strict=False):
        if next(refs(value), None) is not None:
            tensors[name] = value
        elif value is not None:
            lacking.append(Lacking(f"the argument `{name}: {short(value)}` of its call"))
    return tensors, list(args[len(names) :])


def _form(owner: type[Layer], tensors: dict[str, Any], listed: bool, names: list[str]) -> Any:
    """Tensors by their arguments in the form of ``from``."""
    values = list(tensors.values())
    if listed:
        return values[0] if len(values) == 1 and not owner.takes_list else values
    if list(tensors) == names[: len(tensors)]:
        if len(values) == 1 and isinstance(values[0], Ref):
            return values[0]
        if owner.value_names_inputs() and all(isinstance(value, Ref) for value in values):
            return values
    if len(values) == 1 and isinstance(values[0], list):
        flat = list(refs(values))
        return flat[0] if len(flat) == 1 else flat
    return tensors
