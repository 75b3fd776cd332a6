"""Writes ``schemas/*.json`` from the registry: ``make schemas``.

``spec.json`` serves editors and ``dlspec check`` alike; ``index.json`` tells where each component is declared, so
that checking a spec imports only what it uses. The form of ``spec.json`` (a property per layer, no ``oneOf``, no
``default``) is the one that completes best and gives the plainest errors in yaml-language-server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.methods.base import DEFAULT
from dlspec.components.registry import ARITHMETIC, EXPRESSION, JSON, Component
from dlspec.semantics.schema.sharing import share
from dlspec.semantics.schema.structure import (
    CAPITALISED,
    NAME,
    NAME_TEXT,
    REF_REFERENCES,
    REF_STEPS,
    REFERENCE,
    structure,
)


def build_schema() -> JSON:
    """The whole language as one JSON schema (draft 2020-12)."""
    components = list(registry.declared())
    definitions: JSON = {}
    for owner in components:
        if owner.kind == "section":
            definitions[f"section.{owner.registered_name}"] = _titled(owner, registry.value_schema(owner))
    for kind in sorted({owner.kind for owner in components} - {"section", "layer", "method", "solver", "study"}):
        definitions |= _named(kind, [owner for owner in components if owner.kind == kind])
    # One body for a step and for a branch, which may be a step or a list of steps.
    definitions["layer_body"] = _layer([owner for owner in components if issubclass(owner, Layer)])
    definitions["layer"] = {"type": ["object", "string"], "$ref": "#/$defs/layer_body"}
    branch: JSON = {"type": ["object", "string", "array"], "items": {"$ref": "#/$defs/layer"}}
    definitions["branch"] = {**branch, "$ref": "#/$defs/layer_body"}
    definitions |= {f"step.{name}": schema for name, schema in _common().items()}
    definitions |= _named("study", [owner for owner in components if owner.kind in ("study", "solver")])
    definitions["train"] = _train([owner for owner in components if owner.kind == "method"], definitions["study"])
    definitions |= structure()
    share(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dlspec",
        "description": "A deep-learning experiment: data, model and training in one file.",
        **_sections(),
        "$defs": definitions,
    }


def _sections() -> JSON:
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": NAME, "description": "Name of the model and of its run folders."},
            "description": {"type": "string", "description": "What this experiment is about."},
            "extends": {
                "type": "string",
                "minLength": 1,
                "description": "A spec that this one changes; maps are merged.",
            },
            "extensions": {
                "type": ["string", "array"],
                "items": {"type": "string", "minLength": 1},
                "minLength": 1,
                "description": "Python files that the spec uses; they run only with `--allow-code`.",
            },
            "params": {"$ref": "#/$defs/params"},
            "inputs": {"$ref": "#/$defs/inputs"},
            "blocks": {
                "type": "object",
                "patternProperties": {CAPITALISED: {"$ref": "#/$defs/block"}},
                "additionalProperties": False,
                "x-names": "block",
                "description": "Groups of layers with parameters, called like layers; each call has its own weights.",
            },
            "models": {
                "type": "object",
                "patternProperties": {CAPITALISED: {"$ref": "#/$defs/model"}},
                "additionalProperties": False,
                "x-names": "model",
                "description": "Models called like layers; all calls share one set of weights.",
            },
            "layers": {**REF_STEPS, "description": "The model, layer by layer."},
            "outputs": {"$ref": "#/$defs/names", "description": "Names of the outputs; the last layer unless given."},
            "expect": {"$ref": "#/$defs/expect"},
            "data": {"$ref": "#/$defs/section.data"},
            "train": {"$ref": "#/$defs/train"},
            "tune": {"$ref": "#/$defs/section.tune"},
            "report": {"$ref": "#/$defs/section.report"},
            "generate": {
                "$ref": "#/$defs/generator",
                "description": "How the model writes sequences, whose answers are fed back into an input.",
            },
        },
        "additionalProperties": False,
    }


def _common() -> JSON:
    """What every step may have besides its own options."""
    return {
        "name": {
            "type": ["string", "array"], "pattern": REFERENCE, "items": NAME_TEXT, "minItems": 1,
            "markdownDescription": "Names the output (a list: each output), for `from` further down.",
        },
        "from": {
            "type": ["string", "array", "object"], "pattern": REFERENCE, "minItems": 1,
            "items": REF_REFERENCES, "additionalProperties": REF_REFERENCES,
            "markdownDescription": "Where the input comes from: a name, a list, or a map of arguments. Unset: `prev`.",
        },
        "repeat": {
            "type": ["integer", "string"], "minimum": 0, "pattern": ARITHMETIC,
            "markdownDescription": "How many times; each turn takes the one before it and has its own weights.",
        },
        "if": {
            "type": ["boolean", "string"], "pattern": EXPRESSION,
            "markdownDescription": "When false, the item counts as deleted.",
        },
    }  # fmt: skip


def _titled(owner: type[Component], schema: JSON) -> JSON:
    summary = (owner.__doc__ or "").strip().split("\n")[0]
    return {**schema, "title": owner.registered_name, "x-kind": owner.kind, "description": summary}


def _named(kind: str, owners: list[type[Component]]) -> JSON:
    """``name | name: value | name: {options}`` for one kind of component; the map form alone is a definition too."""
    properties = {name: _titled(owner, registry.value_schema(owner)) for owner in owners for name in _names(owner)}
    form = _name_or_map(kind, properties, _bare_names(owners))
    bare = {"type": form.pop("type"), "anyOf": form.pop("anyOf")}
    return {f"{kind}.form": form, kind: {**bare, "$ref": f"#/$defs/{kind}.form", "x-names": kind}}


def _layer(owners: list[type[Layer]]) -> JSON:
    common = {name: {"$ref": f"#/$defs/step.{name}"} for name in _common()}
    properties: JSON = {}
    for owner in owners:
        schema = _titled(owner, registry.value_schema(owner, common))
        if owner.value_names_inputs():
            schema = _merging(schema)
        properties |= dict.fromkeys(_names(owner), schema)
    merge: JSON = {
        "type": ["string", "object"],
        "properties": {
            owner.registered_name: _titled(owner, registry.value_schema(owner)) for owner in owners if owner.takes_list
        },
        "additionalProperties": False,
        "x-names": "merge layer",
        "minProperties": 1,
        "maxProperties": 1,
        "markdownDescription": "How the branches come together: `add`, `concatenate`, … or one with options.",
    }
    merge["anyOf"] = [
        {"enum": sorted(merge["properties"])},
        {"type": "string", "pattern": EXPRESSION},
        {"type": "object"},
    ]
    schema = _name_or_map("layer", {**properties, **_groups(common, merge)}, _bare_names(owners))
    schema["anyOf"] += [{"type": "string", "pattern": CAPITALISED}, {"type": "array"}]
    call = {"properties": common, "x-call": True, "description": "A call of a block or model of this spec."}
    schema["patternProperties"] = {CAPITALISED: call}
    del schema["type"]
    return schema


def _merging(schema: JSON) -> JSON:
    """A layer of several inputs: its value may be the names it merges."""
    types = [*schema["type"], "array", "string"]
    return {**schema, "type": list(dict.fromkeys(types)), "items": REF_REFERENCES, "pattern": REFERENCE}


def _groups(common: JSON, merge: JSON) -> JSON:
    def group(title: str, text: str, properties: JSON, required: list[str], types: list[str]) -> JSON:
        body = {"properties": {**properties, **common}, "required": required, "additionalProperties": False}
        items = {"items": {"$ref": "#/$defs/layer"}} if title == "residual" else {}
        return {"type": types, **body, **items, "title": title, "x-kind": "layer", "description": text}

    times = {**_common()["repeat"], "markdownDescription": "Number of turns."}
    each = {
        "type": "object", "patternProperties": {NAME: {"type": ["array", "string"], "pattern": EXPRESSION}},
        "additionalProperties": False, "minProperties": 1, "x-names": "parameter",
        "markdownDescription": "Lists of equal length; each turn sees one value of each under its name.",
    }  # fmt: skip
    let = {
        "type": "object", "patternProperties": {NAME: {}}, "additionalProperties": False, "minProperties": 1,
        "x-names": "parameter", "markdownDescription": "Values that each turn works out anew, used as `$name` inside.",
    }  # fmt: skip
    branch = {"$ref": "#/$defs/branch"}
    shortcut = {**branch, "markdownDescription": "What is done to the input; nothing unless given."}
    repeat = group(
        "repeat",
        "Layers several times, each time with new weights.",
        {"times": times, "each": each, "let": let, "layers": REF_STEPS},
        ["layers"],
        ["object"],
    )
    del repeat["properties"]["repeat"]
    branches = {
        "type": ["array", "object"],
        "items": branch,
        "patternProperties": {NAME: branch},
        "additionalProperties": False,
        "x-names": "branch",
    }
    return {
        "repeat": repeat,
        "residual": group(
            "residual", "Layers whose output is merged with their input.",
            {"layers": REF_STEPS, "shortcut": shortcut, "merge": merge}, ["layers"], ["object", "array"],
        ),
        "parallel": {
            **group(
                "parallel", "Branches that all take the same input, merged in written order.",
                {"branches": branches, "merge": merge}, ["branches"], ["object", "array"],
            ),
            "items": branch,
        },
    }  # fmt: skip


def _train(methods: list[type[Component]], study: JSON) -> JSON:
    """Options of all methods in one flat schema; which of them go together is checked when the method is known."""
    properties: JSON = {}
    for owner in sorted(methods, key=lambda owner: owner.registered_name != DEFAULT):
        for key, schema in registry.value_schema(owner)["properties"].items():
            if properties.setdefault(key, schema) != schema:
                raise TypeError(f"`{key}` of the method `{owner.registered_name}` is another one than that before it")
    names = [name for owner in methods for name in _names(owner)]
    bare = list(dict.fromkeys([*names, *study["anyOf"][0]["enum"]]))
    doc = (
        "How to train: a study that repeats a training, such as `k_fold: 5`, or a solver, such as "
        f"`least_squares: {{l2: 1}}`. Default: `{DEFAULT}`."
    )
    method = {**study, "anyOf": [{"enum": bare}, *study["anyOf"][1:]], "markdownDescription": doc}
    return {
        "type": "object",
        "properties": {"method": method, **properties},
        "additionalProperties": False,
        "title": "train",
        "x-kind": "method",
    }


def _names(owner: type[Component]) -> tuple[str, ...]:
    return (owner.registered_name, *owner.aliases)


def _bare_names(owners: Sequence[type[Component]]) -> list[str]:
    return sorted(
        name for owner in owners if not any(f.required for f in owner.fields.values()) for name in _names(owner)
    )


def _name_or_map(kind: str, properties: JSON, bare: list[str]) -> JSON:
    return {
        "type": ["object", "string"],
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "anyOf": [{"enum": bare}, {"type": "string", "pattern": EXPRESSION}, {"type": "object"}],
        "x-names": kind,
    }


def files() -> dict[str, str]:
    """Name and text of every generated file; the schema is of the components that the index on disk names."""
    documents = {name: _text(schema) for name, schema in document_schemas().items()}
    return {"index.json": _text(registry.build_index()), "spec.json": _text(build_schema()), **documents}


def document_schemas() -> dict[str, JSON]:
    """By file name, the JSON schemas of the documents that dlspec writes and prints."""
    from dlspec.core.documents.notes import Notes
    from dlspec.core.documents.printed import PRINTED
    from dlspec.core.documents.report import Report
    from dlspec.core.documents.schema import schema_of
    from dlspec.core.documents.search import Search
    from dlspec.core.documents.study import Study

    return {
        "report.json": schema_of(Report, "report.json of a run"),
        "search.json": schema_of(Search, "search.json of a search"),
        "notes.json": schema_of(Notes, "notes.json of a run"),
        "study.json": schema_of(Study, "study.json of a study"),
        **{
            f"output/{name}.json": schema_of(kind, f"dlspec {name.replace('-', ' ')} --format json")
            for name, kind in PRINTED.items()
        },
    }


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def main(folder: str) -> None:
    """Writes the generated files into `folder`."""
    Path(folder, "output").mkdir(exist_ok=True)
    # The index first: the schema is made of what it names.
    Path(folder, "index.json").write_text(files()["index.json"], encoding="utf-8")
    registry.refresh()
    for name, text in files().items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
