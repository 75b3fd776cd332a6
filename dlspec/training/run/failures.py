"""Exceptions of TensorFlow in training or answering, as problems with a help."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dlspec.core.errors import Problem

_LENGTH = 200
_OUT_OF_RANGE = re.compile(r"indices\[[\d,]*\] = (-?\d+) is not in \[0, (\d+)\)")
# Keras numbers the scopes of a layer's operations.
_NODE = re.compile(r"\{\{node (?:(?:gradient_tape|while|cond)(?:_\d+)?/)*[\w.]+/([\w.]+?)(?:_\d+)?/")
# Keras prints parts of what it raises in bold.
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\{\{function_node \S+\}\} ")


@contextmanager
def while_answering() -> Iterator[None]:
    """Raises what TensorFlow does while a kept model answers as the problem (E517) that it is."""
    try:
        yield
    except Exception as error:
        failure = as_problem(error, "answering")
        if failure is error:
            raise
        raise failure from error


def as_problem(error: Exception, doing: str = "training", code: Iterable[Path] = ()) -> Exception:
    """`error`, or the problem that it is: E517 where TensorFlow raised it, E111 where code of the spec did.

    TensorFlow's own message comes with the operations that failed, over many lines; its first line says what happened.

    Args:
        doing: What failed.
        code: The Python files of the spec whose components it uses.
    """
    import tensorflow as tf

    if not isinstance(error, Problem):
        for path in code:
            if lines := _lines(error, path):
                reason = f"{type(error).__name__}: {_first(_without_places(str(error)))}"
                return Problem("E111", f"{doing} failed in `{path.name}`, line {lines[-1]}: {reason}")
    if not isinstance(error, tf.errors.OpError) or isinstance(error, tf.errors.UnknownError):
        return error  # unknown to TensorFlow is what Python raised inside of it: a mistake of ours
    message = str(error.message or error)
    layer = _NODE.search(message)
    where = f" in layer `{layer[1]}`" if layer else ""
    outside = _OUT_OF_RANGE.search(message)
    if outside:
        what = f"index {outside[1]} has no vector: there are {outside[2]}, from 0"
        return Problem("E517", f"{doing} failed{where}: {what}", "raise `input_dim`, or correct the values")
    if isinstance(error, tf.errors.ResourceExhaustedError):
        help = "lower `data.batch_size`, or make the model smaller"
        return Problem("E517", f"{doing} failed{where}: the memory is used up ({_first(message)})", help)
    return Problem("E517", f"{doing} failed{where}: {_first(message)}")


def _lines(error: Exception, path: Path) -> list[int]:
    """Lines of a file in which an exception was raised, outermost first; functions of TensorFlow tell them as text."""
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    listed = re.findall(rf'File "{re.escape(str(path))}", line (\d+)', str(error))
    return [int(line) for line in (listed or frames) if line is not None]


def _without_places(message: str) -> str:
    """A message without the lines that say where in a function of TensorFlow it was raised."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reasons = [line for line in lines if re.match(r"\w*(Error|Exception|Warning)\b.*?: ", line)]
    return re.sub(r"^\w+: ", "", reasons[-1]) if reasons else message


def _first(message: str) -> str:
    """The line of a message that says what happened, shortened."""
    lines = [_ESCAPES.sub("", line).strip() for line in message.splitlines()]
    places = ("Graph execution error", "Detected at", "File ", "<stack", "Exception encountered when calling")
    line = next((line for line in lines if line and not line.startswith(places)), "TensorFlow gave no reason")
    return line if len(line) <= _LENGTH else f"{line[:_LENGTH]} …"
