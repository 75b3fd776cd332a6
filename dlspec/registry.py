"""How a component (layer, optimizer, loss, data source, …) is declared once, and how it is found by name.

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

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, cast, overload

from dlspec import resources

T = TypeVar("T")
JSON = dict[str, Any]

EXPRESSION = r"\$"
# A numeric field takes `$` expressions and constant arithmetic such as `1 / 255`.
ARITHMETIC = r"\$|^[-+(. ]*[0-9][-+*/(). 0-9eE]*$"
PACKAGES = ("dlspec.layers", "dlspec.components", "dlspec.data.sources", "dlspec.sections")

Container = Literal["one", "many", "per_output", "options", "map"]


class _Missing:
    def __repr__(self) -> str:
        return "required"


MISSING: Any = _Missing()


class Field(Generic[T]):
    """One option of a component.

    Args:
        literal: JSON schema of a plain value; a function of the component class where it depends on one.
        default: What Keras assumes when the option is left out; :data:`MISSING` makes it required.
        doc: One sentence, with units where there are any.
        convert: Plain value to the attribute's value.
        kind: The kind of component the value names, or "" for a plain value.
        container: For a `kind`: ``one`` component, ``many`` (a list), ``per_output`` (one, or a map from output names),
            ``options`` (those of the one component `target`), or ``map`` (from names to options of `target`).
        target: For ``options`` and ``map``: the name of the component.
        textual: The value is text in which ``$name`` is substituted rather than an expression.
        scalar: For a `kind` in the container ``one``: a plain number may stand instead of the component.
    """

    def __init__(
        self,
        literal: JSON | Callable[[type[Component]], JSON],
        *,
        default: Any = MISSING,
        doc: str = "",
        convert: Callable[[Any, type[Component]], T] | None = None,
        kind: str = "",
        container: Container = "one",
        target: str = "",
        textual: bool = False,
        scalar: bool = False,
    ) -> None:
        self._literal = literal
        self.default = default
        self.doc = doc
        self._convert = convert
        self.kind = kind
        self.container = container
        self.target = target
        self.textual = textual
        self.scalar = scalar
        self.nullable = False
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Field[T] | T:
        # A non-data descriptor: instances carry the value in their own __dict__, so this is only reached on the class.
        return self

    @property
    def required(self) -> bool:
        """Whether a spec must give the option."""
        return self.default is MISSING

    def literal(self, owner: type[Component]) -> JSON:
        """JSON schema of a plain value, after every expression is evaluated."""
        schema = self._literal(owner) if callable(self._literal) else self._literal
        return _nullable(schema) if self.nullable else schema

    def schema(self, owner: type[Component]) -> JSON:
        """JSON schema of what a spec may write: a plain value or an expression."""
        schema = self.literal(owner)
        return schema if self.textual else with_expressions(schema)

    def convert(self, value: Any, owner: type[Component]) -> T:
        """A plain value, already valid, as the attribute's value."""
        if value is None or self._convert is None:
            return cast(T, value)
        return self._convert(value, owner)


def _nullable(schema: JSON) -> JSON:
    schema = dict(schema)
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*types, "null"]
    elif "$ref" in schema:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema


def with_expressions(schema: JSON) -> JSON:
    """`schema` opened to expressions wherever a plain value may stand."""
    schema = dict(schema)
    if "enum" in schema:
        values = schema.pop("enum")
        types = sorted({_json_type(value) for value in values} | {"string"})
        schema["type"] = types if len(types) > 1 else types[0]
        schema["anyOf"] = [{"enum": values}, {"type": "string", "pattern": EXPRESSION}]
        return schema
    if "items" in schema:
        schema["items"] = with_expressions(schema["items"])
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if "string" not in types:
            numeric = "integer" in types or "number" in types
            schema["type"] = [*types, "string"]
            schema["pattern"] = ARITHMETIC if numeric else EXPRESSION
    return schema


