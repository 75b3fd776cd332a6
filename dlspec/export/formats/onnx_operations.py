"""Operations of TensorFlow that tf2onnx does not know, written out with those of ONNX."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def register() -> None:
    """Tells tf2onnx of them, once in a process."""
    from tf2onnx.handler import tf_op

    tf_op("Erfc")(_Erfc)
    tf_op("Expm1")(_Expm1)


def _constant_one(context: Any, node: Any) -> str:
    """A constant 1 of the node's type."""
    import numpy as np
    from tf2onnx import utils

    dtype = utils.map_onnx_to_numpy_type(context.get_dtype(node.output[0]))
    return str(context.make_const(utils.make_name("one"), np.array(1, dtype)).output[0])


def _replaced(context: Any, node: Any, kind: str, inputs: Any) -> None:
    """Puts an operation of ONNX in place of a node."""
    shapes, dtypes = node.output_shapes, node.output_dtypes
    context.remove_node(node.name)
    context.make_node(kind, inputs, name=node.name, outputs=node.output, shapes=shapes, dtypes=dtypes)


class _Erfc:
    """1 − erf(x): in `gelu`."""

    @classmethod
    def version_9(cls, context: Any, node: Any, **kwargs: Any) -> None:
        constant_one = _constant_one(context, node)
        erf = context.make_node("Erf", [node.input[0]], dtypes=node.output_dtypes, shapes=node.output_shapes)
        _replaced(context, node, "Sub", [constant_one, erf.output[0]])


class _Expm1:
    """exp(x) − 1: in `celu`."""

    @classmethod
    def version_7(cls, context: Any, node: Any, **kwargs: Any) -> None:
        constant_one = _constant_one(context, node)
        exp = context.make_node("Exp", [node.input[0]], dtypes=node.output_dtypes, shapes=node.output_shapes)
        _replaced(context, node, "Sub", [exp.output[0], constant_one])
