"""What repeats and groups mean: turns, names, and what each turn is given."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.language.meaning import Case, check_meaning
from tests.support import compile_text

CASES: list[Case] = [
    (
        "repeat chains; the name is the last turn's",
        """
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, repeat: 3, name: top}
          - add: [top, prev]
        """,
        """
        dense dense(x) [3]
        dense_1 dense(dense) [3]
        top dense(dense_1) [3]
        add add(top, top) [3]
        """,
    ),
    (
        "index counts the turns of the item's own repeat, `if` is asked each turn",
        """
        inputs: {x: [4]}
        layers:
          - dense: {units: 2 + $index, repeat: 4, if: $index != 1}
        """,
        """
        dense dense(x) [2]
        dense_1 dense(dense) [4]
        dense_2 dense(dense_1) [5]
        """,
    ),
    (
        "a single from feeds the first turn, a list is reread each turn",
        """
        inputs: {x: [4], y: [4]}
        layers:
          - dense: {units: 4, from: y, repeat: 2, name: a}
          - add: {from: [x, prev], repeat: 2}
        """,
        """
        dense dense(y) [4]
        a dense(dense) [4]
        add add(x, a) [4]
        add_1 add(x, add) [4]
        """,
    ),
    (
        "repeat: 0 and if: false delete the line",
        """
        params: {deep: false}
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, repeat: 0}
          - dense: {units: 2, if: $deep}
          - dense: 1
        """,
        "dense dense(x) [1]",
    ),
    (
        "a repeated group; its names become the list of all turns",
        """
        inputs: {x: [4]}
        layers:
          - repeat:
              times: 3
              layers:
                - dense: {units: 4, name: skip}
                - re_lu
          - add: skip
        """,
        """
        skip dense(x) [4]
        re_lu re_lu(skip) [4]
        skip_1 dense(re_lu) [4]
        re_lu_1 re_lu(skip_1) [4]
        skip_2 dense(re_lu_1) [4]
        add add(skip, skip_1, skip_2) [4]
        """,
    ),
    (
        "each gives every turn its values; names may be substituted",
        """
        params: {widths: [2, 3]}
        inputs: {x: [4]}
        layers:
          - repeat:
              each: {width: $widths, act: [relu, tanh]}
              layers:
                - dense: {units: $width, activation: $act, name: level_$index}
          - concatenate: [level_0, level_$(2 - 1)]
        """,
        """
        level_0 dense(x) [2]
        level_1 dense(level_0) [3]
        concatenate concatenate(level_0, level_1) [5]
        """,
    ),
    (
        "turns take names with an expression that earlier turns gave",
        """
        inputs: {x: [4]}
        layers:
          - dense: {units: 2, name: cell_0}
          - dense: {units: 3, name: cell_1}
          - repeat:
              times: 3
              layers:
                - concatenate: {from: [cell_$index, cell_$($index + 1)], name: cell_$($index + 2)}
          - add: [prev, cell_4]
        """,
        """
        cell_0 dense(x) [2]
        cell_1 dense(cell_0) [3]
        cell_2 concatenate(cell_0, cell_1) [5]
        cell_3 concatenate(cell_1, cell_2) [8]
        cell_4 concatenate(cell_2, cell_3) [13]
        add add(cell_4, cell_4) [13]
        """,
    ),
    (
        "of turns that gave the same name, the last one counts for later turns",
        """
        inputs: {x: [4]}
        layers:
          - dense: {units: 4, name: a_0}
          - repeat:
              times: 3
              layers:
                - add: [prev, a_$($index // 2)]
                - dense: {units: 4, name: a_$($index // 2 + 1)}
        """,
        """
        a_0 dense(x) [4]
        add add(a_0, a_0) [4]
        a_1 dense(add) [4]
        add_1 add(a_1, a_0) [4]
        a_1_1 dense(add_1) [4]
        add_2 add(a_1_1, a_1_1) [4]
        a_2 dense(add_2) [4]
        """,
    ),
    (
        "nested groups: $index is that of the textually enclosing repeat",
        """
        inputs: {x: [5]}
        layers:
          - repeat:
              times: 2
              layers:
                - repeat: {times: 1 + $index, layers: [{dense: 10 + $index}]}
                - dense: $index + 1
        """,
        """
        dense dense(x) [10]
        dense_1 dense(dense) [1]
        dense_2 dense(dense_1) [10]
        dense_3 dense(dense_2) [11]
        dense_4 dense(dense_3) [2]
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, expected: str, tmp_path: Path) -> None:
    check_meaning(tmp_path, text, expected)


NODES = [
    (
        "a name stays with the last turn that ran",
        "- dense: {units: 8, repeat: 3, if: $index < 2, name: k}\n  - add: [k, prev]",
        ["dense", "dense_1", "add"],
    ),
    (
        "of several outputs, the first goes on to the next turn",
        "- reshape: [4, 2]\n"
        "  - lstm: {units: 3, repeat: 2, return_state: true, return_sequences: true, name: [s, h, c]}\n"
        "  - concatenate: [h, c]",
        ["reshape", "lstm", "lstm_1", "concatenate"],
    ),
    (
        "a repeated group may hold names, which become lists",
        "- residual: {repeat: 2, layers: [{dense: {units: 8, name: h}}, {dense: 8}], name: out}\n  - add: [h, out]",
        ["h", "dense", "add", "h_1", "dense_1", "out", "add_1"],
    ),
    (
        "names with an expression never meet automatic ones",
        '- dense: {units: 8, repeat: 2}\n  - dense: {units: 8, repeat: 2, name: "dense_$index"}',
        ["dense", "dense_1", "dense_2", "dense_1_1"],
    ),
]


@pytest.mark.parametrize(("layers", "names"), [case[1:] for case in NODES], ids=[case[0] for case in NODES])
def test_names_of_turns(layers: str, names: list[str], tmp_path: Path) -> None:
    state = compile_text(tmp_path, f"inputs: {{x: [8]}}\nlayers:\n  {layers}\n")
    assert not state.diagnostics.errors, state.diagnostics.errors
    assert state.graph is not None
    found = [node.name for node in state.graph.nodes[1:]]
    assert len(set(found)) == len(found)
    assert found == names


def test_a_name_that_no_turn_before_makes(tmp_path: Path) -> None:
    """One mistake is one error, and what its help says leads to a spec that passes."""
    text = """
        inputs: {x: [4]}
        layers:
          - dense: {units: 2, name: %s}
          - dense: {units: 3, name: cell_1}
          - repeat:
              times: 3
              layers:
                - concatenate: {from: [cell_$index, cell_$($index + 1)], name: cell_$($index + 2)}
    """
    (problem,) = compile_text(tmp_path, dedent(text % "first")).diagnostics.errors
    assert (problem.code, problem.message) == ("E401", "nothing is named `cell_0` here")
    assert problem.help == "no earlier turn makes it: write `name: cell_0` in a layer before the group"
    assert not compile_text(tmp_path, dedent(text % "cell_0")).diagnostics.errors
