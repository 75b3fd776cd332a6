"""Operations that multiply tensors and sum over an axis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dlspec.components.ops.base import Op
from dlspec.components.ops.dtypes import numeric, result_type
from dlspec.components.registry import example, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape, volume

_SUBSCRIPTS = re.compile(r"[A-Za-z]+(,[A-Za-z]+)*->[A-Za-z]+")


class Matmul(Op):
    """Multiplies the matrices of the last two axes."""

    keras = "keras.ops.matmul"
    arguments = ("x1", "x2")
    examples = (example("", (4, 3), (3, 5)), example("", (2, None, 3), (1, 3, 6)))

    def infer(self, x1: Tensor, x2: Tensor) -> Tensor:
        """[…, a, b] and [..., b, c] → […, a, c]; axes before the last two are equal, or 1."""
        shapes = f"{show_shape(x1.shape)} and {show_shape(x2.shape)}"
        if x1.rank != x2.rank or x1.rank < 2:
            message = f"ops.matmul takes two tensors with the same number of axes, at least two, but got {shapes}"
            raise Problem("E402", message, "add axes of size 1 with `ops.expand_dims`, after the batch")
        summed = (x1.shape[-1], x2.shape[-2])
        if None not in summed and summed[0] != summed[1]:
            message = f"ops.matmul cannot multiply {shapes}: {summed[0]} and {summed[1]} differ"
            raise Problem("E402", message, "the last axis of the first is as long as the last but one of the second")
        rest = self.broadcast([Tensor(x1.shape[:-2]), Tensor(x2.shape[:-2])])
        dtypes = [numeric(tensor, self.name, without=("bool", "int", "uint")) for tensor in (x1, x2)]
        return Tensor((*rest, x1.shape[-2], x2.shape[-1]), result_type(*dtypes))

    def flops(self, output: Tensor, x1: Tensor, x2: Tensor) -> int:
        """One multiply-add per element of the output and element summed over."""
        size = x1.shape[-1] if x1.shape[-1] is not None else x2.shape[-2]
        return 2 * output.size * volume((size,))


class Einsum(Op):
    """Multiplies tensors and sums over axes, as letters for the axes say."""

    keras = "keras.ops.einsum"
    arguments = ("operands",)
    takes_list = True
    minimum_inputs = 1
    subscripts = plain(
        {"type": "string", "minLength": 1},
        doc="A letter for each axis, the batch first everywhere, for example `bqd,bkd->bqk`.",
    )
    examples = (
        example("{subscripts: 'bqd,bkd->bqk'}", (4, 3), (None, 3)),
        example("{subscripts: 'bij->bji'}", (4, 3)),
        example("{subscripts: 'bhqk,bkhd->bqhd'}", (2, 4, 5), (5, 2, 3)),
    )

    def validate(self) -> None:
        """The subscripts can be read, and the batch stays apart."""
        if not _SUBSCRIPTS.fullmatch(self.subscripts):
            message = f"ops.einsum cannot read `subscripts: {self.subscripts}`"
            raise Problem("E207", message, "write letters for all axes: `bqd,bkd->bqk`", "subscripts")
        terms, made = self._terms()
        batch = made[0]
        if any(term.find(batch) or term.rfind(batch) for term in (*terms, made)):
            message = f"ops.einsum has `subscripts: {self.subscripts}`, in which the batch does not stay apart"
            raise Problem(
                "E207", message, "start every term with one letter, the batch, and use it only there", "subscripts"
            )
        unknown = sorted(set(made) - set("".join(terms)))
        if unknown or len(set(made)) < len(made) or any(len(set(term)) < len(term) for term in terms):
            what = f"makes `{unknown[0]}` of nothing" if unknown else "has a letter twice in one term"
            message = f"ops.einsum has `subscripts: {self.subscripts}`, which {what}"
            raise Problem("E207", message, "name each axis by a letter of its own", "subscripts")

    def _terms(self) -> tuple[list[str], str]:
        left, made = self.subscripts.split("->")
        return left.split(","), made

    def _sizes(self, operands: Sequence[Tensor]) -> dict[str, int | None]:
        terms, _ = self._terms()
        if len(terms) != len(operands):
            message = f"ops.einsum has `subscripts` for {len(terms)} tensors, but gets {len(operands)}"
            raise Problem("E405", message, "write a term for each tensor", "subscripts")
        by_letter: dict[str, list[int | None]] = {}
        for term, tensor in zip(terms, operands, strict=True):
            if len(term) - 1 != tensor.rank:
                message = f"ops.einsum has `{term}` for a tensor of shape {show_shape(tensor.shape)}"
                raise Problem("E402", message, "a letter for each axis, and one for the batch", "subscripts")
            for letter, size in zip(term[1:], tensor.shape, strict=True):
                by_letter.setdefault(letter, []).append(size)
        return {letter: self._size(letter, sizes) for letter, sizes in by_letter.items()}

    @staticmethod
    def _size(letter: str, sizes: list[int | None]) -> int | None:
        known = list(dict.fromkeys(size for size in sizes if size is not None))
        if len(known) > 1:
            message = f"ops.einsum has `{letter}` for axes of size {known[0]} and {known[1]}"
            raise Problem("E402", message, "one letter stands for one size", "subscripts")
        # Keras takes 1 for an axis to broadcast, and does not conclude from it that an unknown size is 1 as well.
        return None if None in sizes and known in ([], [1]) else known[0]

    def infer(self, operands: list[Tensor]) -> Tensor:
        """Output shape by the right side of `subscripts`."""
        sizes = self._sizes(operands)
        dtypes = [numeric(tensor, self.name, without=("bool", "int", "uint")) for tensor in operands]
        return Tensor(tuple(sizes[letter] for letter in self._terms()[1][1:]), result_type(*dtypes))

    def flops(self, output: Tensor, operands: list[Tensor]) -> int:
        """One operation per combination of the axes for each tensor: a multiply-add is 2, for two of them."""
        return len(operands) * volume(tuple(self._sizes(operands).values()))

    def compute(self, function: Any, *tensors: Any, **named: Any) -> Any:
        """Calls the function with the operands as separate arguments."""
        return function(self.subscripts, *tensors[0])
