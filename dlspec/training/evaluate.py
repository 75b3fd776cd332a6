"""A kept model measured anew: on the splits of its own data, or on other examples with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from dlspec.backends.keras.structure import like_inputs
from dlspec.core.documents.results import Baselines, ClassDetails, Evaluation, OutputResults
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.data.binding.binding import bind
from dlspec.data.binding.example_weights import weights_of
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.tasks import task_of
from dlspec.data.binding.values import Rows, with_rank
from dlspec.data.binding.weights import divided_by_weights
from dlspec.data.feeding.feed import feed_in_order, in_order
from dlspec.data.feeding.preparing import fit
from dlspec.data.feeding.raw import RawInputs, read_inputs
from dlspec.data.feeding.several import raw_beside
from dlspec.data.feeding.training import Changes
from dlspec.data.order.splits import PARTS, choose
from dlspec.training.changed import changed_data
from dlspec.training.kept_baselines import kept, measured_again
from dlspec.training.loop.compiling import measuring
from dlspec.training.loop.preparation import in_prepared_units
from dlspec.training.loop.trainer import compared
from dlspec.training.made_again import made_examples
from dlspec.training.run.failures import while_answering
from dlspec.training.saved import SavedRun
from dlspec.training.sequence_writing import written
from dlspec.training.unknown_words import UnknownWords
from dlspec.views.pages.comparing import Batch, answering, batch_size, compare, learn, with_weights
from dlspec.views.pages.linear import Linear, LinearScores, also_seen, with_linear
from dlspec.views.pages.scores import Score, score_of
from dlspec.views.pages.trivial import read_model, read_trivial


def evaluate(
    saved: SavedRun,
    path: Path | None = None,
    parts: Sequence[str] = PARTS,
    tell: Callable[[str], object] = str,
    warn: Callable[[Diagnostic], object] = repr,
) -> Evaluation:
    """Measures as in training, and what is known of each output beyond them.

    Args:
        saved: The run.
        path: A file or folder of examples with labels; the run's own data unless given.
        parts: Which splits of the run's own data.
        tell: Called with the words of other examples that the model does not know.
        warn: Called where the run's own data are no longer those of the training.

    Returns:
        ``metrics`` by part, ``dropped``, how many examples were left out where some lack a value, and ``outputs``: by
        part and output the facts of :mod:`dlspec.views.pages.scores`, in which the trivial answer is that of the run's
        training split, as in its report.

    Raises:
        SpecError: The data are gone, changed, or do not fit.
        Problem: E522, the method of training compares nothing.
    """
    require_measures(saved, of_tensors=True)
    model = None
    metrics: dict[str, dict[str, float]] = {}
    outputs: dict[str, dict[str, OutputResults]] = {}
    evaluation: Evaluation = {"metrics": metrics, "outputs": outputs}
    beside: Baselines = {"measured": {}, "reasons": []}
    fitted = kept(saved, scores_of(saved))
    trivial, linear = read_trivial(saved.run.path) or _learnt(saved), read_model(saved.run.path)
    measured = _new(saved, path, tell) if path is not None else own_examples(saved, parts, whole=True, warn=warn)
    for name, examples in measured:
        if examples.dropped:
            evaluation["dropped"] = {name: examples.dropped}
        model = model or compiled(saved, examples.count, weighed=examples.weights is not None)
        with while_answering():
            metrics[name] = _measured(saved, model, examples)
            outputs[name] = _judged(saved, examples, trivial, linear)
            _write(saved, examples, outputs[name])
            if fitted is not None:
                _add(beside, measured_again(saved, fitted, name, examples, units_of(saved)[1], _preparing(saved)))
    if fitted is not None:
        evaluation["baselines"] = beside
    return evaluation


def _add(baselines: Baselines, more: Baselines) -> None:
    """Adds the figures of another part."""
    for name, each in more["measured"].items():
        before = baselines["measured"].get(name)
        metrics = {**before["metrics"], **each["metrics"]} if before is not None else each["metrics"]
        baselines["measured"][name] = {"title": each["title"], "metrics": metrics}
    baselines["reasons"] = more["reasons"]


def entering_whole(saved: SavedRun) -> Callable[[Any], Any]:
    """A function from a batch of raw inputs, by name, to what enters all that was trained."""
    layers = _further_layers(saved)
    inputs = saved.entering.inputs

    def entering(raw: Any) -> Any:
        prepared = saved.prepared({name: raw[name] for name in saved.takes})
        for name in inputs:
            if name not in prepared:
                value = raw[name]
                for layer in layers.get(name, ()):
                    value = layer(value)
                prepared[name] = with_rank(value, inputs[name].rank)
        return like_inputs(saved.whole, prepared)

    return entering


def _further_layers(saved: SavedRun) -> dict[str, list[Any]]:
    """What prepares the inputs that the saved model does not take; what adapts is fitted as it was in training."""
    further = {name: feature for name, feature in saved.data.features.items() if name not in saved.takes}
    declared = {name: feature.prepare for name, feature in further.items() if feature.prepare}
    if not any(layer.adapts for layers in declared.values() for layer in layers):
        return {name: fit(layers, None) for name, layers in declared.items()}
    _, examples = next(own_examples(saved, ("train",), whole=True))
    return {name: fit(layers, examples.inputs[name]) for name, layers in declared.items()}


def require_measures(saved: SavedRun, *, of_tensors: bool = False) -> None:
    """Says that there is nothing to measure by.

    Args:
        saved: The run.
        of_tensors: Whether what is minimised counts, which is compared with nothing.

    Raises:
        Problem: E522, the method of training compares nothing.
    """
    if not saved.method.trained(saved.outputs) and not (of_tensors and saved.method.turns):
        message = f"training by `{saved.method.name}` compares no output with a target: there is nothing to measure"
        raise Problem("E522", message, "`dlspec predict` gives the answers")


def compiled(saved: SavedRun, count: int, *, weighed: bool = False) -> Any:
    """The compiled model for as many examples as one part has, of the run's own or of what is measured now."""
    data = saved.run.facts["data"]
    own = (*data.get("examples", {}).values(), data.get("visited_per_epoch", 0))
    core, units = units_of(saved)
    core = _taking(saved) if saved.method.turns or saved.made_anew else core
    return measuring(core, saved.method.ending, saved.outputs, examples=max(count, *own), units=units, weighed=weighed)


