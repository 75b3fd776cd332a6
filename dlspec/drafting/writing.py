"""A draft as text: a spec in which every choice has its reason beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dlspec.core.dates import moment
from dlspec.core.terminal import printable
from dlspec.drafting.draft import Draft, Target, frequent_words
from dlspec.drafting.roles import Role
from dlspec.drafting.sample import Values
from dlspec.syntax.dumping import flow

_WIDTH = 120
# Words of a text that are learnt.
_TEXT_WORDS = 500
# Seconds.
_DAY = 86_400


def text_of(draft: Draft, *, schema: str, command: str) -> str:
    """The text of a drafted spec.

    Args:
        draft: What it says.
        schema: The JSON schema, for editors.
        command: What has written it, for the comment at its top.
    """
    return "\n".join(_lines(draft, schema, command)) + "\n"


def _lines(draft: Draft, schema: str, command: str) -> Iterator[str]:
    sample = draft.sample
    looked = "all" if sample.complete else f"{sample.rows:,} of the"
    yield f"# yaml-language-server: $schema={schema}"
    yield from _comment(f"Written by `{command}` after a look at {looked} {sample.total:,} rows. Change what you like.")
    yield f"name: {draft.name}"
    inputs = list(_inputs(draft))
    yield from _layers(draft, [name for name, _, _ in inputs])
    yield "data:"
    yield f"  source: {flow(dict(sample.source))}"
    for note in sample.notes:
        yield from _comment(note, "  ")
    yield from _left_out(draft)
    yield "  inputs:"
    for name, options, reason in inputs:
        yield from _entry(f"    {name}: ", options, reason)
    yield "  targets:"
    for target in draft.targets:
        yield from _target(target)
    yield from _comment(draft.split.reason, "  ")
    yield f"  split: {flow({'validation': 0.15, 'test': 0.15, 'by': draft.split.by, 'seed': 1})}"
    yield f"  batch_size: {_batch(draft.rows)}"
    yield from _train(draft)


def _comment(text: str, indent: str = "") -> Iterator[str]:
    """Lines of a comment; what stands in a file cannot end it."""
    text, width = " ".join(printable(text).split()), _WIDTH - len(indent) - 2
    while text:
        line = text if len(text) <= width else text[: text.rfind(" ", 0, width) if " " in text[:width] else width]
        yield f"{indent}# {line}"
        text = text[len(line) :].strip()


def _left_out(draft: Draft) -> Iterator[str]:
    for name, judgement in draft.judged.items():
        if judgement.role is Role.LEFT_OUT:
            yield from _comment(f"left out: `{name}`: {judgement.reason}", "  ")


# --- what enters ----------------------------------------------------------------------------------------------------


def _inputs(draft: Draft) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, options and reason of each input."""
    full, gaps = draft.numbers
    encoding = {"piecewise_linear_encoding": {"bins": _bins(draft.rows), "include_input": True}}
    both = "standardised, and spread over bins so that curves are learnt"
    for name, columns, missing, reason in (
        ("numbers", full, "median", f"{both}; median where missing"),
        ("incomplete", gaps, {"median": {"indicator": True}}, f"{both}; a 0 or 1 beside each: whether it is missing"),
    ):
        if columns:
            yield name, {"columns": columns, "missing": missing, "prepare": ["normalization", encoding]}, reason
    for column in draft.of(Role.DATE):
        yield draft.name_of(column.name), _dates(column, draft), "parts that come round, as sine and cosine"
    for column in draft.of(Role.WORD):
        yield draft.name_of(column.name), _word_feature(column, draft), _many(column)
    for column in draft.of(Role.TEXT):
        layer = {
            "text_vectorization": {"max_tokens": _TEXT_WORDS, "output_mode": "multi_hot", "pad_to_max_tokens": True}
        }
        yield draft.name_of(column.name), {"column": column.name, "prepare": [layer]}, "which words it holds"


