"""Sizes of tensors by their names: `$channels(skip)` and `$shape(skip)`."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.language.meaning import Case, check_meaning
from tests.support import compile_text

CASES: list[Case] = [
    (
        "of a tensor that was named above, whatever enters",
        """
        inputs: {x: [8, 6], y: [4]}
        layers:
          - conv1d: {filters: 3, kernel_size: 3, from: x, name: skip}
          - dense: {units: $channels(skip) + $channels(y) + $channels, name: p}
          - dense: {units: "max($shape(skip)) + $shape(skip)[0] + $shape(y)[-1]", from: y, name: q}
          - reshape: {target_shape: "[2] + [$shape(y)[0] // 2]", from: y, if: "$shape(q)[0] == 16", name: r}
        outputs: [p, q, r]
        """,
        """
        skip conv1d(x) [6, 3]
        p dense(skip) [6, 10]
        q dense(y) [16]
        r reshape(y) [2, 2]
        """,
    ),
    (
        "of the inputs of a block in its defaults, and of names inside",
        """
        inputs: {x: [8], y: [4]}
        blocks:
          Fit:
            inputs: [before, here]
            params: {width: $channels(here) * 2}
            layers:
              - dense: {units: $width, from: before, name: wide}
              - dense: {units: $channels(wide) // 2, if: $channels != $channels(here)}
              - add: [here, prev]
        layers:
          - Fit: {from: [x, y]}
          - Fit: {width: 4, from: {here: prev, before: y}}
        """,
        """
        fit.wide dense(x) [8]
        fit.dense dense(fit.wide) [4]
        fit.add add(y, fit.dense) [4]
        fit_1.wide dense(y) [4]
        fit_1.add add(fit.add, fit_1.wide) [4]
        """,
    ),
    (
        "in a turn, of what this turn made, and in counts and lists of what stands before",
        """
        inputs: {x: [2]}
        layers:
          - dense: {units: 3, name: a}
          - repeat:
              times: $channels(a) - 1
              layers:
                - dense: {units: $channels + 1, name: b}
                - dense: $channels(b) * 10
          - dense: {units: $channels(a), repeat: $channels(a)}
        """,
        """
        a dense(x) [3]
        b dense(a) [4]
        dense dense(b) [40]
        b_1 dense(dense) [41]
        dense_1 dense(b_1) [410]
        dense_2 dense(dense_1) [3]
        dense_3 dense(dense_2) [3]
        dense_4 dense(dense_3) [3]
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, expected: str, tmp_path: Path) -> None:
    check_meaning(tmp_path, text, expected)


SPEC = """
    inputs: {x: [8, 3], n: [null, 3]}
    layers:
      - global_average_pooling1d: {from: n, name: mean}
      - dense: {units: 3, name: off, if: false}
      - repeat: {times: 2, layers: [{dense: {units: 3, name: level}}]}
      - add: {from: level, name: sum}
      - dense: {units: "%s", from: x, name: last}
    outputs: [last, sum]
"""
MISTAKES = {
    "$channels(meen)": ("E401", "nothing is named `meen` here", "did you mean `mean`?"),
    "$channels(last)": ("E407", "`last` is used before it is made", "a name must be given above its use"),
    "$channels(off)": ("E411", "`off` is absent here", "use a name that is always given"),
    "$channels(level)": (
        "E406", "`level` is the list of 2 turns, where one tensor is needed", "merge them: `add: level`",
    ),
    "$channels(prev)": (
        "E302", "`prev` has no size of its own", "give the layer before a `name:`, and write that name",
    ),
    "$shape(n)[0]": (
        "E311", "`$shape(n)[0]` is unknown (null) here", "give the size in `inputs`, or write the number",
    ),
    "$channels(x, n)": (
        "E301", "`$channels` in `$channels(x, n)` cannot be called so",
        "in the brackets stands the name of one tensor, without `$`: `$channels(skip)`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("expression", MISTAKES)
def test_a_mistake_is_one_error_with_a_help(expression: str, tmp_path: Path) -> None:
    text = dedent(SPEC) % expression
    (problem,) = compile_text(tmp_path, text).diagnostics.errors
    assert (problem.code, problem.message, problem.help) == MISTAKES[expression]
    assert problem.span is not None and problem.span.line == text[: text.index(expression)].count("\n") + 1


def test_parameters_of_the_spec_see_no_tensor(tmp_path: Path) -> None:
    text = "params: {width: $channels(x)}\ninputs: {x: [8]}\nlayers: [dense: $width]\n"
    (problem,) = compile_text(tmp_path, text).diagnostics.errors
    assert (problem.code, problem.message) == ("E302", "`$channels(x)` has no meaning here: no tensor has a name")
    assert problem.help == "sizes of tensors are known in `layers`, and in the defaults of a block's `params`"


def test_a_default_names_the_inputs_of_its_block(tmp_path: Path) -> None:
    text = """
        inputs: {x: [8]}
        blocks: {Wide: {params: {width: $channels(%s)}, layers: [{dense: $width}]}}
        layers: [Wide]
    """
    (problem,) = compile_text(tmp_path, dedent(text % "x")).diagnostics.errors
    assert (problem.code, problem.message) == ("E401", "no input of block Wide is named `x`")
    assert not compile_text(tmp_path, dedent(text % "input")).diagnostics.errors
