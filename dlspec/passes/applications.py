"""Models of `keras.applications` in a spec: Keras writes their layers down once, and from then on they are read."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem, Span, leave_out
from dlspec.core.files import cache_folder, write_atomically
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.core.workspace import Workspace
from dlspec.passes.state import Resolved
from dlspec.semantics.environment import Environment
from dlspec.semantics.evaluate import Evaluator
from dlspec.semantics.schema.context import Context

if TYPE_CHECKING:
    from dlspec.backends.importing.steps import Step
    from dlspec.components.sections.applications import Application

# A file begins with the digest of all behind it.
_HEAD = '{{"digest": "{}", '
_HEAD_LENGTH = len(_HEAD.format("0" * 64))
# Of the colour channels in ImageNet, red first: Keras's numbers.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MEAN_OF_BLUE_FIRST = (103.939, 116.779, 123.68)


def given(state: Resolved, name: str, written: Map) -> Application | None:
    """The application that a model of the spec is; None where an error hides it.

    Args:
        state: The compilation, which takes the errors.
        name: The model's.
        written: Its declaration.
    """
    from dlspec.components.sections.applications import FETCHED, Application

    raw, span = written["application"], span_of(written, "application")
    if (expressed := next(_expressions(raw), None)) is not None:
        expression, where = expressed
        help = "write the value itself; `extends` makes another spec that differs in it"
        message = f"`{expression}` stands in the arguments of an application, which are the same in all of its uses"
        state.add("E549", message, where or span, help)
        return None
    evaluator = Evaluator(state.diagnostics, catalogue=state.catalogue)
    made = evaluator.component("application", raw, Environment(), Context(("models", name, "application")), span)
    if not isinstance(made, Application):
        return None
    if "preprocess" in written and not made.pixels:
        message = f"`preprocess` has no effect: {made.name} itself begins with what its pixels need"
        scales = "include_preprocessing" in made.fields and written["preprocess"] is False
        help = "write `include_preprocessing: false` among its arguments" if scales else leave_out("preprocess")
        state.add("E207", message, span_of_key(written, "preprocess"), help)
        return None
    if made.weights == FETCHED:
        _refuse_fetching(state, made, written)
        return None
    return made


def _refuse_fetching(state: Resolved, application: Application, written: Map) -> None:
    """E560: nothing is fetched from elsewhere while a spec is checked or trained."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in application.arguments.items()}
    arguments = ", ".join(f"{key}={value!r}" for key, value in values.items())
    file = f"{application.name.lower()}.keras"
    help = (
        f'save them once, `python -c "import keras; keras.applications.{application.name}({arguments})'
        f".save('{file}')\"`, and write `weights: {file}`; `weights: null` begins with random ones"
    )
    named = next(iter(written["application"].values())) if isinstance(written["application"], Map) else None
    span = span_of(named, "weights") if isinstance(named, Map) and "weights" in named else None
    message = f"{application.name} takes the weights of ImageNet unless `weights` says otherwise: dlspec fetches none"
    state.add("E560", message, span or span_of(written, "application"), help)


def _expressions(raw: Any, span: Span | None = None) -> Iterator[tuple[str, Span | None]]:
    """Texts that a spec would evaluate, with where they stand."""
    if isinstance(raw, str) and "$" in raw:
        yield raw, span
    elif isinstance(raw, dict | list):
        for key, value in raw.items() if isinstance(raw, dict) else enumerate(raw):
            yield from _expressions(value, span_of(raw, key))


def copy_of(folder: Path | None, pattern: str) -> Path | None:
    """The copy of a file that a run, study or search keeps; None where it has none."""
    return next(folder.glob(pattern), None) if folder is not None else None


def weights_file_of(state: Resolved, name: str, application: Application) -> Path | None:
    """The file with its weights, or the copy of it that a run keeps; None where they are random.

    Raises:
        Problem: The file is not there, or may not be read.
    """
    from dlspec.data.sources.paths import weights_file

    if application.weights is None:
        return None
    pattern = f"{name}.weights.*"
    if (copy := copy_of(state.workspace.models, pattern)) is not None:
        return copy
    try:
        return weights_file(application.weights, state.folder, allow_outside=state.allow_outside)
    except Problem as problem:
        copy = copy_of(state.workspace.spare_models, pattern)
        if copy is None or problem.code != "E601":
            problem.option = "weights"
            raise
        return copy


