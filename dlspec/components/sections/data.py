"""The section `data`: where examples come from, what enters the model, what it shall predict, and the split."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import (
    Alike,
    aiding,
    boolean,
    choice,
    component,
    components,
    components_or_like,
    example,
    integer,
    map_of,
    map_of_components,
    number,
    optional,
    options,
    plain,
    required_unless,
    text,
)
from dlspec.components.sections.augmenting import check_augmentation
from dlspec.components.sections.base import Section
from dlspec.components.sections.makers import Maker
from dlspec.components.sections.missing import Error, Missing
from dlspec.components.sections.selection import Selection, selected_columns
from dlspec.components.sections.sequences import check_marks, check_marks_of_texts, check_targets, marks_field, resolve
from dlspec.components.sections.several import check_sources
from dlspec.components.sections.split import Split
from dlspec.components.sections.splitters import Random, Splitter, Stratified
from dlspec.core.errors import Problem, leave_out


class Feature(Section):
    """The columns and their preparation for one input of the model.

    One `column` of numbers has shape [1] (an array column its own shape), one of text []; `columns` are stacked to [n].
    """

    shorthand = "column"
    source = optional(text(), doc="Which of several `sources` its columns are of; the first unless given.")
    column = optional(text(), doc="The column.")
    columns = selected_columns(
        "Columns of one kind, stacked: names, patterns such as `price_*`, or all of a `type` but those in `except`."
    )
    length = optional(
        integer(min=1),
        doc="How many indices a row has, marks included: those that `prepare` makes of texts, and texts of whole "
        "numbers such as `12 7 9`, are cut or filled with 0.",
    )
    missing = component("policy", default="error", doc="What becomes of missing values; fitted on the training split.")
    prepare = components_or_like(
        "layer",
        default=(),
        doc="Preprocessing layers in order, fitted on the training split and saved inside the model; or `{like: INPUT}`"
        " for those of another input, fitted on the columns of both.",
    )
    marks = marks_field()
    augment = components(
        "layer", default=(), doc="Random changes of this input in training, after `prepare`; see `augment` of `data`."
    )
    examples = (
        example("{columns: [rooms, area], missing: median, prepare: [normalization]}"),
        example("{column: city, prepare: [string_lookup]}"),
        example("{column: tokens, length: 40}"),
        example("{column: german, prepare: {like: source}, marks: [start, end], length: 21}"),
        example("{columns: 'price_*'}"),
        example("{columns: {type: number, except: [id, 'code_*']}, missing: median}"),
    )
    chosen = False  # whether its columns follow from a pattern or a type

    def validate(self) -> None:
        """One of `column` and `columns`; layers that prepare."""
        if (self.column is None) == (self.columns is None):
            what = "neither `column` nor `columns`" if self.column is None else "both `column` and `columns`"
            raise Problem(
                "E207", f"an input of `data` has {what}, expected one of them", "write `column: …`", "columns"
            )
        if self.length is not None and self.column is None:
            raise Problem("E207", "`length` is for a single `column` of token ids", "write `column`", option="length")
        check_marks(self)
        if isinstance(self.prepare, Alike):  # the section knows the layers
            check_augmentation(self.augment)
            return
        self._check_layers()

    def take_layers(self, layers: Alike) -> None:
        """Takes the layers of another input."""
        self.given = {**self.given, "prepare": layers}
        self.__dict__["prepare"] = layers
        self._check_layers()

    def take_marks(self, marks: tuple[str, ...]) -> None:
        """Takes marks that are not written."""
        self.given = {**self.given, "marks": marks}
        self.__dict__["marks"] = marks

    def _check_layers(self) -> None:
        check_marks_of_texts(self)
        if self.token_length is not None and self.policy.fills:
            help = "an empty text is an empty sequence: leave `missing` out"
            raise Problem("E207", "a sequence of token ids has no missing values to fill", help, option="missing")
        for layer in self.prepare:
            if not layer.prepares:
                message = f"`{layer.name}` does not prepare data"
                raise Problem("E207", message, "move it to `layers`", option="prepare")
        check_augmentation(self.augment)

    @property
    def row_length(self) -> int | None:
        """Length of the rows of indices that `prepare` makes of texts; None where none is given."""
        return self.length if any(layer.splits_texts for layer in self.prepare) else None

    @property
    def token_length(self) -> int | None:
        """Length of the rows that a text column of whole numbers holds; None for any other column."""
        return None if any(layer.splits_texts for layer in self.prepare) else self.length

    def without(self, option: str) -> Feature:
        """The same without one of its options."""
        return Feature(**{key: value for key, value in self.given.items() if key != option})

    @property
    def policy(self) -> Missing:
        """The treatment of missing values, the default included."""
        return self.missing if isinstance(self.missing, Missing) else Error()

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of its columns; () while it is open which they are."""
        return _names(self.column, self.columns)


def _names(column: str | None, columns: Any) -> tuple[str, ...]:
    if isinstance(columns, Selection):
        return ()
    return columns if columns is not None else (column or "",)