def _json_type(value: Any) -> str:
    return {bool: "boolean", int: "integer", float: "number", type(None): "null"}.get(type(value), "string")


def _bounds(min: float | None, max: float | None, above: float | None, below: float | None) -> JSON:
    pairs = {"minimum": min, "maximum": max, "exclusiveMinimum": above, "exclusiveMaximum": below}
    return {key: value for key, value in pairs.items() if value is not None}


def integer(*, min: int | None = None, max: int | None = None, default: Any = MISSING, doc: str = "") -> Field[int]:
    """A whole number."""
    return Field({"type": "integer", **_bounds(min, max, None, None)}, default=default, doc=doc)


def number(
    *,
    min: float | None = None,
    max: float | None = None,
    above: float | None = None,
    below: float | None = None,
    default: Any = MISSING,
    doc: str = "",
) -> Field[float]:
    """A finite number; `above` and `below` are exclusive bounds."""
    schema = {"type": "number", **_bounds(min, max, above, below)}
    return Field(schema, default=default, doc=doc, convert=lambda value, _: float(value))


def boolean(*, default: Any = MISSING, doc: str = "") -> Field[bool]:
    """``true`` or ``false``."""
    return Field({"type": "boolean"}, default=default, doc=doc)


def choice(*values: str | int, default: Any = MISSING, doc: str = "") -> Field[str]:
    """One of a few words (or numbers)."""
    return Field({"enum": list(values)}, default=default, doc=doc)


def text(*, default: Any = MISSING, doc: str = "", pattern: str = "") -> Field[str]:
    """Text such as a path or a column's name: ``$name`` inside it is substituted."""
    schema: JSON = {"type": "string", **({"pattern": pattern} if pattern else {"minLength": 1})}
    return Field(schema, default=default, doc=doc, textual=True)


def texts(*, default: Any = MISSING, doc: str = "") -> Field[tuple[str, ...]]:
    """One text or a list of them."""
    schema = {"type": ["string", "array"], "items": {"type": "string", "minLength": 1}, "minLength": 1, "minItems": 1}
    return Field(
        schema, default=default, doc=doc, textual=True,
        convert=lambda value, _: (value,) if isinstance(value, str) else tuple(value),
    )  # fmt: skip


def sizes(*, min: int = 1, default: Any = MISSING, doc: str = "") -> Field[tuple[int, ...]]:
    """One whole number for every spatial axis, or a list of one for each; on instances a tuple of ``owner.rank``."""

    def literal(owner: type[Component]) -> JSON:
        rank = owner.rank
        each = {"type": "integer", "minimum": min}
        return {**each, "type": ["integer", "array"], "items": each, "minItems": rank, "maxItems": rank}

    def convert(value: Any, owner: type[Component]) -> tuple[int, ...]:
        return (value,) * owner.rank if isinstance(value, int) else tuple(value)

    return Field(literal, default=default, doc=doc, convert=convert)


def integers(
    *, min: int | None = None, single: bool = False, length: int | None = None, default: Any = MISSING, doc: str = ""
) -> Field[tuple[int, ...]]:
    """A list of whole numbers; with `single`, one number may stand for a list of one."""
    each = {"type": "integer", **_bounds(min, None, None, None)}
    schema: JSON = {"type": "array", "items": each}
    if length is not None:
        schema |= {"minItems": length, "maxItems": length}
    if single:
        schema |= {**each, "type": ["integer", "array"]}
    return Field(
        schema, default=default, doc=doc, convert=lambda value, _: tuple(value) if isinstance(value, list) else (value,)
    )


def numbers(*, default: Any = MISSING, doc: str = "", single: bool = False) -> Field[tuple[float, ...]]:
    """A list of numbers; with `single`, one number may stand for a list of one."""
    schema: JSON = {"type": ["number", "array"] if single else "array", "items": {"type": "number"}}
    return Field(
        schema, default=default, doc=doc, convert=lambda value, _: tuple(value) if isinstance(value, list) else (value,)
    )


