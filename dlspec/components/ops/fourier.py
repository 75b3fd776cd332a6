"""Fourier transforms along the last axes. Complex numbers are two tensors, their real and their imaginary part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from dlspec.components.ops.base import Op
from dlspec.components.ops.dtypes import numeric
from dlspec.components.registry import Field, boolean, choice, example, integer, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, known, show_shape, volume

_WIDTHS = ("float32", "float64")


class _Fourier(Op, abstract=True):
    """Rules of all transforms: floating-point numbers, and the costs of the fast one."""

    axes: ClassVar[int] = 1
    only: ClassVar[tuple[str, ...]] = _WIDTHS

    def takes(self, tensors: Sequence[Tensor]) -> Tensor:
        """The first input, after a check that all parts are alike and have enough axes.

        Raises:
            Problem: E402, too few axes; E403, parts that differ; E409, other numbers.
        """
        first = tensors[0]
        for tensor in tensors:
            numeric(tensor, self.name, only=self.only)
        if len({(tensor.shape, tensor.dtype) for tensor in tensors}) > 1:
            shapes = " and ".join(str(tensor) for tensor in tensors)
            message = f"{self.name} takes a real and an imaginary part that are alike, but got {shapes}"
            raise Problem("E403", message, "both come from one transform: `name: [real, imaginary]`")
        if first.rank < self.axes:
            axes = "an axis" if self.axes == 1 else f"{self.axes} axes"
            message = f"{self.name} needs {axes} beside the batch, but the input has shape "
            raise Problem("E402", message + show_shape(first.shape), "bring it to more axes with `reshape`")
        return first

    def cost(self, rows: Sequence[int | None], length: int | None) -> int:
        """5 n log2 n for each transform of length n, the usual count of the fast one."""
        size = volume((length,))
        return round(volume(tuple(rows)) * 5 * size * math.log2(max(size, 2)))


class _OfComplex(_Fourier, abstract=True):
    """Takes a list of the real and the imaginary part."""

    takes_list = True
    arguments = ("x",)
    minimum_inputs = maximum_inputs = 2
    listed = ("real", "imaginary")

    @classmethod
    def value_names_inputs(cls) -> bool:
        """`ops.irfft: [real, imaginary]`."""
        return not cls._required


class _Whole(_OfComplex, abstract=True):
    """A complex transform: two parts in, two parts of the same shape out."""

    def infer(self, x: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Both parts keep their shape; Keras wants to know the axes that are transformed."""
        first = self.takes(x)
        for axis in range(self.axes):
            known(first, -axis - 1, self.name)
        return Tensor(first.shape, first.dtype), Tensor(first.shape, first.dtype)

    def flops(self, output: Tensor, x: list[Tensor]) -> int:
        """Operations of one transform along each axis."""
        shape = output.shape
        return sum(
            self.cost((*shape[: -axis - 1], *shape[len(shape) - axis :]), shape[-axis - 1]) for axis in range(self.axes)
        )


class Fft(_Whole):
    """Takes the Fourier transform of complex numbers along the last axis: `name: [real, imaginary]`."""

    keras = "keras.ops.fft"
    examples = (example("", (8,), (8,)), example("", (3, 6), (3, 6)))


class Fft2(_Whole):
    """Takes the Fourier transform of complex numbers along the last two axes: `name: [real, imaginary]`."""

    keras = "keras.ops.fft2"
    axes = 2
    examples = (example("", (4, 8), (4, 8)),)


class Ifft2(_Whole):
    """Undoes the Fourier transform along the last two axes: `name: [real, imaginary]`."""

    keras = "keras.ops.ifft2"
    axes = 2
    examples = (example("", (4, 8), (4, 8)),)


def _length(doc: str) -> Field[Any]:
    return optional(integer(min=1), doc=doc)


class Rfft(_Fourier):
    """Takes the Fourier transform of real numbers along the last axis: `name: [real, imaginary]`."""

    keras = "keras.ops.rfft"
    fft_length = _length("Length to which the axis is cut or filled with zeros before; its own unless given.")
    examples = (example("", (8,)), example("{fft_length: 5}", (3, None)))

    def infer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The frequencies 0 to half the length."""
        first = self.takes([x])
        size = self.fft_length or first.shape[-1]
        shape = (*first.shape[:-1], None if size is None else size // 2 + 1)
        return Tensor(shape, first.dtype), Tensor(shape, first.dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Operations of the transform."""
        return self.cost(x.shape[:-1], self.fft_length or x.shape[-1])


class Irfft(_OfComplex):
    """Gives the real numbers that have these frequencies, from real and imaginary part."""

    keras = "keras.ops.irfft"
    fft_length = _length("Length of the result; twice the frequencies less one unless given, which is even.")
    examples = (example("", (5,), (5,)), example("{fft_length: 5}", (2, 3), (2, 3)))

    def infer(self, x: list[Tensor]) -> Tensor:
        """[…, n / 2 + 1] → […, n]."""
        first = self.takes(x)
        size = first.shape[-1]
        length = self.fft_length or (None if size is None else 2 * (size - 1))
        if length == 0:
            message = "ops.irfft needs at least 2 frequencies, or `fft_length`, but the input has shape "
            raise Problem("E402", message + show_shape(first.shape), "write `fft_length: 1`")
        return Tensor((*first.shape[:-1], length), first.dtype)

    def flops(self, output: Tensor, x: list[Tensor]) -> int:
        """Operations of the transform."""
        return self.cost(output.shape[:-1], output.shape[-1])


