"""The function ``train()`` of ``train.py`` in a generated project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlspec.core.pieces import Piece, call
from dlspec.export.project.frames import framed, indented
from dlspec.export.project.positions import Start
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class Own:
    """The training of a phase that has an objective, or metrics, of its own.

    Attributes:
        made: Statements that make the model that it trains, ``trained``.
        turns: Whether learners take turns: each has an optimizer.
        compile: Arguments of ``compile`` besides the optimizer.
        callbacks: Expressions of those that watch it.
        compared: Whether its epochs are compared with those of the last phase.
    """

    made: Sequence[Piece]
    turns: bool
    compile: Mapping[str, Code]
    callbacks: Sequence[Code]
    compared: bool


@dataclass(frozen=True)
class Phase:
    """A stretch of the training: expressions of the layers that stop and begin to learn, and of the optimizer.

    Attributes:
        own: What it trains, where phases differ in that.
    """

    freeze: Code | None
    unfreeze: Code | None
    epochs: int
    optimizer: Code
    own: Own | None = None


@dataclass(frozen=True)
class Fitting:
    """How a model is made, compiled and fitted, and which epoch is kept.

    Attributes:
        model: Arguments of ``build_model``.
        precision: The policy of its layers; None for float32.
        ends: What lets both ends of the model compute in float32; None where all does.
        holder: The variable of the model that has all layers: of the saved one, or of all that is trained.
        turns: Whether learners take turns: each has an optimizer.
        wrapped: Statements that make the model that is trained; none where it is the model itself.
        computing: Statements that compute parameters from others.
        batch: Expression of the batch size.
        training: Expression of the batches of training.
        validation: Whether there is a validation part.
        start: The weights of a file that come first; None for none.
        adapting: Expression of the layers that are fitted on the data; None for none.
        adapters: The statement that gives layers their adapters; None for none.
        compile: Arguments of ``compile`` besides the optimizer.
        optimizer: Expression of it, where there are no phases.
        phases: In their order; none where all is trained at once.
        callbacks: Expressions of those that the spec asks for.
        folders: Expressions of folders that these write into.
        keep: The epoch whose weights are kept: ``best`` or ``last``.
        monitor: The measure by which the best one is known.
        mode: ``min`` or ``max``.
        distributed: Whether several devices share each batch.
        saves_more: Whether training has weights that the saved model lacks.
    """

    model: Code
    precision: str | None
    ends: Code | None
    holder: str
    turns: bool
    wrapped: Sequence[Piece]
    computing: Sequence[Code]
    batch: Code
    training: Piece
    validation: bool
    start: Start | None
    adapting: Code | None
    adapters: Piece | None
    compile: Mapping[str, Code]
    optimizer: Code
    phases: Sequence[Phase]
    callbacks: Sequence[Code]
    folders: Sequence[Code]
    keep: str
    monitor: str
    mode: str
    distributed: bool
    saves_more: bool

    @property
    def models(self) -> tuple[str, ...]:
        """The variables of the model that is saved, the one that is trained, and that with all weights, if others."""
        if self.apart:
            return ("model", "trained", self.holder) if self.saves_more else ("model", "trained")
        return ("model", "trained") if self.wrapped else ("model",)

    @property
    def apart(self) -> bool:
        """Whether phases have objectives or metrics of their own: each trains a model of its own around the layers."""
        return any(phase.own for phase in self.phases)

    @property
    def everything(self) -> str:
        """Expression of the model that has all weights."""
        return self.holder if self.apart else f"{self.fitted}.whole"

    @property
    def fitted(self) -> str:
        """The variable of the model that is trained."""
        return "trained" if "trained" in self.models else "model"

    @property
    def returned(self) -> Code:
        """The expression that ``train()`` returns."""
        return Code(", ".join([*self.models, "measures"]))

    def lines(self, templates: jinja2.Environment) -> Iterator[Piece | Code]:
        """All statements but the last one."""
        for folder in self.folders:
            yield Piece("({}).mkdir(parents=True, exist_ok=True)", folder)
        yield Piece("keras.utils.set_random_seed(seed)")
        yield from self._model()
        yield from self._batches()
        yield from self._started()
        yield from self._adapted()
        yield Piece("")
        if self.adapters is not None:
            yield self.adapters
        if self.keep == "best":
            yield Piece("best = {}", self._checkpoint())
        if self.apart:
            yield from self._apart(templates)
        elif self.phases:
            yield from self._in_phases(templates)
        else:
            yield from self._compiled(self.optimizer)
            yield Piece("measures = {}.history", self._fit(epochs=Code("epochs"), log={}))
        if self.keep == "best":
            yield Piece(f"{self.holder if self.apart else self.fitted}.load_weights(best.filepath)")
        if self.adapters is not None:
            yield Piece("adapters.remove()")

    # --- before the training --------------------------------------------------------------------------------------

    def _model(self) -> Iterator[Piece | Code]:
        more = self.holder != "model"
        made = Piece(f"{self.holder} = {'build_whole' if more else 'build_model'}({{}})", self.model)
        if self.precision:
            yield Piece("keras.config.set_dtype_policy({})", self.precision)
            yield made
            yield Piece("keras.config.set_dtype_policy('float32')")
        else:
            yield made
        if self.ends:
            yield Piece(f"{{}}({self.holder})", self.ends)
        if more:
            yield Piece("model = saved_part(whole)")
        parts: list[Sequence[Piece | Code]] = [self.wrapped, self.computing]
        for part in reversed(parts) if self.turns else parts:
            yield from part

    def _batches(self) -> Iterator[Piece]:
        yield Piece("training = {}", self.training)
        if self.validation:
            yield Piece("validation = Batches(parts['validation'], {})", self.batch)

    def _started(self) -> Iterator[Piece]:
        """Weights of a saved model."""
        start = self.start
        if start is None:
            return
        yield Piece("")
        if start.loads:
            yield Piece("saved = keras.saving.load_model(data / {}, compile=False)", start.file)
            for entry in start.entries:
                yield Piece("for number, name in {}:", entry["pairs"])
                weights = Piece("{}.get_layer(name).get_weights()", entry["holder"])
                yield Piece(f"    {self.holder}{{}}.layers[number].set_weights({{}})", entry["into"], weights)
            return
        yield Piece("with h5py.File(data / {}) as saved:", start.file)
        for entry in start.entries:
            yield Piece("    for number, places in {}:", entry["pairs"])
            weights = Piece("[saved[place][()] for place in places]")
            yield Piece(f"        {self.holder}{{}}.layers[number].set_weights({{}})", entry["into"], weights)

    def _adapted(self) -> Iterator[Piece]:
        """Layers of the model that are fitted on what reaches them."""
        if self.adapting:
            yield Piece("")
            yield Piece("for layer in {}:", self.adapting)
            yield Piece(f"    before = keras.Model({self.holder}.input, layer.input)")
            yield Piece("    layer.adapt(before.predict(Batches(parts['train'], {}), verbose=0))", self.batch)
            yield Piece("    settle(layer)")

    def _checkpoint(self) -> Piece:
        """What keeps the weights of the best epoch."""
        path = Piece("output / 'best.weights.h5'")
        if self.apart:
            return call("BestEpoch", Code(self.holder), path, monitor=self.monitor, mode=self.mode)
        how = {"save_best_only": True, "save_weights_only": True}
        return call("keras.callbacks.ModelCheckpoint", path, monitor=self.monitor, mode=self.mode, **how)

    # --- the training ---------------------------------------------------------------------------------------------

    def _compiled(self, optimizer: Code) -> Iterator[Piece]:
        yield _compile(self.fitted, self.turns, optimizer, self.compile)
        if self.distributed:
            yield Piece("# Makes the variables of optimizer and metrics.")
            yield Piece(f"{self.fitted}.test_on_batch(*Batches(parts['train'], {{}})[0])", self.batch)

    def _fit(self, *, log: Mapping[str, Piece], **epochs: Code) -> Piece:
        """The call of ``fit``; `log` holds further arguments of what writes ``history.csv``."""
        history = call("keras.callbacks.CSVLogger", Piece("output / 'history.csv'"), **log)
        return self._fit_call([*self.callbacks, *([Code("best")] if self.keep == "best" else []), history], **epochs)

    def _fit_call(self, used: Sequence[Piece | Code], **epochs: Code) -> Piece:
        validation = {"validation_data": Code("validation")} if self.validation else {}
        callbacks = Piece(f"[{'{}, ' * len(used)}]", *used)
        given = {**validation, **epochs, "shuffle": False, "callbacks": callbacks}
        return call(f"{self.fitted}.fit", Code("training"), **given).by_lines()

    def _in_phases(self, templates: jinja2.Environment) -> Iterator[Piece | Code]:
        """A function for a phase, and its calls."""
        yield Piece("measures: dict[str, list[float]] = {{}}")
        yield Piece("done = 0")
        yield Piece("")
        epochs = {"initial_epoch": Code("done"), "epochs": Code("done + epochs")}
        fit = Piece("history = {}", self._fit(log={"append": Piece("done > 0")}, **epochs))
        kind = "keras.optimizers.Optimizer"
        taken = ("optimizers", f"list[{kind}]") if self.turns else ("optimizer", kind)
        compiled = [*self._compiled(Code(taken[0]))]
        phase = framed(templates, "train/phase", optimizer=Code(": ".join(taken)), lines=[*compiled, fit])
        yield from map(Code, phase.splitlines())
        yield Piece("")
        for settings in self.phases:
            yield from _chosen(settings, holds=self.adapters is not None)
            yield Piece("fit({}, {})", settings.epochs, settings.optimizer)
            yield Piece("")

    def _apart(self, templates: jinja2.Environment) -> Iterator[Piece | Code]:
        """As :meth:`_in_phases`, of which each trains a model of its own."""
        yield Piece("epochs_of_phases = EpochsOfPhases(output / 'history.csv')")
        yield Piece("measures: dict[str, list[float]] = {{}}")
        yield Piece("done = 0")
        yield Piece("")
        epochs = {"initial_epoch": Code("done"), "epochs": Code("done + epochs")}
        fit = Piece("history = {}", self._fit_call([Code("*callbacks"), Code("epochs_of_phases")], **epochs))
        yield from map(Code, framed(templates, "train/own_phase", lines=[fit]).splitlines())
        yield Piece("")
        for settings in self.phases:
            own = settings.own
            assert own is not None
            yield from _chosen(settings, holds=self.adapters is not None)
            yield from own.made
            yield _compile("trained", own.turns, settings.optimizer, own.compile)
            used = [*own.callbacks, *([Code("best")] if self.keep == "best" and own.compared else [])]
            callbacks = Piece(f"[{', '.join('{}' for _ in used)}]", *used)
            yield call("fit", Code("trained"), settings.epochs, callbacks, counts=own.compared)
            yield Piece("")


def _compile(model: str, turns: bool, optimizer: Code, arguments: Mapping[str, Code]) -> Piece:
    """The call of ``compile``, of a variable."""
    given = {"optimizers" if turns else "optimizer": optimizer, **arguments}
    return call(f"{model}.compile", **given).by_lines()


def _chosen(settings: Phase, *, holds: bool) -> Iterator[Piece]:
    """Statements that freeze and unfreeze layers before a phase; beside adapters, which `holds` says, others stay."""
    for layers, learns in ((settings.freeze, False), (settings.unfreeze, True)):
        if layers:
            yield Piece("for layer in {}:", layers)
            yield from indented([Piece("layer.trainable = {}", learns)])
    if holds and settings.unfreeze:
        yield Piece("adapters.hold({})", settings.unfreeze)
