"""Tables in the terminal and on pages."""

from __future__ import annotations

from dlspec.core.terminal import cells, table
from dlspec.views.drawing.tables import html_table


def test_cells_stand_under_each_other_whatever_they_hold() -> None:
    rows = [["name", "examples"], ["猫", "1"], ["e\u0301", "12"], ["\x1b[1m", "3"]]
    assert table(rows, numbers=(1,), rule=True) == [
        "name     examples",
        "───────  ────────",
        "猫              1",
        "e\u0301" + " " * 14 + "12",
        "\\x1b[1m         3",
    ]
    assert (cells("猫"), cells("e\u0301"), cells("\x1b")) == (2, 1, 4)


def test_the_last_column_leaves_no_blanks() -> None:
    assert table([["a", "b"], ["longer", ""]]) == ["a       b", "longer"]


def test_a_page_shows_what_cells_hold_and_runs_none_of_it() -> None:
    rows = [["<script>", "1"], ["a & b", ("2", "number off")]]
    shown = html_table(["<b>", ("count", "number")], rows, "measures", titled=True)
    assert shown == (
        '<table class="measures">\n'
        '<thead><tr><th>&lt;b&gt;</th><th class="number">count</th></tr></thead>\n'
        "<tbody>\n"
        '<tr><th>&lt;script&gt;</th><td class="number">1</td></tr>\n'
        '<tr><th>a &amp; b</th><td class="number off">2</td></tr>\n'
        "</tbody>\n"
        "</table>"
    )
