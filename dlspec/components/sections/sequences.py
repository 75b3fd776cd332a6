"""Inputs and targets that are sequences: marks, lengths, one preparation for two columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from dlspec.components.layers.base import Layer
from dlspec.components.registry import Alike, Field, find, plain
from dlspec.core.errors import Problem, did_you_mean, leave_out

# Indices before the marks: padding and the unknown word.
FIRST = 2
START, END, MASK = "start", "end", "mask"
_ALL = (START, END, MASK)


def marks_field() -> Field[Any]:
    """The option `marks` of an input."""
    schema = {
        "type": ["array", "object"],
        "items": {"enum": list(_ALL)},
        "minItems": 1,
        "uniqueItems": True,
        "properties": {name: {"type": "integer", "minimum": 1} for name in _ALL},
        "minProperties": 1,
        "additionalProperties": False,
    }
    field = plain(
        schema,
        default=None,
        doc="Marks around each row of indices: `[start, end]`, which take the indices behind those for padding and "
        "unknown words, or for columns of whole numbers the indices themselves: `{start: 11, end: 12}`. `mask` stands "
        "for steps that a target with `masked` hides.",
    )
    field.nullable = True
    return field


class Sequence(NamedTuple):
    """What becomes of the rows of indices of one input, behind its `prepare`.

    Attributes:
        prepare: Its layers, with room for the marks.
        layer: What puts marks around rows and gives them one length; None where nothing does.
        length: Steps of a prepared row; 0 where nothing gives them one length.
        names: Names of the indices from 2 on that are marks.
        shift: How many steps the last of the targets is ahead that are made of it; 0 where none is.
    """

    prepare: tuple[Any, ...]
    layer: Layer | None
    length: int
    names: tuple[str, ...]
    shift: int


def check_marks(feature: Any) -> None:
    """Marks suit the way in which an input is prepared.

    Raises:
        Problem: E207, with the option at fault.
    """
    if feature.marks is None:
        return
    if feature.column is None and set(feature.marks) != {MASK}:
        raise Problem("E207", "`marks` are for a single `column`", leave_out("marks"), "marks")
    same = _same_index(feature.marks) if isinstance(feature.marks, dict) else ()
    if same:
        raise Problem("E207", f"`marks` has one index for {' and '.join(same)}", "give them different ones", "marks")


def _same_index(marks: Mapping[str, int]) -> tuple[str, ...]:
    """Names of marks that have one index; () where each has one of its own."""
    for index in marks.values():
        same = tuple(name for name in _ALL if marks.get(name) == index)
        if len(same) > 1:
            return same
    return ()


def check_marks_of_texts(feature: Any) -> None:
    """Marks of texts take indices of their own, which no word has.

    Raises:
        Problem: E207, they are given some.
    """
    if isinstance(feature.marks, dict) and any(layer.splits_texts for layer in feature.prepare):
        message = "`marks` of texts take indices of their own: any that is written here is that of a word"
        names = ", ".join(name for name in _ALL if name in feature.marks)
        raise Problem("E207", message, f"write `marks: [{names}]`", "marks")


def resolve(inputs: Mapping[str, Any]) -> None:
    """Gives inputs with `prepare: {like: …}` the layers of the input that is named.

    Raises:
        Problem: E207, there is no such input, or it has no layers of its own.
    """
    for name, feature in inputs.items():
        if not isinstance(feature.prepare, Alike) or feature.prepare:
            continue
        like = feature.prepare.like
        other = inputs.get(like)
        if other is None or other is feature:
            known = [key for key in inputs if key != name]
            help = did_you_mean(like, known) or "write the layers themselves"
            raise Problem("E207", f"`like: {like}` of input `{name}` names no other input of `data`", help, "inputs")
        if isinstance(other.prepare, Alike) or not other.prepare:
            message = f"`like: {like}` of input `{name}` names an input without layers of its own"
            raise Problem("E207", message, "name an input that lists its layers in `prepare`", "inputs")
        if (feature.source or None) != (other.source or None):
            message = f"`like: {like}` of input `{name}` names an input of another source"
            raise Problem("E207", message, "write the layers themselves", "inputs")
        try:
            feature.take_layers(Alike(other.prepare, like))
        except Problem as problem:  # its option is one of the input
            raise Problem(problem.code, f"input `{name}`: {problem.message}", problem.help, "inputs") from problem


def group_of(inputs: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The inputs that share one preparation with an input, itself included, in the order of the section."""
    prepare = inputs[name].prepare
    owner = prepare.like if isinstance(prepare, Alike) else name
    return tuple(
        other
        for other, feature in inputs.items()
        if other == owner or (isinstance(feature.prepare, Alike) and feature.prepare.like == owner)
    )


