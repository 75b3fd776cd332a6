"""The generated schemas: current, valid, and of the form that editors complete best."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from dlspec.components import registry
from dlspec.components.registry import Component, Field
from dlspec.core import resources
from dlspec.core.tree import Invalid, Map
from dlspec.semantics.schema.check import check
from dlspec.semantics.schema.deciding import is_valid
from dlspec.semantics.schema.generate import document_schemas, files
from dlspec.semantics.schema.keywords import BOUNDS, definition, schema
from dlspec.semantics.schema.validate import KEYWORDS, iterate_errors
from dlspec.syntax.source import load
from tests.support import ROOT, SPECS


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return files()


@pytest.mark.parametrize("name", ["spec.json", "index.json", *document_schemas()])
def test_generated_files_are_current(name: str, generated: dict[str, str]) -> None:
    assert resources.read("schemas", name) == generated[name], "run `make schemas`"


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(schema())


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def test_the_schema_has_no_one_of_and_no_defaults() -> None:
    """oneOf gives "not valid under any of the given schemas" for every mistake; editors paste every default."""
    for node in _walk(schema()):
        assert "oneOf" not in node
        assert not ("default" in node and not isinstance(node["default"], dict)), node


def test_every_reference_leads_somewhere() -> None:
    for node in _walk(schema()):
        if isinstance(node.get("$ref"), str):
            definition(node["$ref"].removeprefix("#/$defs/"))


@pytest.mark.parametrize("spec", SPECS)
def test_jsonschema_itself_accepts_our_specs(spec: str) -> None:
    """Editors use the schema with plain jsonschema semantics, without our faster applicators."""
    data = load((ROOT / spec).read_text()).data
    assert list(Draft202012Validator(schema()).iter_errors(data)) == []


COMPONENTS = list(registry.declared())


@pytest.mark.parametrize("owner", COMPONENTS, ids=[f"{owner.kind}.{owner.registered_name}" for owner in COMPONENTS])
def test_declarations_are_complete(owner: type[Component]) -> None:
    assert owner.__doc__ and owner.__doc__.strip().split("\n")[0].endswith("."), "one line says what it is"
    assert owner.examples, "at least one example"
    for name, field in owner.fields.items():
        assert isinstance(field, Field)
        assert field.doc.endswith("."), f"`{name}` needs a sentence"
    assert not owner.shorthand or owner.shorthand in owner.fields


@pytest.mark.parametrize("owner", COMPONENTS, ids=[f"{owner.kind}.{owner.registered_name}" for owner in COMPONENTS])
def test_examples_are_valid(owner: type[Component]) -> None:
    for example in owner.examples:
        value = load(f"value: {example.value}").data
        assert value is not None
        node = registry.value_schema(owner)
        assert list(iterate_errors(value["value"], node)) == []


def test_numbers_are_what_they_seem() -> None:
    number = {"type": "number", "minimum": 0}
    integer = {"type": "integer"}
    for bad in (float("nan"), float("inf"), True):
        assert list(iterate_errors(bad, number))
    for bad in (64.0, True, "64"):
        assert list(iterate_errors(bad, integer))
    assert not list(iterate_errors(64, integer))


def test_every_keyword_of_the_schema_is_checked() -> None:
    used = {keyword for node in _walk(schema()) if "type" in node or "anyOf" in node for keyword in node}
    assert used & set(Draft202012Validator.VALIDATORS) <= set(KEYWORDS)


_PLAIN: tuple[Any, ...] = (-1, 0, 1, 2, 3, -0.5, 0.5, 2.5, "", "a", "abc", True, False, None)
_HOLDING: tuple[Any, ...] = ({}, {"a": 1}, {"a": 1, "b": 2, "c": 3}, [], [1], [1, True], [1, 1.0], [1, 1], [[], []])
_TEXTS: tuple[Any, ...] = (["a"], ["a", "a"], ["a", "b", "c"])


@pytest.mark.parametrize("keyword", BOUNDS)
def test_bounds_are_those_of_jsonschema(keyword: str) -> None:
    """They are decided without it, since importing it takes a third of the time of a check."""
    for bound in (True,) if keyword == "uniqueItems" else (0, 1, 2, 2.5):
        node = {keyword: bound}
        for value in (*_PLAIN, *_HOLDING, *_TEXTS):
            assert is_valid(value, node) == Draft202012Validator(node).is_valid(value), (node, value)


def test_names_are_ascii_and_take_no_trailing_newline() -> None:
    for text in ('name: "abc\\n"', "name: имя", "name: a-b", f"name: {'a' * 64}"):
        data = load(text).data
        assert [item.code for item in check(data, schema())] == ["E103"], text


@pytest.mark.parametrize("value", [Invalid(Map()), Invalid([1]), {}, [1]])
def test_what_was_reported_as_wrong_is_none_of_a_list_of_values(value: Any) -> None:
    assert not is_valid(value, {"enum": ["a", 1, None]})
    assert [error.validator for error in iterate_errors(value, {"enum": ["a", 1, None]})] == ["enum"]


def test_specs_are_right_where_jsonschema_says_so_and_nothing_is_found_in_them() -> None:
    node = deepcopy(schema())
    for part in _walk(node):
        if "x-per-output" in part:  # what such a map means is only known with the outputs of the model
            part.pop("anyOf")
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _checker, value: type(value) is int,
            "number": lambda _checker, value: type(value) in (int, float) and math.isfinite(value),
        }
    )
    judge = extend(Draft202012Validator, type_checker=types)(node)
    wrong = 0
    for path in (*sorted((ROOT / "tests/bad").glob("*.yaml")), *(ROOT / spec for spec in SPECS)):
        data = load(path.read_text(encoding="utf-8", errors="replace")).data
        if data is not None:
            valid = is_valid(data, schema())
            assert valid == judge.is_valid(data), path.name
            assert valid == (not list(iterate_errors(data, schema()))), path.name
            wrong += not valid
    assert wrong > 100
