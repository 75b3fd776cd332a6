"""Words and help lines for mistakes: what stands here, what is expected, how it is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from dlspec.components import registry
from dlspec.components.registry import JSON
from dlspec.core.errors import Replacement, write
from dlspec.core.tree import Map, describe, plain_number
from dlspec.semantics.schema.context import Context
from dlspec.syntax.dumping import flow

SPACES = ("int", "float", "choice", "bool")
NAME_RULE = "[A-Za-z0-9_]{0,62}"
SHOWN = 8
TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
    "string": "text",
}


def name_help(text: str, capital: bool | None = None) -> str:
    """The rule for names, with one that is like `text`.

    Args:
        text: What cannot be a name.
        capital: Whether a capital (True), a small letter (False) or any letter starts it.
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    sample = re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_")[:63] if letters.isascii() else ""
    sample = sample if sample[:1].isalpha() else ""
    if sample and capital is not None:
        sample = (sample[0].upper() if capital else sample[0].lower()) + sample[1:]
    first = {True: "a capital letter", False: "a small letter", None: "a letter"}[capital]
    rule = f"a name has ASCII letters, digits and `_`, starts with {first}, and is at most 63 long"
    return f"for example `{sample}`: {rule}" if len(sample) > 1 and sample != text else rule


# --- help ------------------------------------------------------------------------------------------------------------

SPACE_HELP = "a search space stands under the top-level `params:`; here write its name, such as `$units`"
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%\Z")
_PLAIN = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_GROUPED = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:[_,][0-9]{3})+\Z")
_DECIMAL = re.compile(r"[-+]?[0-9]+,[0-9]+(?:[eE][-+]?[0-9]+)?\Z")
SHORT = 60
_TEMPLATE = re.compile(r"\{\{ ?([A-Za-z][A-Za-z0-9_]*) ?\}\}\Z")
_WORD = re.compile(r"\$?\b[A-Za-z_][A-Za-z0-9_]*")


def type_help(instance: Any, types: list[str], node: JSON, context: Context) -> str:
    if node.get("title") == "input":
        if sizes := _sizes(instance):
            return write(instance, sizes)
        return "write a shape without the batch: `[28, 28, 1]`, or `[8]` for a vector of 8"
    if node.get("x-names") == "input" and types == ["object"] and (sizes := _sizes(instance)):
        return write(instance, f"{{x: {sizes}}}", safe=False)
    if types[0] == "object" and isinstance(instance, str) and isinstance(node.get("additionalProperties"), dict):
        return f"each has a name: `{context.path[-1]}: {{NAME: {instance}}}`" if context.path else ""
    if node.get("x-names") and types == ["object"]:
        return f"each {node['x-names']} has a name: `{context.path[-1]}: {{name: …}}`" if context.path else ""
    if instance is None and types == ["array"]:
        return "start each item with `-`"
    if isinstance(instance, str):
        takes_text = "string" in types and not is_value_pattern(node)
        return dollar_help(instance, context) or text_help(instance, types, takes_text)
    if isinstance(instance, dict):
        if instance and next(iter(instance)) in SPACES:
            return SPACE_HELP
        if NAME_RULE in node.get("pattern", "") and "array" in types:
            return write(instance, f"[{', '.join(instance)}]")
        if "array" in types and "object" not in types:
            text = flow([{key: value} for key, value in instance.items()])
            start = "start each item with `-`"
            whole = len(text) <= SHORT and not (isinstance(instance, Map) and instance.doubled)
            return f"write `{text}`, or {start} on a line of its own" if whole else start
        return "start each item with `-`" if "array" in types and "object" not in types else ""
    if isinstance(instance, list) and len(instance) == 1 and "array" not in types:
        if isinstance(instance[0], dict) and node.get("x-names"):
            return f"write `{flow(instance[0])[1:-1]}`" if len(instance[0]) == 1 else ""
        (single,) = instance
        wrong = isinstance(single, str) and "$" not in single and is_value_pattern(node)  # text is an expression there
        return "" if wrong or isinstance(single, dict | list) else write(instance, plain(single), " without brackets")
    if isinstance(instance, list):
        return ""
    if types == ["boolean", "string"] and instance in (0, 1):
        return write(instance, plain(bool(instance)))
    if "integer" in types and isinstance(instance, float) and instance.is_integer() and abs(instance) < 1e15:
        return write(instance, str(int(instance)), "; in an expression divide with `//`")
    if "array" in types and instance is not None and NAME_RULE not in node.get("pattern", ""):
        return write(instance, f"[{plain(instance)}]")
    return ""


