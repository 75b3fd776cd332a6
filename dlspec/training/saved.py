"""A run that is over, opened again: its spec, what its report says, and the model that it kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dlspec.backends.keras.build import build
from dlspec.backends.keras.own import knowing
from dlspec.components.methods.base import ENDS_IN_FLOAT32, Method
from dlspec.components.methods.kept import kept_data
from dlspec.components.registry import BUILT_IN, Catalogue, load_attribute
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, Tensor, show_bytes
from dlspec.data.binding.drawn import drawn
from dlspec.data.binding.sequences import next_steps
from dlspec.data.binding.signature import Signature, drawn_inputs, limits_of, of_graph, of_model
from dlspec.data.binding.targets import Output
from dlspec.data.feeding.preparing import tensor
from dlspec.data.feeding.raw import outputs_of
from dlspec.data.feeding.trained import Training
from dlspec.data.sources.base import Arrays
from dlspec.data.sources.limits import machine_memory
from dlspec.graph.lower import prune
from dlspec.graph.needs import TENSORFLOW
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Bound, Compilation, Parsed, Resolved
from dlspec.training.loop.compiling import precision
from dlspec.training.loop.non_finite import unsound_weights
from dlspec.training.loop.wholes import core_of, preparing, rows_of, with_weights
from dlspec.training.run.reasons import reason
from dlspec.training.sequence_writing import Writer
from dlspec.views.pages.index import CODE_FOLDER, MODEL_FILE, MODELS_FOLDER, SPEC_FILE, Run

# Examples whose texts are prepared at a time.
_ROWS = 4096


@dataclass(frozen=True)
class SavedRun:
    """A finished run, as far as evaluating and predicting need it.

    Args:
        run: The run folder.
        state: Its spec; errors that concern the data of the training alone are no hindrance.
        data: The section of the spec.
        method: The way it was trained.
        allow_outside: Whether its data may stand outside of the spec's folder.
        trusted: Whether the user named the folder where its paths start, and not the report alone.
    """

    run: Run
    state: Bound
    data: Data
    method: Method
    allow_outside: bool
    trusted: bool = False

    @property
    def folder(self) -> Path:
        """Where the paths of its data start."""
        return self.state.folder

    @property
    def targets(self) -> tuple[Output, ...]:
        """Targets of its outputs, with the classes of the training."""
        targets = self.data.targets
        return tuple(
            replace(output, missing=targets[output.target].missing) if output.target in targets else output
            for output in outputs_of(self.run.facts["data"]["targets"])
        )

    @cached_property
    def training(self) -> Training:
        """Facts of its training that other examples are read by."""
        return self.training_of(self.signature)

    def training_of(self, signature: Signature) -> Training:
        """The same for a model that takes the inputs of `signature`."""
        facts = self.run.facts["data"]
        wanted = signature.inputs
        taken = {*wanted, self.data.maker.input} if self.data.maker is not None else wanted
        inputs = {name: feature["columns"] for name, feature in facts.get("inputs", {}).items() if name in taken}
        features = {name: feature for name, feature in self.data.features.items() if name in taken}
        data = self.data
        if len(features) < len(data.features):
            data = type(data)(**{**data.given, "inputs": features})
        known = self.takes, facts.get("columns"), inputs, limits_of(self.core)
        return Training(data, self.folder, signature, *known, drawn(self.data, signature, self.method))

    @cached_property
    def model(self) -> Any:
        """The kept model, which takes raw values.

        Raises:
            Problem: E522, the file is damaged.
        """
        return load_kept(self.run.path, self.state.catalogue)

    @cached_property
    def signature(self) -> Signature:
        """Inputs and outputs of the model proper, behind its preparation, by the names of the training."""
        signature, trained = of_model(self.core), self.state.trained
        if trained is not None and trained.objectives:
            signature = signature.named([name for name, _ in trained.outputs])
        return signature.drawing(drawn_inputs(trained))

    @cached_property
    def prepared(self) -> Any:
        """A function from a batch of raw inputs, by name, to what enters the model proper."""
        return preparing(self.model)

    def next_steps(self, inputs: Arrays) -> Arrays:
        """What outputs are compared with that are made of inputs, by output, for raw examples of all inputs."""
        shifted = [output for output in self.targets if output.shift]
        if not shifted:
            return {}
        rows = rows_of(self.model, [output.input for output in shifted])
        return next_steps(shifted, _in_pieces(rows, inputs))

    def whole_rows(self, inputs: Arrays, name: str) -> Any:
        """The rows of one input behind its preparation, of any length, for raw examples: shape [examples, indices]."""
        return _in_pieces(rows_of(self.model, [name]), inputs)[name]

    def entering_core(self, inputs: Arrays) -> Arrays:
        """What enters the model proper, by input, for raw examples of all inputs."""
        return _in_pieces(self.prepared, inputs)

    @cached_property
    def writer(self) -> Writer | None:
        """What lets the model write; None where its spec does not say how."""
        targets = [output for output in self.targets if output.shift]
        if self.state.generator is None or not targets:
            return None
        graph = None if self.state.trained is None else prune.saved_part(self.state.trained)
        return Writer(self.state.generator, self.data, self.method, self.core, self.outputs, targets[0], graph)

    @property
    def made_anew(self) -> bool:
        """Whether what is measured is made of prepared rows: examples out of several, or with hidden steps."""
        return self.data.maker is not None or any(target.masked for target in self.data.targets.values())

    @property
    def core(self) -> Any:
        """The model proper, behind its preparation; the whole model where it has none."""
        return core_of(self.model)

    @cached_property
    def whole(self) -> Any:
        """All that was trained, behind the preparation: what is minimised is among its outputs.

        Raises:
            Problem: E522, the spec or the weights cannot be used any more.
        """
        with precision(self.method.precision):
            whole = build(self.trained)
            load_attribute(ENDS_IN_FLOAT32)(whole)
        return with_weights(whole, self.trained, self.run.path, lambda: self.core)

    @property
    def trained(self) -> Graph:
        """The graph that was trained.

        Raises:
            Problem: E522, the spec does not give it any more.
        """
        if self.state.trained is None:
            first = next((item.message for item in self.state.diagnostics.errors), "it has no layers")
            raise Problem("E522", f"the spec of run `{self.run.id}` cannot be used any more: {first}")
        return self.state.trained

    @cached_property
    def entering(self) -> Signature:
        """Inputs of all that was trained, which measuring needs, and the outputs of the saved model."""
        if self.state.trained is None or not self.state.trained.objectives:
            return self.signature
        return replace(of_graph(self.trained), outputs=self.signature.outputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the model's outputs in its order."""
        return tuple(self.signature.outputs)

    @property
    def takes(self) -> Mapping[str, Tensor]:
        """Types of the saved model's inputs by name."""
        return of_model(self.model).inputs


