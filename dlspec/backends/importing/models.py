"""A saved model as a declaration under `models` of a spec, whole or up to some of its layers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, cast

from dlspec.backends.importing.archives import Source
from dlspec.backends.importing.conversion import convert
from dlspec.backends.importing.naming import Names, clean
from dlspec.backends.importing.steps import Body, Model, Out, Step, outs, replaced
from dlspec.backends.importing.writing import item, type_of
from dlspec.core.errors import Problem, Span, did_you_mean
from dlspec.core.tree import Map, Seq

_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Declared:
    """A saved model in the form of a spec.

    Attributes:
        declarations: What `models` would say of it and of those inside it, by name.
        layers: For each layer, by the models around it and its own name, its path in the file.
    """

    declarations: Mapping[str, Map]
    layers: Mapping[str, tuple[str, ...]]


def declared(
    source: Source,
    name: str,
    span: Span | None,
    *,
    outputs: Sequence[str] = (),
    before: Sequence[Step] = (),
    as_saved: bool = True,
    taken: Collection[str] = (),
) -> Declared:
    """The declarations of a saved model.

    Args:
        source: The saved model.
        name: Its name in the spec.
        span: Where the spec names it.
        outputs: Layers whose tensors leave, as a spec names them; those of the saved model unless given.
        before: Steps that its only input passes first.
        as_saved: Whether layers that were kept from learning remain so; otherwise the model as a whole decides.
        taken: Names of other models and blocks of the spec.

    Raises:
        Problem: E801 to E803, no spec says what the model is; E541, it has no such layers.
    """
    model = convert(source, inlines=True)
    if outputs:
        _cut(model.main, [_layer(model.main, wanted, source.shown) for wanted in outputs])
    if before:
        _begin(model.main, before)
    names = _model_names(model, name, taken)
    return _Writer(model, names, span, as_saved, source.shown).declared(name)


# --- what leaves, and what enters first ----------------------------------------------------------------------------


def _layer(body: Body, wanted: str, shown: str) -> Out:
    """The output of the layer that a spec means by a name.

    Raises:
        Problem: E541, there is none.
    """
    known: dict[str, int] = {}
    for number, step in enumerate(body.steps):
        for path in (step.path[-1:], step.path):
            if path:
                known[clean("_".join(path))] = number
    if wanted in known:
        return Out(known[wanted])
    raise Problem("E541", f"`{shown}` has no layer `{wanted}`", did_you_mean(wanted, known), "outputs")


def _cut(body: Body, ends: list[Out]) -> None:
    """Leaves out what these tensors do not need, inputs included."""
    needed: set[int] = set()
    stack = list(ends)
    while stack:
        step = stack.pop().step
        if step not in needed:
            needed.add(step)
            stack += outs(body.steps[step].sources) if step >= 0 else ()
    kept = [number for number in range(len(body.steps)) if number in needed]
    entering = [number for number in range(len(body.inputs)) if -1 - number in needed]
    moved = {old: new for new, old in enumerate(kept)} | {-1 - old: -1 - new for new, old in enumerate(entering)}

    def move(out: Out) -> Out:
        return out._replace(step=moved[out.step])

    body.steps = [body.steps[number] for number in kept]
    for each in body.steps:
        each.sources = replaced(each.sources, move)
    body.inputs = {name: tensor for n, (name, tensor) in enumerate(body.inputs.items()) if n in entering}
    body.outputs, body.keys = [move(out) for out in ends], [""] * len(ends)


def _begin(body: Body, before: Sequence[Step]) -> None:
    """Puts steps between the only input and all that takes it."""
    length = len(before)

    def move(out: Out) -> Out:
        return Out(length - 1) if out.step == -1 else Out(out.step + length, out.output) if out.step >= 0 else out

    for step in body.steps:
        step.sources = replaced(step.sources, move)
    first = [replace(step, sources=Out(number - 1)) for number, step in enumerate(before)]
    body.steps = [*first, *body.steps]
    body.outputs = [move(out) for out in body.outputs]


# --- names and text ------------------------------------------------------------------------------------------------


def _model_names(model: Model, name: str, taken: Collection[str]) -> dict[str, str]:
    """New names of the models inside, which are called after the one around them."""
    used = {*taken, name}
    names: dict[str, str] = {}
    for inner in model.models:
        base = f"{name}{inner}"[: _LONGEST - 4]
        free = next(each for each in chain([base], (f"{base}{number}" for number in count(2))) if each not in used)
        used.add(free)
        names[inner] = free
    return names


class _Writer:
    """Writes bodies as the data of declarations, in which each step has a place of its own."""

    def __init__(self, model: Model, names: Mapping[str, str], span: Span | None, as_saved: bool, shown: str) -> None:
        self.model, self.names, self.as_saved, self.shown = model, names, as_saved, shown
        self.span = span
        self._numbers = count(1)
        self.layers: dict[str, tuple[str, ...]] = {}

    def declared(self, name: str) -> Declared:
        """The declaration of the model and of those that it calls."""
        declarations = {name: self.declaration(self.model.main, "")}
        called = [step.key for step in self.model.main.steps if step.key in self.names]
        while called:
            inner = called.pop()
            if self.names[inner] not in declarations:
                body = self.model.models[inner]
                declarations[self.names[inner]] = self.declaration(body, f"{self.names[inner]}.")
                called += [step.key for step in body.steps if step.key in self.names]
        return Declared(declarations, self.layers)

    def declaration(self, body: Body, before: str) -> Map:
        """Inputs, layers and outputs of one of the models."""
        names = Names(body)
        inputs = {names.inputs[name]: type_of(tensor) for name, tensor in body.inputs.items()}
        layers = Seq(self.span)
        for number, step in enumerate(body.steps):
            key = self.names.get(step.key, step.key)
            written = item(body, names, number, True)
            options = dict(cast("Mapping[str, Any]", next(iter(written.values()))))
            if not self.as_saved:
                options.pop("trainable", None)
            if step.path:
                self.layers |= {f"{before}{own}": step.path for own in names.of_step(number)}
            layers.append(self.placed({key: options}))
        outputs = [names.of(out) if out.step >= 0 else names.of_input(-1 - out.step) for out in body.outputs]
        made = Map(self.span)
        made |= {"inputs": self.plain(inputs), "layers": layers, "outputs": self.plain(outputs)}
        return made

    def placed(self, step: Mapping[str, Any]) -> Map:
        """A step as data that stand where the spec names the file, told apart by their number."""
        span = self.span._replace(part=next(self._numbers)) if self.span is not None else None
        return cast("Map", _spanned(step, span, self.shown))

    def plain(self, value: Any) -> Any:
        """Other data."""
        return _spanned(value, self.span, self.shown)


def _spanned(value: Any, span: Span | None, shown: str) -> Any:
    """Plain data as a spec's, all of them at one place.

    Raises:
        Problem: E803, a text in them would be an expression.
    """
    if isinstance(value, Mapping):
        made = Map(span)
        for key, inner in value.items():
            made.put(key, _spanned(inner, span, shown), span, span)
        return made
    if isinstance(value, list | tuple):
        items = Seq(span)
        items += [_spanned(inner, span, shown) for inner in value]
        items.item_spans += [span] * len(value) if span is not None else []
        return items
    if isinstance(value, str) and "$" in value:
        raise Problem("E803", f"an option in `{shown}` has a `$`, which a spec reads as an expression")
    return value


def texts(outputs: Any) -> Iterator[str]:
    """The names in an option `outputs`; what is no name has been reported."""
    listed = outputs if isinstance(outputs, Sequence) else ()
    yield from (outputs,) if isinstance(outputs, str) else (name for name in listed if isinstance(name, str))
