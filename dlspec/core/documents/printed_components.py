"""Types of the documents of ``dlspec layers --format json``: one component in full, or many in a line each."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from dlspec.core.documents.model import Shape


class Option(TypedDict):
    """One option of a component.

    Attributes:
        default: null where there is none.
        value: What may stand as its value, in words.
        component: The kind of component that it takes; null where it takes none.
        schema: The JSON schema of its value.
    """

    name: str
    required: bool
    default: Any
    value: str
    component: str | None
    meaning: str
    schema: dict[str, Any]


class LayerInputs(TypedDict):
    """The inputs that a layer accepts.

    Attributes:
        arguments: Names of its inputs.
        optional: Those that may be left out.
        listed: What the tensors of a list are, in their order, where they differ in that.
        list: Whether it takes a list of any length.
        minimum: Tensors at least.
        maximum: Tensors at most; null where there is no limit.
    """

    arguments: list[str]
    optional: list[str]
    listed: list[str]
    list: bool
    minimum: int
    maximum: int | None


class ComponentExample(TypedDict):
    """A use of a component, with the shapes that it takes."""

    yaml: str
    inputs: list[Shape]
    dtype: str


class ComponentFacts(TypedDict):
    """A component.

    Attributes:
        aliases: Other names.
        family: The file that declares it.
        meaning: One sentence.
        description: What else is to be said; "" where nothing is.
        keras: Its class or function.
        shorthand: The option that `name: value` fills; "" where there is none.
        inputs: Of a layer; null otherwise.
    """

    kind: str
    name: str
    aliases: list[str]
    family: str
    meaning: str
    description: str
    keras: str
    shorthand: str
    options: list[Option]
    inputs: LayerInputs | None
    examples: list[ComponentExample]


class ComponentList(TypedDict):
    """All components of a kind."""

    version: Literal[1]
    kind: str
    components: list[ComponentFacts]


class OneComponent(ComponentFacts):
    """One component."""

    version: Literal[1]
