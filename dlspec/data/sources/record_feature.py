"""Features of TFRecord files: how a spec declares them, and their values as it wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import choice, example, optional, shape
from dlspec.components.sections.base import Section
from dlspec.core.errors import Problem
from dlspec.core.ir import DTYPES, Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import TEXT
from dlspec.data.sources.pictures import MODES, shown_size, turned
from dlspec.data.sources.protos import Feature

if TYPE_CHECKING:
    import numpy as np


class RecordFeature(Section):
    """One feature of the examples in TFRecord files: what `tf.io.FixedLenFeature` would say of it."""

    shorthand = "dtype"
    dtype = choice(*(name for name in DTYPES if name != "bfloat16"), default="float32", doc="Data type.")
    shape = shape(default=(), doc="Sizes of one example; all are known.")
    decode = optional(
        choice("raw", "image"),
        doc="How numbers stand in bytes: `raw` (little-endian, row by row) or an encoded `image` (PNG, JPEG, …).",
    )
    examples = (example("int64"), example("{dtype: uint8, shape: [32, 32, 3], decode: image}"))

    def validate(self) -> None:
        """Sizes are known; an image is what can be decoded."""
        if None in self.shape:
            raise Problem("E207", "a feature has a known size", "pad sequences when writing them", "shape")
        if self.decode and self.dtype == TEXT:
            raise Problem("E207", "text is not decoded into numbers", "leave `decode` out", "decode")
        if self.decode == "image" and (self.dtype != "uint8" or len(self.shape) != 3 or self.shape[2] not in (1, 3, 4)):
            message = "an image is uint8 of shape [height, width, 1], [height, width, 3] or [height, width, 4]"
            raise Problem("E207", message, "`{dtype: uint8, shape: [32, 32, 3], decode: image}`", "decode")

    @property
    def tensor(self) -> Tensor:
        """Type of the feature of one example."""
        return Tensor(tuple(self.shape), str(self.dtype))

    @property
    def parsed_shape(self) -> tuple[int, ...]:
        """The shape that ``tf.io.parse_example`` gives."""
        return () if self.decode else tuple(size or 0 for size in self.shape)

    @property
    def parsed_dtype(self) -> str:
        """The dtype that ``tf.io.parse_example`` gives."""
        if self.dtype == TEXT or self.decode:
            return "string"
        return "float32" if self.tensor.floating else "int64"

    def emitted_type(self) -> Piece:
        """The TensorFlow feature description in a project."""
        return Piece("tf.io.FixedLenFeature({}, {})", self.parsed_shape, self.parsed_dtype)

    def emitted_values(self, name: str) -> Piece:
        """The array of the feature in a project, from what was parsed."""
        parsed = Piece("columns[{}]", name)
        if self.decode == "image":
            return Piece("np.stack([decoded(content, {}) for content in {}])", MODES[self.shape[2] or 0], parsed)
        if self.decode:
            array = Piece("np.frombuffer(content, {}).reshape({})", self.dtype, tuple(self.shape))
            return Piece("np.stack([{} for content in {}])", array, parsed)
        if self.dtype == TEXT and not self.shape:
            return Piece("np.array([content.decode() for content in {}], object)", parsed)
        if self.dtype == self.parsed_dtype:
            return Piece("np.stack({})", parsed)
        return Piece("np.stack({}).astype({})", parsed, self.dtype)


def convert(declared: RecordFeature, feature: Feature) -> Any:
    """The value as its declaration wants it.

    Raises:
        ValueError: It is something else; the message goes on after the feature's name.
    """
    import numpy as np

    size = math.prod(declared.tensor.shape)  # type: ignore[arg-type]  # all are known, see `validate`
    if declared.dtype == TEXT or declared.decode:
        if feature.kind != "bytes":
            raise ValueError(f"holds {feature.kind}, expected bytes")
        pieces = list(feature.values)
        return _text(declared, pieces, size) if declared.dtype == TEXT else _decoded(declared, pieces)
    dtype = np.dtype(str(declared.dtype))
    wanted = "floats" if dtype.kind == "f" else "integers"
    if feature.kind != wanted:
        hint = "; `decode` says how numbers stand in bytes" if feature.kind == "bytes" else ""
        raise ValueError(f"holds {feature.kind}, expected {wanted}{hint}")
    values = np.asarray(feature.values)
    if len(values) != size:
        raise ValueError(f"holds {len(values):,} numbers, expected {size:,}")
    converted = values.astype(dtype)
    if wanted == "integers" and (converted.astype(np.int64) != values).any():
        raise ValueError(f"holds numbers outside of {dtype.name}")
    return converted.reshape(declared.tensor.shape)


def convert_all(declared: RecordFeature, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Parsed values of all records, converted as :func:`convert` does for one.

    Raises:
        ValueError: A value is something else.
    """
    import numpy as np

    shape = (len(values), *declared.tensor.shape)
    if declared.dtype == TEXT:
        texts = [value.decode("utf-8") for value in values.flat]
        shaped: np.ndarray[Any, Any] = np.array(texts, object).reshape(values.shape)
        return shaped
    dtype = np.dtype(str(declared.dtype))
    if declared.decode == "image":
        return np.stack([_image(declared, value) for value in values])
    if declared.decode:
        if any(len(value) != declared.tensor.bytes for value in values):
            raise ValueError("is not as long as declared")
        return np.frombuffer(b"".join(values), dtype.newbyteorder("<")).reshape(shape).astype(dtype)
    converted: np.ndarray[Any, Any] = values.astype(dtype)
    if not declared.tensor.floating and (converted.astype(np.int64) != values).any():
        raise ValueError(f"holds numbers outside of {dtype.name}")
    return converted


def _text(declared: RecordFeature, values: Sequence[Any], size: int) -> Any:
    import numpy as np

    if len(values) != size:
        raise ValueError(f"holds {len(values):,} texts, expected {size:,}")
    try:
        texts = [bytes(value).decode("utf-8") for value in values]
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8") from error
    return np.array(texts, object).reshape(declared.tensor.shape) if declared.shape else texts[0]


def _decoded(declared: RecordFeature, values: Sequence[Any]) -> Any:
    import numpy as np

    if len(values) != 1:
        raise ValueError(f"holds {len(values):,} pieces of bytes, expected one")
    if declared.decode == "image":
        return _image(declared, values[0])
    dtype = np.dtype(str(declared.dtype)).newbyteorder("<")
    if len(values[0]) != declared.tensor.bytes:
        raise ValueError(f"holds {len(values[0]):,} bytes, expected {declared.tensor.bytes:,}")
    return np.frombuffer(values[0], dtype).reshape(declared.tensor.shape)


def _image(declared: RecordFeature, content: bytes) -> Any:
    import io

    import numpy as np
    from PIL import Image

    height, width, channels = declared.shape
    try:
        with Image.open(io.BytesIO(content)) as file:
            size = shown_size(file)
            if size != (height, width):
                raise ValueError(f"is an image of {size[0]}×{size[1]}, expected {height}×{width}")
            picture = turned(file).convert({1: "L", 3: "RGB", 4: "RGBA"}[channels or 0])
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("is an image that cannot be read") from error
    return np.asarray(picture, np.uint8).reshape(declared.tensor.shape)
