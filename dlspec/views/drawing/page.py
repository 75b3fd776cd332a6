"""A picture with its numbers as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Iterator

from dlspec.core.ir import Graph, Node, SharedModel
from dlspec.graph.facts import facts, show_count, totals
from dlspec.views.drawing.svg import element, escape
from dlspec.views.drawing.tables import Cell, html_table
from dlspec.views.drawing.texts import shape_text

STYLE = """
:root { color-scheme: light dark; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  "DejaVu Sans", Helvetica, Arial, sans-serif; color: #1f2430; background: #ffffff; }
h1 { margin: 0; font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
pre { color: #667085; font: 13px/1.6 ui-monospace, "DejaVu Sans Mono", monospace;
  margin: .5rem 0 1rem; white-space: pre-wrap; }
summary { cursor: pointer; font-weight: 600; margin: 1rem 0 .5rem; }
.picture { overflow-x: auto; } .picture svg { display: block; margin: 0 auto; max-width: none; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #d0d5dd; vertical-align: top; }
.number { text-align: right; }
@media (prefers-color-scheme: dark) { body { color: #e6e8ee; background: #14171d; } pre { color: #98a2b3; }
  th, td { border-color: #3a4150; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(graph: Graph, name: str, description: str = "") -> str:
    """The HTML page with the drawing of a graph.

    Args:
        graph: What to show.
        name: The page's title.
        description: The spec's own words on the model.
    """
    models = list(_models(graph))
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(name)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        f"<h1>{escape(name)}</h1>",
        *([f"<p>{escape(description)}</p>"] if description else []),
        f"<pre>{escape(chr(10).join(totals(facts(graph, name))))}</pre>",
        _picture(graph, name, description, "model"),
        *(
            f"<details open><summary>shared model {escape(model.name)}</summary>"
            f"{_picture(model.graph, model.name, '', f'model-{number}')}</details>"
            for number, model in enumerate(models)
        ),
        _table(graph, "Layers"),
        *(_table(model.graph, f"Layers of {model.name}") for model in models),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _models(graph: Graph) -> Iterator[SharedModel]:
    """Shared models that the graph calls, and those that they call, each once."""
    models: dict[int, SharedModel] = {}
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            if isinstance(node.layer, SharedModel) and id(node.layer) not in models:
                models[id(node.layer)] = node.layer
                waiting.append(node.layer.graph)
    yield from models.values()


def _picture(graph: Graph, name: str, description: str, prefix: str) -> str:
    drawn = element(graph, name, description, prefix, heading=False)
    return f'<div class="picture">\n{drawn}</div>'


def _table(graph: Graph, title: str) -> str:
    head: list[Cell] = ["name", "layer", "output shape", ("parameters", "number"), ("FLOPs", "number")]
    drawn = html_table(head, map(_row, graph.nodes))
    return f'<details open><summary>{escape(title)}</summary>\n<div class="table">{drawn}</div></details>'


def _row(node: Node) -> list[Cell]:
    options = node.layer.describe() if node.layer is not None else ""
    parameters = "shared" if node.shared is not None else f"{node.parameters:,}"
    flops = "?" if node.flops is None else show_count(node.flops)
    shapes = ", ".join(map(shape_text, node.outputs))
    return [node.name, f"{node.kind} {options}".rstrip(), shapes, parameters, flops]