class Target(Section):
    """The column that one output of the model predicts; a text counts as its index among the sorted classes."""

    shorthand = "column"
    column = optional(text(), doc="The column.")
    columns = selected_columns(
        "Several columns of numbers (of 0 and 1 where several labels may hold), stacked: names, or patterns."
    )
    input = optional(text(), doc="Instead of columns: the input, as prepared, of which the target is made.")
    shift = optional(
        integer(min=1),
        doc="For `input`: of the L steps prepared, the input has the first L - shift, and the target the last ones.",
    )
    masked = optional(
        number(above=0, below=1),
        doc="For `input`: this share of its steps is hidden in training and where it is measured, and these alone are "
        "to be told; each epoch others.",
    )
    separator = optional(
        text(pattern=r"^.+$"),
        doc="What stands between the labels of a text such as `red;round`, of which any may hold.",
    )
    classes = optional(
        plain({"type": "array", "items": {"type": ["string", "integer", "boolean"]}, "minItems": 2}),
        doc="The values that stand for class 0, 1, …; unless given, texts in sorted order, and numbers as they are.",
    )
    missing = choice(
        "error", "drop", "ignore", default="error",
        doc="What becomes of examples without a target; with `ignore` they enter, and count in nothing of this target.",
    )  # fmt: skip
    prepare = components(
        "layer",
        default=(),
        doc="Layers for a target of numbers, in order, fitted on the training split: the loss compares what comes out. "
        "The saved model undoes them in its answers.",
    )
    class_weights: Any = aiding(
        optional(
            plain({"type": ["string", "object"], "pattern": r"^balanced$|\$",
                   "additionalProperties": {"type": "number", "minimum": 0}}),
            doc="How much an example of each class counts in training: `balanced` (all classes alike), or a map.",
        ),
        "balancing",
    )  # fmt: skip
    examples = (
        example("churned"),
        example("{column: churned, class_weights: balanced}"),
        example('{column: tags, separator: ";"}'),
        example("{column: price, prepare: [log1p, normalization]}"),
        example("{input: decoder, shift: 1}"),
        example("{input: text, masked: 0.15}"),
    )
    chosen = False

    def validate(self) -> None:
        """One of `column` and `columns`; classes that differ."""
        if self.input is not None or self.shift is not None or self.masked is not None:
            self._check_input()
            return
        if (self.column is None) == (self.columns is None):
            what = "neither `column` nor `columns`" if self.column is None else "both `column` and `columns`"
            raise Problem(
                "E207", f"a target of `data` has {what}, expected one of them", "write `column: …`", "columns"
            )
        if self.columns is not None and self.separator is not None:
            message = "`separator` divides the text of a single `column`"
            raise Problem("E207", message, leave_out("separator"), option="separator")
        if self.columns is not None and self.classes is not None:
            raise Problem("E207", "`columns` are the classes themselves", "leave `classes` out", option="classes")
        if self.classes is not None and len({str(value) for value in self.classes}) < len(self.classes):
            raise Problem("E207", "`classes` names a class twice", "list each once", option="classes")
        if self.class_weights is not None and (self.columns is not None or self.separator is not None):
            message = "`class_weights` need exclusive classes: here several labels may hold at once"
            raise Problem("E207", message, "leave them out", option="class_weights")
        for layer in self.prepare:
            if not layer.undoable:
                message = f"`{layer.name}` cannot be undone in the answers, as `prepare` of a target has to be"
                help = "targets take `normalization`, `rescaling`, `log1p` and `power`"
                raise Problem("E207", message, help, option="prepare")
            layer.check_undoable()

    def _check_input(self) -> None:
        given = "shift" if self.shift is not None else "masked"
        if self.input is None:
            message = f"`{given}` is for a target that is made of an `input`"
            raise Problem("E207", message, "name the input", given)
        if self.shift is not None and self.masked is not None:
            message = "a target with `masked` has the steps where they stand, and one with `shift` those behind them"
            raise Problem("E207", message, "leave one of them out", "masked")
        if self.shift is None and self.masked is None:
            message = f"a target that is input `{self.input}` itself needs `shift` or `masked`"
            help = "write `shift: 1`, `masked: 0.15`, or name the column in place of the input"
            raise Problem("E207", message, help, "input")
        for option in self.given:
            if option not in ("input", "shift", "masked"):
                message = f"`{option}` is for columns, and this target is made of input `{self.input}`"
                raise Problem("E207", message, leave_out(option), option)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of its columns; () while it is open which they are, or where there are none."""
        return () if self.input is not None else _names(self.column, self.columns)


class Data(Section):
    """Examples for training, validation and test."""

    single = required_unless(
        component("source", default=None, doc="Where the examples come from; or else `sources`."), "sources"
    ).called("source")
    sources = map_of_components(
        "source",
        default={},
        doc="Instead of `source`: several by name, whose rows do not belong together. An epoch is one pass over the "
        "first, to which targets belong, and the others go round; each is divided and shuffled by itself.",
    )
    inputs = map_of(
        "section",
        "feature",
        default=None,
        doc="What enters each input of the model; may be left out where it is obvious.",
    )
    targets = map_of(
        "section",
        "target",
        default={},
        doc="What each output of the model shall predict; none where training compares nothing with targets.",
    )
    weight = optional(
        text(), doc="A column of numbers from 0 on: how much each example counts in losses, metrics and the report."
    )
    weight_file = optional(
        text(),
        doc="A CSV file with one column `weight`: by how much the weight of each row of the source is multiplied in "
        "training. `boosting` of `train.method` writes such files.",
    )
    split = options("section", "split", default=None, doc="Which examples are kept from training.")
    made = component(
        "examples",
        default=None,
        doc="How examples are made out of the rows of each part; each row is one unless given.",
    ).called("examples")
    augment = components(
        "layer",
        default=(),
        doc="Layers that change training examples at random, each epoch anew, after `prepare`.",
    )
    oversample = aiding(
        plain(
            {"type": ["boolean", "string"]},
            default=False,
            doc="Whether training repeats examples of rare classes until all are as frequent; or the target that "
            "counts.",
        ),
        "balancing",
    )
    bad = choice(
        "error",
        "skip",
        default="error",
        doc="What becomes of broken examples (files that cannot be read, rows of another length, words among numbers, "
        "missing values that `missing` says nothing about): an error, or left out and listed in the report.",
    )
    cache = choice(
        "auto",
        "memory",
        "none",
        default="auto",
        doc="Where prepared examples are kept: in memory if they fit (`auto`), in any case, or read and prepared anew "
        "for each batch; the order is the same.",
    )
    batch_size = integer(min=1, default=32, doc="Examples per step.")
    shuffle = boolean(default=True, doc="Whether every epoch visits the training examples in a new order.")
    seed = optional(integer(min=0, max=2**32 - 1), doc="Seed of the order of examples; that of `train` unless given.")
    examples = (example("{source: {csv: churn.csv}, targets: {churned: {column: churned}}, split: {test: 0.2}}"),)

    def validate(self) -> None:
        """Layers that augment; one source, or several whose inputs name them."""
        check_augmentation(self.augment)
        check_sources(self)
        if self.split is not None and self.split.bootstrap is not None:
            self._check_bootstrap()
        resolve(self.features)
        check_targets(self.features, self.targets)

    def _check_bootstrap(self) -> None:
        """A bootstrap repeats rows; what repeats or makes examples by itself does not go with it."""
        known = (("examples", self.maker), ("sources", self.sources), ("oversample", self.oversample is not False))
        for key, given in known:
            if given:
                message = f"`bootstrap` of the split repeats rows of one source, and does not go with `{key}`"
                raise Problem("E606", message, leave_out("bootstrap"), key)

    @property
    def source(self) -> Any:
        """Where the examples come from; of several sources the first."""
        return next(iter(self.sources.values())) if self.sources else self.__dict__["source"]

    @property
    def main(self) -> Data:
        """The section of the first source alone; the section itself where there is one only."""
        return self.of_source(next(iter(self.sources))) if self.sources else self

    @property
    def others(self) -> dict[str, Data]:
        """The sections of further sources of which something enters, by name."""
        used = {feature.source for feature in self.features.values()}
        return {name: self.of_source(name) for name in list(self.sources)[1:] if name in used}

    def of_source(self, name: str) -> Data:
        """The section of one of several sources, by itself."""
        first = name == next(iter(self.sources))
        kept = (key for key in self.given if first or key in ("bad", "split", "batch_size"))
        given = {key: self.given[key] for key in kept if key != "sources"}
        features = {
            key: feature
            for key, feature in self.features.items()
            if feature.source == name or (first and feature.source is None)
        }
        if not first:
            features = {key: feature.without("augment") for key, feature in features.items()}
            given |= {"targets": {}, "split": self.split.by_itself if self.split is not None else None}
        return Data(**{**given, "source": self.sources[name], "inputs": features, "cache": "memory"})

    @property
    def parts(self) -> Split:
        """The split; everything trains where none is given."""
        split: Split = self.split if self.split is not None else Split()
        usual = self.source.splitter()
        return split if usual is None or "by" in split.given else Split(**split.given, by=usual)

    @property
    def maker(self) -> Maker | None:
        """The component that makes examples out of rows; None where each row is an example."""
        maker: Maker | None = self.__dict__["examples"]
        return maker

    def makes(self, target: Target) -> bool:
        """Whether a target is compared with something that made examples give."""
        return self.maker is not None and not {*target.sources} - {*self.maker.names}

    @property
    def features(self) -> dict[str, Feature]:
        """The inputs as given, or {}."""
        return self.inputs or {}

    @property
    def aside(self) -> list[str]:
        """Columns that say something of examples, and are no features: what the split asks for, and their weight."""
        same = self.maker.same if self.maker is not None else ""
        return [column for column in (self.parts.asks, self.weight, same) if column]


__all__ = ["Data", "Feature", "Random", "Section", "Split", "Splitter", "Stratified", "Target"]