def load_kept(folder: Path, catalogue: Catalogue) -> Any:
    """The model that the run in a folder kept, which takes raw values.

    Args:
        folder: The run folder.
        catalogue: The components of its spec.

    Raises:
        Problem: E522, the file is damaged.
    """
    import keras

    import dlspec.keras_layers  # noqa: F401  the layers that Keras lacks become known by this

    try:
        with knowing(catalogue):
            model = keras.saving.load_model(folder / MODEL_FILE, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"`{folder / MODEL_FILE}` cannot be loaded: {reason(error)}"
        raise Problem("E522", message, "train again") from error
    layer = unsound_weights(model)
    if layer:
        message = f"the weights of layer `{layer}` in `{folder / MODEL_FILE}` are not finite"
        raise Problem("E522", message, "the model answers nothing: train again")
    return model


def _in_pieces(prepare: Callable[[Any], Any], inputs: Arrays) -> Arrays:
    """Raw inputs, by name, through a function of batches of them."""
    import numpy as np

    count, made = len(next(iter(inputs.values()))), list[dict[str, Any]]()
    for start in range(0, count, _ROWS):
        batch = {name: tensor(values[start : start + _ROWS]) for name, values in inputs.items()}
        made.append({name: np.asarray(values) for name, values in prepare(batch).items()})
    return {name: np.concatenate(_as_wide([part[name] for part in made])) for name in made[0]}


def _as_wide(parts: list[Any]) -> list[Any]:
    """Arrays of rows with one length, filled up with 0: of texts, the longest of a batch decides it."""
    import numpy as np

    if parts[0].ndim != 2 or len({part.shape[1] for part in parts}) == 1:
        return parts
    width = max(part.shape[1] for part in parts)
    return [np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts]


def require_room(file: Path) -> None:
    """Says before anything is loaded that the weights in a `.keras` file do not fit into the memory.

    Raises:
        Problem: E416.
    """
    size = TENSORFLOW + file.stat().st_size
    here = machine_memory()
    if size > here:
        message = (
            f"`{file}` takes {show_bytes(size)} at least once loaded, and there are {show_bytes(here)} of memory here"
        )
        raise Problem("E416", message, "load it on a machine with more memory, or train a smaller model")


def require_code(run: Run, state: Compilation) -> None:
    """Says that a run's own components need code that may not run.

    Raises:
        Problem: E110.
    """
    if isinstance(state, Parsed) and state.catalogue.own and not state.catalogue.files:
        first = next((item for item in state.diagnostics.errors if item.code in ("E104", "E110", "E111")), None)
        message = f"run `{run.id}` holds components of Python files of its own"
        help = f"read the files in `{run.path / CODE_FOLDER}`, then pass `--allow-code`"
        if first is not None and first.code != "E110":
            message, help = f"{message}: {first.message}", first.help
        raise Problem("E110", message, help)


def catalogue_of(run: Run, *, allow_code: bool) -> Catalogue:
    """The components that the spec of a run knows, its own included where code may run.

    Raises:
        Problem: E110, it has components of its own, and code may not run.
    """
    home = run.spec_folder if run.spec_folder_is_here else run.path
    workspace = Workspace(home, allow_code=allow_code, code=run.path / CODE_FOLDER, models=run.path / MODELS_FOLDER)
    state = compile_spec(run.path / SPEC_FILE, (), workspace, until=Resolved)
    require_code(run, state)
    return state.catalogue if isinstance(state, Parsed) else BUILT_IN


def open_run(run: Run, *, allow_outside: bool = False, allow_code: bool = False) -> SavedRun:
    """Reads the spec and the report; the model is loaded when it is asked for.

    Raises:
        Problem: E522, the run has no model or its files are damaged; E416, its model does not fit into the memory.
    """
    if not (run.path / MODEL_FILE).is_file():
        raise Problem("E522", f"run `{run.id}` ({run.status}) has no model", "train it to the end of an epoch at least")
    if run.damage:
        raise Problem(
            "E522", f"run `{run.id}` was changed: {run.damage}", "put the file back as it was, or train again"
        )
    require_room(run.path / MODEL_FILE)
    if run.spec_folder is None or "targets" not in run.facts.get("data", {}):
        raise Problem(
            "E522", f"run `{run.id}` has no report that can be read", "the same `dlspec train` goes on with it"
        )
    trusted = allow_outside or run.spec_folder_is_here
    home, kept = run.spec_folder if trusted else run.path, (run.path / CODE_FOLDER, run.path / MODELS_FOLDER)
    workspace = Workspace(home, allow_outside, allow_code, *kept)
    state = compile_spec(run.path / SPEC_FILE, (), workspace)
    require_code(run, state)
    if not isinstance(state, Bound) or state.data_section is None or state.method is None:
        first = next((item.message for item in state.diagnostics.errors), "no section `data` or `train`")
        raise Problem("E522", f"the spec of run `{run.id}` cannot be used any more: {first}")
    state.method.decide(run.facts.get("thresholds", {}))
    return SavedRun(run, state, kept_data(state.data_section, state.method), state.method, allow_outside)
