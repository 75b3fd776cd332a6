"""``tune.py`` of a generated project: the same search with Keras Tuner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.core.pieces import Piece, call
from dlspec.export.project.carried import carried
from dlspec.export.project.data import DataText
from dlspec.export.project.frames import folder_options, framed, indented, option, script, strategy
from dlspec.export.project.searched import Searched
from dlspec.export.project.space import declarations
from dlspec.export.project.train import TrainText
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code
from dlspec.tuning.plan.plan import Plan

if TYPE_CHECKING:
    import jinja2

# Failed trials in a row after which the space counts as exhausted.
_FAILURES = 200
# What `tune.py` may need of the code that projects carry.
_CARRIED = ("Limited", "Oracle", "chosen", "chosen_as", "option")


def render(
    plan: Plan,
    read: DataText,
    train: TrainText,
    searched: Searched,
    folder: str,
    label: str,
    templates: jinja2.Environment,
) -> str:
    """``tune.py`` without its imports.

    Args:
        plan: The checked search.
        read: What stands in ``data.py``.
        train: What stands in ``train.py``.
        searched: What is searched.
        folder: Where the data are, seen from the project.
        label: The spec's name.
        templates: Where the templates are.

    Raises:
        Unsupported: Keras Tuner cannot do the search.
    """
    _require_supported(plan)
    writer = _Writer(plan, read, train, searched, folder)
    definitions = [
        framed(
            templates,
            "tune/space",
            conditional=Code("; those in a scope are drawn where they make a difference" if plan.conditions else ""),
            lines=[Code(line) for line in declarations(plan)],
        ),
        *([framed(templates, "tune/uses", uses=_uses(plan))] if plan.usage.drawn else []),
        framed(templates, "tune/search", **writer.search()),
        framed(templates, "tune/main", **writer.main()),
    ]
    helpers = carried(definitions, templates, _CARRIED)
    title = f"Searches good parameters for the model {label}."
    return script(templates, title, [*definitions[:-2], *helpers, *definitions[-2:]], [Piece("main()")])


def _require_supported(plan: Plan) -> None:
    tune = plan.tune
    if not tune.algorithm.tuner:
        raise Unsupported(f"the algorithm `{tune.algorithm.name}`")
    for measure, limit in plan.limits.items():
        if limit is not None and measure != "parameters":
            raise Unsupported(f"a limit of `{measure}`, which Keras does not count")


@dataclass(frozen=True)
class _Writer:
    """Writes the class ``Search`` and the function ``main()``."""

    plan: Plan
    read: DataText
    train: TrainText
    searched: Searched
    folder: str

    @property
    def _halving(self) -> bool:
        """Whether the search divides epochs among its trials itself."""
        return bool(self.plan.tune.algorithm.halving)

    @property
    def _own_oracle(self) -> bool:
        return bool(self.plan.tune.algorithm.tuner == "Tuner")

    # --- what is handed on ----------------------------------------------------------------------------------------

    @property
    def _names(self) -> dict[str, str]:
        """Names of the parameters in functions, by parameter."""
        return {param: self.searched.identifier(param) for param in self.searched.spaces}

    @property
    def _loaded(self) -> dict[str, str]:
        """The parameters that ``load()`` takes, with their names there."""
        return {param: self._names[param] for param in self.searched.needed(self.read.prepared_with)}

    @property
    def _trained(self) -> dict[str, str]:
        """The parameters that ``train()`` takes, with their names there."""
        return {param: self._names[param] for param in self.train.params}

    @property
    def _arguments(self) -> dict[str, Code]:
        """The other arguments of ``train()`` in a trial."""
        arguments = dict(self.train.arguments)
        if self._halving:
            arguments = {argument: value for argument, value in arguments.items() if argument != "epochs"}
            return {"epochs": Code("values['tuner/epochs']"), **arguments}
        return arguments

    def _chosen(self, wanted: Mapping[str, str]) -> Piece:
        """Some of a trial's values, by the names of arguments."""
        plan, names = self.plan, self._names
        if any(param != identifier for param, identifier in [*names.items(), *self.train.model.items()]):
            return Piece("chosen_as(values, {})", dict(wanted))
        if not self._halving and not plan.usage.drawn and list(wanted) == list(plan.spaces):
            return Piece("values")
        return Piece("chosen(values, {})", tuple(wanted))

    @property
    def _given(self) -> dict[str, tuple[str, str]]:
        """Arguments that ``main()`` gives to each trial: by name, type and expression."""
        loaded, arguments = bool(self._loaded), self.train.arguments
        given = {} if loaded else {"parts": ("dict[str, Part]", "parts")}
        if "data" in arguments or (loaded and self.read.reads_files):
            given["data"] = ("Path", "arguments.data")
        if "epochs" in arguments and not self._halving:
            given["epochs"] = ("int", "arguments.epochs")
        if self.train.distributed:
            given["strategy"] = ("tf.distribute.Strategy", "strategy")
        return given

    def _values(self, trial: str) -> Piece:
        """The values of a trial."""
        return Piece(f"with_uses({trial}.hyperparameters.values)" if self.plan.usage.drawn else
                     f"{trial}.hyperparameters.values")  # fmt: skip

    # --- the class ------------------------------------------------------------------------------------------------

    def search(self) -> dict[str, Any]:
        """Values of the template `search.py.jinja`."""
        tune, worst = self.plan.tune, "math.inf" if self.plan.smaller else "-math.inf"
        limits = {limit: value for limit in ("seconds", "patience") if (value := getattr(tune, limit))}
        best = f"{'min' if self.plan.smaller else 'max'}(scores{f', default={worst}' if self._halving else ''})"
        return {
            "bases": Code(f"{'Limited, ' if limits else ''}keras_tuner.{tune.algorithm.tuner}"),
            "limits": [Piece(f"{limit} = {{}}", value) for limit, value in limits.items()],
            "parameters": Code(
                ", ".join(
                    ["self", "trial: Any", *(f"{argument}: {kind}" for argument, (kind, _) in self._given.items())]
                )
            ),
            "values": self._values("trial"),
            "lines": [*self._trial(worst)],
            "objective": tune.objective,
            "best": Code(best),
        }

    def _trial(self, worst: str) -> Iterator[Piece]:
        """Statements of a trial."""
        if self._loaded:
            folder = "data, " if self.read.reads_files else ""
            yield Piece(f"{self._parts} = load({folder}**{{}})", self._chosen(self._loaded))
        if self.plan.limits["parameters"]:
            yield from self._limited(self.plan.limits["parameters"], worst)
        yield Piece("folder = Path(self.get_trial_dir(trial.trial_id))")
        yield from self._mended(worst) if self._halving else self._fitted()
        if self.train.keep == "best":
            yield Piece("(folder / 'best.weights.h5').unlink()")

    def _limited(self, parameters: float, worst: str) -> Iterator[Piece]:
        """Leaves out models that are too large."""
        yield Piece("model = build_model(**{})", self._chosen(self.train.model))
        yield Piece("if model.count_params() > {}:", parameters)
        if self._halving:
            yield Piece(f"    return {worst}")
            return
        yield Piece("    self.oracle.max_trials += 1  # this one does not count")
        message = f"the model has more than {parameters} parameters"
        yield Piece("    raise keras_tuner.errors.FailedTrialError({})", message)

    def _fitted(self) -> Iterator[Piece]:
        """The training of a trial."""
        results = ", ".join([*("_" for _ in self.train.models), "measures"])
        values = [Piece("**{}", self._chosen(self._trained))] if self._trained else []
        fit = Piece(
            f"{results} = {{}}", call("train", Code("parts"), Code("folder"), **self._arguments).with_more(values)
        )
        if not self.train.distributed:
            yield fit
            return
        yield Piece("with strategy.scope():")
        yield from indented([fit])

    def _mended(self, worst: str) -> Iterator[Piece]:
        """Lines of the trial for a search that would otherwise wait for a failed one."""
        yield Piece("try:")
        yield Piece(
            "    # A trial that goes on with another one repeats it, so that nothing of the optimizer's state is lost."
        )
        yield from indented(self._fitted())
        yield Piece("except Exception:")
        yield Piece("    # Hyperband would wait for a failed trial for ever; the worst of all is not promoted.")
        yield Piece("    logging.getLogger(__name__).exception('trial %s failed', trial.trial_id)")
        yield Piece(f"    return {worst}")

    # --- the program ----------------------------------------------------------------------------------------------

    def main(self) -> dict[str, Any]:
        """Values of the template `main.py.jinja`."""
        needs_data = self.read.reads_files or "data" in self._arguments
        return {
            "options": [*folder_options(self.folder if needs_data else None), *self._options()],
            "searching": [*self._searching()],
            "named": [*self._named()],
            "objective": self.plan.tune.objective,
        }

    def _options(self) -> Iterator[Piece]:
        """Command-line options of the search."""
        plan, tune = self.plan, self.plan.tune
        if plan.trials:
            yield option("--trials", "int", plan.trials, "trials at most")
        if "epochs" in self.train.arguments and plan.epochs:
            shown = f"epochs of a trial{' at most' if self._halving else ''}"
            yield option("--epochs", "int", plan.epochs, shown)
        if tune.algorithm.seeded:
            yield option("--seed", "int", tune.seed, "of the choice of values")

    @property
    def _parts(self) -> str:
        return "parts, _" if self.read.prepared else "parts"

    def _searching(self) -> Iterator[Piece]:
        """The search."""
        if self.train.distributed:
            yield Piece("strategy = {}", strategy(self.train.devices))
        if not self._loaded:
            yield Piece(f"{self._parts} = load({'arguments.data' if self.read.reads_files else ''})")
        yield Piece("tuner = {}", self._tuner())
        if self._halving and self.plan.trials:
            yield Piece("tuner.oracle.max_trials = arguments.trials")
        if self.plan.tune.algorithm.seeded and not self._own_oracle:
            yield Piece("# As an argument, Keras Tuner would take seed 0 for none.")
            yield Piece("state = tuner.oracle.get_state()")
            seeds = "{{**state, 'seed': arguments.seed, 'seed_state': arguments.seed}}"
            yield Piece(f"tuner.oracle.set_state({seeds})")
        yield call("tuner.search", *(Code(handed) for _, handed in self._given.values()))

    def _tuner(self) -> Piece:
        plan = self.plan
        objective = call("keras_tuner.Objective", plan.tune.objective, "min" if plan.smaller else "max")
        limit: dict[str, Any] = {"max_trials": Code("arguments.trials")} if plan.trials else {}
        limit = {"max_epochs": Code("arguments.epochs")} if self._halving else limit
        how = {
            "objective": objective,
            **limit,
            **({"seed": Code("arguments.seed")} if self._own_oracle else {}),
            "hyperparameters": Code("space()"),
            "tune_new_entries": False,
            "allow_new_entries": False,
            "max_consecutive_failed_trials": max(_FAILURES, (plan.trials or 0) + 1),
        }
        where = {"directory": Code("arguments.output"), "project_name": "search", "overwrite": True}
        if self._own_oracle:
            return call("Search", oracle=call("Oracle", **how).by_lines(), **where).by_lines()
        return call("Search", **how, **where).by_lines()

    def _named(self) -> Iterator[Piece]:
        """The best values, as options of ``train.py``."""
        yield Piece("values = {}", self._values("best"))
        handed = {**self._trained, **self._loaded}
        named = self._chosen({param: identifier for param, identifier in self._names.items() if param in handed})
        yield Piece("options = [option(name, value) for name, value in {}.items()]", named)
        if self.plan.tune.epochs:
            epochs = "values['tuner/epochs']" if self._halving else "arguments.epochs"
            yield Piece(f"options.append(option('epochs', {epochs}))")


def _uses(plan: Plan) -> list[dict[str, Any]]:
    """The parameters that are drawn at each use: their defaults, and what their uses are called."""
    drawn = plan.usage.drawn
    return [
        {"name": param, "default": plan.spaces[names[0]].default, "uses": tuple(names)}
        for param, places in drawn.items()
        if (names := list(places.values()))
    ]
