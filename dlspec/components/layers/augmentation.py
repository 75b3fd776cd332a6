"""Random changes of sounds and texts during training; those of images are Keras's own."""

from __future__ import annotations

from dlspec.components.layers.base import Layer, seed
from dlspec.components.registry import example, integer, number
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class _Signal(Layer, abstract=True):
    """Rules of the changes of a signal over time; nothing happens outside training."""

    augments = True
    masking = "pass"
    shorthand = "factor"

    def infer(self, x: Tensor) -> Tensor:
        """[time] or [time, channels] → the same."""
        if not x.floating:
            message = f"{self.name} takes floating-point numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "bring sound to −1 … 1 first, for example with `rescaling`")
        if x.rank not in (1, 2):
            message = f"{self.name} expects [time] or [time, channels], but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message)
        return Tensor(x.shape, self.compute_dtype)


class RandomTimeShift(_Signal):
    """Moves sound, or another signal, along time at random; zeros fill the gap."""

    keras = "dlspec.keras_layers.RandomTimeShift"
    factor = number(above=0, max=1, doc="Farthest move, as a share of the length.")
    seed = seed()
    examples = (example("0.1", (100,)), example("{factor: 0.5}", (50, 2)))


class RandomSpeed(_Signal):
    """Plays sound, or another signal, faster or slower at random; the pitch changes with it."""

    keras = "dlspec.keras_layers.RandomSpeed"
    factor = number(above=0, below=1, doc="Largest change of the speed: 0.1 stands for 0.9 to 1.1 times.")
    seed = seed()
    examples = (example("0.1", (100,)), example("{factor: 0.3}", (50, 2)))


class RandomPitch(_Signal):
    """Plays sound higher or lower at random; its length and its pace stay."""

    keras = "dlspec.keras_layers.RandomPitch"
    shorthand = "semitones"
    semitones = number(above=0, max=24, doc="Largest change of the pitch, in semitones: 12 is an octave.")
    frame_length = integer(
        min=16,
        default=512,
        doc="Samples of a frame: long enough for two turns of the lowest tone, or it is blurred.",
    )
    seed = seed()
    examples = (example("{semitones: 2, frame_length: 32}", (100,)), example("12", (1000, 2)))

    def infer(self, x: Tensor) -> Tensor:
        """[time] or [time, channels] → the same; there is time for a frame."""
        changed = super().infer(x)
        time = x.shape[0]
        if isinstance(time, int) and time < self.frame_length:
            message = f"frames of {self.frame_length} are longer than the signal of {time}"
            shorter = f"write `frame_length: {max(16, time // 16 * 4)}`, or " if time >= 16 else ""
            help = f"{shorter}take a longer signal"
            raise Problem("E207", message, help, "frame_length")
        return changed


class _Tokens(Layer, abstract=True):
    """Rules of the changes of texts as indices of words, where 0 is padding; nothing happens outside training."""

    augments = True

    def infer(self, x: Tensor) -> Tensor:
        """[length] → the same."""
        if x.floating or x.dtype in ("string", "bool"):
            message = f"{self.name} takes indices of words, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "turn text into indices first, with `text_vectorization`")
        if x.rank != 1:
            raise Problem("E402", f"{self.name} expects [length], but the input has shape {show_shape(x.shape)}")
        return Tensor(x.shape, x.dtype)


class RandomTokenShuffle(_Tokens):
    """Moves the words of a text a little at random; padding stays at the end."""

    keras = "dlspec.keras_layers.RandomTokenShuffle"
    shorthand = "distance"
    distance = integer(min=1, default=3, doc="How many places a word moves at most.")
    seed = seed()
    examples = (example("", (20,), dtype="int64"), example("5", (None,), dtype="int32"))


class RandomTokenDrop(_Tokens):
    """Leaves out words of a text at random; the others move up."""

    keras = "dlspec.keras_layers.RandomTokenDrop"
    shorthand = "rate"
    rate = number(min=0, below=1, doc="Share of the words that are left out.")
    seed = seed()
    examples = (example("0.1", (20,), dtype="int64"),)


class RandomTokenInsert(_Tokens):
    """Inserts words from the texts of the same batch at random; the others move back, and the end is cut off."""

    keras = "dlspec.keras_layers.RandomTokenInsert"
    shorthand = "rate"
    rate = number(min=0, below=1, doc="Share of the words behind which another one is inserted.")
    seed = seed()
    examples = (example("0.1", (20,), dtype="int64"),)


class RandomTokenReplace(_Tokens):
    """Puts other words, from the texts of the same batch, in place of some at random."""

    keras = "dlspec.keras_layers.RandomTokenReplace"
    shorthand = "rate"
    rate = number(min=0, below=1, doc="Share of the words that are replaced.")
    seed = seed()
    examples = (example("0.1", (20,), dtype="int64"),)
