"""`let` of a repeat: values that each turn works out."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.language.meaning import Case, check_meaning
from tests.support import compile_text

CASES: list[Case] = [
    (
        "values see the turn, what enters it, and those above; steps and groups inside see them",
        """
        params: {base: 2}
        inputs: {x: [3]}
        layers:
          - repeat:
              times: 2
              let: {width: $base * 2 ** $index, wide: $width + $channels, both: "[$width, $wide]"}
              layers:
                - dense: $width
                - residual: [{dense: "$both[1]"}, {dense: {units: $width, name: level_$width}}]
        """,
        """
        dense dense(x) [2]
        dense_1 dense(dense) [5]
        level_2 dense(dense_1) [2]
        add add(level_2, dense) [2]
        dense_2 dense(add) [4]
        dense_3 dense(dense_2) [6]
        level_4 dense(dense_3) [4]
        add_1 add(level_4, dense_2) [4]
        """,
    ),
    (
        "an inner group may work out a value of the same name from the outer one",
        """
        inputs: {x: [3]}
        layers:
          - repeat:
              each: {k: [1, 2]}
              let: {width: $k * 10}
              layers:
                - repeat: {times: 2, let: {width: $width + $index}, layers: [dense: $width]}
                - dense: $width
        """,
        """
        dense dense(x) [10]
        dense_1 dense(dense) [11]
        dense_2 dense(dense_1) [10]
        dense_3 dense(dense_2) [20]
        dense_4 dense(dense_3) [21]
        dense_5 dense(dense_4) [20]
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, expected: str, tmp_path: Path) -> None:
    check_meaning(tmp_path, text, expected)


SPEC = """
    inputs: {x: [8]}
    layers:
      - repeat: {each: {k: [1, 2]}, let: {%s}, layers: [{dense: $k}]}
"""
MISTAKES = {
    "k: 3": ("E104", "the name `k` is given twice", "each turn has one value of a name: choose another"),
    "if: 3": ("E103", "`if` is a Python keyword and cannot be a name", "for example `if_1`"),
    "w: $x": ("E302", "`$x` is not defined", "declare it under `params:`"),
    "w: $k / ($k - 1)": ("E303", "`$k / ($k - 1)` cannot be computed: division by zero", "`$k` is 1"),
}


@pytest.mark.parametrize("let", MISTAKES)
def test_a_mistake_is_one_error_with_a_help(let: str, tmp_path: Path) -> None:
    (problem,) = compile_text(tmp_path, dedent(SPEC) % let).diagnostics.errors
    assert (problem.code, problem.message, problem.help) == MISTAKES[let]
    assert problem.span is not None and problem.span.line == 4


def test_values_are_for_the_steps_inside_alone(tmp_path: Path) -> None:
    text = "inputs: {x: [8]}\nlayers:\n  - repeat: {times: 2, let: {w: 3}, layers: [dense: $w]}\n  - dense: $w\n"
    (problem,) = compile_text(tmp_path, text).diagnostics.errors
    assert (problem.code, problem.span and problem.span.line) == ("E302", 4)
