"""Wording for keys and components that nobody knows: what they were meant for, and how that is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from dlspec.components import registry
from dlspec.components.layers.refused import OF_WRITTEN_TEXTS, REFUSED
from dlspec.components.registry import JSON
from dlspec.core.errors import Replacement, did_you_mean, meant_is, suggestions
from dlspec.core.tree import Invalid, Map
from dlspec.semantics.schema import foreign
from dlspec.semantics.schema.context import Context
from dlspec.semantics.schema.deciding import is_valid
from dlspec.semantics.schema.foreign import fold as folded_word
from dlspec.semantics.schema.keywords import definition, resolve
from dlspec.semantics.schema.meant import (
    as_called,
    called,
    component_meant,
    is_certain,
    layer_meant,
    needless,
    option_meant,
    torn_apart,
    translated,
    wrapping,
)
from dlspec.semantics.schema.misplaced import SHAPES, elsewhere, is_exact, of_training, part_of_data
from dlspec.semantics.schema.validate import Violation, iterate_errors
from dlspec.semantics.schema.wording import (
    SPACE_HELP,
    SPACES,
    article,
    first_of,
    listed,
    name_help,
    title_of,
)
from dlspec.syntax.dumping import flow

STEP_KEYS = ("name", "from", "repeat", "if")
# Keys under which other tools write the name of a component.
NAMING = ("type", "layer", "class_name", "name", "class", "kind")
_WRITE = re.compile(r"write `([^`]+)`\Z")


class Message(NamedTuple):
    """A message with its help. `at_key`: the caret belongs under the key rather than its value."""

    code: str
    text: str
    help: str = ""
    at_key: bool = False


Describe = Callable[[Violation, Context], Message]


# --- options ----------------------------------------------------------------------------------------------------------


def unknown_key(key: str, node: JSON, code: str, context: Context, container: Any, describe: Describe) -> Message:
    """A key that is no option, and at the top no section."""
    if not context.path:
        return Message(code, f"unknown section `{key}`", _section_help(key, node, container, describe))
    help = _option_help(key, node, context, container, describe)
    return Message(code, f"unknown option of {title_of(node, context)} `{key}`", help)


def _option_help(key: str, node: JSON, context: Context, container: Any, describe: Describe) -> str:
    who = title_of(node, context)
    known, value = free_options(node, container), container.get(key) if isinstance(container, dict) else None
    if key in SPACES and context.family == "layer":
        return SPACE_HELP
    if inside := part_of_data(key, context.path):
        return f"it belongs further in: `{inside}`"
    if torn := torn_apart(key, value, known):
        return Replacement(f"write `{torn[1]}`, with a blank after the colon", key, torn[1], safe=True)
    if hint := wrapping(key, value, node) or needless(key, who) or _of_the_spec(key, node):
        return hint
    if meant := option_fitting(key, value, known, node, describe):
        return _as_option(key, meant, value, node, context, describe)
    if not option_meant(key, known) and len(suggestions(key, known)) > 1:
        return did_you_mean(key, known)
    if hint := elsewhere(key, value, context, container):
        return hint
    if missing := [name for name in node.get("required", []) if name not in (container or ())]:
        return f"{who} needs {listed(missing)}"
    return f"{who} takes {listed(first_of(node['properties']))}"


def _of_the_spec(key: str, node: JSON) -> str:
    """What stands at the top of the spec and not in a model or block."""
    if node.get("title") == "a model" and key == "params":
        return "only blocks take parameters: declare it under `blocks:`"
    if node.get("title") in ("a model", "a block") and key in ("blocks", "models"):
        return f"`{key}:` stands at the top of the spec alone"
    return ""


def free_options(node: JSON, container: Any) -> list[str]:
    """The options that are not given."""
    return [name for name in node["properties"] if not isinstance(container, dict) or name not in container]


def option_fitting(key: str, value: Any, known: Sequence[str], node: JSON, describe: Describe) -> str:
    """The option that an unknown one was meant for; "" where there is none, or its value speaks against a guess."""
    meant = option_meant(key, known)
    if not meant or is_certain(key, meant) or value is None or isinstance(value, Invalid):
        return meant
    own = [error for error in iterate_errors(value, node["properties"][meant]) if not error.path]
    wrong = any(error.validator in ("type", "pattern", "anyOf") for error in own)
    return "" if wrong and not mended(meant, value, node, Context((meant,)), describe) else meant


def mended(option: str, value: Any, node: JSON, context: Context, describe: Describe) -> str:
    """The value to write for an option that was called by another name; "" where the value will do."""
    wanted = resolve(node["properties"][option])
    if "x-per-output" in wanted and not isinstance(value, dict):
        wanted = wanted["anyOf"][0]
    for error in iterate_errors(value, wanted) if value is not None else ():
        if not error.path and error.validator in ("type", "pattern", "anyOf", "enum"):
            written = _WRITE.match(describe(error, context).help)
            return written.group(1) if written else ""
    return ""


def _as_option(key: str, meant: str, value: Any, node: JSON, context: Context, describe: Describe) -> str:
    better = mended(meant, value, node, context.inside([meant]), describe)
    better = better.removeprefix(f"{meant}: ")
    if better:
        return f"write `{meant}: {better}`"
    help = meant_is(key, meant, safe=is_certain(key, meant))
    if isinstance(help, Replacement):
        help.safe = help.safe and is_valid(value, node["properties"][meant])
    return help


def _section_help(key: str, node: JSON, container: Any, describe: Describe) -> str:
    inner = container.get(key) if isinstance(container, dict) else None
    if isinstance(inner, dict) and any(name in node["properties"] for name in inner):
        return f"write {listed(name for name in inner if name in node['properties'])} without `{key}:` around it"
    free = free_options(node, container)
    if isinstance(inner, list) and "layers" in free and key in ("model", "network", "architecture", "net", "layer"):
        return meant_is(key, "layers", safe=True)
    if key in SHAPES and "inputs" in free:
        return _as_option(key, "inputs", inner, node, Context(), describe)
    if match := option_fitting(key, inner, free, node, describe):
        return _as_option(key, match, inner, node, Context(), describe)
    for section in ("train", "data", "tune", "expect", "report"):
        options = resolve(node["properties"][section]).get("properties", {})
        if (match := option_meant(key, options)) and (is_certain(key, match) or abs(len(match) - len(key)) <= 2):
            return f"`{match}` belongs in `{section}:`"
        if inside := part_of_data(key, (section,)):
            return f"it belongs further in: `{inside}`" if section == "train" else f"`data: {{{inside}}}`"
        written = container.get(section) if isinstance(container, dict) else None
        if section == "train" and (match := elsewhere(key, inner, Context((section,)), written, certain=True)):
            return match
    return "sections: " + listed(node["properties"])


# --- components -------------------------------------------------------------------------------------------------------


def unknown_component(name: str, kind: str, node: JSON, code: str, context: Context, options: Any = None) -> Message:
    """A component that does not exist; `options` is what stands behind its name."""
    if kind == "layer" and name in REFUSED:
        return Message("E208", f"`{name}` is no layer of a spec: {REFUSED[name].reason}", REFUSED[name].help)
    if kind == "metric" and name in OF_WRITTEN_TEXTS:
        message = f"`{name}` compares texts that a model wrote, and a metric sees its answers to right beginnings alone"
        return Message("E575", message, "leave it out: with `generate`, the report and `dlspec evaluate` have it")
    if kind in ("activation", "initializer", "regularizer", "constraint"):
        code = "E206"
    help = _meant(name, kind, node, context, options)
    if isinstance(help, Replacement):
        help.old = name  # with the module before it, or what stands behind it in brackets
        written = help.new if options is None else {help.new: options}
        # Where more is wrong than the name, somebody has to look at it.
        help.safe = help.safe and (help.new not in node["properties"] or is_valid(written, node))
    return Message(code, f"unknown {kind} `{name}`", help)


def _meant(name: str, kind: str, node: JSON, context: Context, options: Any) -> str:
    known = [*node["properties"], *(context.names.calls if kind == "layer" else ())]
    if kind == "layer" and (hint := no_layer(name, known)):
        return hint
    if written := as_called(name, kind, node, context.axes):
        new = written if kind == "layer" or ":" not in written else f"{{{written}}}"
        return Replacement(f"write `{new}`", name, new, safe=False)
    name = called(name)
    if kind == "layer" and (hint := layer_help(name, options, node, known, context.axes)):
        return hint
    if kind == "callback" and (hint := of_training(name, None, None)):
        return hint
    if kind == "source" and (form := name.rpartition(".")[2].lower()) in known:
        return f"write `source: {{{form}: {name}}}`"
    if kind == "source" and (owner := _has_set(name, node)):
        return f"write `{{{owner}: {name}}}`"
    if name.lower() in ("none", "null", "no", "off") and kind != "layer":
        return "leave the option out"
    if hint := component_meant(name, kind, known).help:
        return hint
    if name in context.names.params:
        return Replacement(f"write `${name}` for the parameter", name, f"${name}", safe=True)
    if kind == "layer":
        return "`dlspec explain E201` tells how layers are named"
    return "one of " + listed(first_of(known, 12))


def _has_set(name: str, node: JSON) -> str:
    """The source that has data sets of its own, one of this name."""
    for owner, inner in node["properties"].items():
        if any(name in branch.get("enum", ()) for branch in resolve(inner).get("anyOf", ())):
            return str(owner)
    return ""


def no_layer(name: str, known: Sequence[str]) -> str:
    """Help for a name that can be no layer's."""
    if name in (*STEP_KEYS, *NAMING):
        return "the layer's name is the key: `- dense: {units: 10}`"
    if name in ("input", "inputs", "input_layer"):
        return "`inputs:` at the top of the spec says what comes in: `inputs: {image: [28, 28, 1]}`"
    if "$" in name:
        return "the name of a layer cannot be an expression: `if:` on two layers chooses between them"
    head = name.split(":")[0]
    if ":" in name and head in known:
        entry = f"{head}: {name[len(head) + 1 :].strip()}"
        return Replacement(f"write `{entry}`, with a blank after the colon", name, entry, safe=True)
    return ""


