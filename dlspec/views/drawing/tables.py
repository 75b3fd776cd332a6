"""Tables of our pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dlspec.views.drawing.svg import escape

# The text of a cell, or the text with its CSS classes.
Cell = str | tuple[str, str]


def html_table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]], css: str = "", titled: bool = False) -> str:
    """An HTML table with escaped texts.

    Args:
        head: Titles of the columns; cells have the classes of their column's title unless they bring their own.
        rows: Cells by row.
        css: Classes of the table.
        titled: Whether the first cell of a row is its title.
    """
    classes = [_parts(cell)[1] for cell in head]
    lines = [f"<table{_class(css)}>", f"<thead><tr>{''.join(_cell('th', *_parts(cell)) for cell in head)}</tr></thead>"]
    lines.append("<tbody>")
    for row in rows:
        cells = [
            _cell("th" if titled and index == 0 else "td", *(cell if isinstance(cell, tuple) else (cell, column)))
            for index, (cell, column) in enumerate(zip(row, classes, strict=True))
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"])


def _parts(cell: Cell) -> tuple[str, str]:
    return cell if isinstance(cell, tuple) else (cell, "")


def _cell(tag: str, text: object, css: str) -> str:
    return f"<{tag}{_class(css)}>{escape(str(text))}</{tag}>"


def _class(css: str) -> str:
    return f' class="{css}"' if css else ""
