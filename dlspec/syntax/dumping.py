"""Plain data to YAML text that the loader reads back unchanged; PyYAML's own dumper follows YAML 1.1."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dlspec.core.tree import Map, Seq, plain_number
from dlspec.syntax.source import BLANKS

# A scalar of this tag is written as it stands; text that could be read as one is quoted.
_PLAIN = "tag:dlspec,2026:plain"
_WORDS = ("~", "null", "true", "false", "yes", "no", "on", "off", "y", "n")


class _Dumper(yaml.SafeDumper):
    """Quotes whatever a YAML 1.1 or 1.2 program could read as something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.yaml_implicit_resolvers = {}
_Dumper.add_implicit_resolver(_PLAIN, re.compile(r"[-+.0-9]"), list("-+.0123456789"))
_Dumper.add_implicit_resolver(_PLAIN, re.compile(rf"(?i:{'|'.join(_WORDS)}|)\Z"), ["", *"~nNtTfFyYoO"])


def _scalar(dumper: Any, value: Any) -> Any:
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = plain_number(value)
    return dumper.represent_scalar(_PLAIN, text)


def _text(dumper: Any, value: str) -> Any:
    style = '"' if BLANKS.search(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
for _type in (int, float, bool, type(None)):
    _Dumper.add_representer(_type, _scalar)
_Dumper.add_representer(Map, lambda dumper, value: dumper.represent_dict(value.items()))
_Dumper.add_representer(Seq, lambda dumper, value: dumper.represent_list(value))
_Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_list(value))


def dump(data: Any) -> str:
    """Plain data as YAML text: loading it gives `data` again."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return text


# Text that no YAML program reads as something else, wherever it stands.
_SAFE = re.compile(rf"(?!(?i:{'|'.join(_WORDS)})\Z)[A-Za-z_$][A-Za-z0-9_.]*\Z")


def inline(data: Any) -> str:
    """Plain data as YAML on one line, like :func:`flow`, written at once: for texts of many lines."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{inline(key)}: {inline(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list | tuple):
        return "[" + ", ".join(inline(value) for value in data) + "]"
    if isinstance(data, bool):
        return str(data).lower()
    if isinstance(data, int | float):
        return plain_number(data)
    if isinstance(data, str) and _SAFE.match(data):
        return data
    return flow([data])[1:-1]  # quoted as inside of a list


def flow(data: Any) -> str:
    """Plain data as YAML on one line, as it may stand in a spec."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=1e9)
    return text.strip().removesuffix("...").rstrip()
