"""Fields: one option of a component each, with its JSON schema, default, sentence and conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, cast, overload

T = TypeVar("T")
JSON = dict[str, Any]


class Owner(Protocol):
    """The part of a component that its fields use.

    Attributes:
        rank: Number of spatial axes.
    """

    rank: ClassVar[int]


EXPRESSION = r"\$"
# A numeric field takes `$` expressions and constant arithmetic such as `1 / 255`; a lone number in quotes is text.
ARITHMETIC = r"\$|^[-+( ]*[0-9.]+([eE]-?[0-9]+)?[-+*/() ][-+*/(). 0-9eE]*$"

Container = Literal["one", "number", "many", "per_output", "options", "map"]


class Alike(tuple[Any, ...]):
    """The components of a list that stands elsewhere, which an option names by `{like: name}`.

    Attributes:
        like: The name; the items are () until the section that knows it has looked it up.
    """

    like: str

    def __new__(cls, items: Iterable[Any], like: str) -> Alike:
        """The items with the name of what has them."""
        made = super().__new__(cls, items)
        made.like = like
        return made


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
        container: For a `kind`: ``one`` component, ``number`` (one, or a plain number), ``many`` (a list),
            ``per_output`` (one, or a map from output names), ``options`` (those of the one component `target`), or
            ``map`` (from names to options of `target`).
        target: For ``options`` and ``map``: the name of the component.
        textual: The value is text in which ``$name`` is substituted rather than an expression.

    Attributes:
        tensors: For ``per_output``: names of other tensors of the graph stand for themselves as well.
        alike: For ``many``: `{like: name}` may stand for the components of another list.
        decisive: The component means something else without it: an error in it hides the whole, though it is optional.
        aid: How it helps a training, which can do without it: see :attr:`Component.aid`.
        off: For an `aid`: the value that gives none; None for leaving it out.
        beside: For an `aid`: options that mean nothing without it.
    """

    def __init__(
        self,
        literal: JSON | Callable[[type[Owner]], JSON],
        *,
        default: Any = MISSING,
        doc: str = "",
        convert: Callable[[Any, type[Owner]], T] | None = None,
        kind: str = "",
        container: Container = "one",
        target: str = "",
        textual: bool = False,
    ) -> None:
        self._literal = literal
        self.default = default
        self.doc = doc
        self._convert = convert
        self.kind = kind
        self.container = container
        self.target = target
        self.textual = textual
        self.nullable = False
        self.tensors = False
        self.decisive = False
        self.alike = False
        self.aid = ""
        self.off: Any = None
        self.beside: tuple[str, ...] = ()
        self.unless = ""
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    def called(self, name: str) -> Field[T]:
        """The same under another name than that of its attribute, which a component has for something else."""
        self.name = name
        return self

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

    def literal(self, owner: type[Owner]) -> JSON:
        """JSON schema of a plain value, after every expression is evaluated."""
        schema = self._literal(owner) if callable(self._literal) else self._literal
        return _nullable(schema) if self.nullable else schema

    def schema(self, owner: type[Owner]) -> JSON:
        """JSON schema of what a spec may write: a plain value or an expression."""
        schema = self.literal(owner)
        return schema if self.textual else with_expressions(schema)

    def convert(self, value: Any, owner: type[Owner]) -> T:
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
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = with_expressions(schema["additionalProperties"])
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


def choice(*values: str | int, default: Any = MISSING, doc: str = "", others: str = "") -> Field[str]:
    """One of a few words (or numbers); `others` says why some that people try are none of them."""
    return Field({"enum": list(values), **({"x-others": others} if others else {})}, default=default, doc=doc)


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

    def literal(owner: type[Owner]) -> JSON:
        rank = owner.rank
        each = {"type": "integer", "minimum": min}
        return {**each, "type": ["integer", "array"], "items": each, "minItems": rank, "maxItems": rank}

    def convert(value: Any, owner: type[Owner]) -> tuple[int, ...]:
        return (value,) * owner.rank if isinstance(value, int) else tuple(value)

    return Field(literal, default=default, doc=doc, convert=convert)


