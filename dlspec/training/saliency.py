"""What answers of a trained model follow from: pixels of pictures, words of texts, for right and wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.saliency import PICTURE, AnswerSaliency, text_inputs
from dlspec.core.documents.figures import AskedAnswer, Saliency, SaliencyFigures, WordEffect
from dlspec.core.errors import Problem
from dlspec.data.binding.tasks import Task, guesses, numbers, true_classes
from dlspec.data.binding.values import Rows
from dlspec.data.feeding.raw import RawInputs, read_inputs
from dlspec.data.feeding.several import raw_beside
from dlspec.data.sources.base import Arrays
from dlspec.training.answer_scores import AnswerScores, words_of
from dlspec.training.asking import chosen_input, input_of, tensors_of_saved
from dlspec.training.evaluate import own_examples, scores_of
from dlspec.training.loop.wholes import core_of, preparing
from dlspec.training.saved import SavedRun
from dlspec.views.pages.comparing import answering, as_array
from dlspec.views.pages.outputs import MOST
from dlspec.views.pages.saliency import keep_maps
from dlspec.views.pages.scores import score_of
from dlspec.views.pages.verdict import figure as shown

if TYPE_CHECKING:
    import numpy as np

    from dlspec.training.figures import Looking

    Array = np.ndarray[Any, Any]

_SIZE = 256


@dataclass
class Asked:
    """A model, and examples whose answers are looked at.

    Attributes:
        model: Takes raw values; its core is what was trained.
        names: Names of its outputs in its order.
        task: The question that the output answers; None where it is compared with nothing.
        output: The output, as the model calls it.
        chosen: The input that is looked at, and its kind.
        examples: Raw, with targets where these are known.
        seed: Of every choice.
    """

    model: Any
    names: tuple[str, ...]
    task: Task | None
    output: str
    chosen: tuple[str, str]
    examples: RawInputs
    seed: int

    def taken(self, rows: Any, **changed: Any) -> Arrays:
        """Some examples as they enter the core; `changed` replaces inputs."""
        import tensorflow as tf

        raw = {name: values[rows] for name, values in self.examples.inputs.items()} | changed
        prepared = self._prepare({name: tf.convert_to_tensor(values) for name, values in raw.items()})
        dtypes = {tensor.name: tensor.dtype for tensor in self.core.inputs}
        return {
            name: prepared[name] if dtype == "string" else tf.cast(prepared[name], dtype)
            for name, dtype in dtypes.items()
        }

    def __post_init__(self) -> None:
        self.core = core_of(self.model)
        self._prepare = preparing(self.model)

    def answers(self) -> Array:
        """What the output gives for all examples."""
        import numpy as np

        answer = answering(self.core, self.names, -(-self.examples.count // _SIZE))
        starts = range(0, self.examples.count, _SIZE)
        return np.concatenate([answer(self.taken(slice(start, start + _SIZE)))[0][self.output] for start in starts])


def saliency(looking: Looking, figure: AnswerSaliency) -> SaliencyFigures:
    """Some answers to the part that is looked at, with sheets of pictures in the run folder."""
    outputs, (part_name, part) = looking.outputs, looking.outputs.looked_at
    binding = outputs.prepared.binding
    numbers_of = part.examples.numbers[outputs.positions(part)]
    inputs, targets = Rows(binding.table, binding.inputs, binding.row_outputs, binding.drawn).load(numbers_of)
    inputs |= raw_beside(binding, part_name, part.examples.numbers, numbers_of)
    examples = RawInputs(inputs, len(numbers_of), binding.table, binding.inputs, targets, numbers=numbers_of)
    texts = {name for name, column in binding.table.columns.items() if column.text}
    chosen = chosen_input(figure, outputs.tensors, text_inputs(looking.data, texts))
    name = outputs.called(figure.of)
    task = next((task for task in looking.tasks() if task.name == name), None)
    asked = Asked(looking.raw(), outputs.names, task, name, chosen, examples, outputs.seed)
    return explained(asked, figure, looking.folder)


def of_run(saved: SavedRun, figure: AnswerSaliency, path: Path | None, part: str | None) -> Saliency:
    """The same for a run that is over.

    Args:
        saved: The run.
        figure: What is asked for.
        path: Other examples, without labels; the run's own data unless given.
        part: The split of these; the first of test, validation and train that has examples unless given.

    Raises:
        SpecError: The data are gone, changed, or do not fit.
        Problem: E522, there are no such examples; E530, the layer is not on the way to the output.
    """
    name = dict(zip(tensors_of_saved(saved).outputs, saved.outputs, strict=True))[figure.of]
    score = scores_of(saved).get(name)
    of, examples = _examples(saved, path, part)
    task = score.task if score is not None else None
    asked = Asked(saved.model, saved.outputs, task, name, input_of(saved, figure), examples, saved.method.seed or 0)
    return {"run": saved.run.id, "part": of, **explained(asked, figure, saved.run.path)}


def _examples(saved: SavedRun, path: Path | None, part: str | None) -> tuple[str, RawInputs]:
    if path is not None:
        return path.name, read_inputs(saved.training, path=path)
    counts = saved.run.facts["data"]["examples"]
    wanted = part or next(name for name in ("test", "validation", "train") if counts.get(name))
    for name, examples in own_examples(saved, (wanted,), MOST):
        return name, examples
    raise Problem("E522", f"run `{saved.run.id}` has no {wanted} split", "leave `--part` out")


def explained(asked: Asked, figure: AnswerSaliency, folder: Path) -> SaliencyFigures:
    """Some answers with what they follow from; of pictures, a sheet of which is kept in a run folder."""
    predicted = asked.answers()
    answers = _answers(asked.task, predicted)
    rows = _rows(asked, predicted, answers, figure.count)
    scores = AnswerScores(asked.core, asked.names, asked.output, figure.layer)
    input_, kind = asked.chosen
    picture = kind == PICTURE
    if picture:
        keep_maps(folder, figure.of, *maps_of(asked, scores, rows, answers[rows]))
    of = scores.of(asked.taken(rows), answers[rows])
    examples = [
        _facts(asked, predicted, answers, row, float(score), [] if picture else _words(asked, scores, row, answers))
        for row, score in zip(rows.tolist(), of, strict=True)
    ]
    layer = scores.layer if picture else None
    return {
        "of": figure.of,
        "input": input_,
        "kind": "picture" if picture else "text",
        "raw": scores.raw,
        "layer": layer,
        "examples": examples,
    }


def maps_of(asked: Asked, scores: AnswerScores, rows: Array, answers: Array) -> tuple[Array, Array, Array | None]:
    """Pictures as they enter the model, what the score changes with, and Grad-CAM: see :meth:`AnswerScores.pixels`."""
    input_, _ = asked.chosen
    taken = asked.taken(rows)
    return as_array(taken[input_]), *scores.pixels(taken, answers, input_)


def _words(asked: Asked, scores: AnswerScores, row: int, answers: Array) -> list[WordEffect]:
    import numpy as np

    name, _ = asked.chosen
    value = asked.examples.inputs[name]

    def score(texts: list[str], same: Array) -> Array:
        changed = np.array(texts, object).reshape(-1, *value.shape[1:])
        return scores.of(asked.taken(np.full(len(texts), row), **{name: changed}), same)

    _, words = words_of(str(value[row : row + 1].reshape(-1)[0]), int(answers[row]), score)
    return [{"word": word, "change": change} for word, change in words]


def _answers(task: Task | None, predicted: Array) -> Array:
    """The number of each answer: its class, or 1 where the output is a number."""
    import numpy as np

    if task is not None and task.classifies:
        return guesses(task, predicted).reshape(-1)
    flat = predicted.reshape(len(predicted), -1)
    return flat.argmax(axis=1) if flat.shape[1] > 1 else np.ones(len(flat), np.int64)


def _rows(asked: Asked, predicted: Array, answers: Array, count: int) -> Array:
    """The worst wrong answers and some right ones; of new examples the first."""
    import numpy as np

    if not asked.examples.targets or asked.task is None:
        return np.arange(min(2 * count, len(predicted)))
    target, chance = asked.examples.targets[asked.task.name], np.random.default_rng(asked.seed)
    worst = np.argsort(-score_of(asked.task).add(predicted, target), kind="stable")
    if asked.task.classifies:
        true = true_classes(asked.task, target, answers.shape)
        right, known = true == answers, (true >= 0) & (true < len(asked.task.names))
        worst, others = worst[known[worst] & ~right[worst]][:count], np.flatnonzero(right)
    else:
        worst, others = worst[:count], worst[count:]
    return np.concatenate([worst, np.sort(chance.permutation(others)[:count])])


def _facts(
    asked: Asked, predicted: Array, answers: Array, row: int, score: float, words: list[WordEffect]
) -> AskedAnswer:
    task = asked.task
    target = None if task is None else asked.examples.targets.get(task.name)
    answer, true, right = _answered(task, predicted[row], int(answers[row])), None, None
    if task is not None and target is not None:
        if task.classifies:
            number = int(true_classes(task, target, answers.shape)[row])
            true = task.names[number] if 0 <= number < len(task.names) else str(number)
            right = number == int(answers[row])
        else:
            true = shown(float(target[row].reshape(-1)[0]))
    return {
        "where": asked.examples.where(row),
        "true": true,
        "answer": answer,
        "right": right,
        "score": score,
        "words": words,
    }


def _answered(task: Task | None, predicted: Array, answer: int) -> str:
    """An answer as text: a class by its name, or a number."""
    if task is not None and task.classifies:
        return task.names[answer]
    value = predicted if task is None else numbers(task, predicted)
    return shown(float(value.reshape(-1)[0])) if value.size == 1 else str(answer)
