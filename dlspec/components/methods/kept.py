"""The data of a model that combines the members of a study: these prepare for themselves."""

from __future__ import annotations

from typing import Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.components.sections.missing import Passed

# Options of an input that say how texts become rows of indices.
_OF_TEXTS = ("length", "marks")


def kept_data(data: Data, method: Method) -> Data:
    """The section `data` as the model that is kept reads it.

    A model that combines members takes raw values and answers in the units of the data, since each member has its own
    preparation inside. Where members were trained on each other's validation split, that is part of the training split.

    Args:
        data: That of the spec.
        method: Its training, with the study; without one that combines, `data` stays as it is.
    """
    study = method.study
    if study is None or not study.combines:
        return data
    given = {key: value for key, value in data.given.items() if key not in ("augment", "oversample")}
    if (entering := study.entering(data)) is not None:
        given["inputs"] = {name: raw_input(feature) for name, feature in entering.items()}
    given["targets"] = {
        name: Target(**{key: value for key, value in target.given.items() if key != "prepare"})
        for name, target in data.targets.items()
    }
    if data.split is not None and not study.shares_validation:
        given["split"] = data.split.without("validation")
    return Data(**given)


def raw_input(feature: Feature) -> Feature:
    """An input that nothing prepares."""
    splits = feature.row_length is not None or any(layer.splits_texts for layer in feature.prepare)
    without: tuple[Any, ...] = ("prepare", "augment", *(_OF_TEXTS if splits else ()))
    given = {key: value for key, value in feature.given.items() if key not in without}
    return Feature(**given | ({"missing": Passed()} if feature.policy.fills else {}))
