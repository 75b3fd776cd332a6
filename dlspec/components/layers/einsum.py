"""A dense layer over any axes, described by an Einstein sum."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dlspec.components.layers.base import Layer, activation, activation_flops, constraint, initializer, regularizer
from dlspec.components.registry import example, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, Weight, show_shape, volume

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")
_SIZE = {"type": ["integer", "null"], "minimum": 1}


@dataclass(frozen=True)
class _Plan:
    """The equation applied to an input: sizes by letter, batch included, and what the ellipsis stands for."""

    left: Shape
    sizes: dict[str, int | None]
    made: dict[str, int | None]
    right: Shape

    def size(self, letter: str) -> int | None:
        """Size of a letter, that of the output first, as in Keras."""
        return self.made[letter] if letter in self.made else self.sizes[letter]


class EinsumDense(Layer):
    """Multiplies any axes with a learned tensor, adds a bias and applies an activation."""

    keras = "keras.layers.EinsumDense"
    equation = plain(
        {"type": "string", "minLength": 1}, doc="For example `abc,cd->abd`; `a` is the batch, or `...bc,cd->...bd`."
    )
    output_shape = plain(
        {**_SIZE, "type": ["integer", "array"], "items": _SIZE},
        doc="Sizes of the output without the batch; null leaves one unknown.",
    )
    activation = activation()
    bias_axes = optional(
        plain({"type": "string", "minLength": 1}), doc="Letters of the output's axes that have a bias."
    )
    kernel_initializer = initializer("glorot_uniform", "the kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the kernel")
    bias_regularizer = regularizer("the bias")
    kernel_constraint = constraint("the kernel")
    bias_constraint = constraint("the bias")
    examples = (
        example('{equation: "abc,cd->abd", output_shape: [null, 64], bias_axes: d}', (32, 128)),
        example('{equation: "...x,xy->...y", output_shape: 8, activation: relu}', (5, 3)),
        example('{equation: "abc,cde->abde", output_shape: [null, 2, 4], bias_axes: de}', (None, 6)),
    )

    @property
    def adaptable(self) -> tuple[str, ...]:
        """The kernel."""
        return ("kernel",)

    def validate(self) -> None:
        """The equation can be read, and every letter comes from somewhere."""
        left, letters, right, kernel, left_out, made, right_out = self._parts()
        if (left, right) != (left_out, right_out) or (left and right) or (right and len(letters) < 2):
            raise self._unreadable()
        unknown = sorted(set(made) - set(letters) - set(kernel)) or sorted(set(kernel) - set(letters) - set(made))
        if unknown:
            message = f"einsum_dense has the letter `{unknown[0]}` of `{self.equation}` on one side only"
            raise Problem("E207", message, "every letter stands on both sides of the sum", "equation")
        if set(self.bias_axes or "") - set(made):
            message = f"einsum_dense has `bias_axes: {self.bias_axes}`, but the output has the axes `{made}`"
            raise Problem("E207", message, "name letters of the output", "bias_axes")

    def _unreadable(self) -> Problem:
        message = f"einsum_dense cannot read `equation: {self.equation}`"
        return Problem("E207", message, "write `abc,cd->abd`, `...bc,cd->...bd` or `abc...,bd->acd...`", "equation")

    def _parts(self) -> tuple[str, ...]:
        match = _EQUATION.fullmatch(self.equation)
        if match is None:
            raise self._unreadable()
        return tuple(part or "" for part in match.groups())

    def _plan(self, x: Tensor) -> _Plan:
        left, letters, right, _, _, made, _ = self._parts()
        whole: Shape = (None, *x.shape)
        hidden = len(whole) - len(letters)
        if hidden < 0 or (hidden and not left and not right):
            raise self._misfit(x)
        before, after = (whole[:hidden], ()) if left else ((), whole[len(letters) :])
        given: Any = self.output_shape
        sizes = [given] if isinstance(given, int) else list(given)
        sizes = sizes if before else [None, *sizes]
        if len(sizes) != len(made):
            message = (
                f"einsum_dense makes the axes `{made}`, but `output_shape` has {show_shape(tuple(sizes))} for them"
            )
            raise Problem("E402", message, "give a size for each, the batch excepted", "output_shape")
        plan = _Plan(
            before,
            dict(zip(letters, whole[hidden:] if left else whole, strict=False)),
            dict(zip(made, sizes, strict=True)),
            after,
        )
        self._check(plan, x)
        return plan

    def _misfit(self, x: Tensor) -> Problem:
        message = f"einsum_dense cannot apply `{self.equation}` to an input of shape {show_shape(x.shape)}"
        return Problem("E402", message, "the equation has a letter for each axis, and one for the batch", "equation")

    def _check(self, plan: _Plan, x: Tensor) -> None:
        for letter, size in plan.sizes.items():
            wanted = plan.made.get(letter)
            if wanted is not None and wanted != size:
                message = f"einsum_dense has size {wanted} for the axis `{letter}` in `output_shape`"
                raise Problem(
                    "E402", f"{message}, but the input has shape {show_shape(x.shape)}", "write null", "output_shape"
                )
        if plan.left[1:] != plan.left[1:][::-1]:
            # Keras 3.15 gives the axes of the ellipsis in reverse order.
            raise Problem(
                "E402",
                f"einsum_dense takes one axis for `...`, not {show_shape(plan.left[1:])}",
                "name them",
                "equation",
            )

    def infer(self, x: Tensor) -> Tensor:
        """Output shape by the right side of the equation."""
        plan = self._plan(x)
        for _ in self.weights(x):
            pass
        return Tensor((*plan.left, *plan.made.values(), *plan.right)[1:], self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel over the letters of its term, and a bias over `bias_axes`."""
        plan, made = self._plan(x), self._parts()[5]
        yield Weight("kernel", self._known([plan.size(letter) for letter in self._parts()[3]], x))
        if self.bias_axes:
            tail = made[min(made.index(letter) for letter in self.bias_axes) :]
            sizes = [plan.made[letter] if letter in self.bias_axes else 1 for letter in tail]
            yield Weight("bias", self._known(sizes + [1] * len(plan.right), x))

    def _known(self, sizes: list[int | None], x: Tensor) -> tuple[int, ...]:
        if None in sizes:
            message = (
                f"einsum_dense needs a size for every axis of its weights, the input has shape {show_shape(x.shape)}"
            )
            raise Problem("E408", message, "give it in `output_shape` or in `inputs`", "output_shape")
        return tuple(size for size in sizes if size is not None)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One multiply-add per output element for each combination of the axes summed over, one for the bias."""
        plan = self._plan(x)
        known = {**plan.made, **{letter: size for letter, size in plan.sizes.items() if size is not None}}
        if not plan.left:
            known[self._parts()[1][0]] = 1  # the batch
        made = volume(tuple(known[letter] for letter in plan.made)) * volume(plan.left[1:]) * volume(plan.right)
        summed = volume(tuple(known.get(letter) for letter in plan.sizes if letter not in plan.made))
        return made * (2 * summed + bool(self.bias_axes)) + activation_flops(self.activation, Tensor((made,)))
