"""Objectives and learners of a training: what they mean together, and what of it does not go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dlspec.components.registry.component import describe
from dlspec.components.sections.training import check_optimizer, check_places
from dlspec.core.errors import Problem, leave_out


def loss_of(owner: Any, output: str) -> Any:
    """The loss of one output in a section with an option `loss`; None where it has none."""
    return owner.loss.get(output) if isinstance(owner.loss, dict) else owner.loss


def keeps(method: Any) -> str:
    """The epoch that is kept: with several learners, nothing says which is best unless `monitor` does."""
    if "keep" in method.given or len(method.turns) < 2 or method.monitor is not None:
        return str(method.keep)
    return "last"


def total_of(method: Any, name: str) -> str:
    """Name of the sum that a learner minimises: ``loss``, or ``critic_loss`` where there are several learners."""
    return f"{name}_loss" if len(method.turns) > 1 else "loss"


def minimised(method: Any) -> dict[str, tuple[str, float]]:
    """Each minimised tensor with the first learner that minimises it, and the weight that it has there."""
    tensors: dict[str, tuple[str, float]] = {}
    for learner, turn in method.turns.items():
        for name, weight in (turn.minimize or {}).items():
            tensors.setdefault(name, (learner, weight))
    return tensors


def means(method: Any, outputs: Sequence[str]) -> dict[str, list[Any]]:
    """The metrics of tensors that are compared with nothing, by tensor."""
    chosen = method.metrics if isinstance(method.metrics, dict) else {}
    trained = method.trained(outputs)
    return {name: list(method.chosen_metrics(name)) for name in chosen if name not in trained}


def measure_of(tensor: str, metric: Any) -> str:
    """Name of the measure that a metric makes of a tensor: the tensor's, unless the metric has a name of its own."""
    return f"{tensor}_{metric.name}" if metric.given.get("name") else tensor


def measures_of(method: Any, outputs: Sequence[str]) -> dict[str, str]:
    """Name → direction of what an epoch reports; see :meth:`dlspec.components.methods.base.Method.measures`."""
    directions = {total_of(method, name): "down" for name in method.turns}
    directions |= {name: "up" if weight < 0 else "down" for name, (_, weight) in minimised(method).items()}
    for output in method.trained(outputs):
        directions[f"{output}_loss"] = "down"
        directions |= {name: metric.direction for name, metric in numbered(output, method.chosen_metrics(output))}
    for name, metrics in means(method, outputs).items():
        directions |= {measure_of(name, metric): metric.direction for metric in metrics}
    return directions


def not_of_tensors(method: Any, outputs: Sequence[str]) -> dict[str, str]:
    """Descriptions of the measures that are not named after a tensor, by name."""
    meanings = {total_of(method, name): "the sum of what is minimised" for name in method.turns}
    for output in method.trained(outputs):
        meanings[f"{output}_loss"] = f"the loss of output `{output}`"
        meanings |= {
            name: f"a metric of output `{output}`" for name, _ in numbered(output, method.chosen_metrics(output))
        }
    return meanings


def numbered(output: str, metrics: Any) -> Iterator[tuple[str, Any]]:
    """The metrics of an output with the names of their measures; Keras numbers those of one name."""
    seen: dict[str, int] = {}
    for metric in metrics:
        number = seen[metric.name] = seen.get(metric.name, -1) + 1
        yield f"{output}_{metric.name}" + (f"_{number}" if number else ""), metric


def measures_tensors(method: Any) -> bool:
    """Whether `metrics` names tensors that are compared with nothing."""
    by_name = method.metrics.values() if isinstance(method.metrics, dict) else ()
    return any(metric.alone for chosen in by_name for metric in (chosen if isinstance(chosen, tuple) else (chosen,)))


def check_learners(method: Any) -> None:
    """Mistakes: keys of the spec that do not go together with learners.

    Raises:
        Problem: E501 an objective beside `learners`, E505 nothing to compare epochs by, E207 an option without effect.
    """
    if method.learners is not None:
        check_places(method, "`train`")
        if not any(phase.objective for phase in (method.phases or {}).values()):
            check_optimizer(method)
    _check_kept(method)
    for stage in method.stages.values():
        if stage.turns:
            _check_beside(stage)
            _check_alike(stage)


def _check_kept(method: Any) -> None:
    if len(method.turns) > 1 and method.keep == "best" and method.monitor is None:
        message = (
            "`keep: best` needs `monitor`: there are several learners, and none of their losses says which is best"
        )
        raise Problem("E505", message, "write `monitor: NAME` of a measure, or `keep: last`", option="keep")


def _check_alike(method: Any) -> None:
    """Learners compare an output with its target by one loss: it has one measure."""
    first: dict[str, tuple[str, str]] = {}
    for name, learner in method.turns.items():
        losses = learner.loss if isinstance(learner.loss, dict) else {"": learner.loss}
        for output, loss in losses.items():
            if loss is None:
                continue
            before, other = first.setdefault(output, (name, describe(loss)))
            if other != describe(loss):
                shown = f"output `{output}`" if output else "the output"
                message = (
                    f"learners `{before}` and `{name}` compare {shown} by two losses: `{other}` and `{describe(loss)}`"
                )
                raise Problem("E207", message, "name one loss in both", option="learners")


def _check_beside(method: Any) -> None:
    """What cannot stand beside learners."""
    if method.distribute is not None:
        message = "`distribute` does not go with `minimize` and `learners`: tensors are minimised on one device"
        raise Problem("E207", message, leave_out("distribute"), option="distribute")
    for callback in method.callbacks:
        if callback.stops_non_finite and len(method.turns) > 1:
            message = f"`{callback.name}` watches `loss`, and each of several learners has a loss of its own"
            raise Problem("E207", message, "leave it out: such a training stops by itself", option="callbacks")
        if callback.swaps_averages or callback.written:
            message = f"`{callback.name}` does not go with `minimize` and `learners`"
            help = "leave it out: the run keeps `metrics.csv` and the weights, and `log: tensorboard` writes a log"
            raise Problem("E207", message, help, option="callbacks")