def units_of(saved: SavedRun) -> tuple[Any, dict[str, Any]]:
    """The saved model without what undoes the preparation of its targets, and their units by output."""
    layers = {
        output.name: len(prepare) for output in saved.targets if (prepare := saved.data.targets[output.target].prepare)
    }
    return in_prepared_units(saved.model, saved.outputs, layers)


def _preparing(saved: SavedRun) -> Callable[[Any], Any]:
    """From a batch of inputs that are measured, by name, to prepared ones."""
    return dict if saved.made_anew else saved.prepared


def _taking(saved: SavedRun) -> Any:
    """What takes prepared examples to be measured."""
    return saved.whole if saved.method.turns else saved.core


def _answering(saved: SavedRun) -> Any:
    """What answers to the examples that are measured, raw, or prepared where they are made out of rows."""
    return saved.model if not saved.made_anew else saved.core


def _new(saved: SavedRun, path: Path, tell: Callable[[str], object]) -> Iterator[tuple[str, RawInputs]]:
    if saved.made_anew:
        yield from made_examples(saved, (), saved.entering, path)
        return
    weighed = bool(saved.method.turns)
    examples = read_inputs(saved.training_of(saved.entering), path=path, outputs=saved.targets, weighed=weighed)
    examples.targets.update(saved.next_steps(examples.inputs))
    unknown = UnknownWords(saved.model, examples.bound)
    unknown.look(examples.inputs)
    for line in unknown.lines():
        tell(line)
    yield path.name, examples


def own_examples(
    saved: SavedRun,
    wanted: Sequence[str],
    most: int | None = None,
    *,
    whole: bool = False,
    warn: Callable[[Diagnostic], object] | None = None,
) -> Iterator[tuple[str, RawInputs]]:
    """The run's own splits, raw.

    Args:
        saved: The run.
        wanted: Their names; those without examples are passed over.
        most: Of larger splits, so many examples are read, which chance chose; the same ones each time.
        whole: Whether they have the inputs of all that was trained, and not those of the saved model alone.
        warn: Called where they are no longer those of the training; what is larger than memory is compared only where
            all splits are wanted.

    Raises:
        SpecError: The data are gone, changed, or do not fit.
        Problem: E522, they stand where this run may not read.
    """
    if not (saved.trusted or saved.allow_outside or saved.run.spec_folder_is_here):
        raise Problem("E522", saved.run.away(), "call `dlspec evaluate` from there, or add `--allow-outside`")
    if saved.made_anew:
        yield from made_examples(saved, wanted, saved.entering if whole else saved.signature, warn=warn)
        return
    findings = Findings()
    training = saved.training_of(saved.entering if whole else saved.signature)
    signature, outside = training.signature, saved.allow_outside
    binding = bind(training.data, saved.folder, signature, saved.method, findings, allow_outside=outside)
    if binding is None or findings.errors:
        raise SpecError(findings.diagnostics({}))
    if warn is not None and (not binding.table.streamed or set(wanted) == set(PARTS)):
        for warning in changed_data(saved, training.data, binding):
            warn(warning)
    parts = choose(saved.data, binding.table, binding.count, binding.dropped())
    rows = Rows(binding.table, binding.inputs, binding.row_outputs, binding.drawn)
    weights = weights_of(binding.weight, binding.table)
    for name, numbers in zip(PARTS, parts, strict=True):
        if name in wanted and len(numbers):
            some = some_of(numbers, most)
            inputs, targets = rows.load(some)
            inputs |= raw_beside(binding, name, numbers, some)
            targets |= saved.next_steps(inputs)
            own = None if weights is None else weights[some]
            yield name, RawInputs(inputs, len(some), binding.table, binding.inputs, targets, 0, own, some)


