"""Options that several components have alike stand once in ``spec.json``, which every ``check`` reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from dlspec.components.registry import JSON

# Characters that must be saved where an option is shared.
_SAVED = 300


def share(definitions: JSON) -> None:
    """Moves options that stand alike several times into a definition, ``option.<name>``, that all refer to."""
    options = [option for owner in list(definitions.values()) for option in _options(owner)]
    counts = Counter(_text(properties[name]) for properties, name in options)
    places: dict[str, str] = {}
    for properties, name in options:
        schema = properties[name]
        text = _text(schema)
        if (counts[text] - 1) * len(text) < _SAVED or schema.keys() == {"$ref"}:
            continue
        if text not in places:
            places[text] = _free_name(name, definitions)
            definitions[places[text]] = schema
        properties[name] = {"$ref": f"#/$defs/{places[text]}"}


def _options(schema: JSON) -> Iterator[tuple[JSON, str]]:
    """Each option below a definition, inner ones first: the options it stands among, and its name."""
    properties = schema.get("properties", {})
    for name, inner in properties.items():
        yield from _options(inner)
        if "x-kind" not in inner:  # no component
            yield properties, name


def _text(schema: JSON) -> str:
    return json.dumps(schema)


def _free_name(name: str, definitions: JSON) -> str:
    """A free name for a definition."""
    candidate, number = f"option.{name}", 1
    while candidate in definitions:
        number += 1
        candidate = f"option.{name}.{number}"
    return candidate
