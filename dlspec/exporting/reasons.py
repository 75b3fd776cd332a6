"""What exceptions of Keras, TensorFlow and the converters say, in one line."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_WRAPPED = "Exception encountered when calling"  # Keras puts this, and an empty line, before the reason
# An operation of TensorFlow that a converter lacks: LiteRT's, and two forms of tf2onnx.
_OPERATION = re.compile(r"'tf\.(\w+)' op |Tensorflow op \[[^]]*: (\w+)\] is not supported|^'?OP=(\w+)$", re.MULTILINE)


def reason(error: Exception) -> str:
    """The first line that says something."""
    text = _COLOUR.sub("", str(error))
    operations = sorted({"".join(found) for found in _OPERATION.findall(text)})
    if operations:
        return f"it has no operation for {', '.join(operations)}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(_WRAPPED)]
    return next(iter(telling or lines), type(error).__name__)
