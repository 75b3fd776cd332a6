"""Vocabularies of pieces of words that the training texts do not fill, or that are too small for their signs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dlspec.components.registry import Alike
from dlspec.components.sections.data import Data
from dlspec.components.sections.sequences import marks_of
from dlspec.core.errors import Problem
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input
from dlspec.data.checks.vocabulary import learned_from

# Texts of more signs are not looked at: their vocabulary takes longer to learn than a look should.
_MOST = 2_000_000


def warn_of_pieces(binding: Binding, data: Data, findings: Findings) -> None:
    """A vocabulary of pieces is as large as the training texts make it, and has all of their signs (W617)."""
    for input_ in binding.inputs:
        feature = data.features.get(input_.name)
        if feature is None or isinstance(feature.prepare, Alike):  # told where the layer is written
            continue
        for position, layer in enumerate(input_.prepare):
            if layer.splits_texts and layer.pieces == "subwords":
                before = replace(input_, prepare=input_.prepare[: position + 1])
                index = next(number for number, own in enumerate(feature.prepare) if own.name == layer.name)
                with findings.at("data", "inputs", input_.name, "prepare", index):
                    _compare(data, binding, before, layer)


def _compare(data: Data, binding: Binding, input_: Input, layer: Any) -> None:
    """Raises W617 where what is learned is not what `max_tokens` says."""
    texts = learned_from(data, binding, input_)
    if texts is None or sum(map(len, texts)) > _MOST:
        return
    reserved = len(marks_of(data.features, input_.name))
    most, size, needed = layer.max_tokens + reserved, layer.learned_size(texts) + reserved, layer.too_few(texts)
    if needed:
        message = f"`max_tokens: {most}` leaves out signs of the training texts: each needs an index"
        raise Problem("W617", message, f"write `max_tokens: {needed + reserved}` or more", "max_tokens")
    if size < most:
        message = f"the training texts give `{layer.name}` {size} indices, fewer than `max_tokens: {most}`"
        raise Problem("W617", message, f"write `max_tokens: {size}`, or take more texts", "max_tokens")