def text_help(instance: str, types: list[str], takes_text: bool) -> str:
    """Help where text stands in place of another type; `takes_text` unless text can only be an expression."""
    lowered = instance.lower()
    numeric = "integer" in types or "number" in types
    if "boolean" in types and lowered in ("yes", "on", "true", "y", "no", "off", "false", "n"):
        return write(instance, "true" if lowered in ("yes", "on", "true", "y") else "false")
    if "null" in types and lowered in ("none", "nil", "null"):
        return write(instance, "null")
    if "array" in types and not takes_text and numeric and (sizes := _sizes(instance)):
        return write(instance, sizes)
    if "array" in types and not takes_text and ("," in instance or not numeric):
        return write(instance, f"[{_bare(instance)}]", safe=False)
    if numeric and (written := _number(instance, "number" in types)):
        return write(instance, written, " without quotes" if written == instance else "", safe=written == instance)
    if numeric and (share := _PERCENT.match(instance)):
        return write(instance, plain_number(round(float(share.group(1)) / 100, 10)))
    return ""


def _number(text: str, fractions: bool) -> str:
    """A number that was written as text, with a decimal comma, or with its thousands apart; "" where it is unclear."""
    if _PLAIN.match(text):
        return text if fractions or ("." not in text and "e" not in text.lower()) else ""
    if _GROUPED.match(text) and (not fractions or text.count(",") > 1 or "_" in text):
        return str(int(text.replace("_", "").replace(",", "")))
    if fractions and _GROUPED.match(text):
        return ""  # a thousand, or one with three places after the comma
    return text.replace(",", ".") if fractions and _DECIMAL.match(text) else ""


def _sizes(instance: Any) -> str:
    """A shape that was written otherwise than as a list of sizes: ``28x28x1``, ``(28, 28)``, ``28``."""
    if isinstance(instance, int) and not isinstance(instance, bool):
        return f"[{instance}]"
    if isinstance(instance, list):
        return flow(instance) if instance and all(isinstance(item, int | None) for item in instance) else ""
    if not isinstance(instance, str):
        return ""
    text = instance.strip("()[] ").rstrip(", ")
    parts = [part.strip() for part in re.split(r"[x,× ]+" if "," not in text else ",", text)]
    known = all(part.isdecimal() or part in ("None", "null") for part in parts)
    return "[" + ", ".join("null" if part == "None" else part for part in parts) + "]" if known else ""


def _bare(text: str) -> str:
    """The items of a list that was written like a Python tuple, or without brackets."""
    return re.sub(r"\bNone\b", "null", text.strip("()").rstrip(", "))


def dollar_help(text: str, context: Context) -> str:
    """Text that names parameters without their `$`, written with them; "" where it names none."""

    def dollar(match: re.Match[str]) -> str:
        return "$" + match.group() if match.group() in context.names.params else match.group()

    if template := _TEMPLATE.match(text):
        help = f"specs have no `{{{{ }}}}`: write `${template.group(1)}` for the parameter"
        return Replacement(help, text, f"${template.group(1)}", safe=template.group(1) in context.names.params)
    fixed = _WORD.sub(dollar, re.sub(r"\bparams\.(?=[A-Za-z])", "", text))
    return write(text, fixed, " for the parameter") if "$" in fixed and fixed != text else ""


# --- words -----------------------------------------------------------------------------------------------------------


def title_of(node: JSON, context: Context) -> str:
    """Who has the options: a layer's name, or words for what has none of its own."""
    title = str(node.get("title", "")) or context.option
    titles = {"feature": "an input of `data`", "target": "a target of `data`", "input": "an input"}
    return titles.get(title, title)


def shorthand_of(node: JSON) -> tuple[Any, str]:
    """The component that a node describes and the option that its bare value fills; (None, "") otherwise."""
    if "x-kind" not in node or "x-names" in node:
        return None, ""
    owner = registry.find(node["x-kind"], node.get("title", ""))
    return (owner, owner.shorthand) if owner is not None and owner.shorthand else (None, "")


def subject(node: JSON, context: Context) -> str:
    owner, option = shorthand_of(node)
    return f"`{option}` of {owner.registered_name}" if owner is not None else context.option


def type_name(name: str, types: list[str]) -> str:
    return "a number" if name == "integer" and "number" in types else TYPE_NAMES[name]


def is_value_pattern(node: JSON) -> bool:
    return "\\$" in node.get("pattern", "") and NAME_RULE not in node.get("pattern", "")


def example(who: str, *options: str, node: JSON | None = None) -> str:
    """An example of a component as a spec writes it; `node` is its schema if a bare value may fill an option."""
    if len(options) == 1 and node is not None and shorthand_of(node)[1] == options[0]:
        return f"write `{who}: …`"
    return f"write `{who}: {{" + ", ".join(f"{option}: …" for option in options) + "}`"


def shown(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        text = "[" + ", ".join(plain(item) for item in value) + "]"
        return f"`{text}`" if len(text) <= 40 else "a list"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return plain_number(value)
    return describe(value)


def plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return plain_number(value) if isinstance(value, int | float) else str(value)


def first_of(names: Iterable[str], count: int = SHOWN) -> list[str]:
    """The first names, and an ellipsis for the others."""
    listed = list(names)
    return listed if len(listed) <= count else [*listed[:count], "…"]


def listed(names: Iterable[str]) -> str:
    return ", ".join(name if name == "…" else f"`{name}`" for name in names)


def article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun
