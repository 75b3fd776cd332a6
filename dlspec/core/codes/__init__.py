"""Every diagnostic code with its rule and an example: what ``dlspec explain`` prints.

Families: Y0 YAML, E1 structure and names, E2 layers and options, E3 expressions, parameters and blocks, E4 graph and
shapes, E5 train and tune, E6 data, E7 export, E8 import, E9 internal; W… are warnings. A code means one thing.
"""

from __future__ import annotations

from dlspec.core.codes import (
    adapting,
    advice,
    data,
    elsewhere,
    exporting,
    expressions,
    graph,
    importing,
    layers,
    made,
    runs,
    searches,
    sequences,
    structure,
    studies,
    training,
    warnings,
    yaml,
)
from dlspec.core.codes.entry import Code

FAMILIES: dict[str, str] = {
    "Y0": "YAML",
    "E1": "Structure and names",
    "E2": "Layers and options",
    "E3": "Expressions, parameters and blocks",
    "E4": "Graph and shapes",
    "E5": "Training and tuning",
    "E6": "Data",
    "E7": "Export",
    "E8": "Import",
    "E9": "Internal",
    "W": "Warnings",
}

CODES: dict[str, Code] = {
    **yaml.CODES,
    **structure.CODES,
    **layers.CODES,
    **expressions.CODES,
    **graph.CODES,
    **training.CODES,
    **runs.CODES,
    **searches.CODES,
    **studies.CODES,
    **elsewhere.CODES,
    **adapting.CODES,
    **data.CODES,
    **made.CODES,
    **sequences.CODES,
    **exporting.CODES,
    **importing.CODES,
    **warnings.CODES,
    **advice.CODES,
    **adapting.WARNINGS,
    **exporting.WARNINGS,
    **importing.WARNINGS,
}


def family(name: str) -> str:
    """The heading under which a code stands."""
    return next(title for prefix, title in FAMILIES.items() if name.startswith(prefix))


def of_spec(name: str) -> bool:
    """Whether a problem with that code is one of the spec, and so has a place in it."""
    return CODES[name].belongs == "spec"


def page(name: str) -> str:
    """All that there is to say about a code, as Markdown."""
    entry = CODES[name]
    parts = [f"# {name}: {entry.title}", entry.rule]
    examples = (("For example", "text", entry.scene), ("Wrong", "yaml", entry.wrong), ("Right", "yaml", entry.right))
    parts += [f"{title}:\n\n```{language}\n{text}\n```" for title, language, text in examples if text]
    return "\n\n".join(parts) + "\n"


__all__ = ["CODES", "FAMILIES", "Code", "family", "of_spec", "page"]
