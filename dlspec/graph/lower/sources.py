"""The tensors that enter a step, and their call arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Argument, Edge, SharedModel
from dlspec.graph.lower.scope import Binding, Value
from dlspec.semantics.environment import Lost


class Sources(NamedTuple):
    """The tensors that enter a step.

    Attributes:
        positional: In written order; a nested list is one binding of several tensors.
        named: The map form of ``from``.
        single: Written as one name, or not at all: in a repeat, later turns chain.
        nested: Positions (or names) that were written as lists of their own.
    """

    positional: tuple[Binding, ...]
    named: Mapping[str, Binding]
    single: bool = False
    nested: frozenset[int | str] = frozenset()

    def values(self) -> Iterator[Value]:
        """All tensors, in order."""
        for binding in (*self.positional, *self.named.values()):
            yield from binding.values

    @property
    def lost(self) -> bool:
        """Whether one of them is hidden by an error."""
        return any(isinstance(value, Lost) for value in self.values())


class Arguments(NamedTuple):
    """Call arguments of one node."""

    positional: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...] = ()


def arguments_of(layer: Any, sources: Sources) -> Arguments:
    """Distributes what enters over the layer's call arguments.

    Raises:
        Problem: E405, too few or too many; E406, a list of turns where one tensor is needed.
    """
    if isinstance(layer, SharedModel):
        return _model_arguments(layer, sources)
    if layer.takes_list:
        return _list_arguments(layer, sources)
    if sources.single and len(layer.arguments) == 1:
        return Arguments((_argument(sources.positional[0], False, layer, ""),))
    names = [name.rstrip("?") for name in layer.arguments]
    required = [name for name in layer.arguments if not name.endswith("?")]
    unknown = [name for name in sources.named if name not in names]
    if unknown:
        raise Problem("E405", f"{layer.name} has no input `{unknown[0]}`", did_you_mean(unknown[0], names))
    count = len(sources.positional) + len(sources.named)
    missing = [
        name for index, name in enumerate(required) if index >= len(sources.positional) and name not in sources.named
    ]
    free = names[: layer.positional or None]
    if missing or len(sources.positional) > len(names):
        wanted = f"{len(required)}" if len(required) == len(names) else f"{len(required)} to {len(names)}"
        noun = "input" if wanted == "1" else "inputs"
        help = (
            f"write `from: {{{', '.join(f'{name}: prev' for name in required)}}}`, with the names of what enters"
            if missing
            else "merge them first, for example with `concatenate`"
        )
        raise Problem("E405", f"{layer.name} takes {wanted} {noun} ({', '.join(names)}), but gets {count}", help)
    if len(sources.positional) > len(free) and layer.positional > 1:
        written = ", ".join(f"{name}: …" for name in names[: len(sources.positional)])
        message = f"{layer.name} takes `{names[len(free)]}` by its name only"
        raise Problem("E405", message, f"write `from: {{{written}}}`")
    positional = tuple(
        _argument(binding, index in sources.nested, layer, names[index])
        for index, binding in enumerate(sources.positional)
    )
    keywords = tuple(
        (name, _argument(binding, name in sources.nested, layer, name)) for name, binding in sources.named.items()
    )
    return _in_order(free, names, positional, keywords)


def _in_order(
    free: list[str], names: list[str], positional: tuple[Argument, ...], keywords: tuple[tuple[str, Argument], ...]
) -> Arguments:
    """One form for each call: arguments stand in order without names as far as Keras takes them so (`free`)."""
    given = dict(zip(names, positional, strict=False)) | dict(keywords)
    count = next((index for index, name in enumerate(free) if name not in given), len(free))
    ordered = tuple(given.pop(name) for name in free[:count])
    return Arguments(ordered, tuple(given.items()))


def _argument(binding: Binding, nested: bool, layer: Any, name: str) -> Argument:
    edges = tuple(value for value in binding.values if isinstance(value, Edge))
    if nested and name in layer.list_arguments:
        return edges
    if nested:
        raise Problem(
            "E406", f"{layer.name} takes one tensor as `{name}`, not a list", "merge them first: `add: [a, b]`"
        )
    if len(edges) != 1:
        text = f"{layer.name} takes one tensor here, but gets the list of {len(edges)} turns"
        raise Problem("E406", text, "merge them first: `add: name`")
    return edges[0]


def _list_arguments(layer: Any, sources: Sources) -> Arguments:
    if sources.named:
        order = f", in the order {', '.join(layer.listed)}" if layer.listed else ""
        message = f"{layer.name} takes a list of inputs, not named ones"
        raise Problem("E405", message, f"write `from: [a, b]`{order}")
    if sources.nested:
        message = f"{layer.name} takes one list of inputs, not a list inside of it"
        raise Problem("E406", message, "write all names in one list")
    edges = tuple(value for value in sources.values() if isinstance(value, Edge))
    most = layer.maximum_inputs or len(edges)
    if not layer.minimum_inputs <= len(edges) <= most:
        low, high = layer.minimum_inputs, layer.maximum_inputs
        wanted = f"at least {low}" if not high else f"{low}" if low == high else f"{low} to {high}"
        raise Problem(
            "E405", f"{layer.name} needs {wanted} inputs, but gets {len(edges)}", f"write `{layer.name}: [a, prev]`"
        )
    return Arguments((edges,))


def _model_arguments(model: SharedModel, sources: Sources) -> Arguments:
    names = [model.graph.nodes[index].name for index in model.graph.inputs]
    bindings = list(sources.positional) or [sources.named[name] for name in names if name in sources.named]
    unknown = [name for name in sources.named if name not in names]
    if unknown:
        raise Problem("E405", f"{model.name} has no input `{unknown[0]}`", did_you_mean(unknown[0], names))
    return Arguments(tuple(_argument(binding, False, model, "") for binding in bindings))