def layer_help(name: str, options: Any, node: JSON, known: Sequence[str], axes: int) -> str:
    """The layer that a word was meant for, with its options where these are other libraries' too."""
    name = name if name.startswith("ops.") else name.rpartition(".")[2]
    activation = name.lower() in resolve(definition("activation"))["properties"]
    meant = layer_meant(name, known, axes)
    if activation and not (folded_word(name) in foreign.LAYERS and (options is not None or name[:1].isupper())):
        return _activation(name.lower(), known)
    if f"ops.{name}" in known and not (len(meant.names) == 1 and is_exact(name, meant.names[0])):
        return meant_is(name, f"ops.{name}", "the operation", safe=True)
    if inner := foreign.WRAPPED.get(folded_word(name)):
        value = "…" if options is None or isinstance(options, Invalid) else flow(options)
        return f"write `bidirectional: {{layer: {{{inner}: {value}}}}}`"
    if isinstance(options, Mapping) and len(meant.names) == 1:
        given = {key: value for key, value in options.items() if not isinstance(value, Invalid)}
        written = translated(meant.names[0], (), given, "layer", node)
        if written and set(given) - set(resolve(node["properties"][meant.names[0]]).get("properties", {})):
            return f"write `{written}`"
    if options is None and len(meant.names) == 1:
        required = resolve(node["properties"].get(meant.names[0], {})).get("required", [])
        return f"{meant.help} it needs {listed(required)}" if required else meant.help
    return meant.help