def shape(*, default: Any = MISSING, doc: str = "") -> Field[tuple[int | None, ...]]:
    """A shape without batch: sizes, or null for an unknown axis."""
    schema = {"type": "array", "items": {"type": ["integer", "null"], "minimum": 1}, "maxItems": 8}
    return Field(schema, default=default, doc=doc, convert=lambda value, _: tuple(value))


def plain(schema: JSON, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """Anything else that JSON schema can say."""
    return Field(schema, default=default, doc=doc)


def component(kind: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """One component of another kind (``name | name: value | name: {options}``); an instance of it on instances."""
    return Field({"$ref": f"#/$defs/{kind}"}, default=default, doc=doc, kind=kind)


def number_or_component(kind: str, *, above: float | None = None, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """A number, or a component of a kind whose members all need options; a float or an instance on instances."""

    # One flat schema, as in value_schema: a number that is out of bounds gives one error, a wrong option another.
    literal = {"type": ["number", "object"], **_bounds(None, None, above, None), "$ref": f"#/$defs/{kind}.form"}

    def convert(value: Any, _: type[Component]) -> Any:
        return float(value) if isinstance(value, int) else value

    return Field(literal, default=default, doc=doc, convert=convert, kind=kind, scalar=True)


def components(kind: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """A list of components of another kind; a tuple on instances."""
    schema = {"type": "array", "items": {"$ref": f"#/$defs/{kind}"}}
    return Field(schema, default=default, doc=doc, kind=kind, container="many")


def per_output(kind: str, *, many: bool = False, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """Components for each output: one (a list with `many`) for all, or a map from output names, then a dict."""
    one: JSON = {"$ref": f"#/$defs/{kind}"}
    value: JSON = {"type": "array", "items": one} if many else one
    schema = {"x-per-output": kind, "anyOf": [value, {"type": "object", "additionalProperties": value}]}
    field: Field[Any] = Field(schema, default=default, doc=doc, kind=kind, container="per_output")
    return field


def options(kind: str, target: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """The options of one fixed component, such as the ``split`` of ``data``; an instance of it on instances."""
    schema = {"$ref": f"#/$defs/{kind}.{target}"}
    return Field(schema, default=default, doc=doc, kind=kind, container="options", target=target)


def map_of(kind: str, target: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """A map from names to the options of one fixed component; a dict on instances."""
    schema = {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{kind}.{target}"}}
    return Field(schema, default=default, doc=doc, kind=kind, container="map", target=target)


def optional(field: Field[T], *, doc: str = "") -> Field[T | None]:
    """`field` that may be left out or null, and is None then."""
    optional_field = cast("Field[T | None]", field)
    optional_field.nullable = True
    optional_field.default = None
    optional_field.doc = doc or field.doc
    return optional_field


class Example(NamedTuple):
    """A use of a component that documentation shows and tests run.

    Attributes:
        value: What stands after ``name:`` in a spec, as YAML; "" for the bare name.
        inputs: For a layer: shape of each input, without batch.
        dtype: Of the inputs.
    """

    value: str
    inputs: tuple[tuple[int | None, ...], ...] = ()
    dtype: str = "float32"


def example(value: str, *inputs: tuple[int | None, ...], dtype: str = "float32") -> Example:
    """Builds an :class:`Example`: ``example("{filters: 8, kernel_size: 3}", (28, 28, 1))``."""
    return Example(value, inputs, dtype)


class Component:
    """Base of everything that is declared once and used by name.

    Class attributes:
        kind: What it is: ``layer``, ``optimizer``, ``loss`` … Set once by the base class of the kind.
        keras: Dotted path of the Keras class, e.g. ``keras.layers.Conv2D``; "" when dlspec has no Keras counterpart.
        aliases: Further names (Keras's own short identifiers).
        shorthand: The option that ``name: value`` fills; "" where only ``{options}`` are taken.
        rank: Number of spatial axes, for fields made by :func:`sizes`.
        examples: At least one use.
    """

    kind: ClassVar[str] = ""
    keras: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    shorthand: ClassVar[str] = ""
    rank: ClassVar[int] = 0
    examples: ClassVar[tuple[Example, ...]] = ()
    fields: ClassVar[dict[str, Field[Any]]] = {}
    registered_name: ClassVar[str] = ""

    given: dict[str, Any]
    _defaults: ClassVar[dict[str, Any]]
    _required: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields: dict[str, Field[Any]] = {}
        # Options of the component itself first, those that the whole kind shares (trainable, dtype) last.
        bases = list(reversed(cls.__mro__))
        bases.sort(key=lambda base: "kind" in base.__dict__)
        for base in bases:
            for name, value in base.__dict__.items():
                if isinstance(value, Field):
                    fields[name] = value
        cls.fields = {name: getattr(cls, name) for name in fields if isinstance(getattr(cls, name), Field)}
        cls._required = tuple(name for name, field in cls.fields.items() if field.required)
        cls.registered_name = "" if abstract else snake_case((cls.keras or cls.__name__).rsplit(".", 1)[-1])

    def __init__(self, **given: Any) -> None:
        """Makes an instance from converted values; options left out take their defaults."""
        self.given = given
        owner = type(self)
        defaults = owner.__dict__.get("_defaults")
        if defaults is None:
            fields = owner.fields.items()
            defaults = {name: field.convert(field.default, owner) for name, field in fields if not field.required}
            owner._defaults = defaults
        self.__dict__.update(defaults)
        self.__dict__.update(given)
        for name in owner._required:
            if name not in given:
                raise TypeError(f"{owner.registered_name} needs `{name}`")

    @property
    def name(self) -> str:
        """The name in a spec."""
        return self.registered_name

    def called(self, word: str) -> None:
        """Tells the instance which of its names the spec used; metrics report under it, as in Keras."""

    def validate(self) -> None:
        """Checks options against each other.

        Raises:
            Problem: E207, with the option at fault.
        """

    def describe(self) -> str:
        """The given options as one line of YAML-like text."""
        items = ", ".join(f"{name}: {_describe(value)}" for name, value in self.given.items())
        return "{" + items + "}" if items else ""

    def keras_arguments(self) -> dict[str, Any]:
        """Constructor arguments as plain values and components: what the spec gave, nothing else."""
        return dict(self.given)

    def make(self, **extra: Any) -> Any:
        """A new Keras object; nested components become new Keras objects too.

        Args:
            extra: Further constructor arguments, such as a layer's ``name``.
        """
        arguments = {name: _make(value) for name, value in self.keras_arguments().items()}
        return load_attribute(self.keras)(**arguments, **extra)


def _describe(value: Any) -> str:
    if isinstance(value, Component):
        inner = value.describe()
        return f"{{{value.name}: {inner}}}" if inner else value.name
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_describe(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_describe(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _make(value: Any) -> Any:
    if isinstance(value, Component):
        return value.make()
    if isinstance(value, tuple | list):
        return type(value)(_make(item) for item in value)
    if isinstance(value, dict):
        return {key: _make(item) for key, item in value.items()}
    return value


def load_attribute(path: str) -> Any:
    """The object behind a dotted path such as ``keras.layers.Conv2D``.

    Only paths written in this package's own declarations come here, never one from a spec.
    """
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(path)


def snake_case(class_name: str) -> str:
    """Exactly Keras's ``to_snake_case``: Conv2D → conv2d, MaxPooling2D → max_pooling2d, LSTM → lstm, ReLU → re_lu."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def value_schema(owner: type[Component], common: Mapping[str, JSON] | None = None) -> JSON:
    """JSON schema of what stands after ``name:``: the options, or a value for the shorthand option.

    Every keyword speaks only of its own type, so that one flat schema takes both forms and each mistake gives one
    plain error (an ``anyOf`` of the two would report both).

    Args:
        owner: The component.
        common: Further keys allowed among the options (a step's ``name``, ``from`` …).
    """
    properties: JSON = {}
    for name, field in owner.fields.items():
        properties[name] = {**field.schema(owner), "markdownDescription": document(field)}
    schema: JSON = {"type": ["object"]}
    required = [name for name, field in owner.fields.items() if field.required]
    if owner.shorthand and set(required) <= {owner.shorthand}:
        schema = _merge_shorthand(owner.fields[owner.shorthand], owner)
    if not required:
        schema["type"] = [*schema["type"], "null"]
        if "anyOf" in schema:
            schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    schema["properties"] = {**properties, **(common or {})}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _merge_shorthand(field: Field[Any], owner: type[Component]) -> JSON:
    schema = dict(field.schema(owner))
    if field.scalar:
        # `adam: 1e-3`; a map there is the options of the component itself.
        bounds = {key: value for key, value in schema.items() if key in ("pattern", "exclusiveMinimum")}
        return {"type": ["object", "number", "string"], **bounds}
    if field.kind and field.container == "one":
        names_or_expression = [{"enum": list(names(field.kind))}, {"pattern": EXPRESSION}]
        return {"type": ["object", "string"], "anyOf": [*names_or_expression, {"type": "object"}]}
    types = schema.get("type", "object")
    types = types if isinstance(types, list) else [types]
    if "anyOf" in schema:
        schema["anyOf"] = [*schema["anyOf"], {"type": "object"}]
    return {**schema, "type": ["object", *(t for t in types if t != "null")]}


def document(field: Field[Any]) -> str:
    """A field's sentence with its default."""
    default = "Required." if field.required else f"Default: `{_describe(field.default)}`."
    return f"{field.doc} {default}".strip()


# --- finding components -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _index() -> dict[str, dict[str, str]]:
    # Generated by `make schemas`: finding one component must not import the whole catalogue.
    index: dict[str, dict[str, str]] = json.loads(resources.read("schemas", "index.json"))
    return index


def kinds() -> tuple[str, ...]:
    """All kinds of components."""
    return tuple(_index())


def names(kind: str) -> tuple[str, ...]:
    """The names (aliases included) of all components of `kind`."""
    return tuple(_index().get(kind, {}))


@cache
def find(kind: str, name: str) -> type[Component] | None:
    """The component class called `name`, or None; imports only the module that declares it."""
    path = _index().get(kind, {}).get(name)
    if path is None:
        return None
    module, _, attribute = path.partition(":")
    found: type[Component] = getattr(importlib.import_module(module), attribute)
    return found


def declared() -> Iterator[type[Component]]:
    """Every component class of every package, in a stable order. Imports all of them: for generators and tests."""
    found: dict[tuple[str, str], type[Component]] = {}
    for package_name in PACKAGES:
        package = importlib.import_module(package_name)
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
            module = importlib.import_module(f"{package_name}.{info.name}")
            for value in vars(module).values():
                if not (isinstance(value, type) and issubclass(value, Component) and value.registered_name):
                    continue
                if value.__module__ != module.__name__:
                    continue
                key = (value.kind, value.registered_name)
                if found.setdefault(key, value) is not value:
                    raise TypeError(f"{key} is declared twice: {found[key].__qualname__} and {value.__qualname__}")
    yield from (found[key] for key in sorted(found))


def build_index() -> dict[str, dict[str, str]]:
    """The index as ``make schemas`` writes it: kind → name → ``module:Class``."""
    index: dict[str, dict[str, str]] = {}
    for owner in declared():
        for name in (owner.registered_name, *owner.aliases):
            index.setdefault(owner.kind, {})[name] = f"{owner.__module__}:{owner.__qualname__}"
    return {kind: dict(sorted(entries.items())) for kind, entries in sorted(index.items())}
