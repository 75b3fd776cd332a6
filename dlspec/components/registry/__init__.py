"""Declaration of components (layers, optimizers, losses, data sources, …) and the search for them by name.

A component is a class whose attributes are fields::

    class Dropout(Layer):
        \"\"\"Sets a random share of the inputs to zero during training.\"\"\"

        keras = "keras.layers.Dropout"
        shorthand = "rate"
        rate = number(min=0, max=1, doc="Share of the inputs to drop.")
        noise_shape = optional(sizes(), doc="…")
        seed = optional(integer(), doc="…")

On the class, ``Dropout.rate`` is the :class:`Field`; on an instance it is the value (``self.rate``, a float). The
JSON schema, the documentation, the Keras object and the generated code all come from the fields.
"""

from __future__ import annotations

from dlspec.components.registry.catalogue import BUILT_IN, Catalogue, NameTaken
from dlspec.components.registry.component import Component, Example, example, load_attribute, snake_case
from dlspec.components.registry.fields import (
    ARITHMETIC,
    EXPRESSION,
    JSON,
    MISSING,
    Alike,
    Field,
    Owner,
    aiding,
    boolean,
    choice,
    component,
    components,
    components_or_like,
    decisive,
    integer,
    integers,
    map_of,
    map_of_components,
    number,
    number_or_component,
    numbers,
    optional,
    options,
    per_output,
    plain,
    required_unless,
    shape,
    sizes,
    text,
    texts,
    with_expressions,
)
from dlspec.components.registry.forms import document, value_schema
from dlspec.components.registry.index import build_index, declared, find, kinds, names, refresh
from dlspec.components.registry.written import name_and_value, options_by_name

__all__ = [
    "ARITHMETIC",
    "BUILT_IN",
    "EXPRESSION",
    "JSON",
    "MISSING",
    "Alike",
    "Catalogue",
    "Component",
    "Example",
    "Field",
    "NameTaken",
    "Owner",
    "aiding",
    "boolean",
    "build_index",
    "choice",
    "component",
    "components",
    "components_or_like",
    "decisive",
    "declared",
    "document",
    "example",
    "find",
    "integer",
    "integers",
    "kinds",
    "load_attribute",
    "map_of",
    "map_of_components",
    "name_and_value",
    "names",
    "number",
    "number_or_component",
    "numbers",
    "optional",
    "options",
    "options_by_name",
    "per_output",
    "plain",
    "refresh",
    "required_unless",
    "shape",
    "sizes",
    "snake_case",
    "text",
    "texts",
    "value_schema",
    "with_expressions",
]
