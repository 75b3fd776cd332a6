"""All files of a generated project."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from dlspec.components.methods.base import Method
from dlspec.components.registry import load_attribute
from dlspec.core.ir import Graph
from dlspec.data.binding.binding import Binding, bind
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.signature import of_graph
from dlspec.export.project import data as data_file
from dlspec.export.project import generating as generating_files
from dlspec.export.project import tune as tune_file
from dlspec.export.project.carried import standalone
from dlspec.export.project.data import DataText
from dlspec.export.project.searched import Searched
from dlspec.export.project.train import TrainText
from dlspec.export.project.uses import spread
from dlspec.export.python.classes import class_source
from dlspec.export.python.formatting import formatted
from dlspec.export.python.guard import check
from dlspec.export.python.imports import import_lines
from dlspec.export.python.model_files import model_files
from dlspec.export.python.module import emit_model, functions_of
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code, environment
from dlspec.passes.state import Trainable
from dlspec.passes.word_vectors import files_of_vectors
from dlspec.tuning.plan.plan import plan_of

if TYPE_CHECKING:
    import jinja2

_OWN = {
    "build_model": "from model import build_model",
    "build_whole": "from model import build_whole",
    "saved_part": "from model import saved_part",
    "averages_of": "from averages import averages_of",
    "Adapters": "from adapters import Adapters",
    "Learner": "from learning import Learner",
    "Learning": "from learning import Learning",
    "Batches": "from data import Batches",
    "Part": "from data import Part",
    "TrainingBatches": "from data import TrainingBatches",
    "load": "from data import load",
    "Units": "from data import Units",
    "settle": "from data import settle",
    "target_units": "from data import target_units",
    "devices": "from train import devices",
    "train": "from train import train",
    "with_preparation": "from data import with_preparation",
}
# Packages that a project may need, by the word in its text.
_PACKAGES = {
    "import h5py": ("h5py",),
    "import numpy": ("numpy",),
    "pyarrow": ("pyarrow",),
    "from PIL": ("pillow",),
    "import tokenizers": ("tokenizers",),
    "from sklearn": ("scikit-learn",),
    "from scipy": ("scipy",),
    "keras_tuner": ("keras-tuner", "tensorboard"),  # which it needs and does not declare, as those of the next line
    "BayesianOptimization": ("scikit-learn", "scipy"),
}


def _require_supported(graph: Graph, method: Method) -> None:
    """Refuses what no project supports.

    Raises:
        Unsupported: The spec asks for it.
    """
    if not method.project:
        raise Unsupported(f"training by `{method.name}`")
    if method.study is not None:
        raise Unsupported(f"the study `{method.study.name}`: leave `method` out for the training that it repeats")
    if any(files_of_vectors(graph)):
        raise Unsupported("`vectors` of an embedding: export the model of a run, which holds them")
    if method.augmented:
        raise Unsupported("`augment` of phases")


def emit_project(state: Trainable, target: Path, template_dir: Path | None = None) -> dict[str, str]:
    """Text of each file by its name.

    Args:
        state: The spec.
        target: The folder that the project will stand in: its paths to the data start there.
        template_dir: A folder whose templates replace those of the same name.

    Raises:
        Unsupported: The spec asks for something that projects do not support.
        jinja2.TemplateError: A template of the user's folder is wrong.
    """
    data, method, graph = state.data_section, state.method, state.training_graph
    _require_supported(graph, method)
    templates = environment(template_dir)
    findings = Findings()
    binding = bind(data, state.folder, of_graph(graph), method, findings, allow_outside=state.allow_outside)
    assert binding is not None and not findings.errors, "the spec was checked"
    plan = plan_of(state.searchable()) if state.tune is not None else None
    if plan is not None:
        state = spread(state, plan.usage.drawn)
    searched = Searched.of(state)
    saved = [state.graph.nodes[index].name for index in state.graph.inputs]
    read = data_file.render(data, method, in_order(binding, graph), searched, state.name, saved, templates)
    folder = Path(os.path.relpath(state.folder.resolve(), target.resolve())).as_posix()
    train: TrainText = load_attribute(method.project)(
        state, method, read, searched, folder, templates, binding.most_examples(data)
    )
    exact = not searched.spaces  # a model whose parameters are searched is not written layer by layer
    own = {"model": functions_of(state, exact)[1].own, "data": read.constructors.own, "train": train.constructors.own}
    users = {path.name: path.read_text(encoding="utf-8") for path in state.catalogue.carried}
    modules = {f"{name}.py": text for name, text in read.modules.items()} | users
    files = {
        "model.py": emit_model(state, template_dir, exact),
        "data.py": _module("data", read.body, own, state.name, modules),
        "train.py": _module("train", train.body, own, state.name, modules, train.constructors.users),
    }
    whole = {
        "learning": any(stage.turns for stage in method.stages.values()),
        "averages": method.averages,
        "adapters": method.adapted is not None,
    }
    files |= {f"{name}.py": formatted(standalone(name), f"{name}.py") for name, used in whole.items() if used}
    files |= _generating(state, in_order(binding, graph), own, modules, templates)
    if plan is not None:
        tune = tune_file.render(plan, read, train, searched, folder, state.name, templates)
        files["tune.py"] = _module("tune", tune, {**own, "tune": {}}, state.name, modules)
    if taken := sorted(files.keys() & modules.keys()):
        raise Unsupported(f"a module of yours named `{taken[0]}`: projects have one of that name")
    contents = {Code(name): Code(_contents(read).get(name, "your own code")) for name in [*files, *modules]}
    contents |= {Code(name): Code("weights that the model begins with") for name in model_files(graph)}
    packages = [Code(line) for line in _packages("\n".join(files.values()))]
    files["requirements.txt"] = templates.get_template("requirements.txt.jinja").render(packages=packages)
    files["README.md"] = templates.get_template("README.md.jinja").render(
        name=Code(state.name),
        files=contents,
        lines=[Code(line) for line in _remarks(read, files, more=train.saves_more)],
    )
    return files | modules


def _generating(
    state: Trainable,
    binding: Binding,
    own: dict[str, dict[str, str]],
    modules: Iterable[str],
    templates: jinja2.Environment,
) -> dict[str, str]:
    """The files by which the trained model writes; none where the spec does not say how."""
    users = functions_of(state)[1].users
    classes = [*own["model"], *own["data"], *users]
    text = generating_files.render(state, state.method, binding, classes, templates)
    if text is None:
        return {}
    names = dict.fromkeys(text.names, "generating")
    return {
        "generating.py": _module("generating", text.module, {"generating": {}}, state.name, []),
        "generate.py": _module("generate", text.script, {**own, "generate": {}}, state.name, modules, users | names),
    }


def _contents(read: DataText) -> dict[str, str]:
    """What each file holds that there may be, in words."""
    prepared = ", prepared" if read.prepared else ""
    return {
        "model.py": "the model: `build_model()`",
        "data.py": f"how the data are read, divided{prepared} and handed out in batches",
        "train.py": "the training; `python train.py --help` lists what can be changed",
        "adapters.py": "how layers learn by small weights beside their own",
        "averages.py": "how the weights of models follow those of others",
        "learning.py": "how several objectives of one model are minimised in turn",
        "generate.py": "what writes with the trained model: `python generate.py --help`",
        "generating.py": "how a model writes, one index after the other",
        "tune.py": "the search for better parameters",
    }


def _remarks(read: DataText, files: Collection[str], *, more: bool) -> Iterator[str]:
    """What else a reader of the project should know, line by line."""
    if read.reads_files:
        yield "The data are read where they were when this project was written; `--data` names another folder."
    if "tune.py" in files:
        yield "`python tune.py` searches good parameters, and ends with the command that trains with the best ones. Its"
        yield "trials go to `output/search`, with the measures of each epoch."
    raw = ", which takes raw values," if read.saved else ""
    if more:
        yield "All weights that were trained go to `output/training.weights.h5`: the model is a part of them."
    if "generate.py" in files:
        yield "`python generate.py` lets the trained model write; `--help` says what it takes."
    yield f"The measures of each epoch go to `output/history.csv`, the trained model{raw} to `output/model.keras`."


def in_order(binding: Binding, graph: Graph) -> Binding:
    """The same with inputs and outputs in the order of the model."""
    inputs = {graph.nodes[index].name: position for position, index in enumerate(graph.inputs)}
    outputs = [name for name, _ in graph.outputs]
    return replace(
        binding,
        inputs=tuple(sorted(binding.inputs, key=lambda input_: inputs.get(input_.name, -1))),
        drawn=tuple(sorted(binding.drawn, key=lambda input_: inputs[input_.name])),
        entering=tuple(inputs),
        outputs=tuple(sorted(binding.outputs, key=lambda output: outputs.index(output.name))),
    )


def _module(
    name: str,
    body: str,
    own: dict[str, dict[str, str]],
    label: str,
    modules: Iterable[str],
    users: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A module with its imports after its docstring, and classes that Keras lacks: each in the first module."""
    first = list(own)[: list(own).index(name)]
    elsewhere = {imported: module for module in reversed(first) for imported in own[module]}
    files = dict.fromkeys(file for imported, file in own[name].items() if imported not in elsewhere)
    classes = [class_source(file, label) for file in files]
    names = {Path(file).stem for file in modules}
    lines = {imported: f"from {module} import {imported}" for imported, module in elsewhere.items()}
    lines |= {imported: f"from {module} import {imported}" for imported, module in users.items()}
    docstring, _, rest = body.partition("\n")
    whole = "\n\n\n".join([*classes, rest.strip()])
    imports = import_lines(whole, {**_OWN, **lines, **{imported: f"import {imported}" for imported in names}})
    source = f"{docstring}\n\n{imports}\n\n{whole}\n"
    check(source, frozenset({"model", "data", "train", "learning", "averages", "adapters", "generating"} | names))
    return formatted(source, f"{name}.py")


def _packages(text: str) -> list[str]:
    """Lines of ``requirements.txt``: the versions that are installed here."""
    needed = (package for keyword, packages in _PACKAGES.items() if keyword in text for package in packages)
    names = {"keras", "tensorflow", *needed}
    return [f"{name}=={metadata.version(name)}" for name in sorted(names)]
