"""The first spec for somebody's data, whatever they are."""

from __future__ import annotations

from collections.abc import Sequence

from dlspec.core.errors import Problem
from dlspec.drafting.draft import Draft
from dlspec.drafting.forecast import Series, forced_series, natural_series, text_of_series
from dlspec.drafting.sample import Sample
from dlspec.drafting.writing import text_of


def first_spec(name: str, sample: Sample, targets: Sequence[str], task: str, *, schema: str, command: str) -> str:
    """The text of a spec that trains as it is.

    Args:
        name: Of the spec.
        sample: The data.
        targets: The columns to predict.
        task: ``classification``, ``regression`` or ``forecast``; "" for what the data say.
        schema: The JSON schema, for editors.
        command: What has written it, for the comment at its top.

    Raises:
        Problem: E602 a column is missing; E603, E604 it cannot be predicted so.
    """
    if task == "forecast" and len(targets) > 1:
        raise Problem("E604", "a first spec forecasts one column", "name one by --target; others of numbers enter")
    if series := _series(sample, targets, task):
        return text_of_series(name, sample, series, schema=schema, command=command)
    labelled = None if not task else task == "classification"
    return text_of(Draft(name, sample, targets, labelled), schema=schema, command=command)


def _series(sample: Sample, targets: Sequence[str], task: str) -> Series | None:
    if task == "forecast":
        return forced_series(sample, targets[0])
    return natural_series(sample, targets[0]) if len(targets) == 1 and not task else None