def integers(
    *,
    min: int | None = None,
    max: int | None = None,
    single: bool = False,
    length: int | None = None,
    default: Any = MISSING,
    doc: str = "",
) -> Field[tuple[int, ...]]:
    """A list of whole numbers; with `single`, one number may stand for a list of one."""
    each = {"type": "integer", **_bounds(min, max, None, None)}
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


def number_or_component(
    kind: str,
    *,
    min: float | None = None,
    above: float | None = None,
    below: float | None = None,
    default: Any = MISSING,
    doc: str = "",
) -> Field[Any]:
    """A number, or a component of a kind whose members all need options; a float or an instance on instances."""

    # One flat schema, as in value_schema: a number that is out of bounds gives one error, a wrong option another.
    literal = {"type": ["number", "object"], **_bounds(min, None, above, below), "$ref": f"#/$defs/{kind}.form"}

    def convert(value: Any, _: type[Owner]) -> Any:
        return float(value) if isinstance(value, int) else value

    return Field(literal, default=default, doc=doc, convert=convert, kind=kind, container="number")


def components(kind: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """A list of components of another kind; a tuple on instances."""
    schema = {"type": "array", "items": {"$ref": f"#/$defs/{kind}"}}
    return Field(schema, default=default, doc=doc, kind=kind, container="many")


def components_or_like(kind: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """A list of components of another kind, or `{like: name}`; a tuple, or an :class:`Alike`, on instances."""
    schema: JSON = {
        "type": ["array", "object"],
        "items": {"$ref": f"#/$defs/{kind}"},
        "properties": {"like": {"type": "string", "minLength": 1}},
        "required": ["like"],
        "additionalProperties": False,
    }
    field: Field[Any] = Field(schema, default=default, doc=doc, kind=kind, container="many")
    field.alike = True
    return field


def per_output(
    kind: str, *, many: bool = False, default: Any = MISSING, doc: str = "", tensors: bool = False
) -> Field[Any]:
    """Components for each output: one (a list with `many`) for all, or a map from output names, then a dict."""
    single: JSON = {"$ref": f"#/$defs/{kind}"}
    value: JSON = {"type": "array", "items": single} if many else single
    each: JSON = {"anyOf": [single, value]} if many else value
    schema = {"x-per-output": kind, "anyOf": [value, {"type": "object", "additionalProperties": each}]}
    field: Field[Any] = Field(schema, default=default, doc=doc, kind=kind, container="per_output")
    field.tensors = tensors
    return field


def options(kind: str, target: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """The options of one fixed component, such as the ``split`` of ``data``; an instance of it on instances."""
    schema = {"$ref": f"#/$defs/{kind}.{target}"}
    return Field(schema, default=default, doc=doc, kind=kind, container="options", target=target)


def map_of(kind: str, target: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """A map from names to the options of one fixed component; a dict on instances."""
    schema = {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{kind}.{target}"}}
    return Field(schema, default=default, doc=doc, kind=kind, container="map", target=target)


def map_of_components(kind: str, *, default: Any = MISSING, doc: str = "") -> Field[Any]:
    """A map from names to components of another kind; a dict on instances."""
    schema = {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{kind}"}}
    return Field(schema, default=default, doc=doc, kind=kind, container="map")


def optional(field: Field[T], *, doc: str = "") -> Field[T | None]:
    """`field` that may be left out or null, and is None then."""
    optional_field = cast("Field[T | None]", field)
    optional_field.nullable = True
    optional_field.default = None
    optional_field.doc = doc or field.doc
    return optional_field


def required_unless(field: Field[T], other: str) -> Field[T]:
    """`field`, which a spec must give unless it gives `other`."""
    field.unless = other
    return field


def decisive(field: Field[T]) -> Field[T]:
    """`field`, whose absence means something else."""
    field.decisive = True
    return field


def aiding(field: Field[T], aid: str, *, off: Any = None, beside: tuple[str, ...] = ()) -> Field[T]:
    """`field`, which helps a training that can do without it; arguments as the attributes of :class:`Field`."""
    field.aid, field.off, field.beside = aid, off, beside
    return field