def _bins(rows: int) -> int:
    """Bins for each number: at least 40 training examples for each."""
    return min(32, max(4, rows // 40))


def _dates(column: Values, draft: Draft) -> dict[str, Any]:
    """A date by what comes round: the day of the year, where there are several months, of the week, and the time."""
    first = draft.judged[column.name].first
    moments = sorted({moment(str(value), first) for value in column.distinct.tolist()})
    parts = ["day_of_year"] if moments[-1] - moments[0] > 60 * _DAY else []
    parts += ["day_of_week"] if len({seconds // _DAY for seconds in moments}) > 20 else []
    parts += ["hour"] if any(seconds % _DAY for seconds in moments) else []
    order = {} if first == "year" else {"first": first}
    layer = {"date_parts": {"parts": parts or ["day_of_year"], "cyclic": True, **order}}
    missing = {"missing": "most_frequent"} if column.missing.any() else {}
    return {"column": column.name, **missing, "prepare": [layer]}


def _word_feature(column: Values, draft: Draft) -> dict[str, Any]:
    frequent = frequent_words(column, draft.sample.total)
    options: dict[str, Any] = {"output_mode": "one_hot"}
    if frequent < len(column.distinct):
        options |= {"max_tokens": max(2, frequent + 1), "pad_to_max_tokens": True}
    missing = {"missing": {"constant": "missing"}} if column.text else {}
    return {"column": column.name, **missing, "prepare": [{"string_lookup": options}]}


def _many(column: Values) -> str:
    gap = f", missing in {column.missing.mean():.1%}" if column.missing.any() else ""
    return f"{len(column.distinct):,} words{gap}"


def _entry(head: str, options: dict[str, Any], reason: str) -> Iterator[str]:
    """An input: on one line where it fits, else its columns below it."""
    line = f"{head}{flow(options)}"
    if len(line) <= _WIDTH:
        comment = f"  # {reason}"
        if len(line) + len(comment) > _WIDTH:
            yield from _comment(reason, "    ")
            comment = ""
        yield line + comment
        return
    yield from _comment(reason, "    ")
    yield head.rstrip()
    for key, value in options.items():
        yield from _filled(f"      {key}: ", value)


def _filled(head: str, value: Any) -> Iterator[str]:
    """A value, a list over several lines where it is long."""
    if not isinstance(value, list) or len(head) + len(flow(value)) <= _WIDTH:
        yield f"{head}{flow(value)}"
        return
    line, indent = f"{head}[", " " * (len(head) + 1)
    for number, item in enumerate(value):
        piece = flow(item) + ("]" if number == len(value) - 1 else ",")
        if len(line) + len(piece) > _WIDTH and line.strip():
            yield line.rstrip()
            line = indent
        line += f"{piece} "
    yield line.rstrip()


def _target(target: Target) -> Iterator[str]:
    options: dict[str, Any] = {"column": target.values.name}
    numbered = target.values.whole and target.classes == list(range(len(target.classes)))
    if target.labelled and not numbered and len(target.classes) <= 20:
        options["classes"] = target.classes
    if target.values.missing.any():
        options["missing"] = "drop"
    if not target.labelled:
        options["prepare"] = ["log1p", "normalization"] if target.heavy_tailed else ["normalization"]
        tail = " of a logarithm, since a few are far larger than the others" if target.heavy_tailed else ""
        yield from _comment(
            f"the network learns numbers near 0{tail}; answers are in the unit of `{target.values.name}`", "    "
        )
    count = int(target.values.missing.sum())
    reason = f"  # {count:,} rows without a value are left out" if count else ""
    yield f"    {target.name}: {flow(options)}{reason}"


# --- the model ------------------------------------------------------------------------------------------------------


def _layers(draft: Draft, inputs: Sequence[str]) -> Iterator[str]:
    yield "params: {width: 128, dropout: 0.2}"
    yield "layers:"
    row = inputs[0]
    if len(inputs) > 1:
        row = "row"
        yield from _concatenate(inputs)
    for number in range(2):
        source = f", from: {row}" if number == 0 else ""
        yield f"  - dense: {{units: $width, activation: relu, kernel_initializer: he_normal{source}}}"
        yield "  - dropout: $dropout"
    yield from _heads(draft, row)


def _concatenate(inputs: Sequence[str]) -> Iterator[str]:
    line = f"  - concatenate: {flow({'from': list(inputs), 'name': 'row'})}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield "  - concatenate:"
    yield "      name: row"
    yield from _filled("      from: ", list(inputs))


def _heads(draft: Draft, row: str) -> Iterator[str]:
    several = len(draft.targets) > 1
    if several:
        yield "  - identity: {name: trunk}"
    for target in draft.targets:
        deep, linear = (f"{target.name}_deep", f"{target.name}_linear") if several else ("deep", "linear")
        source = ", from: trunk" if several else ""
        units = 1 if target.binary or not target.labelled else len(target.classes)
        yield f"  - dense: {{units: {units}, name: {deep}{source}}}"
        yield "  # a linear model beside it, which a small table often does best with"
        yield f"  - dense: {{units: {units}, kernel_initializer: zeros, from: {row}, name: {linear}}}"
        name = f", name: {target.name}" if several else ""
        if target.labelled:
            yield f"  - add: [{deep}, {linear}]"
            yield f"  - activation: {{activation: {'sigmoid' if target.binary else 'softmax'}{name}}}"
        else:
            yield f"  - add: {{from: [{deep}, {linear}]{name}}}" if name else f"  - add: [{deep}, {linear}]"
    if several:
        yield f"outputs: {flow([target.name for target in draft.targets])}"


def _batch(rows: int) -> int:
    return 32 if rows < 1500 else 128 if rows < 12_000 else 512


# --- training -------------------------------------------------------------------------------------------------------


def _loss(target: Target) -> str:
    if not target.labelled:
        return "mse"
    return "binary_crossentropy" if target.binary else "sparse_categorical_crossentropy"


def _metrics(target: Target) -> list[str]:
    if not target.labelled:
        return ["mae", "r2_score"]
    return ["accuracy", "auc"] if target.binary else ["accuracy"]


def _train(draft: Draft) -> Iterator[str]:
    several = len(draft.targets) > 1
    losses = {target.name: _loss(target) for target in draft.targets}
    metrics = {target.name: _metrics(target) for target in draft.targets}
    yield "train:"
    yield f"  loss: {flow(losses if several else _loss(draft.targets[0]))}"
    yield "  optimizer: {adamw: {learning_rate: 1e-3, weight_decay: 0.1}}"
    yield f"  metrics: {flow(metrics if several else _metrics(draft.targets[0]))}"
    yield "  epochs: 80"
    yield "  callbacks:"
    yield "    - reduce_lr_on_plateau: {factor: 0.3, patience: 5}"
    yield "    - early_stopping: {patience: 12}                       # the weights of the best epoch are kept"
