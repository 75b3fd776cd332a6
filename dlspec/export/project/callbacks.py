"""Callbacks of ``train.py`` in a generated project."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.logs import LOGS
from dlspec.components.training.callbacks import Callback
from dlspec.data.checks import measures
from dlspec.export.project.searched import Searched
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported, call, constant, name, text
from dlspec.export.python.templates import Code


def callbacks(
    method: Supervised,
    outputs: Sequence[str],
    searched: Searched,
    constructors: Constructors,
    elsewhere: Iterable[Supervised] = (),
) -> list[Code]:
    """The callbacks that the section asks for, in their order.

    Args:
        method: The training, or that of one phase.
        elsewhere: The trainings of all phases, where each has its own.

    Raises:
        Unsupported: It asks for something that projects do not support.
    """
    phases = tuple(elsewhere)
    directed = measures.callbacks(method.callbacks, method, outputs, phases)
    written = searched.components("callback", searched.train.get("callbacks"), directed, constructors)
    phased = bool(method.phases or phases)
    below = [_placed(callback, made, phased=phased) for callback, made in zip(directed, written, strict=True)]
    if method.turns:
        below = [_each(callback, made) for callback, made in zip(directed, below, strict=True)]
    made = [*_averaging(method), *below, *_logs(method)]
    if method.non_finite == "stop" and not any(callback.stops_non_finite for callback in method.callbacks):
        made.append(call("StopsUnlessFinite" if method.turns else "keras.callbacks.TerminateOnNaN"))
    return [Code(text(expression)) for expression in made]


def _each(declared: Callback, made: ast.expr) -> ast.expr:
    """A callback; one that changes the learning rate for each learner."""
    if not declared.changes_rate:
        return made
    learner = ast.Name("learner", ast.Store())
    learners = ast.comprehension(learner, ast.Attribute(name("trained"), "learners", ast.Load()), [], 0)
    return ast.Starred(ast.ListComp(call("for_learner", [made, name("learner")]), [learners]), ast.Load())


def folders(method: Supervised) -> list[Code]:
    """Folders below that of the output into which callbacks write files."""
    paths = [
        PurePosixPath(getattr(callback, callback.written))
        for callback in method.callbacks
        if callback.written not in ("", "log_dir")
    ]
    parents = dict.fromkeys(path.parent for path in paths if path.parent != PurePosixPath("."))
    return [Code(text(_below(parent))) for parent in parents]


def _below(path: PurePosixPath) -> ast.expr:
    return ast.BinOp(name("output"), ast.Div(), constant(path.as_posix()))


def _placed(declared: Callback, made: ast.expr, *, phased: bool) -> ast.expr:
    """One callback; what it writes goes below the folder of the output."""
    if not declared.written:
        return made
    if declared.logs_epochs and phased:
        raise Unsupported(f"`{declared.name}` beside `phases`: `history.csv` is written anyway")
    assert isinstance(made, ast.Call)
    path = _below(PurePosixPath(getattr(declared, declared.written)))
    if made.args:
        made.args[0] = path
    else:
        keywords = [keyword for keyword in made.keywords if keyword.arg != declared.written]
        made.args, made.keywords = [path], keywords
    return made


def _logs(method: Supervised) -> list[ast.expr]:
    """Logs for other programs."""
    for logger in method.log:
        if not LOGS[logger].callback:
            raise Unsupported(f"`log: {logger}`")
    return [call(LOGS[logger].callback, [_below(PurePosixPath(logger))]) for logger in method.log]


def _averaging(method: Supervised) -> list[ast.expr]:
    """What compares and keeps epochs by the moving averages of the weights, where an optimizer keeps some."""
    averaged = [bool(optimizer.use_ema) for optimizer in method.optimizers]
    if not any(averaged) or any(callback.swaps_averages for callback in method.callbacks):
        return []
    if method.turns:
        learners = ast.Attribute(name("trained"), "learners", ast.Load())
        return [call("AveragesBetweenEpochs", [learners])]
    if not all(averaged):
        raise Unsupported("phases of which some keep a moving average of the weights")
    if method.keep == "last" and any(callback.stops_early for callback in method.callbacks):
        raise Unsupported("`keep: last` where a callback may end a training with moving averages")
    return [call("keras.callbacks.SwapEMAWeights", (), {"swap_on_epoch": constant(True)})]