def check_targets(inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> None:
    """Targets that are inputs name some, and have no more in common with columns.

    Raises:
        Problem: E207, with the option at fault.
    """
    taken: dict[str, str] = {}
    for name, target in targets.items():
        if target.input is None:
            continue
        if target.input not in inputs:
            help = did_you_mean(target.input, inputs) or f"add `inputs: {{{target.input}: {{column: …}}}}`"
            raise Problem("E207", f"`input: {target.input}` of target `{name}` is no input of `data`", help, "targets")
        if target.input in taken:
            message = f"targets `{taken[target.input]}` and `{name}` are both made of input `{target.input}`"
            raise Problem("E207", message, "make one target of each input", "targets")
        taken[target.input] = name
        if target.masked is not None:
            _take_mask(inputs[target.input], name, target.input)


def _take_mask(feature: Any, target: str, name: str) -> None:
    """Gives an input whose steps are hidden the mark that stands for these.

    Raises:
        Problem: E207, its rows are numbers of the data, and none of them stands for what is hidden.
    """
    marks = feature.marks
    if MASK in (marks or ()):
        return
    if isinstance(marks, dict) or not any(layer.splits_texts for layer in feature.prepare):
        message = f"target `{target}` hides steps of input `{name}`, and no index of that stands for what is hidden"
        raise Problem("E207", message, f"write `marks: {{mask: …}}` for `{name}`, an index that no value has", "inputs")
    feature.take_marks((*(marks or ()), MASK))


def shift_of(targets: Mapping[str, Any], name: str) -> int:
    """How many steps the last of the targets is ahead that are made of an input; 0 where none is."""
    return max((target.shift or 0 for target in targets.values() if target.input == name), default=0)


def sequence_of(
    inputs: Mapping[str, Any], targets: Mapping[str, Any], name: str, steps: int | None, *, cut: bool = False
) -> Sequence:
    """How the rows of an input are marked and cut.

    Args:
        inputs: All inputs of the section.
        targets: Its targets.
        name: The input.
        steps: Of the rows that `prepare` gives; None where that is not known.
        cut: Whether examples are pieces of them, of which targets are made.

    Raises:
        Problem: E620, what is needed of the rows is not known.
    """
    feature = inputs[name]
    shift = 0 if cut else shift_of(targets, name)
    named = marks_of(inputs, name)
    prepare = tuple(
        _with_room(layer, len(named), own=not isinstance(feature.prepare, Alike)) for layer in feature.prepare
    )
    indices = {mark: index for mark, index in indices_of(inputs, name).items() if mark != MASK}
    if not indices and not named and not feature.row_length and not shift:
        return Sequence(tuple(feature.prepare), None, 0, (), 0)
    length = feature.length or (None if steps is None else steps + len(indices))
    if length is None and not cut:
        message = f"rows of input `{name}` are as long as its texts, and `marks`, `shift`, `masked` and `like` need one"
        raise Problem("E620", message, f"write `length: 20` for `{name}`")
    owner = cast("type[Layer]", find("layer", "marked_sequence"))
    layer = owner(**({"length": length} if length else {}), **indices, **({"reserved": len(named)} if named else {}))
    return Sequence(prepare, layer, length or 0, named, shift)


def marks_of(inputs: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Marks that take indices of their own, of all inputs that share the preparation."""
    marks = {mark for other in group_of(inputs, name) for mark in inputs[other].marks or () if _listed(inputs[other])}
    return tuple(mark for mark in _ALL if mark in marks)


def indices_of(inputs: Mapping[str, Any], name: str) -> dict[str, int]:
    """The indices of the marks of an input, by name."""
    own = inputs[name].marks
    if isinstance(own, dict):
        return dict(own)
    named = marks_of(inputs, name)
    return {mark: FIRST + named.index(mark) for mark in own or ()}


def _listed(feature: Any) -> bool:
    return isinstance(feature.marks, list | tuple)


def _with_room(layer: Any, marks: int, *, own: bool) -> Any:
    """A layer whose `max_tokens` counts the marks as well."""
    if not marks or not layer.splits_texts or layer.max_tokens is None:
        return layer
    if layer.max_tokens - marks <= FIRST and own:
        message = f"`max_tokens: {layer.max_tokens}` of `{layer.name}` leaves no room for words beside the marks"
        raise Problem("E620", message, f"write `max_tokens: {FIRST + marks + 1}` or more")
    return type(layer)(**{**layer.given, "max_tokens": layer.max_tokens - marks})
