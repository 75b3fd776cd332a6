"""The explanation of what a cursor touches."""

from __future__ import annotations

from typing import NamedTuple

from dlspec.components import registry
from dlspec.core.documents.printed_components import ComponentFacts
from dlspec.syntax.dumping import flow
from dlspec.views import catalogue
from dlspec.views.editing import grammar
from dlspec.views.editing.analysis import Analysis
from dlspec.views.editing.cursor import ITEM, Cursor, cursor_at
from dlspec.views.editing.figures import figures_by_line
from dlspec.views.editing.names import BLOCK, PARAMETER, Name, name_at, names_of, same

_MOST_OPTIONS = 12


class Explanation(NamedTuple):
    """Markdown about a word, and the columns where it begins and ends."""

    text: str
    start: int
    end: int


def explanation(analysis: Analysis, line: int, column: int) -> Explanation | None:
    """What is known of the word at a position; None where nothing is."""
    cursor = cursor_at(analysis.text, line, column)
    if not cursor.token:
        return None
    if cursor.comment:
        return _of_code(cursor)
    parts = [*_of_name(analysis, cursor, line), *_of_grammar(cursor), *_of_figures(analysis, cursor, line)]
    return Explanation("\n\n".join(dict.fromkeys(parts)), cursor.start, cursor.end) if parts else None


def _of_code(cursor: Cursor) -> Explanation | None:
    from dlspec.core.codes import CODES

    entry = CODES.get(cursor.token.upper())
    return Explanation(f"**{entry.title}**\n\n{entry.rule}", cursor.start, cursor.end) if entry is not None else None


def _of_name(analysis: Analysis, cursor: Cursor, line: int) -> list[str]:
    """A name of the spec: where it is given, the value of a parameter, the figures of a layer."""
    names = names_of(analysis.data, analysis.text) if analysis.data is not None else []
    name = name_at(names, line, cursor.start + cursor.token.startswith("$"))
    if name is None:
        return []
    given = same(names, name)[0]
    if not given.gives:
        return []
    parts = [f"{'parameter' if name.kind == PARAMETER else name.kind} `{name.text}`, line {given.span.line}"]
    if name.kind == PARAMETER:
        parts.append(f"```yaml\n{analysis.text.line(given.span.line).strip()}\n```")
    elif name.kind == BLOCK and name.gives:
        parts.append(_calls(names, name))
    elif not name.gives:
        figures = _figures_of(analysis, given)
        parts += [figures] if figures else []
    return parts


def _calls(names: list[Name], name: Name) -> str:
    lines = [str(other.span.line) for other in same(names, name) if not other.gives]
    return f"called in line {', '.join(lines)}" if lines else "never called"


def _figures_of(analysis: Analysis, given: Name) -> str:
    """The figures of the layer that gives a tensor its name, or the type of an input."""
    for graph in analysis.graphs:
        for node in graph.nodes:
            if node.name == given.text and node.layer is None:
                return f"input `{node.outputs[0]}`"
    lines = figures_by_line(analysis)
    # The name of a layer that is written over several lines stands below the layer.
    for number in range(given.span.line, max(0, given.span.line - 20), -1):
        if number in lines:
            return lines[number].table()
    return ""


def _of_grammar(cursor: Cursor) -> list[str]:
    """A key or value of the language."""
    path = (*cursor.path, cursor.token) if cursor.is_key else cursor.path
    nodes = grammar.nodes_at(path) or grammar.nodes_at(cursor.path)
    keys = grammar.nodes_at(cursor.path)
    kind = grammar.kind_of(keys) or grammar.kind_of(nodes)
    component = "layer" if cursor.path[-1:] == (ITEM,) and "layers" in cursor.path else kind
    owner = registry.find(component, cursor.token) if component in registry.kinds() else None
    if owner is not None and owner.kind != "section":
        return [_component(catalogue.facts(owner))]
    known = grammar.keys_of(keys)
    if cursor.is_key and cursor.token in known:
        return [f"**{cursor.token}**", grammar.meaning(known[cursor.token])]
    if not cursor.is_key and cursor.path:
        option = grammar.keys_of(grammar.nodes_at(cursor.path[:-1])).get(cursor.path[-1])
        return [f"**{cursor.path[-1]}**", grammar.meaning(option)] if option is not None else []
    return []


def _component(facts: ComponentFacts) -> str:
    """A component with its options."""
    head = f"**{facts['name']}** — {facts['meaning']}"
    lines = [head, *([f"`{facts['keras']}`"] if facts["keras"] else []), *filter(None, [facts["description"]])]
    options = []
    for option in facts["options"][:_MOST_OPTIONS]:
        default = "required" if option["required"] else f"default `{flow(option['default'])}`"
        options.append(f"- `{option['name']}`: {option['value']}; {default}")
    more = len(facts["options"]) - len(options)
    options += [f"- … {more} more; `dlspec layers {facts['name']}` lists them"] if more > 0 else []
    return "\n\n".join([*lines, *(["\n".join(options)] if options else [])])


def _of_figures(analysis: Analysis, cursor: Cursor, line: int) -> list[str]:
    """The figures of the layers that the line makes, where their name is touched."""
    figures = figures_by_line(analysis).get(line) if cursor.path[-1:] == (ITEM,) else None
    return [figures.table()] if figures is not None else []
