"""The language on one page, for programs that write specs: what they must know, and everything that has a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlspec.components import registry
from dlspec.components.registry import Component, Field
from dlspec.core import resources
from dlspec.views.catalogue import components, value_text

# What a spec names most comes first, sections last.
_FIRST = ("layer", "loss", "metric", "optimizer", "source")
_LAST = ("section",)
# Options that nearly all components of a kind have are told once.
_COMMON = {
    "layer": ("trainable", "dtype", "seed", "data_format"),
    "loss": ("reduction", "dtype"),
    "metric": ("dtype", "name"),
    "optimizer": ("clipnorm", "clipvalue", "global_clipnorm"),
    "application": (
        *("include_top", "weights", "input_shape", "pooling", "classes", "classifier_activation"),
        *("include_preprocessing", "alpha"),
    ),
}
# What such an option takes its name says.
_KINDS_IN_NAMES = ("initializer", "regularizer", "constraint")


def page(version: str) -> str:
    """The page as Markdown.

    Args:
        version: That of dlspec.
    """
    guide = resources.read("templates", "agent.md").format(version=version)
    between = [kind for kind in registry.kinds() if kind not in (*_FIRST, *_LAST)]
    return guide + "\n".join(line for kind in (*_FIRST, *between, *_LAST) for line in _listed(kind))


def _listed(kind: str) -> Iterator[str]:
    """All components of a kind, each in a line with its options."""
    yield f"## Kind `{kind}`"
    yield ""
    common = _COMMON.get(kind, ())
    if common:
        yield "Where Keras has them: " + ", ".join(f"`{name}`" for name in common) + "."
        yield ""
    for owner in components(kind):
        yield _line(owner, common)
    yield ""


def _line(owner: type[Component], common: tuple[str, ...]) -> str:
    fields = [(name, field) for name, field in owner.fields.items() if name not in common]
    options = [_option(name, field, owner) for name, field in fields]
    aliases = f" ({', '.join(owner.aliases)})" if owner.aliases else ""
    return f"- `{owner.registered_name}`{aliases}" + (": " + "; ".join(options) if options else "")


def _option(name: str, field: Field[Any], owner: type[Component]) -> str:
    """An option with what it takes, and what it is where it is left out."""
    mark = " ←" if name == owner.shorthand else ""
    if field.kind in _KINDS_IN_NAMES and name.endswith(field.kind):
        return f"{name}{mark}"
    text = f"{name}{mark}: {value_text(field, owner)}"
    if field.required:
        return f"{text} (required)"
    return text if field.default in (None, (), {}) else f"{text} = {_shown(field.default)}"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(list(value) if isinstance(value, tuple) else value)
