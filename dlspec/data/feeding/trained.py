"""Facts of a training that later examples are read by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dlspec.components.sections.data import Data, Feature
from dlspec.components.sections.selection import Selection
from dlspec.core.ir import Tensor
from dlspec.data.binding.drawn import Drawn
from dlspec.data.binding.made import alone
from dlspec.data.binding.several import in_one_table
from dlspec.data.binding.signature import Signature
from dlspec.data.sources.base import Table


@dataclass(frozen=True, slots=True)
class Training:
    """Facts of a training that later examples are read by.

    Attributes:
        data: The section of the spec.
        folder: The spec's folder, from which paths in it start.
        signature: What the model proper, behind the preparation, takes: ``signature.of_graph(graph)``.
        saved: What the saved model takes, by input; arrays get these dtypes, and are compared with these shapes.
        columns: The types of the columns as the run's report names them, by column; None where it does not.
        inputs: The columns of each input as the report names them, for a spec that leaves them to be found.
        limits: How many indices a layer of the model takes, by inputs that bring them as they are.
        drawn: Inputs that are drawn where no column has their name.
    """

    data: Data
    folder: Path
    signature: Signature
    saved: Mapping[str, Tensor] = field(default_factory=dict)
    columns: Any = None
    inputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    drawn: tuple[Drawn, ...] = ()

    def given(self, table: Table) -> Training:
        """The same where columns of `table` give some of the inputs that are drawn otherwise, or made of rows."""
        if self.section.sources:
            return replace(self, data=in_one_table(self.section, table.columns)).given(table)
        if self.section.maker is not None:
            return replace(self, data=alone(self.section, self.signature.inputs, table.columns)).given(table)
        given = {input_.name: input_.tensor for input_ in self.drawn if input_.name in table.columns}
        if not given:
            return self
        section = self.section
        inputs = {**section.features, **{name: Feature(column=name) for name in given}}
        signature = replace(self.signature, inputs={**self.signature.inputs, **given})
        left = {name: input_ for name, input_ in self.signature.drawn.items() if name not in given}
        return replace(
            self,
            data=type(section)(**{**section.given, "inputs": inputs}),
            signature=replace(signature, drawn=left),
            drawn=tuple(input_ for input_ in self.drawn if input_.name not in given),
        )

    @property
    def section(self) -> Data:
        """The section, with the inputs that were found: other examples may have further columns, or another order."""
        features = self.data.features
        if not self.inputs or (features and not any(map(_chosen, features.values()))):
            return self.data
        chosen_features = {
            name: Feature(columns=tuple(columns)) if len(columns) > 1 else Feature(column=columns[0])
            for name, columns in self.inputs.items()
        }
        for name, feature in features.items():
            chosen = {"columns": tuple(self.inputs[name])} if _chosen(feature) and name in self.inputs else {}
            chosen_features[name] = Feature(**{**feature.given, **chosen})
        return type(self.data)(**{**self.data.given, "inputs": chosen_features})


def _chosen(feature: Feature) -> bool:
    """Whether the columns of an input follow from a pattern or a type: those of the training count."""
    return feature.chosen or isinstance(feature.columns, Selection)
