"""A draft as text: a spec in which every choice has its reason beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from dlspec.core.dates import moment
from dlspec.drafting.arrays import Examples, in_words
from dlspec.drafting.draft import Draft, Target, frequent_words
from dlspec.drafting.lines import WIDTH, comment, filled
from dlspec.drafting.networks import layers
from dlspec.drafting.roles import Role
from dlspec.drafting.sample import Sample, Values
from dlspec.syntax.dumping import flow

# Words of a text that are learnt, beside other columns and where texts are all there is.
_TEXT_WORDS = 500
_MOST_TEXT_WORDS = 2000
# Rows of more numbers than this are not spread over bins.
_BINNED = 64
# Seconds.
_DAY = 86_400
# Days between the first and the last of dates whose years may say something.
_YEARS = 3 * 365
# Share of the examples in the validation and in the test split.
_SHARE = 0.15
# Rows of which a test split holds so few that its figures say little.
_FEW = 30


class Training(NamedTuple):
    """Settings of a training.

    Attributes:
        epochs: At most so many.
        rate: The learning rate, as it is written.
        averaged: Whether what is judged and kept are moving averages of the weights.
        reduce: Epochs without progress after which the learning rate falls.
        stop: Epochs without progress after which training ends.
    """

    epochs: int
    rate: str
    averaged: bool = False
    reduce: int = 5
    stop: int = 12


# The settings for tables are those of least loss on rows held out of the training rows of 11 tables: docs/data.md.
FOR_TABLES = Training(epochs=100, rate="2e-3", averaged=True, reduce=7, stop=16)
FOR_ARRAYS = Training(epochs=40, rate="1e-3")


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
    yield from heading(draft.name, sample, schema, command)
    inputs = list(_inputs(draft))
    yield from layers(draft, [name for name, _, _ in inputs])
    yield "data:"
    yield f"  source: {flow(dict(sample.source))}"
    for note in sample.notes:
        yield from comment(note, "  ")
    yield from _left_out(draft)
    yield "  inputs:"
    for name, options, reason in inputs:
        yield from _entry(f"    {name}: ", options, reason)
    yield "  targets:"
    for target in draft.targets:
        yield from _target(target)
    yield from comment(draft.split.reason, "  ")
    judged = round(_SHARE * draft.rows / (1 - 2 * _SHARE))
    if judged < _FEW:
        yield from comment(f"about {judged} rows are the test: figures of so few say little", "  ")
    yield f"  split: {flow({'validation': _SHARE, 'test': _SHARE, 'by': draft.split.by, 'seed': 1})}"
    yield f"  batch_size: {batch_size(draft.rows)}"
    yield from _train(draft)


def heading(name: str, sample: Sample, schema: str, command: str) -> Iterator[str]:
    """The top of a spec: how it came about, and its name."""
    looked = "all" if sample.complete else f"{sample.rows:,} of the"
    what = "rows" if sample.columns and not sample.arrays else "examples"
    yield f"# yaml-language-server: $schema={schema}"
    yield from comment(
        f"Written by `{command}` after a look at {looked} {sample.total:,} {what}. Change what you like."
    )
    yield f"name: {name}"


def _left_out(draft: Draft) -> Iterator[str]:
    for name, judgement in draft.judged.items():
        if judgement.role is Role.LEFT_OUT:
            yield from comment(f"left out: `{name}`: {judgement.reason}", "  ")


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
    for examples in draft.arrays(Role.ROW, Role.IMAGE, Role.SEQUENCE):
        yield draft.name_of(examples.name), _array(examples, draft), _shown(examples)
    for column in draft.of(Role.DATE):
        yield from _dates(column, draft)
    for column in draft.of(Role.WORD):
        yield draft.name_of(column.name), _word_feature(column, draft), _many(column)
    for column in draft.of(Role.TEXT):
        most = _TEXT_WORDS if len(draft.judged) > len(draft.of(Role.TEXT)) else _MOST_TEXT_WORDS
        layer = {"text_vectorization": {"max_tokens": most, "output_mode": "multi_hot", "pad_to_max_tokens": True}}
        yield draft.name_of(column.name), {"column": column.name, "prepare": [layer]}, "which words it holds"


def _array(examples: Examples, draft: Draft) -> dict[str, Any]:
    """Options of an input of arrays: numbers near 0, and images that are moved a little in training."""
    options: dict[str, Any] = {"column": examples.name}
    if examples.kind == "image":
        if not examples.bytes and max(map(abs, examples.span)) > 1:
            options["prepare"] = [{"normalization": {"axis": None}}]
        if len(examples.shape) == 3 and not any(target.shape for target in draft.targets):
            options["augment"] = [{"random_translation": {"height_factor": 0.1, "width_factor": 0.1}}]
        return options
    options |= {"missing": {"median": {"indicator": True}}} if examples.gaps else {}
    options["prepare"] = ["normalization"]
    if examples.kind == "row" and examples.shape[0] <= _BINNED:
        options["prepare"].append({"piecewise_linear_encoding": {"bins": _bins(draft.rows), "include_input": True}})
    return options


def _shown(examples: Examples) -> str:
    """Reason of an input of arrays, beside it."""
    low, high = examples.span
    return f"{in_words(examples)}, from {low:.4g} to {high:.4g}"


def _bins(rows: int) -> int:
    """Bins for each number: at least 40 training examples for each."""
    return min(32, max(4, rows // 40))


def _dates(column: Values, draft: Draft) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A date by what comes round: the day of the year, where there are several, of the week, and the time.

    Beside it the year, where several years are known and the examples to come are not those of later ones.
    """
    first, name = draft.judged[column.name].first, draft.name_of(column.name)
    moments = sorted({moment(str(value), first) for value in column.distinct.tolist()})
    years = moments[-1] - moments[0] > _YEARS * _DAY and column.name not in str(draft.split.by)
    days = {seconds // _DAY for seconds in moments}
    same_day = years and len({time.gmtime(day * _DAY)[1:3] for day in days}) == 1
    parts = ["day_of_year"] if moments[-1] - moments[0] > 60 * _DAY and not same_day else []
    parts += ["day_of_week"] if len(days) > 20 and not same_day else []
    parts += ["hour"] if any(seconds % _DAY for seconds in moments) else []
    if parts or not years:
        reason = "parts that come round, as sine and cosine"
        yield name, _parts(column, first, parts or ["day_of_year"], cyclic=True), reason
        name = draft.name_of(f"{column.name}\n(year)")  # which no column is called
    if years:
        yield name, _parts(column, first, ["year"]), "the year, standardised"


def _parts(column: Values, first: str, parts: list[str], *, cyclic: bool = False) -> dict[str, Any]:
    """Options of an input of some parts of a date: those that come round as sine and cosine, others standardised."""
    options = ({"cyclic": True} if cyclic else {}) | ({} if first == "year" else {"first": first})
    layer = {"date_parts": {"parts": parts, **options} if options else parts}
    missing = {"missing": "most_frequent"} if column.missing.any() else {}
    return {"column": column.name, **missing, "prepare": [layer] if cyclic else [layer, "normalization"]}


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
    if len(line) <= WIDTH:
        beside = f"  # {reason}"
        if len(line) + len(beside) > WIDTH:
            yield from comment(reason, "    ")
            beside = ""
        yield line + beside
        return
    yield from comment(reason, "    ")
    yield head.rstrip()
    for key, value in options.items():
        yield from filled(f"      {key}: ", value)


def _target(target: Target) -> Iterator[str]:
    options: dict[str, Any] = {"column": target.values.name}
    numbered = target.values.whole and target.classes == list(range(len(target.classes)))
    if target.labelled and not target.shape and not numbered and len(target.classes) <= 20:
        options["classes"] = target.classes
    if target.values.missing.any():
        options["missing"] = "drop"
    if not target.labelled:
        options["prepare"] = ["log1p", "normalization"] if target.heavy_tailed else ["normalization"]
        tail = " of a logarithm, since a few are far larger than the others" if target.heavy_tailed else ""
        yield from comment(
            f"the network learns numbers near 0{tail}; answers are in the unit of `{target.values.name}`", "    "
        )
    count = int(target.values.missing.sum())
    reason = f"  # {count:,} rows without a value are left out" if count else ""
    yield f"    {target.name}: {flow(options)}{reason}"


# --- training ---------------------------------------------------------------------------------------------------


def batch_size(rows: int) -> int:
    """Examples of a batch, by the training rows; of very few, as many as make several steps an epoch."""
    return 8 if rows < 100 else 32 if rows < 1500 else 128 if rows < 12_000 else 512


def _loss(target: Target) -> str:
    if not target.labelled:
        return "mse"
    return "binary_crossentropy" if target.binary else "sparse_categorical_crossentropy"


def _metrics(target: Target) -> list[Any]:
    if not target.labelled:
        return ["mae", "r2_score"]
    if target.shape:  # the share of the pixels alone would be high where one class fills most of an image
        return ["accuracy", {"mean_io_u": {"num_classes": target.units, "sparse_y_pred": False}}]
    return ["accuracy", "auc"] if target.binary else ["accuracy"]


def _train(draft: Draft) -> Iterator[str]:
    several = len(draft.targets) > 1
    losses = {target.name: _loss(target) for target in draft.targets}
    metrics = {target.name: _metrics(target) for target in draft.targets}
    first = draft.targets[0]
    loss, metric = (losses, metrics) if several else (_loss(first), _metrics(first))
    yield from ending(loss, metric, FOR_ARRAYS if draft.learns_features else FOR_TABLES)


def ending(loss: Any, metrics: Any, training: Training) -> Iterator[str]:
    """The section `train`."""
    yield "train:"
    yield f"  loss: {flow(loss)}"
    averages = ""
    if training.averaged:
        yield "  # moving averages of the weights are judged and kept: what the last few batches were matters less"
        averages = ", use_ema: true, ema_momentum: 0.98"
    yield f"  optimizer: {{adamw: {{learning_rate: {training.rate}, weight_decay: 0.1{averages}}}}}"
    yield f"  metrics: {flow(metrics)}"
    yield f"  epochs: {training.epochs}"
    yield "  callbacks:"
    yield f"    - reduce_lr_on_plateau: {{factor: 0.3, patience: {training.reduce}}}"
    yield f"    - early_stopping: {{patience: {training.stop}}}    # the weights of the best epoch are kept"