class _Framed(_Fourier, abstract=True):
    """Works on short pieces."""

    sequence_length = integer(min=1, doc="Steps in a piece.")
    sequence_stride = integer(min=1, doc="Steps from one piece to the next.")


class ExtractSequences(_Framed):
    """Cuts the last axis into pieces that may overlap: a new axis of pieces before it."""

    keras = "keras.ops.extract_sequences"
    only = ()
    examples = (
        example("{sequence_length: 4, sequence_stride: 2}", (10,)),
        example("{sequence_length: 3, sequence_stride: 3}", (2, None)),
    )

    def infer(self, x: Tensor) -> Tensor:
        """[…, n] → […, pieces, length]; what is left at the end is dropped."""
        first = self.takes([x])
        count = _pieces(self.name, x, self.sequence_length, self.sequence_stride)
        return Tensor((*first.shape[:-1], count, self.sequence_length), first.dtype)


class _ShortTime(_Framed, abstract=True):
    """Options of the short-time transform and of its inverse."""

    fft_length = integer(min=1, doc="Length of each transform, at least that of a piece.")
    window = optional(choice("hann", "hamming"), doc="Shape in which a piece fades in and out; null for none.")
    window.default = "hann"
    center = boolean(default=True, doc="Whether both ends are mirrored, so that pieces lie around their middle.")

    def validate(self) -> None:
        """A piece fits into its transform."""
        super().validate()
        if self.fft_length < self.sequence_length:
            message = f"{self.name} has `fft_length: {self.fft_length}` below `sequence_length: {self.sequence_length}`"
            raise Problem("E207", message, f"write `fft_length: {self.sequence_length}`, or more", "fft_length")


class Stft(_ShortTime):
    """Takes the Fourier transform of short pieces of the last axis: `name: [real, imaginary]`."""

    keras = "keras.ops.stft"
    examples = (
        example("{sequence_length: 8, sequence_stride: 4, fft_length: 8}", (32,)),
        example("{sequence_length: 6, sequence_stride: 3, fft_length: 8, window: null, center: false}", (2, 20)),
    )

    def infer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[…, n] → […, pieces, fft_length / 2 + 1], twice."""
        first = self.takes([x])
        size, half = first.shape[-1], self.fft_length // 2
        if self.center and size is not None and size <= half:
            message = f"{self.name} mirrors {half} steps at both ends, but the input has {size}"
            raise Problem("E402", message, "write `center: false`, or a smaller `fft_length`", "center")
        extended = size if size is None or not self.center else size + 2 * half
        count = _pieces(self.name, Tensor((extended,)), self.fft_length, self.sequence_stride)
        shape = (*first.shape[:-1], count, half + 1)
        return Tensor(shape, first.dtype), Tensor(shape, first.dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Operations of the transforms of all pieces."""
        return self.cost(output.shape[:-1], self.fft_length)


class Istft(_ShortTime, _OfComplex):
    """Puts short pieces together again, from the real and imaginary part of their frequencies."""

    keras = "keras.ops.istft"
    length = _length("Steps of the result; all that there are unless given.")
    examples = (
        example("{sequence_length: 8, sequence_stride: 4, fft_length: 8}", (9, 5), (9, 5)),
        example("{sequence_length: 8, sequence_stride: 4, fft_length: 8, length: 30}", (2, 9, 5), (2, 9, 5)),
    )
    axes = 2

    def infer(self, x: list[Tensor]) -> Tensor:
        """[…, pieces, fft_length / 2 + 1] → […, steps]."""
        first = self.takes(x)
        pieces, frequencies = first.shape[-2:]
        wanted = self.fft_length // 2 + 1
        if frequencies not in (None, wanted):
            message = (
                f"{self.name} needs {wanted} frequencies for `fft_length: {self.fft_length}`, but got {frequencies}"
            )
            raise Problem("E402", message, "write the options of `ops.stft`, which made them", "fft_length")
        half = self.fft_length // 2
        steps = None if pieces is None else (pieces - 1) * self.sequence_stride + self.fft_length
        most = None if steps is None else steps - half * (2 if self.center and self.length is None else self.center)
        if most is not None and most < (self.length or 1):
            message = f"{self.name} puts together {most} steps, fewer than `length: {self.length or 1}`"
            raise Problem("E402", message, "give it more pieces, or a smaller `length`", "length")
        return Tensor((*first.shape[:-2], self.length or most), first.dtype)

    def flops(self, output: Tensor, x: list[Tensor]) -> int:
        """Operations of the transforms of all pieces."""
        return self.cost(x[0].shape[:-1], self.fft_length)


def _pieces(who: str, x: Tensor, length: int, stride: int) -> int | None:
    """Number of whole pieces; None where the length is unknown.

    Raises:
        Problem: E402, none.
    """
    size = x.shape[-1]
    if size is None:
        return None
    if size < length:
        raise Problem("E402", f"{who} needs {length} steps for one piece, but there are {size}", "take shorter pieces")
    return 1 + (size - length) // stride
