"""Sequences of labels that `ctc` aligns with frames, of which there must be enough."""

from __future__ import annotations

from typing import Any

from dlspec.components.methods.base import Method
from dlspec.core.errors import Problem
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.signature import Signature


def check_transcripts(binding: Binding, method: Method | None, signature: Signature | None, findings: Findings) -> None:
    """Each sequence of labels has as many frames as it needs, where both are known (E605)."""
    if method is None or signature is None or binding.table.streamed:
        return
    for output in binding.outputs:
        frames = signature.outputs[output.name].shape[:1] if output.name in signature.outputs else ()
        loss = method.loss_of(output.name)
        if loss is None or not loss.aligns or not frames or frames[0] is None or len(output.tensor.shape) != 1:
            continue
        import numpy as np

        needed = _needed(np.stack([binding.table.whole(column) for column in output.columns], axis=-1))
        if needed.size and needed.max() > frames[0]:
            worst = int(needed.argmax())
            message = (
                f"{loss.name} needs {needed.max()} frames for the labels of {binding.table.where(worst)}, "
                f"but `{output.name}` has {frames[0]}"
            )
            help = "give the output more frames (smaller strides, longer inputs), or take shorter labels"
            with findings.at("data", "targets", output.target):
                raise Problem("E605", message, help)


def _needed(labels: Any) -> Any:
    """Frames that each row needs: one for a label, and a blank between two that are equal. Label 0 is the blank.

    Graves et al. 2006, "Connectionist Temporal Classification", section 3.1.
    """
    labels = labels.reshape(len(labels), -1)
    repeated = (labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] != 0)
    return (labels != 0).sum(axis=1) + repeated.sum(axis=1)
