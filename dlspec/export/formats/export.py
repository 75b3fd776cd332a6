"""One export: written beside its target, verified there, and put in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlspec.core.documents.printed import Quantized
from dlspec.core.errors import Diagnostic, SpecError
from dlspec.core.files import size_on_disk, write_atomically, write_folder_atomically
from dlspec.export.formats.base import OTHERS, Format, Reader, require_fit
from dlspec.export.formats.comparison import TOLERANCE, Comparison, NoComparison, Reference, compare, reference
from dlspec.export.formats.keras_file import KerasFile
from dlspec.export.formats.litert import LiteRT
from dlspec.export.formats.naming import for_inference
from dlspec.export.formats.onnx_file import OnnxFile
from dlspec.export.formats.reasons import reason
from dlspec.export.formats.saved_model import SavedModel
from dlspec.export.formats.traits import of_model

FORMATS: dict[str, type[Format]] = {form.name: form for form in (KerasFile, SavedModel, OnnxFile, LiteRT)}


@dataclass(slots=True)
class Outcome:
    """The written file or folder, its size, and the comparison with Keras.

    Attributes:
        quantized: What quantization gave, where that was asked for.
        comparison: None where the result could not be verified; a warning says why then.
    """

    path: Path
    form: Format
    bytes: int = 0
    comparison: Comparison | None = None
    quantized: Quantized | None = None
    warnings: list[Diagnostic] = field(default_factory=list)


def export(
    model: Any,
    form: Format,
    path: Path,
    progress: Callable[[str], object] = lambda text: None,
    judge: Callable[[Reader], object] | None = None,
) -> Outcome:
    """Writes a model in another format.

    Args:
        model: A functional Keras model.
        form: The format.
        path: The file or folder to write; its parent exists. What is there is replaced.
        progress: Is told of each stage.
        judge: Called with a function that runs the written model, before that is put in place.

    Raises:
        SpecError: E701 the result computes something else, E702 the format cannot hold the model. Nothing is put in
            place then.
        OSError: Nothing could be written; `path` is as it was.
    """
    require_fit(form, of_model(model))
    outcome = Outcome(path, form)
    named = for_inference(model)
    expected = _reference(named, outcome)

    def write(target: Path) -> None:
        progress(f"writing {form.title} …")
        _write(form, model, named, target)
        if expected is not None:
            progress("comparing with Keras …")
            outcome.comparison = _verify(form, named, target, expected)
        if judge is not None:
            progress("measuring what was lost …")
            judge(form.open(target, named))
        outcome.bytes = size_on_disk(target)

    (write_atomically if form.suffix else write_folder_atomically)(path, write)
    return outcome


def _reference(named: Any, outcome: Outcome) -> Reference | None:
    """Inputs and outputs to compare the result with; None, with a warning, where that is not possible."""
    missing = outcome.form.missing_reader()
    try:
        expected = reference(named)
    except NoComparison as why:
        outcome.warnings.append(Diagnostic("W702", f"`{outcome.path.name}` is not verified: {why}"))
        return None
    if missing:
        text = f"`{outcome.path.name}` is not verified: `{missing}` is not installed"
        outcome.warnings.append(Diagnostic("W702", text, None, f"pip install {missing}"))
        return None
    return expected


def _write(form: Format, model: Any, named: Any, target: Path) -> None:
    try:
        form.write(model, named, target)
    except OSError:
        raise
    except Exception as error:  # each exporter raises of many kinds
        raise SpecError([_cannot_hold(form, error)]) from error


def _verify(form: Format, named: Any, target: Path, expected: Reference) -> Comparison:
    try:
        comparison = compare(expected, form.open(target, named))
    except Exception as error:  # so do the runtimes
        raise SpecError([_cannot_hold(form, error)]) from error
    name, worst = comparison.worst
    if worst > TOLERANCE and form.exact:
        text = f"output `{name}` of the exported model {_how(worst)}"
        help = "nothing was put in place; export in another format, and please report the spec"
        raise SpecError([Diagnostic("E701", text, None, help)])
    return comparison


def _how(difference: float) -> str:
    if difference == float("inf"):
        return "has another shape than Keras gives it, or is undefined elsewhere"
    return f"differs from Keras by {difference:.2g}, more than {TOLERANCE:g}"


def _cannot_hold(form: Format, error: Exception) -> Diagnostic:
    return Diagnostic("E702", f"{form.title} cannot hold the model: {reason(error)}", None, _other_formats(form))


def _other_formats(form: Format) -> str:
    return "" if form.holds_everything else OTHERS
