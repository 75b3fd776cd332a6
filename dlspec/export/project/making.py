"""What ``train()`` of a generated project does: decided from a checked spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlspec.components.layers.base import Layer, layers_of
from dlspec.components.methods.base import ENDS_IN_FLOAT32
from dlspec.components.methods.stages import objective_of
from dlspec.components.methods.supervised import Supervised
from dlspec.components.methods.supervised_checks import gradients_by_rows
from dlspec.components.sections.matching import matching
from dlspec.components.sections.training import OBJECTIVES
from dlspec.components.sections.training import Phase as Declared
from dlspec.components.training.distributions import Mirrored
from dlspec.core.ir import Graph
from dlspec.core.pieces import Piece, call
from dlspec.data.checks.measures import smaller_is_better
from dlspec.export.project.adapting import adapters_of
from dlspec.export.project.callbacks import callbacks, folders
from dlspec.export.project.compiling import compile_arguments, optimizer
from dlspec.export.project.data import DataText
from dlspec.export.project.distributed import distribution
from dlspec.export.project.fitting import Fitting, Own, Phase
from dlspec.export.project.grouping import GroupsWriter
from dlspec.export.project.learners import LearnersWriter
from dlspec.export.project.positions import layer_names, places, start_of
from dlspec.export.project.searched import Searched, build_arguments
from dlspec.export.project.units import FITTED
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported, text
from dlspec.export.python.templates import Code
from dlspec.passes.state import Trainable


@dataclass(frozen=True)
class FittingWriter:
    """Writes the parts of the function.

    Attributes:
        examples: How many an epoch visits at most.
        learners: Writes those that take turns, where the method has some.
        groups: Writes what keeps groups of weights apart.
        mirrored: Which devices share each batch; None for one device.
        base: The class of the model that is trained, on one device.
        model: The searched parameters that ``build_model`` takes, with their names there.
        params: Those that training uses beside the model, in the order of the spec.
        batch: Expression of the batch size.
        batch_size: Its value; None where it is searched.
    """

    state: Trainable
    method: Supervised
    read: DataText
    searched: Searched
    examples: int
    constructors: Constructors
    learners: LearnersWriter
    groups: GroupsWriter
    mirrored: Mirrored | None
    base: str
    model: Mapping[str, str]
    params: tuple[str, ...]
    batch: Code
    batch_size: int | None

    @classmethod
    def of(
        cls, state: Trainable, method: Supervised, read: DataText, searched: Searched, examples: int
    ) -> FittingWriter:
        """For a checked spec.

        Raises:
            Unsupported: Several devices compute something that projects do not support.
        """
        constructors = Constructors(state.catalogue)
        holder = "model" if state.training_graph is state.graph else "whole"
        raw = searched.data.get("batch_size")
        chosen = bool(searched.used(raw))
        return cls(
            state,
            method,
            read,
            searched,
            examples,
            constructors,
            LearnersWriter(state, method, searched, constructors, examples, read.units, holder),
            GroupsWriter(state, searched, constructors, holder),
            mirrored=distribution(state, method, state.graph),
            base=_base(state, method, constructors),
            model=build_arguments(state, searched),
            params=_params(read, searched),
            batch=Code(text(searched.value(raw))) if chosen else Code("batch_size"),
            batch_size=None if chosen else state.data_section.batch_size,
        )

    def fitting(self) -> Fitting:
        """How the model is made, compiled and fitted, and which epoch is kept."""
        state, method, searched = self.state, self.method, self.searched
        outputs = [name for name, _ in state.graph.outputs]
        trained = _trained(state, method)
        apart = method.phases_differ
        validation = "validation" in self.read.parts
        kind = self._kind(self.base)
        wrapped = [] if apart else [*self._wrapped(outputs, trained, kind)]
        rows_of = ("trained" if wrapped or apart else "model") if any(gradients_by_rows(*state.graphs)) else ""
        units = [Code(f"units = {FITTED}")] if self.read.units else []
        monitor = method.comparing(outputs, validated=validation)
        return Fitting(
            model=Code(", ".join(f"{name}={searched.identifier(param)}" for param, name in self.model.items())),
            precision=method.precision if method.precision != "float32" else None,
            ends=self._ends(),
            holder=self.learners.holder,
            turns=bool(method.turns) and not apart,
            wrapped=wrapped,
            computing=[*units, *searched.computing(self.params)],
            batch=self.batch,
            training=self._training(),
            validation=validation,
            start=start_of(state, method.start_from) if method.start_from is not None else None,
            adapters=adapters_of(state, method, self.learners.holder),
            adapting=_adapting(state.training_graph, self.learners.holder),
            compile={} if apart else self._compiled(trained),
            optimizer=Code("")
            if method.phases
            else self._optimizer(searched.train, next(iter(method.training_phases.values())), rows_of),
            phases=self._phases(rows_of),
            callbacks=[] if apart else callbacks(method, outputs, searched, self.constructors),
            folders=folders(method),
            keep=method.keep,
            monitor=monitor,
            mode="min" if smaller_is_better(method, outputs, monitor) else "max",
            distributed=self.mirrored is not None,
            saves_more=saves_more(state),
        )

    def _wrapped(self, outputs: list[str], trained: list[str], kind: str) -> Sequence[Piece]:
        """Statements that make the model that is trained; none where it is the one that is saved."""
        return [*self.learners.statements()] if self.method.turns else _wrapped(outputs, trained, kind, "model")

    def _compiled(self, trained: list[str]) -> dict[str, Code]:
        """Arguments of ``compile`` besides the optimizer."""
        units = self.read.units
        given = (self.method, trained, self.searched, self.constructors, self.examples, units)
        return dict(compile_arguments(*given, weighed=self._weighed))

    @property
    def _weighed(self) -> bool:
        return self.state.data_section.weight is not None

    def _kind(self, base: str) -> str:
        """The class of the model that is trained, which builds upon `base`.

        Raises:
            Unsupported: Several devices share batches of examples that count differently.
        """
        if self._weighed and self.mirrored is not None:
            raise Unsupported("`weight` beside `distribute`")
        return "Weighed" if self._weighed else base if self.mirrored is None else "Mirrored"

    def _ends(self) -> Code | None:
        """What lets both ends of the model compute in float32, where some layer has another precision."""
        values = [self.method.precision, *(layer.dtype for _, layer, _ in layers_of(*self.state.graphs))]
        values += [value for space in self.searched.spaces.values() for value in space.values]
        mixed = any(str(value).startswith("mixed_") for value in values)
        return Code(text(self.constructors.path(ENDS_IN_FLOAT32))) if mixed else None

    def _training(self) -> Piece:
        """The batches of training."""
        read, seed = self.read, self.state.data_section.seed
        if not read.training:
            return Piece("Batches(parts['train'], {})", self.batch)
        given = {"seed": Code("seed") if seed is None else seed} if read.seeded else {}
        given |= {param: Code(param) for param in map(self.searched.identifier, read.changed_with)}
        return call("TrainingBatches", Piece("parts['train']"), self.batch, **given)

    def _optimizer(self, raw: Mapping[str, Any], phase: Declared, rows_of: str) -> Code:
        """The optimizer of a phase, or a list of those of its learners; `raw` is the section or phase that names it."""

        def written(own: Any, made: Any) -> Code:
            return optimizer(own, made, self.method, self.groups, rows_of=rows_of)

        if not self.method.turns:
            return written(raw.get("optimizer"), self.method.optimizer_of(phase))
        return Code(f"[{', '.join(written(own, made) for own, made in self.learners.optimizers(phase, raw))}]")

    def _phases(self, rows_of: str) -> list[Phase]:
        """What freezes and thaws before each phase, its epochs and its optimizer; [] where there is a single one."""
        if not self.method.phases:
            return []
        names = layer_names(self.state.training_graph)
        own = self._stages(rows_of) if self.method.phases_differ else {}
        raw = self.searched.train.get("phases") or {name: {} for name in self.method.phases}

        def chosen(patterns: Any) -> Code | None:
            matched = [name for some in matching(patterns or (), names).values() for name in some]
            return places(names, matched, self.learners.holder) if matched else None

        return [
            Phase(
                chosen(phase.freeze),
                chosen(phase.unfreeze),
                phase.epochs,
                *own[name],
            )
            if name in own
            else Phase(
                chosen(phase.freeze),
                chosen(phase.unfreeze),
                phase.epochs,
                self._optimizer(raw[name] if phase.optimizer else self.searched.train, phase, rows_of),
            )
            for name, phase in self.method.phases.items()
        ]

    def _stages(self, rows_of: str) -> dict[str, tuple[Code, Own]]:
        """The optimizer of each phase, and what it trains, where phases differ in that."""
        names, written = {}, self.searched.train
        for name, stage in self.method.stages.items():
            raw = stage_written(self.method, name, written)
            searched = replace(self.searched, train=raw)
            learners = replace(self.learners, method=stage, searched=searched)
            writer = replace(self, method=stage, searched=searched, learners=learners)
            first = next(iter(stage.training_phases.values()))
            names[name] = (writer._optimizer(raw, first, rows_of), writer._own(self.method))
        return names

    def _own(self, whole: Supervised) -> Own:
        """What one phase trains; `whole` is the training with all phases."""
        stage, outputs = self.method, [name for name, _ in self.state.graph.outputs]
        trained, holder = _trained(self.state, stage), self.learners.holder
        if stage.turns:
            made = [*self.learners.statements()]
        else:
            kind = self._kind(_base(self.state, stage, self.constructors))
            made = _wrapped(outputs, trained, kind, holder) or [Piece("trained = model")]
        if self.read.learners_change:
            made = [Piece("training.learners = {}", tuple(stage.turns) if len(stage.turns) > 1 else ()), *made]
        stages = list(whole.stages.values())
        return Own(
            made,
            bool(stage.turns),
            self._compiled(trained),
            callbacks(stage, outputs, self.searched, self.constructors, elsewhere=stages),
            objective_of(stage) == objective_of(whole.ending),
        )


def _trained(state: Trainable, method: Supervised) -> list[str]:
    """The outputs that have a loss."""
    return [name for name, _ in state.graph.outputs if method.loss_of(name) is not None]


def _base(state: Trainable, method: Supervised, constructors: Constructors) -> str:
    several = len(_trained(state, method)) > 1
    return text(constructors.path("dlspec.standalone.ExampleMeans")) if several else "keras.Model"


def saves_more(state: Trainable) -> bool:
    """Whether training has weights that the saved model lacks."""
    return state.training_graph.parameters > state.graph.parameters


def stage_written(method: Supervised, phase: str, written: Mapping[str, Any]) -> Mapping[str, Any]:
    """The section as a training of one phase alone would have it; {} where nothing is searched.

    Args:
        written: The section `train` as it is written.
    """
    own = (written.get("phases") or {}).get(phase, {})
    replaced = ("phases", *(OBJECTIVES if (method.phases or {})[phase].objective else ()))
    return {key: raw for key, raw in written.items() if key not in replaced} | dict(own)


def _wrapped(outputs: list[str], trained: list[str], kind: str, holder: str) -> list[Piece]:
    """What makes the model that is trained where it is another than the saved one: of a class of ours, or with a loss.

    Args:
        kind: Its class.
        holder: The variable of the model whose inputs it takes.
    """
    inputs = Code(f"{holder}.input")
    if len(trained) < len(outputs):
        given = Piece("model.output[{}]", trained[0])
        if len(trained) > 1:
            given = Piece("{{name: model.output[name] for name in {}}}", trained)
        return [Piece("trained = {}", call(kind, inputs, given))]
    made = call(kind, inputs, Code("model.output"))
    return [] if kind == "keras.Model" and holder == "model" else [Piece("trained = {}", made)]


def _params(read: DataText, searched: Searched) -> tuple[str, ...]:
    """The parameters that training uses beside the model, in the order of the spec."""
    return searched.used(
        {
            "train": searched.train,
            "batch_size": searched.data.get("batch_size"),
            "data": [f"${param}" for param in read.changed_with],
        }
    )


def _adapting(graph: Graph, model: str) -> Code | None:
    """Expression of the layers of the model itself that are fitted on the training examples; None for none.

    Args:
        model: The variable of the model.
    """
    layers = [(node, node.layer) for node in graph.nodes if isinstance(node.layer, Layer)]
    able = [(node, layer) for node, layer in layers if type(layer).adapts is not Layer.adapts]
    waiting = [node for node, layer in able if layer.adapts]
    if not waiting:
        return None
    if len(waiting) == len(able):
        return Code(f"[layer for layer in {model}.layers if hasattr(layer, 'adapt')]")
    return places(layer_names(graph), [node.name for node in waiting], model)