def _activation(name: str, known: Sequence[str]) -> str:
    layer = next((candidate for candidate in known if candidate.replace("_", "") == name), "")
    write = f"write `{layer}`" if layer else f"write `activation: {name}`"
    also = f", or `activation: {name}` in the layer before" if layer else ", as a layer or in the layer before"
    return f"`{name}` is an activation: {write}{also}"


# --- one key too many -------------------------------------------------------------------------------------------------


def one_key(instance: Any, node: JSON, context: Context) -> Message:
    """Several keys, or none, where a component is one."""
    what = node.get("x-names", "item")
    if not instance:
        help = "write `name` or `name: {options}`"
        return Message("E106", f"an empty mapping where {article(what)} is expected", help)
    first = main_key(instance, node)
    others = [key for key in instance if key != first]
    text = f"{article(what)} is one key, but here stand {listed(instance)}"
    if first in STEP_KEYS and "repeat" in instance:
        return Message("E106", text, "a group is repeated by `repeat: {times: 3, layers: […]}`")
    if first in NAMING:
        return Message("E106", text, _named_by_value(instance, node, context))
    if instance[first] is None and not set(others) & set(node["properties"]) - set(STEP_KEYS):
        return Message("E106", text, f"indent {listed(others)} deeper than `{first}:`")
    if folded := fold(instance, node):
        head = f"`{first}: {{" + ("…, " if len(folded[first]) > len(others) else "")
        return Message("E106", text, f"put {listed(others)} among the options: {head}{others[0]}: …}}`")
    return Message("E106", text, f"start each {what} with its own `-`" if what == "layer" else "keep one of them")