def some_of(numbers: Any, most: int | None) -> Any:
    """At most so many of some numbers, in their order: chance chooses, the same ones each time."""
    import numpy as np

    if most is None or len(numbers) <= most:
        return numbers
    return numbers[np.sort(np.random.default_rng(0).permutation(len(numbers))[:most])]


def _measured(saved: SavedRun, model: Any, examples: RawInputs) -> dict[str, float]:
    entering = _entering(saved)

    def structure(inputs: Any, targets: Any, *weights: Any) -> Any:
        return entering(inputs), *compared(saved.method.ending, saved.outputs, targets, *weights)

    outputs = {output.name: output for output in saved.targets}
    by_weight = divided_by_weights(saved.method, saved.targets)
    weighing = Changes((), {}, outputs, examples.weights, by_weight=by_weight).measuring()
    batches = feed_in_order((examples.inputs, examples.targets), saved.data.batch_size, structure, weighing).dataset
    measured = model.evaluate(batches, return_dict=True, verbose=0)
    # Keras sorts the names; here they stand as in the table of the training.
    known = [name for part in saved.run.facts.get("metrics", {}).values() for name in part]
    return {name: float(measured[name]) for name in dict.fromkeys((*known, *measured)) if name in measured}


def _entering(saved: SavedRun) -> Callable[[Any], Any]:
    """A function from a batch of what is measured, by name, to what enters."""
    if saved.made_anew:
        return partial(like_inputs, _taking(saved))
    return entering_whole(saved) if saved.method.turns else partial(like_inputs, saved.model)


def _judged(
    saved: SavedRun, examples: RawInputs, trivial: Mapping[str, Any], linear: Linear | None
) -> dict[str, OutputResults]:
    scores = scores_of(saved)
    for name, score in scores.items():
        score.trivial = trivial.get(name)
    batches = _batches(saved, examples)
    compared = None
    if linear is not None:
        units = units_of(saved)[1] if linear.prepared else {}
        compared = LinearScores(linear, [score.task for score in scores.values()], units)
    seen = also_seen(batches, compared, _preparing(saved))
    compare(answering(_answering(saved), saved.outputs, len(batches)), seen, scores)
    judged = {name: with_linear(score.facts(), compared, name) for name, score in scores.items()}
    return {output.target: judged[output.name] for output in saved.targets if output.name in judged}


def _write(saved: SavedRun, examples: RawInputs, outputs: dict[str, OutputResults]) -> None:
    """Lets the model write by itself where its spec says how."""
    import numpy as np

    writer = saved.writer
    if writer is None or writer.target.target not in outputs:
        return
    numbers = np.arange(examples.count) if examples.numbers is None else examples.numbers
    targets = examples.targets[writer.target.name]
    inputs = saved.entering_core(examples.inputs) if not saved.made_anew else examples.inputs
    figures = written(writer, inputs, targets, numbers, examples.table, examples.bound)
    if figures is not None:
        cast("ClassDetails", outputs[writer.target.target])["generated"] = figures


def scores_of(saved: SavedRun) -> dict[str, Score]:
    """A score for each output that can be judged."""
    outputs = saved.signature.outputs
    tasks = [task_of(output, saved.method.head_of(output.name), outputs[output.name].shape) for output in saved.targets]
    return {task.name: score_of(task) for task in tasks if task is not None}


def _learnt(saved: SavedRun) -> dict[str, Any]:
    """The trivial answers of a run that kept none: from its training split, if that can still be read."""
    scores = scores_of(saved)
    try:
        for _, examples in own_examples(saved, ("train",)):
            batches = _batches(saved, examples)
            learn(answering(_answering(saved), saved.outputs, len(batches), masks_only=True), batches, scores)
    except (Problem, SpecError):
        return {}
    return {name: score.trivial for name, score in scores.items()}


def _batches(saved: SavedRun, examples: RawInputs) -> list[Batch]:
    """Batches that are large where the inputs are small."""
    batches = in_order((examples.inputs, examples.targets), largest_batch(saved, examples))
    return list(with_weights(batches, examples.weights))


def largest_batch(saved: SavedRun, examples: RawInputs) -> int:
    """How many of these examples enter a saved model at a time."""
    return batch_size(sum(array.size for array in examples.inputs.values()) // max(examples.count, 1), saved.model)
