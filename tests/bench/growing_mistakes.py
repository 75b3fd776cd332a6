"""Specs of which only `check` is asked, mistakes among them, by what there is much of in them."""

from __future__ import annotations

from tests.bench.growing_specs import Text, X, joined, lines, outputs

_ONE = f"{X}layers: [dense: 4]\n"
_TRAIN = f"{X}layers:\n  - dense: {{units: 4, name: a}}\n  - dense: {{units: 1, name: b}}\ntrain:\n  loss: mse\n"


def _steps(line: str, head: str = "") -> Text:
    return lambda n: f"{head}{X}layers:\n" + lines(line, n)


def _more(line: str) -> Text:
    """At least two of the line."""
    return lambda n: _steps(line)(n + 1)


def _losses(n: int) -> str:
    options = f"loss: {{{joined('y#: mse', n)}}}, metrics: {{{joined('y#: [mae]', n)}}}"
    return outputs(n) + f"train: {{{options}, loss_weights: {{{joined('y#: 1.5', n)}}}}}\n"


def _masks(n: int) -> str:
    embedding = "embedding: {input_dim: 9, output_dim: 4, mask_zero: true, name: e}"
    ends = lines("  - flatten: {from: e, name: f#}", n + 2) + f"  - concatenate: [{joined('f#', n + 2)}]\n"
    return f"inputs: {{x: {{shape: [6], dtype: int32}}}}\nlayers:\n  - {embedding}\n{ends}"


def _computed(n: int) -> str:
    return "params:\n  b: 2\n" + lines("  p#: $b * 2", n) + _steps("  - dense: $p#")(n)


def _frozen(n: int) -> str:
    layers = lines("  - dense: {units: 4, name: n#}", n + 1)
    return f"{X}layers:\n{layers}train: {{loss: mse, phases: {{p: {{epochs: 1, freeze: [{joined('n#', n)}]}}}}}}\n"


def _frozen_by_patterns(n: int) -> str:
    layers = lines("  - dense: {units: 4, name: n#_end}", n + 1)
    patterns = joined('"n#_*"', n)
    return f"{X}layers:\n{layers}train: {{loss: mse, phases: {{p: {{epochs: 1, freeze: [{patterns}]}}}}}}\n"


def _frozen_by_endings(n: int) -> str:
    return _frozen_by_patterns(n).replace("name: n", "name: all_n").replace('"n', '"*_n').replace('_*"', '_end"')


def _list_of_uses(n: int) -> str:
    return f"params: {{u: {{each_time: {[4] * (n + 1)}}}}}\n" + _steps("  - dense: $u")(n + 1)


def _lists_of_uses(n: int) -> str:
    return (
        "params:\n"
        + lines("  u#: {each_time: [3, 4]}", n)
        + f"{X}layers:\n"
        + lines("  - dense: $u#\n  - dense: $u#", n)
    )


def _errors_in_a_long_line(n: int) -> str:
    return f"{X}layers: [{joined('dense: {unit: 4}', n)}]\n"


def _unknown_blocks(n: int) -> str:
    return "blocks:\n" + lines("  Part#: {layers: [dense: 4]}", n) + f"{X}layers:\n" + lines("  - Bart#X", n)


# By name: the text, the size, and the exit code of a check.
CHECKED: dict[str, tuple[Text, int, int]] = {
    "losses of outputs": (_losses, 500, 0),
    "params computed from one": (_computed, 1500, 0),
    "params that nothing uses": (lambda n: "params:\n" + lines("  q#: 4", n) + _ONE, 3000, 0),
    "blocks that nothing calls": (lambda n: "blocks:\n" + lines("  B#: {layers: [dense: 4]}", n) + _ONE, 1500, 0),
    "search spaces": (lambda n: "params:\n" + lines("  p#: {int: [1, 9]}", n) + _steps("  - dense: $p#")(n), 1500, 0),
    "a list of uses": (_list_of_uses, 1500, 0),
    "lists of uses": (_lists_of_uses, 200, 0),
    "a long list": (lambda n: f"params: {{a: {list(range(1, n + 2))}}}\n{X}layers: [dense: $(len($a))]\n", 4000, 0),
    "a long line of text": (lambda n: f"description: {'word ' * n}\n{_ONE}", 200_000, 0),
    "a long text": (lambda n: "description: |\n" + "  a line of words\n" * n + _ONE, 100_000, 0),
    "comments": (lambda n: "# a remark\n" * n + _ONE, 200_000, 0),
    "warnings": (_masks, 800, 0),
    "phases": (lambda n: f"{_TRAIN}  phases:\n" + lines("    p#: {epochs: 1, freeze: [a]}", n), 1000, 0),
    "frozen layers": (_frozen, 1000, 0),
    "frozen layers by patterns": (_frozen_by_patterns, 1000, 0),
    "frozen layers by endings": (_frozen_by_endings, 1000, 0),
    "callbacks": (lambda n: f"{_TRAIN}  callbacks:\n" + lines("    - early_stopping: {patience: #}", n), 1000, 0),
    "layers of a dtype": (_steps("  - dense: {units: 4, dtype: float32}"), 2000, 0),
    "names in `from` that are not there": (_steps("  - dense: {units: 4, from: nn#, name: n#}"), 1500, 1),
    "names in `from` that are not there, in one list": (
        lambda n: f"{X}layers:\n  - add: [{joined('n#', n + 2)}]\n", 2000, 1
    ),
    "params that are not there": (_steps("  - dense: $wid#", "params: {width: 4}\n"), 2000, 1),
    "params that are not there beside unused ones": (
        lambda n: "params:\n" + lines("  value#: 4", n) + _steps("  - dense: $other#")(n), 1000, 1
    ),
    "blocks that are not there": (_unknown_blocks, 800, 1),
    "layers that are not there": (_steps("  - densely: 4"), 200, 1),
    "options that are not there": (_steps("  - dense: {units: 4, activates: relu}"), 500, 1),
    "options that are needless": (_steps("  - dense: {units: 4, in_features: 4}"), 500, 1),
    "options of one layer that are not there": (
        lambda n: f"{X}layers:\n  - dense: {{units: 4, {joined('bad#: 1', n)}}}\n", 500, 1
    ),
    "values of a wrong type": (_steps("  - dense: {units: [a]}"), 1500, 1),
    "values that are too small": (_steps("  - dense: {units: 0}"), 1500, 1),
    "sections that are not there": (lambda n: _ONE + lines("section#: 4", n), 300, 1),
    "shapes that do not fit": (_steps("  - conv2d: {filters: 4, kernel_size: 3, from: x}"), 1500, 1),
    "layers that no output needs": (_more("  - dense: {units: 4, from: x, name: d#}"), 2000, 1),
    "one name many times": (_more("  - dense: {units: 4, name: twice}"), 1500, 1),
    "names that are none": (_steps("  - dense: {units: 4, name: Two#}"), 1500, 1),
    "expressions that are none": (_steps("  - dense: $a +"), 1500, 1),
    "errors in one line": (_errors_in_a_long_line, 500, 1),
    "keys that stand twice": (lambda n: f"{_ONE}name: a\n" + "name: b\n" * n, 3000, 1),
    "numbers that are none": (_steps("  - dense: 0#8"), 1500, 1),
    "an error below many lines": (lambda n: "# a remark\n" * n + f"{X}layers: [dense: a]\n", 100_000, 1),
}  # fmt: skip
