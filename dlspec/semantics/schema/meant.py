"""The component or option that an unknown name may mean, in a form that can be typed in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dlspec.components import registry
from dlspec.components.registry import JSON
from dlspec.core.errors import Replacement, meant_is, suggest, suggestions
from dlspec.semantics.schema import foreign
from dlspec.semantics.schema.foreign import fold
from dlspec.semantics.schema.keywords import definition, resolve
from dlspec.semantics.schema.validate import iterate_errors
from dlspec.syntax.dumping import flow

_AXES = re.compile(r"([0123])d")
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)\((.*)\)\Z", re.S)
_BESIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*) +(\S.*)\Z")
_TORN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)([:=])(.+)\Z")


class Meant(NamedTuple):
    """The names that a wrong name may mean, with a help.

    Attributes:
        help: What to write.
        names: The components that may be meant; one where it is certain.
    """

    help: str = ""
    names: tuple[str, ...] = ()


# --- components -------------------------------------------------------------------------------------------------------


def layer_meant(text: str, known: Sequence[str], axes: int = 0) -> Meant:
    """The layer that `text` stands for.

    Args:
        text: What stands where a layer's name is expected.
        known: The layers, and what the spec declares.
        axes: How many axes images or sequences have there; 0 where that is not known.
    """
    base, written = _without_axes(text)
    families: dict[str, dict[int, str]] = {}
    for name in known:
        stem, number = _without_axes(name)
        families.setdefault(stem, {})[number] = name
    wanted = foreign.LAYERS.get(base, ())
    stems = [_without_axes(name.replace("{}", "0d"))[0] for name in wanted] or [base]
    matches = [name for stem in stems if stem in families for name in _of_axes(families[stem], written or axes)]
    if not matches:
        close = suggestions(base, families)
        matches = [name for stem in close for name in _of_axes(families[fold(stem)], written or axes)]
        matches = matches if len(close) <= 3 and len(matches) <= 4 else matches[:1]
    return Meant(did_you_mean_of(text, matches), tuple(matches)) if matches else Meant()


def _without_axes(name: str) -> tuple[str, int]:
    """A folded name without its number of axes, and the number (0 where there is none)."""
    folded = fold(name)
    match = _AXES.search(folded)
    if match is None:
        return folded, 0
    return folded[: match.start()] + folded[match.end() :], int(match.group(1))


def _of_axes(family: Mapping[int, str], axes: int) -> list[str]:
    """The member with that number of axes; all where it is not known."""
    if 0 in family:
        return [family[0]]
    return [family[axes]] if axes in family else [family[number] for number in sorted(family)]


def component_meant(text: str, kind: str, known: Sequence[str]) -> Meant:
    """The component of another kind than layers that `text` stands for."""
    text = text.rpartition(".")[2] or text
    translated = foreign.COMPONENTS.get(kind, {}).get(fold(text), "")
    name = translated.partition(":")[0]
    if name in known:
        if ":" in translated:
            return Meant(Replacement(f"write `{{{translated}}}`", text, f"{{{translated}}}", safe=False), ())
        return Meant(meant_is(text, name, safe=True), (name,))
    matches = suggestions(text, known)
    return Meant(did_you_mean_of(text, matches), tuple(matches)) if matches else Meant()


def did_you_mean_of(text: str, names: Sequence[str]) -> str:
    """The question, for names that are known."""
    return meant_is(text, names[0]) if len(names) == 1 else _either(names)


def _either(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return "did you mean " + ", ".join(quoted[:-1]) + f" or {quoted[-1]}?"


# --- what was written as in Python ------------------------------------------------------------------------------------


def as_called(text: str, kind: str, node: JSON, axes: int = 0) -> str:
    """A component written as a call in Python (``Dense(10, activation='relu')``, ``dense 10``), as a spec has it."""
    if match := _CALL.match(text.strip()):
        callee, positional, named = match.group(1).rpartition(".")[2], *_arguments(match.group(2))
    elif match := _BESIDE.match(text.strip()):
        callee, (positional, named) = match.group(1), _arguments(match.group(2))
    else:
        return ""
    if positional is None or named is None:
        return ""
    return translated(callee, positional, named, kind, node, axes)


def called(text: str) -> str:
    """The name of what is called as in Python, without its module; other text as it is."""
    match = _CALL.match(text.strip())
    return match.group(1).rpartition(".")[2] if match else text


def translated(
    callee: str, positional: Sequence[Any], named: Mapping[str, Any], kind: str, node: JSON, axes: int = 0
) -> str:
    """A component with its options in Keras's words, as it is written in a spec; "" unless that is valid."""
    known = list(node["properties"])
    names: tuple[str, ...] = (callee,) if callee in known else ()
    names = (
        names or (layer_meant(callee, known, axes) if kind == "layer" else component_meant(callee, kind, known)).names
    )
    if len(names) != 1:
        return ""
    options = options_of(resolve(node["properties"][names[0]]), positional, named)
    if options is None or next(iterate_errors({names[0]: options}, node), None) is not None:
        return ""
    return written(names[0], options, kind)


