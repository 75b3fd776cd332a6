"""The classes of ``data.py`` that hand out batches, in a generated project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlspec.components.sections.data import Data
from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.drawn import Drawn
from dlspec.data.sources.base import TEXT
from dlspec.export.project.bound import drawn_values, only_or_all
from dlspec.export.project.changes import Changes
from dlspec.export.project.frames import framed
from dlspec.export.project.further import chosen, meeting, meeting_in_training
from dlspec.export.project.hiding import hidden_in_training, masked
from dlspec.export.project.together import outside_of_training, whole_examples
from dlspec.export.project.weighing import Weights
from dlspec.export.project.writing import LayerWriter
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class BatchWriter:
    """Writes the classes.

    Attributes:
        window: Examples that an order mixes at once, where the source is read in blocks; else None.
        lazy: Whether some columns are made when a batch asks for them.
        learners: Those that draw for themselves in training, by name; () where there is one only. Several where phases
            differ in that.
        weights: Those of examples that count differently.
    """

    data: Data
    binding: Binding
    changes: Changes
    layers: LayerWriter
    window: int | None
    lazy: bool
    learners: Sequence[tuple[str, ...]]
    weights: Weights | None
    templates: jinja2.Environment

    @property
    def learners_change(self) -> bool:
        """Whether phases differ in who draws: then ``learners`` says it."""
        return bool(self.binding.drawn) and len(self.learners) > 1

    def definitions(self) -> list[Code]:
        """All of them, in an order that works."""
        batch = framed(self.templates, "data/batch", lines=[*self._taking()], batch=self._batch())
        inputs, made_of_rows = self.binding.model_inputs, self.binding.made is not None
        counted = Piece("part.inputs[{}]", inputs[0].name) if inputs else Piece("part.rows")
        counted = Piece("self.{}", counted) if made_of_rows else counted
        examples = outside_of_training(self.binding)
        made = [framed(self.templates, "data/batches", counted=counted, batch=batch, examples=examples)]
        if self.changes.layers:
            facts = {"layers": self.changes.layers, "changing": self.changes.changing, **self.layers.facts()}
            made.insert(0, framed(self.templates, "data/augmentation", **facts))
        if self.changes.any:
            own = {"lines": [*self._beginning()], "methods": [*self._methods()]}
            facts = {"summary": self.changes.summary, "parameters": self._parameters(), **own}
            made.append(framed(self.templates, "data/training_batches", **facts))
        return made

    # --- one batch ------------------------------------------------------------------------------------------------

    def _taking(self) -> Iterator[Piece]:
        """The examples of the batch, with what is drawn for them."""
        yield from self._taken(meeting(self.binding))
        for drawn in self.binding.drawn:
            key = Piece("({}, {})", drawn.seed, drawn.name)
            values = drawn_values(drawn, key, "self.part.rows[rows]")
            yield Piece("inputs[{}] = {}", drawn.name, values)
        if self.weights is not None:
            yield from self.weights.lines(None)

    def _taken(self, others: Iterable[Piece]) -> Iterator[Piece]:
        """What the data give of it, with `others` of further sources; texts as a tensor."""
        take = "gather" if self.lazy else "take"
        if self.binding.outputs:
            yield Piece(f"inputs, targets = {take}(self.part.inputs, rows), {take}(self.part.targets, rows)")
        else:
            yield Piece(f"inputs = {take}(self.part.inputs, rows)")
        yield from others
        for input_ in self.binding.model_inputs:
            if input_.raw.dtype == TEXT and not input_.prepare:
                yield Piece("inputs[{}] = tf.constant(inputs[{}].tolist())", input_.name, input_.name)

    def _batch(self, *, training: bool = False) -> Piece:
        inputs = only_or_all("inputs", list(self.binding.entering))
        if training and self.learners_change:
            own = only_or_all("by_learner['']", list(self.binding.entering))
            inputs = Code(f"(by_learner if self.learners else {own})")
        elif training and self._several:
            inputs = Code("by_learner")
        if self.weights is not None:
            return self.weights.batch(inputs)
        outputs = [output.name for output in self.binding.outputs]
        return Piece("{}, {}", inputs, only_or_all("targets", outputs)) if outputs else Piece("({},)", inputs)

    def _changed(self) -> Iterator[Piece]:
        """The same for training: changed at random, with weights."""
        yield from self._taken(meeting_in_training(self.binding))
        if self.binding.drawn:
            yield Piece("places = index * self.batch_size + np.arange(len(rows))")
        for drawn in self.binding.drawn if not self._several else ():
            yield Piece("inputs[{}] = {}", drawn.name, self._drawn(drawn, Code('""')))
        if self.changes.layers:
            targets = "targets" if self.binding.outputs else "{{}}"
            yield Piece(f"self.augmentation.change(inputs, {targets}, self.epoch, int(self.part.rows[rows[0]]))")
        if self._several:
            learners = Code('self.learners or ("",)') if self.learners_change else self.learners[0]
            each = [
                part for input_ in self.binding.drawn for part in (input_.name, self._drawn(input_, Code("learner")))
            ]
            more = ", {}: {}" * len(self.binding.drawn)
            yield Piece(f"by_learner = {{{{learner: {{{{**inputs{more},}}}} for learner in {{}}}}}}", *each, learners)
        weighted = self.changes.weighted
        if self.weights is not None:
            yield from self.weights.lines(self.changes)
        elif len(weighted) == 1:
            yield Piece("weights = {}", weighted[0]["batch"])
        elif weighted:
            yield Piece("weights = {}", {weighting["name"]: weighting["batch"] for weighting in weighted})

    @property
    def _draws(self) -> bool:
        """Whether each epoch of training makes other examples out of the rows."""
        return self.binding.made is not None and self.binding.made.maker.draws

    @property
    def _several(self) -> bool:
        """Whether a batch of training may hold draws for several learners."""
        return bool(self.binding.drawn) and any(self.learners)

    def _drawn(self, drawn: Drawn, learner: Code) -> Piece:
        """What one learner gets for an input in training."""
        return drawn_values(drawn, Piece("(self.seed, self.epoch, {}, {})", learner, drawn.name), "places")

    # --- batches of training --------------------------------------------------------------------------------------

    def _parameters(self) -> Code:
        """Parameters of the constructor besides the usual ones."""
        return Code((", seed: int" if self.changes.seeded else "") + self.layers.facts()["change_parameters"])

    def _beginning(self) -> Iterator[Piece]:
        """What the constructor keeps."""
        changes, mixed = self.changes, self.window is not None and self.data.shuffle
        if changes.oversample:
            yield Piece("self.order = oversampled({}, {})", changes.oversample, self.data.parts.seed)
            if self.data.shuffle:
                yield Piece("self.positions = self.order")
        if self._draws:
            yield Piece("self.made_of = part")
        if masked(self.binding):
            yield Piece("self.whole = {}", whole_examples(self.binding))
        if changes.seeded:
            yield Piece("self.seed, self.epoch = seed, -1")
        if self.binding.others:
            yield Piece("self.met = [np.arange(len(self.order)) % size(others) for others in part.others]")
        if self.learners_change:
            yield Piece("self.learners: tuple[str, ...] = ()  # those that draw for themselves")
        if mixed:
            rows = "part.rows[self.order]" if changes.oversample else "part.rows"
            yield Piece(f"edges = np.searchsorted({rows}, part.groups)")
            yield Piece("self.sizes = np.diff(edges)[np.diff(edges) > 0]")
        if changes.layers:
            yield Piece("self.augmentation = Augmentation(seed{})", self.layers.facts()["change_arguments"])
        for weighting in changes.weighted:
            if weighting["table"]:
                yield Piece("self.{} = {}", weighting["variable"], weighting["table"])

    def _methods(self) -> Iterator[Code]:
        """Methods that are others than those of all batches."""
        if self.changes.seeded:
            others = self._draws or self.binding.others or masked(self.binding)
            own = Code("an order" if self.data.shuffle else "examples" if others else "changes")
            yield framed(self.templates, "data/epoch", own=own, lines=[*self._order()])
        if self.changes.layers or self.changes.weighted or self.binding.drawn or self.binding.others:
            batch = self._batch(training=True)
            batch = Piece("{}, weights", batch) if self.changes.weighted and self.weights is None else batch
            yield framed(self.templates, "data/batch", lines=[*self._changed()], batch=batch)

    def _order(self) -> Iterator[Piece]:
        """What is drawn for an epoch, its order, and the rows of further sources that it meets."""
        yield from self._order_of_rows()
        yield from chosen(self.binding, shuffled=self.data.shuffle)

    def _order_of_rows(self) -> Iterator[Piece]:
        if self._draws:
            yield Piece("self.part = put_together(self.made_of, self.seed, self.made_of.number, self.epoch + 1)")
        yield from hidden_in_training(self.binding)
        if not self.data.shuffle:
            return
        order = Piece("permutation(len(self.order), self.seed, self.epoch)")
        if self.window is not None:
            order = Piece("by_windows(self.sizes, {}, self.seed, self.epoch)", self.window)
        yield Piece("self.order = self.positions[{}]" if self.changes.oversample else "self.order = {}", order)
