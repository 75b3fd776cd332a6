"""Weights in few bits: what can be quantized, from which data it is calibrated, and what it costs in accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dlspec.backends.keras.internals import flatten_layers
from dlspec.core.documents.printed import Quantized
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.core.files import size_on_disk
from dlspec.data.feeding.feed import in_order
from dlspec.data.feeding.raw import RawInputs
from dlspec.export.formats.base import Arrays, Format, Reader
from dlspec.export.formats.keras_file import KerasFile
from dlspec.export.formats.litert import LiteRT, WholeNumbers
from dlspec.export.formats.naming import for_inference
from dlspec.export.formats.quiet import quiet
from dlspec.training.evaluate import largest_batch, own_examples, require_measures, scores_of
from dlspec.training.saved import SavedRun
from dlspec.views.pages.comparing import Answering, answering, as_arrays, compare, with_weights
from dlspec.views.pages.verdict import leading, less_is_better

# In how few bits each format can be written.
MODES = {KerasFile.name: ("int8", "int4"), LiteRT.name: ("int8",)}
_CALIBRATION = 200  # training examples by which ranges of activations are measured


def require_mode(target: str, mode: str) -> None:
    """Says that a format does not keep weights in so few bits.

    Raises:
        SpecError: E706.
    """
    if mode not in MODES.get(target, ()):
        text = f"`--to {target}` does not support `--quantize {mode}`"
        help = "`--to litert --quantize int8` and `--to keras --quantize int4` are supported"
        raise SpecError([Diagnostic("E706", text, None, help)])


def require_data(saved: SavedRun) -> None:
    """Says that a run has nothing by which the loss of accuracy could be measured.

    Raises:
        Problem: E706; E522, its method compares nothing, or its data stand where this run may not read.
    """
    require_measures(saved)
    if not (saved.allow_outside or saved.run.spec_folder_is_here):
        raise Problem("E522", saved.run.away(), "call it from there, or add `--allow-outside`")
    if saved.made_anew:
        maker = saved.data.maker
        made = "hide steps of an input" if maker is None else f"`{maker.name}` makes out of rows"
        message = f"a model whose examples {made} cannot be quantized"
        raise Problem("E706", message, "export it without `--quantize`")


@dataclass
class Quantizing:
    """One quantization of a run's model.

    Attributes:
        mode: ``int8`` or ``int4``.
        limit: How much accuracy may be lost; None for any.
        facts: What it gave, once the export is over.
    """

    saved: SavedRun
    mode: str
    limit: float | None
    facts: Quantized = field(default_factory=lambda: Quantized(mode="", bytes_before=0, part="", outputs={}))

    def form(self, plain: Format) -> Format:
        """The format that writes it."""
        return WholeNumbers(self._calibration) if isinstance(plain, LiteRT) else plain

    def prepare(self, plain: Format) -> Any:
        """Measures the model as it is; returns the one to export.

        Raises:
            SpecError: E706, the model cannot be quantized for this format.
        """
        model = self.saved.model
        if isinstance(plain, KerasFile):
            _require_quantizable(model)
        self._named = for_inference(model)
        self.before = self._judged(self._float)
        self.facts["mode"], self.facts["part"] = self.mode, self._examples[0]
        self.facts["bytes_before"] = self._size(plain, model)
        if isinstance(plain, KerasFile):
            with quiet(r"Layer \w+ does not have a `quantize` method"):
                model.quantize(self.mode)
        return model

    def judge(self, read: Reader) -> None:
        """Measures the quantized model.

        Raises:
            SpecError: E707, it answers worse by more than the limit.
        """
        names = dict(zip(self.saved.outputs, self._named.output, strict=True))
        types = {tensor.name: tensor.dtype for tensor in self._named.inputs}

        def answer(inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
            answers = read({name: typed(inputs[name], dtype) for name, dtype in types.items()})
            return as_arrays({name: answers[own] for name, own in names.items()}), self._float(inputs)[1]

        for name, (measure, after) in self._judged(answer).items():
            before = self.before[name][1]
            self.facts["outputs"][name] = {"measure": measure, "before": before, "after": after}
            lost = _lost(measure, before, after)
            if self.limit is not None and lost > self.limit:
                text = f"{self.mode} answers worse on the {self.facts['part']} split: {measure} of `{name}` {after:.4g}"
                help = f"it may lose {self.limit:g}; nothing was put in place"
                raise SpecError([Diagnostic("E707", f"{text}, {before:.4g} before", None, help)])

    def _judged(self, answer: Answering) -> dict[str, tuple[str, float]]:
        """The leading measure of each output that can be judged."""
        scores, examples = scores_of(self.saved), self._examples[1]
        batches = in_order((examples.inputs, examples.targets), largest_batch(self.saved, examples))
        compare(answer, with_weights(batches, examples.weights), scores)
        measures = {name: leading(score.facts()) for name, score in scores.items()}
        known = {name: (measure, value) for name, (measure, value) in measures.items() if value is not None}
        if not known:
            raise Problem("E706", "no output of the run can be judged: a loss of accuracy would go unseen")
        return known

    @cached_property
    def _float(self) -> Answering:
        return answering(self.saved.model, self.saved.outputs, 2)

    @cached_property
    def _examples(self) -> tuple[str, RawInputs]:
        """The split that it is measured on: that of the test, or of validation."""
        for part in ("test", "validation"):
            for name, examples in own_examples(self.saved, (part,)):
                return name, examples
        message = "the run has neither a test nor a validation split: a loss of accuracy would go unseen"
        raise Problem("E706", message, "train with `split: {test: 0.2}`")

    def _calibration(self) -> Iterator[Arrays]:
        """Training examples one by one."""
        for _, examples in own_examples(self.saved, ("train",), _CALIBRATION):
            for inputs, _ in in_order((examples.inputs, examples.targets), 1):
                yield as_arrays(inputs)

    def _size(self, plain: Format, model: Any) -> int:
        """Bytes of the same export as it is."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"model{plain.suffix}"
            plain.write(model, self._named, path)
            return size_on_disk(path)


def typed(values: Any, dtype: str) -> Any:
    """Values of an input as an array of its dtype; texts as they are."""
    import numpy as np

    return np.asarray(values) if dtype == "string" else np.asarray(values).astype(dtype)


def _lost(measure: str, before: float, after: float) -> float:
    """How much worse the second is: of errors the share that is added."""
    return (after - before) / max(before, 1e-12) if less_is_better(measure) else before - after


def _require_quantizable(model: Any) -> None:
    """Says that Keras quantizes no layer of a model, or could not load the file again.

    Raises:
        SpecError: E706.
    """
    import keras

    able = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Embedding)
    own = {id(layer) for each in (model, *_models(model)) for layer in each.layers}
    layers = [layer for layer in flatten_layers(model, include_self=False) if isinstance(layer, able)]
    inner = [layer for layer in layers if id(layer) not in own]
    if inner:
        text = (
            f"Keras cannot load a file with `{inner[0].name}` quantized inside of another layer (attention, wrappers)"
        )
        raise SpecError([Diagnostic("E706", text, None, "`--to litert --quantize int8` takes it")])
    if not layers:
        text = "Keras quantizes `dense`, `einsum_dense` and `embedding`, and the model has none of them"
        raise SpecError([Diagnostic("E706", text, None, "`--to litert --quantize int8` takes other layers too")])


def _models(model: Any) -> Iterator[Any]:
    import keras

    return (layer for layer in flatten_layers(model, include_self=False) if isinstance(layer, keras.Model))