def layers_file(workspace: Workspace, name: str, application: Application) -> Path:
    """The file with its layers: the copy of a run, what Keras wrote before, or what it writes now.

    Raises:
        Problem: E561, Keras would have to be started; else as :func:`written_by_keras`.
    """
    copy = copy_of(workspace.models, f"{name}.json")
    if copy is None and not is_whole(kept_file(application)):
        copy = copy_of(workspace.spare_models, f"{name}.json")
        if copy is None and not workspace.starts_keras:
            message = f"the layers of {application.name} are not known yet: Keras writes them down once"
            raise Problem("E561", message, "run `dlspec check` on this spec")
    return copy or written_by_keras(application, workspace.announce)


def steps_for_pixels(application: Application) -> list[Step]:
    """What its `preprocess_input` does to pixels of 0 to 255, as layers; nothing where the model does it itself.

    Raises:
        Problem: E549, it knows other channels than those that enter.
    """
    from dlspec.backends.importing.steps import Step

    kind = application.pixels
    if kind in ("torch", "caffe") and application.channels != len(_MEAN):
        message = f"the `preprocess_input` of {application.name} knows red, green and blue, not {application.channels}"
        channels = "channel" if application.channels == 1 else "channels"
        help = "write `preprocess: false` beside `application`, and scale the pixels before it"
        raise Problem("E549", f"{message} {channels}", help, "input_shape")
    if kind == "tf":
        # Keras divides: a factor would round otherwise, which some networks make a hundred times larger.
        return [Step("ops.divide", {"x2": 127.5}, [], "halves"), Step("ops.subtract", {"x2": 1.0}, [], "pixels")]
    if kind == "torch":
        scale = [1 / (255 * deviation) for deviation in _DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
        return [Step("rescaling", {"scale": scale, "offset": offset}, [], "pixels")]
    if kind == "caffe":
        blue_first = Step("ops.flip", {"axis": -1}, [], "blue_first")
        offset = [-mean for mean in _MEAN_OF_BLUE_FIRST]
        return [blue_first, Step("rescaling", {"scale": 1.0, "offset": offset}, [], "pixels")]
    return []


def kept_file(application: Application) -> Path:
    """The file where its layers stand once Keras has written them: one for each version of Keras and arguments."""
    key = json.dumps(application.arguments, sort_keys=True)
    name = f"{application.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    return cache_folder() / "applications" / f"keras-{version('keras')}" / name


def is_whole(path: Path) -> bool:
    """Whether a file with layers is as it was written."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return data[:_HEAD_LENGTH] == _HEAD.format(hashlib.sha256(data[_HEAD_LENGTH:]).hexdigest()).encode()


def written_by_keras(application: Application, announce: Callable[[str], None] | None) -> Path:
    """The file with its layers, which a process of its own makes where there is none yet, or a damaged one.

    Args:
        application: The model with its arguments.
        announce: Told before Keras is started.

    Raises:
        Problem: E549, Keras does not make such a model; E601, there is no room for the file.
    """
    path = kept_file(application)
    if is_whole(path):
        return path
    if announce is not None:
        announce(f"Keras writes down the layers of {application.name}, once: a few seconds …")
    rest = json.dumps(_asked(application)).removeprefix("{").encode()
    text = _HEAD.format(hashlib.sha256(rest).hexdigest()).encode() + rest
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write_bytes(text))
    except OSError as error:
        message = f"cannot keep the layers of {application.name} in `{path.parent}`: {error.strerror or error}"
        raise Problem("E601", message, "make room, or name another folder in `DLSPEC_CACHE`") from error
    return path


def _asked(application: Application) -> Mapping[str, Any]:
    """The model as a process of its own makes it: this one shall not load TensorFlow.

    Raises:
        Problem: E549, Keras does not make it.
    """
    # The process finds what this one does, but nothing in the folder where it was started.
    code = (
        f"import sys; sys.path[:] = {[path for path in sys.path if path]!r}\n"
        "from dlspec.backends.importing.applications import answer; answer()"
    )
    request = json.dumps({"name": application.name, "arguments": application.arguments})
    done = subprocess.run([sys.executable, "-c", code], input=request, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise Problem("E549", f"Keras could not be started to make {application.name}: {why}", "")
    answered = json.loads(done.stdout.splitlines()[-1])
    if "error" in answered:
        message = f"Keras does not make {application.name} with these arguments: {answered['error']}"
        raise Problem("E549", message, "change the argument that it names")
    model: Mapping[str, Any] = answered["model"]
    return model
