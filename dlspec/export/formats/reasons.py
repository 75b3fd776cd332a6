"""Reasons in exceptions of Keras, TensorFlow and the converters, in one line."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TRACED = "Graph execution error"  # TensorFlow puts this, and a stack of calls, before the reason
# Keras puts the first of these before the reason; the last two follow it in TensorFlow's messages.
_NOT_TELLING = ("Exception encountered when calling", "Graph execution error", "[[{{", "[Op:")
# An operation of TensorFlow that a converter lacks: LiteRT's, and two forms of tf2onnx.
_OPERATION = re.compile(r"'tf\.(\w+)' op |Tensorflow op \[[^]]*: (\w+)\] is not supported|'OP=(\w+)")


def reason(error: Exception) -> str:
    """The line that says what is the matter."""
    text = _COLOUR.sub("", str(error))
    operations = sorted({"".join(match) for match in _OPERATION.findall(text)})
    if operations:
        return f"it has no operation for {', '.join(operations)}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(_NOT_TELLING)]
    if lines and lines[0].startswith(_TRACED):
        telling = telling[-1:]  # what comes before tells where
    return next(iter(telling or lines), type(error).__name__)
