"""Losses of codes: which lie near each other, and which do not. All compare the examples of a batch."""

from __future__ import annotations

from dlspec.components.registry import Field, example, number
from dlspec.components.training import targets as rules
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, show_shape


def _temperature(default: float) -> Field[float]:
    return number(above=0, default=default, doc="Divisor of similarities: the smaller, the more nearest count.")


class _Codes(Loss, abstract=True):
    """One value for each example, that depends on those beside it."""

    kind = "loss"  # declared again: these options come last
    whole = True
    over_batch = True
    labels_in_head = False

    def values(self, target: Tensor, output: Tensor) -> Shape:
        """One for each example."""
        return ()


class _Views(_Codes, abstract=True):
    """Compares two codes of each example with those of the others."""

    constant_sides = False
    example_shapes = ((4,), (4,))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Two vectors of one length."""
        rules.rows(self.registered_name, target, output)


class _Classes(_Codes, abstract=True):
    """Compares codes by the class of their examples."""

    targets = "classes"
    example_shapes = ((), (4,))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """One class number and one code for each example."""
        if output.rank != 1 or output.shape[0] == 1 or target.shape not in ((), (1,)):
            message = f"{self.registered_name} needs one code and one class number per example, got "
            raise Problem("E503", f"{message}{show_shape(output.shape)} and {show_shape(target.shape)}")


class NTXent(_Views):
    """Two views of each example find each other among all views of the batch (SimCLR)."""

    keras = "dlspec.keras_layers.nt_xent.NTXent"
    temperature = _temperature(0.5)
    examples = (example(""), example("{temperature: 0.1}"))


class InfoNCE(_Views):
    """Each code of one side finds its partner among those of the other, both ways (CLIP)."""

    keras = "dlspec.keras_layers.info_nce.InfoNCE"
    temperature = _temperature(0.1)
    examples = (example(""), example("{temperature: 0.5}"))


class BarlowTwins(_Views):
    """Two views of an example get the same code, whose features tell different things."""

    keras = "dlspec.keras_layers.barlow_twins.BarlowTwins"
    redundancy = number(min=0, default=0.005, doc="Weight of the correlations between different features.")
    examples = (example(""), example("{redundancy: 0.01}"))


class SupervisedContrastive(_Classes):
    """Codes of one class find each other among all of the batch."""

    keras = "dlspec.keras_layers.supervised_contrastive.SupervisedContrastive"
    temperature = _temperature(0.1)
    examples = (example(""), example("{temperature: 0.5}"))


class BatchTriplet(_Classes):
    """The farthest code of the same class lies nearer than the nearest of another class, by a margin."""

    keras = "dlspec.keras_layers.batch_triplet.BatchTriplet"
    shorthand = "margin"
    margin = number(above=0, default=1.0, doc="By how much the distances differ.")
    examples = (example(""), example("0.5"))


class Center(_Classes):
    """Codes lie near the mean code of their class in the batch; it stands beside a loss that tells classes apart."""

    keras = "dlspec.keras_layers.center.Center"
    examples = (example(""),)
