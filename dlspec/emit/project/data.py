"""``data.py`` of a generated project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jinja2

from dlspec.data.binding import Binding
from dlspec.data.splits import stratify_column
from dlspec.emit.constructors import Constructors
from dlspec.emit.project.bound import bound_input, bound_output, only_or_all
from dlspec.emit.syntax import Unsupported, constant, text
from dlspec.emit.templates import Code
from dlspec.sections.data import Data

# Functions that a project carries where its text calls them; a template each.
HELPERS = ("permutation", "places", "several", "tokens")


@dataclass(frozen=True)
class DataText:
    """The rendered parts of ``data.py``."""

    body: str
    constructors: Constructors


def render(data: Data, binding: Binding, label: str, templates: jinja2.Environment) -> DataText:
    """``data.py`` without its imports.

    Args:
        data: The section.
        binding: The same, bound to the model.
        label: The spec's name.
        templates: Where the templates are: ``data.py.jinja``, and one for each source and way of splitting.

    Raises:
        Unsupported: There is no template for something that the section says.
    """
    constructors = Constructors()
    context = _context(data, binding, label, templates, constructors)
    template = templates.get_template("data.py.jinja")
    # Twice: what the text calls decides what it carries.
    body = template.render(context, helpers=[], imports=Code(""))
    helpers = [Code(f"helpers/{word}.py.jinja") for word in HELPERS if f"{word}(" in body]
    return DataText(template.render(context, helpers=helpers, imports=Code("")), constructors)


def _context(
    data: Data, binding: Binding, label: str, templates: jinja2.Environment, constructors: Constructors
) -> dict[str, Any]:
    inputs = [bound_input(one, binding, constructors) for one in binding.inputs]
    outputs = [bound_output(one, binding) for one in binding.outputs]
    by = data.parts.by if isinstance(data.parts.by, str) else data.parts.by.registered_name
    columns = tuple(dict.fromkeys([*binding.columns, *filter(None, [stratify_column(data)])]))
    return {
        "title": Code(f"The data of {label}: read, divided, prepared, and handed out in batches."),
        "source_template": _template(templates, "sources", data.source.registered_name),
        "source": data.source,
        "columns": columns,
        **data.source.emitted(columns, binding.table),
        "splitter_template": _template(templates, "splitters", by),
        "split": data.parts,
        "share": lambda part: Code(_share(data, part)),
        "stratify": stratify_column(data),
        "inputs": inputs,
        "outputs": outputs,
        "prepared": [one for one in inputs if one.layers],
        "ranks": {one.name: one.rank for one in inputs},
        "call": only_or_all("values", [one.name for one in inputs], as_list=True),
        "raw_inputs": only_or_all("inputs", [one.name for one in inputs], as_list=True),
        "batch_inputs": only_or_all("inputs", [one.name for one in inputs]),
        "batch_targets": only_or_all("targets", [one.name for one in outputs]),
    }


def _share(data: Data, part: str) -> str:
    share = data.parts.share(part)
    return f"max(1, round(count * {text(constant(share))}))" if share else "0"


def _template(templates: jinja2.Environment, folder: str, word: str) -> Code:
    path = f"{folder}/{word}.py.jinja"
    if path not in templates.list_templates():
        raise Unsupported(f"{folder} `{word}`")
    return Code(path)
