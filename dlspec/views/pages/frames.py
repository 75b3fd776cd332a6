"""Frames of pages: the templates in ``templates/report``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dlspec.core import resources
from dlspec.views.drawing.tables import Cell, html_table


def rendered(template: str, **values: Any) -> str:
    """A page as text; every value on it is escaped, but for SVG and styles, which are made by us alone.

    Args:
        template: Name of its file.
        values: What it shows.
    """
    import jinja2
    from markupsafe import Markup

    loader = jinja2.FunctionLoader(lambda part: resources.read("templates", f"report/{part}"))
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["drawn"] = lambda plot: Markup(plot.svg)
    environment.filters["coded"] = _coded
    environment.globals["table"] = lambda *arguments: Markup(_table(*arguments))
    environment.globals["measures_table"] = lambda head, rows: Markup(html_table(head, rows, "measures", titled=True))
    style = Markup(resources.read("templates", "report/style.css"))
    return environment.get_template(template).render(style=style, **values)


def _table(head: Sequence[Cell], rows: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> str:
    return html_table(head, ([row[key] for key in keys] for row in rows))


def _coded(text: str) -> Any:
    """Escaped text in which words between backticks are set as code."""
    from markupsafe import Markup, escape

    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return escape(text)
    marked = (part if index % 2 == 0 else Markup("<code>{}</code>").format(part) for index, part in enumerate(parts))
    return Markup("").join(marked)
