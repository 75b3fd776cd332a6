"""The base of everything that is declared once and used by name."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple

from dlspec.components.registry.fields import Field


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
        wrapped_in: Dotted path of a Keras class that gets a list of this one and stands in its place; "" for none.
        plain_name: Keras takes its plain name for one without options, and makes it when it needs it.
        aliases: Further names (Keras's own short identifiers).
        shorthand: The option that ``name: value`` fills; "" where only ``{options}`` are taken.
        rank: Number of spatial axes, for fields made by :func:`sizes`.
        examples: At least one use.
        apart: Options that the Keras class does not take.
        aid: How it helps a training, which can do without it: ``regularizer``, ``penalty`` (in the loss), ``smoothing``
            (of the targets in the loss), ``augmentation``, ``normalization``, ``balancing`` (of classes),
            ``constraint``, ``schedule``, ``clipping``, ``stopping`` or ``averaging``; "" for what a model is made of.
        home: For a component of a spec's own Python files: the module of the file that declares it.
    """

    kind: ClassVar[str] = ""
    keras: ClassVar[str] = ""
    wrapped_in: ClassVar[str] = ""
    plain_name: ClassVar[bool] = False
    aliases: ClassVar[tuple[str, ...]] = ()
    shorthand: ClassVar[str] = ""
    rank: ClassVar[int] = 0
    examples: ClassVar[tuple[Example, ...]] = ()
    apart: ClassVar[tuple[str, ...]] = ()
    aid: ClassVar[str] = ""
    home: ClassVar[str] = ""
    fields: ClassVar[dict[str, Field[Any]]] = {}
    registered_name: ClassVar[str] = ""

    given: dict[str, Any]
    _own: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]]
    _required: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own = _options_of(cls)
        # Options of the component itself first, those that the whole kind shares (trainable, dtype) last.
        bases = list(reversed(cls.__mro__))
        bases.sort(key=lambda base: "kind" in base.__dict__)
        names = dict.fromkeys(name for base in bases for name in _options_of(base))
        cls.fields = {field.name: field for name in names if isinstance(field := getattr(cls, name), Field)}
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

    @classmethod
    def constructor(cls) -> str:
        """Dotted path of what is called with the options in generated code."""
        return cls.keras

    @property
    def name(self) -> str:
        """The name in a spec."""
        return self.registered_name

    @property
    def usable(self) -> bool:
        """Whether what it takes is known now; code of a spec that may not run gives nothing."""
        return True

    def called(self, name: str) -> None:
        """Tells the instance which of its names the spec used; metrics report under it, as in Keras."""

    @classmethod
    def as_given(cls, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """A saved config without what Keras itself puts into it whatever was written."""
        return config

    @classmethod
    def implied(cls, option: str, options: Mapping[str, Any], axes: int | None) -> Any:
        """The value of an option that is left out, where it follows from others; None where it does not.

        Args:
            option: Its name.
            options: All options, as Keras saves them.
            axes: Number of axes of the tensor that enters a layer, with the batch; None where it is not known.
        """
        return None

    def found_in(self, catalogue: object) -> None:
        """Tells the instance which catalogue it was found in; what runs code of the spec looks there for it."""

    def validate(self) -> None:
        """Checks options against each other.

        Raises:
            Problem: E207, with the option at fault.
        """

    def describe(self) -> str:
        """The given options as one line of YAML-like text."""
        items = ", ".join(f"{name}: {describe(value)}" for name, value in self.given.items())
        return "{" + items + "}" if items else ""

    def changes(self) -> dict[str, str]:
        """The options that are not as they would be without a word, each as text."""
        defaults = type(self)._defaults
        given = {name: describe(value) for name, value in self.given.items()}
        return {name: text for name, text in given.items() if name not in defaults or text != describe(defaults[name])}

    def keras_arguments(self) -> dict[str, Any]:
        """Constructor arguments as plain values and components: what the spec gave, nothing else."""
        return {name: value for name, value in self.given.items() if name not in self.apart}

    def call_arguments(self) -> dict[str, Any]:
        """Options that Keras takes at a call rather than in the constructor, as plain values."""
        return {}

    def made_arguments(self) -> dict[str, Any]:
        """Constructor arguments, nested components as new Keras objects."""
        return {name: _make(value) for name, value in self.keras_arguments().items()}

    def make(self, **extra: Any) -> Any:
        """A new Keras object; nested components become new Keras objects too.

        Args:
            extra: Further constructor arguments, such as a layer's ``name``.
        """
        arguments = self.made_arguments()
        if self.wrapped_in:
            return load_attribute(self.wrapped_in)([load_attribute(self.keras)(**arguments)], **extra)
        return load_attribute(self.keras)(**arguments, **extra)


def _options_of(cls: type) -> tuple[str, ...]:
    """Names of the options that a class has beside those of its bases."""
    known: tuple[str, ...] | None = cls.__dict__.get("_own")
    return tuple(name for name, value in cls.__dict__.items() if isinstance(value, Field)) if known is None else known


def describe(value: Any) -> str:
    """A value of an option as one line of YAML-like text."""
    if isinstance(value, Component):
        inner = value.describe()
        return f"{{{value.name}: {inner}}}" if inner else value.name
    if isinstance(value, tuple | list):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {describe(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _make(value: Any) -> Any:
    if isinstance(value, Component):
        # By name where that will do, as people write it: Keras then draws seeds in the order of its own arguments.
        return value.registered_name if value.plain_name and not value.given else value.make()
    if isinstance(value, tuple):
        return tuple(_make(item) for item in value)
    if isinstance(value, list):  # one read from a spec as well, whose own class takes no items
        return [_make(item) for item in value]
    if isinstance(value, dict):
        return {key: _make(item) for key, item in value.items()}
    return value


@cache
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
