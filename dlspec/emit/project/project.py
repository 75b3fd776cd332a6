"""All files of a generated project."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from dlspec.data.binding import bind
from dlspec.data.findings import Findings
from dlspec.data.signature import of_graph
from dlspec.emit.classes import class_source
from dlspec.emit.formatting import formatted
from dlspec.emit.guard import check
from dlspec.emit.imports import import_lines
from dlspec.emit.module import emit_model
from dlspec.emit.project import data as data_file
from dlspec.emit.project import train as train_file
from dlspec.emit.templates import Code, environment
from dlspec.passes.state import Compilation
from dlspec.sections.train import Supervised

_OWN = {
    "build_model": "from model import build_model",
    "Batches": "from data import Batches",
    "load": "from data import load",
    "with_preparation": "from data import with_preparation",
}
# Packages that a project may need, by the word in its text.
_PACKAGES = {
    "import tensorflow": "tensorflow",
    "import numpy": "numpy",
    "pyarrow": "pyarrow",
    "from PIL": "pillow",
    "from sklearn": "scikit-learn",
    "keras_tuner": "keras-tuner",
}


def emit_project(state: Compilation, target: Path, template_dir: Path | None = None) -> dict[str, str]:
    """Text of each file by its name.

    Args:
        state: A spec without errors that has `data` and `train`.
        target: The folder that the project will stand in: its paths to the data start there.
        template_dir: A folder whose templates replace those of the same name.

    Raises:
        Unsupported: The spec says something that projects have no words for yet.
        jinja2.TemplateError: A template of the user's folder is wrong.
    """
    data, method, graph = state.data_section, state.method, state.graph
    assert data is not None and isinstance(method, Supervised) and graph is not None
    templates = environment(template_dir)
    findings = Findings()
    binding = bind(data, state.path.parent, of_graph(graph), method, findings, allow_outside=state.allow_outside)
    assert binding is not None and not findings.items, "the spec was checked"
    read = data_file.render(data, binding, state.name, templates)
    classes = [class_source(file, state.name) for file in read.constructors.own.values()]
    prepared = any(one.prepare for one in binding.inputs)
    folder = Path(os.path.relpath(state.path.parent.resolve(), target.resolve())).as_posix()
    train, _ = train_file.render(method, data, graph, state.name, prepared, folder, templates)
    files = {
        "model.py": emit_model(state, template_dir),
        "data.py": _module(read.body, classes),
        "train.py": _module(train, []),
    }
    packages = _packages("\n".join(files.values()))
    facts = {"name": Code(state.name), "packages": [Code(line) for line in packages], "tuned": False}
    for name in ("requirements.txt", "README.md"):
        files[name] = templates.get_template(f"{name}.jinja").render(facts)
    return files


def _module(body: str, classes: list[str]) -> str:
    """A module with its imports and classes after its docstring."""
    docstring, _, rest = body.partition("\n")
    whole = "\n\n\n".join([*classes, rest])
    source = f"{docstring}\n\n{import_lines(whole, _OWN)}\n\n\n{whole}"
    check(source, frozenset({"model", "data"}))
    return formatted(source)


def _packages(text: str) -> list[str]:
    """Lines of ``requirements.txt``: the versions that are installed here."""
    names = ["keras", *(package for word, package in _PACKAGES.items() if word in text)]
    if "tensorflow" not in names:
        names.append("tensorflow")
    return [f"{name}=={metadata.version(name)}" for name in sorted(names)]
