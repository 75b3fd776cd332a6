"""One line out of what converters and TensorFlow say."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlspec.export.formats.naming import by_name
from dlspec.export.formats.reasons import reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain\nmore", "plain"),
        ("", "ValueError"),
        (
            "Exception encountered when calling Dense.call().\n\n\x1b[1mshapes differ\x1b[0m\n\nArguments",
            "shapes differ",
        ),
        ("Tensorflow op [a/b_1/Bucketize: Bucketize] is not supported", "it has no operation for Bucketize"),
        (
            "Failed to convert node 'a/Find' (fct=<f>)\n'OP=LookupTableFindV2\\nName=a'",
            "it has no operation for LookupTableFindV2",
        ),
        ("loc: error: 'tf.TensorListReserve' op requires\n'tf.B' op x", "it has no operation for B, TensorListReserve"),
    ],
)
def test_reason(text: str, line: str) -> None:
    assert reason(ValueError(text)) == line


def test_reason_of_a_traced_failure() -> None:
    index = keras.Input((), dtype="int32", name="index")
    layer = keras.layers.IntegerLookup(vocabulary=[1, 2], num_oov_indices=0)
    run = by_name(keras.Model(index, layer(index)), ["out"])
    with pytest.raises(Exception, match="Graph execution error") as caught:
        run({"index": np.array([7], "int32")})
    said = reason(caught.value)  # type: ignore[arg-type]
    assert "When `num_oov_indices=0`" in said or "out-of-vocabulary" in said, said