def _named_by_value(instance: Mapping[str, Any], node: JSON, context: Context) -> str:
    """``{type: dense, units: 10}`` with the component's name as the key."""
    what = node.get("x-names", "item")
    rest = dict(instance)
    naming = next((key for key in NAMING if isinstance(rest.get(key), str)), "")
    named = str(rest.pop(naming, ""))
    inner = rest.pop("config", None) or rest.pop("options", None) or rest.pop("params", None)
    rest |= inner if isinstance(inner, Mapping) else {}
    if written := translated(named, (), rest, what, node, context.axes):
        return f"write `{written}`" if what == "layer" else f"write `{{{written}}}`"
    sample = "- dense: {units: 10}" if what == "layer" else f"{{{next(iter(node['properties']))}: {{…}}}}"
    return f"the {what}'s name is the key: `{sample}`"


def main_key(instance: dict[str, Any], node: JSON) -> str:
    """The key that names the component where several keys stand."""
    known = [key for key in instance if key in node["properties"] and key not in STEP_KEYS]
    called = [key for key in instance if key[:1].isupper()]
    naming = [key for key in instance if key in NAMING and key not in STEP_KEYS]
    return (known + called + naming + list(instance))[0]


def fold(instance: Any, node: JSON) -> Map | None:
    """An item whose options stand beside its name, as it was meant; None where that is not what happened."""
    first = main_key(instance, node)
    inner = resolve(node["properties"].get(first, {})).get("properties", {})
    others = [key for key in instance if key != first]
    if not all(key in STEP_KEYS or key in inner for key in others):
        return None
    value = instance[first]
    options = Map(instance.span)
    if isinstance(value, Map):
        for key in value:
            options.put(key, value[key], value.key_spans.get(key), value.value_spans.get(key))
    elif value is not None:
        owner = registry.find(node.get("x-names", ""), first)
        if owner is None or not owner.shorthand:
            return None
        options.put(owner.shorthand, value, instance.key_spans.get(first), instance.value_spans.get(first))
    for key in others:
        if key not in options:
            options.put(key, instance[key], instance.key_spans.get(key), instance.value_spans.get(key))
    folded = Map(instance.span)
    folded.put(first, options, instance.key_spans.get(first), instance.span)
    return folded


def unnameable(key: str, what: str) -> Message:
    """A key that cannot name what the spec declares there."""
    help = name_help(key, True if what in ("block", "model") else None)
    return Message("E103", f"`{key}` cannot name {article(what)}", help)
