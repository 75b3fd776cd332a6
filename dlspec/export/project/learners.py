"""Learners that take turns, in ``train.py`` of a generated project."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlspec.components.methods.learning import loss_of, means, measure_of, numbered
from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import Component
from dlspec.components.sections.training import Learner, Phase
from dlspec.components.training.update_rules import Optimizer
from dlspec.core.ir import Graph
from dlspec.core.pieces import Piece, call
from dlspec.export.project.compiling import losses_of, made_object, metrics_of
from dlspec.export.project.positions import places
from dlspec.export.project.searched import Searched
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported, constant, text
from dlspec.export.python.syntax import call as call_of
from dlspec.export.python.templates import Code, listed
from dlspec.passes.state import Trainable


@dataclass(frozen=True)
class LearnersWriter:
    """Writes what each learner minimises and moves, and what is measured of it.

    Attributes:
        examples: How many an epoch visits at most.
        units: The outputs whose targets are prepared.
        holder: The variable of the model whose layers they move.
    """

    state: Trainable
    method: Supervised
    searched: Searched
    constructors: Constructors
    examples: int
    units: Collection[str]
    holder: str

    def statements(self) -> Iterator[Piece]:
        """Statements that make the model that is trained, ``trained``."""
        whole, roots = Code(self.holder), self.state.training_graph.roots
        if len(roots) == 1:
            whole = Code("whole")
            given = Piece("{{{}: {}.output}}", roots[0][0], Code(self.holder))
            yield Piece("whole = keras.Model({}.input, {})", Code(self.holder), given)
        model = self._built()
        losses = self._losses()
        learners = [self._learner(whole, name, learner, losses, model) for name, learner in self._turns.items()]
        patterns = ", ".join("{}" for _ in learners)
        measured: dict[str, Any] = {
            option: value for option, value in (("metrics", self._metrics()), ("means", self._means())) if value
        }
        if self.method.averages:
            measured["averages"] = Piece("averages_of({}, {})", whole, dict(self.method.averages))
        yield Piece("trained = {}", call("Learning", whole, Piece(f"[{patterns},]", *learners), **measured).by_lines())

    def optimizers(self, phase: Phase, raw: Mapping[str, Any]) -> Iterator[tuple[Any, Optimizer]]:
        """How the optimizer of each learner is written, and what it became.

        Args:
            raw: The section or phase that names that of the learners without one of their own.
        """
        for (name, learner), made in zip(self._turns.items(), self.method.optimizers_of(phase), strict=True):
            own = self._raw(name).get("optimizer") if learner.optimizer else raw.get("optimizer")
            yield own, made

    @property
    def _turns(self) -> Mapping[str, Learner]:
        return self.method.turns

    @property
    def _compared(self) -> list[str]:
        return self.method.trained([name for name, _ in self.state.graph.outputs])

    def _raw(self, name: str) -> Mapping[str, Any]:
        """A learner as it is written; {} where nothing is searched."""
        written: Mapping[str, Any] = self.searched.train
        return (written.get("learners") or {}).get(name, {}) if name else written

    def _learner(self, whole: Code, name: str, declared: Learner, losses: Mapping[str, ast.expr], model: Any) -> Piece:
        from dlspec.training.loop.learners import layers_of

        raw, several = self._raw(name), len(self._turns) > 1
        given: dict[str, Any] = {"name": name} if several else {}
        if declared.minimize:
            given["minimize"] = self._weights(declared.minimize, raw.get("minimize"))
        own = {output: Code(text(loss)) for output, loss in losses.items() if loss_of(declared, output) is not None}
        given |= {"losses": own} if own else {}
        if declared.loss_weights:
            given["loss_weights"] = self._weights(declared.loss_weights, raw.get("loss_weights"))
        if declared.trains is not None:
            given["trains"] = self._layers(layers_of(model, declared.trains, self.method), model)
        given |= {"every": declared.every} if declared.every > 1 else {}
        seen = [tensor for tensor, learner in self._seen(model) if learner == name]
        given |= {"seen": listed(seen)} if seen else {}
        return call("Learner", whole, **given).by_lines()

    def _weights(self, weights: Mapping[str, float], raw: Any) -> Code:
        """Factors by name, variables where they are searched."""
        written = raw if isinstance(raw, dict) else {}
        values = [
            self.searched.value(written[name]) if self.searched.used(written.get(name)) else constant(float(weight))
            for name, weight in weights.items()
        ]
        return Code(text(ast.Dict([constant(name) for name in weights], values)))

    def _layers(self, names: list[str], model: Any) -> Code:
        """Layers and models: by their names where these are the same in ``model.py``."""
        if set(names) <= self.state.models.keys():
            return listed(names)
        return places([layer.name for layer in model.layers], names, self.holder)

    def _losses(self) -> dict[str, ast.expr]:
        """Of outputs that are compared with targets, as objects."""
        from dlspec.training.loop.learners import by_task

        losses = losses_of(self.method, self._compared, self.searched, self.constructors, self.units)
        for name, edge in self.state.graph.outputs:
            if name in losses and not self.method.loss_of(name).keras:
                kind = by_task("Crossentropy", self.state.graph.tensor(edge).shape, self.method.loss_of(name))
                losses[name] = call_of(f"keras.losses.{kind}", [])
        return losses

    def _metrics(self) -> dict[str, Piece]:
        """Of outputs that are compared with targets, by output and by measure."""
        weighed = self.state.data_section.weight is not None
        known = (self.searched, self.constructors, self.examples, self.units)
        made = metrics_of(self.method, self._compared, *known, weighed=weighed)
        pieces: dict[str, Piece] = {}
        for output, written in made.items():
            components = self.method.metrics_of(output, self.examples, weighed=weighed)
            named = numbered(output, self.method.chosen_metrics(output))
            given = {
                name: self._chosen(output, expression, component)
                for (name, _), expression, component in zip(named, written, components, strict=True)
            }
            pieces |= {output: Piece("{}", given)} if given else {}
        return pieces

    def _chosen(self, output: str, metric: ast.expr, component: Component) -> Code:
        """A metric as an object; `accuracy` by what the output is compared with, as Keras chooses it."""
        if component.keras or not isinstance(metric, ast.Constant):
            return Code(text(made_object(metric, component, self.constructors, {"name": constant(component.name)})))
        from dlspec.training.loop.learners import by_task

        shape = dict(self.state.graph.outputs)[output]
        kind = by_task("Accuracy", self.state.graph.tensor(shape).shape, self.method.loss_of(output))
        return Code(text(call_of(f"keras.metrics.{kind}", [], {"name": metric})))

    def _means(self) -> dict[str, Piece]:
        """Of tensors that are compared with nothing, by measure: the tensor and its metric."""
        measured = means(self.method, [name for name, _ in self.state.graph.outputs])
        return {
            measure_of(tensor, metric): Piece("({}, {})", tensor, Code(text(self.constructors.plain(metric))))
            for tensor, chosen in measured.items()
            for metric in chosen
        }

    def _seen(self, model: Any) -> list[tuple[str, str]]:
        from dlspec.training.loop.learners import seen_by

        measured = means(self.method, [name for name, _ in self.state.graph.outputs])
        return list(seen_by(model, self.method, list(measured)))

    def _built(self) -> Any:
        """All that is trained, built: its layers by Keras's names and in Keras's order."""
        import keras

        from dlspec.backends.keras.build import build
        from dlspec.backends.keras.structure import outputs_by_name

        keras.backend.clear_session()
        built = build(self.state.training_graph)
        names = [name for name, _ in self.state.training_graph.roots]
        return keras.Model(built.input, outputs_by_name(built.output, names))


def check_stage(method: Supervised, stage: Supervised, graph: Graph, bound: Collection[str]) -> None:
    """Mistakes: keys of the spec that projects do not support beside learners, or in phases that differ.

    Args:
        method: The training with all its phases.
        stage: That of one phase.
        graph: The model that is saved.
        bound: The outputs that have a target in any phase.

    Raises:
        Unsupported: The method asks for it.
    """
    if stage.turns:
        return
    if method.averages:
        raise Unsupported("`average_of` without `minimize` and `learners`")
    if method.phases_differ and set(stage.trained([name for name, _ in graph.outputs])) != set(bound):
        raise Unsupported("phases without `minimize` that compare other outputs with targets than the rest")
    if method.phases_differ and method.distribute is not None:
        raise Unsupported("`distribute` beside phases with objectives of their own")
