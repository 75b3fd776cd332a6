"""The section `data`: where examples come from, what enters the model, what it shall predict, and the split."""

from __future__ import annotations

from dlspec.errors import Problem
from dlspec.registry import (
    Component,
    boolean,
    component,
    components,
    example,
    integer,
    map_of,
    number,
    optional,
    options,
    text,
    texts,
)

# Layers that compute the same in training and use, and learn nothing by gradients.
_PREPARATION = ("dlspec.layers.preprocessing", "dlspec.layers.lookup", "dlspec.layers.image")


class Section(Component, abstract=True):
    """Base of the sections and their parts."""

    kind = "section"


class Splitter(Component, abstract=True):
    """Base of the ways to choose which examples belong to which part."""

    kind = "splitter"


class Random(Splitter):
    """Every example falls into a part by chance."""

    examples = (example(""),)


class Stratified(Splitter):
    """By chance, with the share of every class alike in all parts."""

    shorthand = "target"
    target = optional(text(), doc="The target whose classes count; may be left out when there is one target.")
    examples = (example(""), example("sold"))


class Feature(Section):
    """What enters one input of the model.

    One `column` of numbers has shape [1] (an array column its own shape), one of text []; `columns` are stacked to [n].
    """

    column = optional(text(), doc="The column.")
    columns = optional(texts(), doc="Columns of numbers, stacked.")
    prepare = components(
        "layer",
        default=(),
        doc="Preprocessing layers in order, fitted on the training split and saved inside the model.",
    )
    examples = (
        example("{columns: [rooms, area], prepare: [normalization]}"),
        example("{column: city, prepare: [string_lookup]}"),
    )

    def validate(self) -> None:
        """One of `column` and `columns`; layers that prepare."""
        if (self.column is None) == (self.columns is None):
            what = "neither `column` nor `columns`" if self.column is None else "both `column` and `columns`"
            raise Problem("E207", f"an input of `data` has {what}, expected one of them", option="columns")
        for layer in self.prepare:
            if not _prepares(layer):
                message = f"`{layer.name}` does not prepare data"
                raise Problem("E207", message, "move it to `layers`", option="prepare")

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of its columns."""
        return self.columns if self.columns is not None else (self.column or "",)


def _prepares(layer: Component) -> bool:
    return type(layer).__module__ in _PREPARATION and not layer.name.startswith("random_")


class Target(Section):
    """What one output of the model shall predict; text stands for its place among the sorted classes."""

    shorthand = "column"
    column = text(doc="The column.")
    examples = (example("churned"), example("{column: churned}"))


class Split(Section):
    """How many examples are kept from training; the rest is the training split."""

    validation = number(min=0, below=1, default=0.0, doc="Share of the examples that judges each epoch.")
    test = number(min=0, below=1, default=0.0, doc="Share of the examples that judges the trained model.")
    by = component("splitter", default="random", doc="How the parts are chosen.")
    seed = integer(min=0, default=0, doc="Another seed gives other parts.")
    examples = (example("{validation: 0.15, test: 0.15, by: stratified}"),)

    def validate(self) -> None:
        """The parts leave something to train on."""
        if self.validation + self.test >= 1:
            total = f"{self.validation:g} + {self.test:g}"
            message = f"validation and test take all examples ({total})"
            raise Problem("E606", message, "make them smaller: together below 1", "validation")

    @property
    def target(self) -> str | None:
        """The target named for stratification."""
        return self.by.target if isinstance(self.by, Stratified) else None

    @property
    def stratified(self) -> bool:
        """Whether classes are spread evenly."""
        return isinstance(self.by, Stratified)


class Data(Section):
    """Examples for training, validation and test."""

    source = component("source", doc="Where the examples come from.")
    inputs = map_of(
        "section",
        "feature",
        default=None,
        doc="What enters each input of the model; may be left out where it is obvious.",
    )
    targets = map_of("section", "target", doc="What each output of the model shall predict.")
    split = options("section", "split", default=None, doc="Which examples are kept from training.")
    batch_size = integer(min=1, default=32, doc="Examples per step.")
    shuffle = boolean(default=True, doc="Whether every epoch visits the training examples in a new order.")
    seed = optional(integer(min=0), doc="Seed of the order of examples; that of `train` unless given.")
    examples = (example("{source: {csv: churn.csv}, targets: {churned: {column: churned}}, split: {test: 0.2}}"),)

    def validate(self) -> None:
        """There is something to predict."""
        if not self.targets:
            help = "name a column for each output: `targets: {price: {column: price}}`"
            raise Problem("E613", "data needs at least one of `targets`", help, "targets")

    @property
    def parts(self) -> Split:
        """The split; everything trains where none is given."""
        return self.split if self.split is not None else Split()

    @property
    def features(self) -> dict[str, Feature]:
        """The inputs as given, or {}."""
        return self.inputs or {}