def written(name: str, options: dict[str, Any], kind: str) -> str:
    """``name``, ``name: value`` or ``name: {options}``, whichever is shortest."""
    owner = registry.find(kind, name)
    if not options:
        return name
    alone = owner is not None and list(options) == [owner.shorthand]
    return f"{name}: {flow(next(iter(options.values())) if alone else options)}"


def options_of(node: JSON, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any] | None:
    """Options by Keras's names; None where one of them has none."""
    properties = node.get("properties", {})
    if len(positional) > len(properties):
        return None
    options = dict(zip(properties, positional, strict=False))
    for key, value in named.items():
        if fold(key) in foreign.NEEDLESS:
            if fold(key) in foreign.OTHER_LAYERS:
                return None
            continue
        name = (
            key if key in properties else option_meant(key, [option for option in properties if option not in options])
        )
        if not name:
            return None
        options[name] = value
    return options


def _arguments(text: str) -> tuple[list[Any] | None, dict[str, Any] | None]:
    """The arguments of a call in Python, or what stands beside a name; None where they are no plain values."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, None
    assert isinstance(call, ast.Call)
    try:
        return [_literal(item) for item in call.args], {item.arg or "": _literal(item.value) for item in call.keywords}
    except ValueError:
        return None, None


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):  # a word without quotes is text in YAML
        return node.id
    value = ast.literal_eval(node)
    return list(value) if isinstance(value, tuple) else value


# --- options ----------------------------------------------------------------------------------------------------------


def option_meant(key: str, known: Iterable[str]) -> str:
    """The option of those `known` that `key` stands for; "" where there is none or more than one."""
    known = list(known)
    named = fold(key)
    exact = [name for name in known if fold(name) == named]
    exact = exact or [name for name in foreign.OPTIONS.get(named, ()) if name in known]
    return exact[0] if exact else "" if named in foreign.NEEDLESS else suggest(key, known) or ""


def is_certain(key: str, meant: str) -> bool:
    """Whether a word and an option are one, or one is the other's word in another library."""
    return fold(key) == fold(meant) or meant in foreign.OPTIONS.get(fold(key), ())


def needless(key: str, owner: str) -> str:
    """Help for an option of another framework that Keras does without; "" for others."""
    help = foreign.NEEDLESS.get(fold(key), "").format(owner=owner)
    return Replacement(help, key, None, safe=False) if help.startswith("leave it out:") else help


def torn_apart(key: str, value: Any, known: Iterable[str]) -> tuple[str, str] | None:
    """``units:10`` or ``units=10`` as a key: the option, and the entry as it was meant."""
    match = _TORN.match(key) if value is None else None
    if match is None:
        return None
    name = match.group(1) if match.group(1) in (names := list(known)) else option_meant(match.group(1), names)
    return (name, f"{name}: {match.group(3).strip()}") if name else None


def wrapping(key: str, value: Any, node: JSON) -> str:
    """A component beside the options of another, one of which takes it: ``bidirectional: {lstm: 8}``."""
    inner = wrapped({key: value}, node)
    return f"write `{inner}`" if inner else ""


def wrapped(value: Any, node: JSON) -> str:
    """A component where the options of another are expected, as the option that takes it: ``layer: {lstm: 8}``."""
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(value, dict) or len(value) != 1:
        return ""
    for option in node.get("required", ()):
        kind = resolve(node["properties"][option]).get("x-names", "")
        if kind in registry.kinds() and next(iter(value)) in resolve(definition(kind))["properties"]:
            return f"{option}: {flow(value)}"
    return ""


# --- how many axes ----------------------------------------------------------------------------------------------------


def wanted_axes(before: Iterable[Any], inputs: Any) -> int:
    """Number of axes of images or sequences at the position of a layer; 0 where unknown.

    Args:
        before: The items before it in its list, and after those the ones that follow.
        inputs: The inputs of the model, as written.
    """
    shapes = [value.get("shape") if isinstance(value, dict) else value for value in _values(inputs)]
    ranks = {len(shape) - 1 for shape in shapes if isinstance(shape, list)}
    for item in before:
        name = item if isinstance(item, str) else next(iter(item)) if isinstance(item, dict) and item else ""
        owner = registry.find("layer", name) if isinstance(name, str) else None
        if owner is not None and owner.rank:
            return owner.rank
    return ranks.pop() if len(ranks) == 1 and ranks <= {1, 2, 3} else 0


def _values(inputs: Any) -> list[Any]:
    return list(inputs.values()) if isinstance(inputs, dict) else []
