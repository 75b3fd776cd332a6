"""What stands around the components in the schema: names, parameters, inputs, blocks and models."""

from __future__ import annotations

from dlspec.components.registry import ARITHMETIC, JSON

NAME = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"
CAPITALISED = r"^[A-Z][A-Za-z0-9_]{0,62}$"
REFERENCE = r"^[a-z][A-Za-z0-9_]{0,62}$|\$"

# What gives a model inputs and layers that the spec does not list.
MADE_ELSEWHERE = ("file", "application", "average_of")

NAME_TEXT: JSON = {"type": "string", "pattern": REFERENCE}
REF_STEPS: JSON = {"$ref": "#/$defs/steps"}
REF_REFERENCES: JSON = {"$ref": "#/$defs/references"}


def structure() -> JSON:
    """The schema around the components: names, parameters, inputs, blocks and models."""
    return {
        "steps": {"type": "array", "items": {"$ref": "#/$defs/layer"}},
        "names": {
            "type": ["string", "array"], "pattern": REFERENCE, "minItems": 1,
            "items": {"type": "string", "pattern": REFERENCE},
        },
        "references": {
            "type": ["string", "array"], "pattern": REFERENCE, "minItems": 1,
            "items": {"type": ["string", "array"], "pattern": REFERENCE, "items": NAME_TEXT},
        },
        "params": {
            "type": "object",
            "patternProperties": {NAME: {}},
            "additionalProperties": False,
            "x-names": "parameter",
            "description": "Named values, used as `$name`; at the top also search spaces such as `{int: [1, 4]}`, "
            "drawn once or, with `each_time: true`, at each use.",
        },
        "inputs": _inputs(),
        "block": _body(
            "a block",
            ["layers"],
            {
                "params": {"$ref": "#/$defs/params"},
                "inputs": {"type": "array", "items": {"type": "string", "pattern": NAME}, "minItems": 1},
            },
        ),
        "model": _model(),
        "expect": _expect(),
    }  # fmt: skip


def _inputs() -> JSON:
    """Inputs of a model: a shape, or a map with shape and dtype, by name."""
    shape = {
        "type": "array",
        "items": {"type": ["integer", "null", "string"], "minimum": 1, "pattern": ARITHMETIC},
        "maxItems": 8,
    }
    entry = {
        **shape,
        "type": ["array", "object"],
        "properties": {
            "shape": {**shape, "markdownDescription": "Sizes without the batch; null where unknown."},
            "dtype": {"enum": list(_dtypes()), "markdownDescription": "Data type. Default: `float32`."},
            "draw": {"$ref": "#/$defs/draw", "markdownDescription": "What it is drawn from; no column gives it then."},
        },
        "required": ["shape"],
        "additionalProperties": False,
        "title": "input",
    }
    return {
        "type": "object",
        "patternProperties": {NAME: entry},
        "additionalProperties": False,
        "minProperties": 1,
        "x-names": "input",
        "description": "Inputs of the model: a shape without the batch for each name.",
    }


def _body(title: str, required: list[str], entering: JSON) -> JSON:
    """A block or a model: what enters it, its layers, and the names of its outputs."""
    return {
        "type": "object",
        "properties": {**entering, "layers": REF_STEPS, "outputs": {"$ref": "#/$defs/names"}},
        **({"required": required} if required else {}),
        "additionalProperties": False,
        "title": title,
    }


def _model() -> JSON:
    """A model: inputs and layers of its own, a file, an application, or the one whose moving average it is."""
    average = {
        "type": "string", "pattern": CAPITALISED,
        "markdownDescription": "The model whose moving average it is; it begins equal, and is never trained.",
    }  # fmt: skip
    momentum = {
        "type": ["number", "string"], "minimum": 0, "exclusiveMaximum": 1, "pattern": ARITHMETIC,
        "markdownDescription": "The share that it keeps of itself at each step of that model. Default: `0.99`.",
    }  # fmt: skip
    file = {
        "type": "string", "minLength": 1,
        "markdownDescription": "A saved model, whose layers and weights it has: a `.keras` or `.h5` file, or a run.",
    }  # fmt: skip
    learns = {
        "type": "boolean",
        "markdownDescription": "Whether training changes the weights of a model from elsewhere; as there unless given.",
    }
    preprocess = {
        "type": "boolean",
        "markdownDescription": "Whether an application takes pixels of 0 to 255, and begins with its own "
        "`preprocess_input`. Default: `true`.",
    }
    application = {
        "$ref": "#/$defs/application",
        "markdownDescription": "A model of `keras.applications` by its name there, with its arguments.",
    }
    own: JSON = {
        "inputs": {"$ref": "#/$defs/inputs"}, "file": file, "application": application, "preprocess": preprocess,
        "trainable": learns, "average_of": average, "momentum": momentum,
    }  # fmt: skip
    required = {"required": ["inputs", "layers"], "title": "a model", "x-unless": [*MADE_ELSEWHERE]}
    elsewhere = {"anyOf": [{"required": [key]} for key in MADE_ELSEWHERE]}
    return {**_body("a model", [], own), "if": elsewhere, "else": required}


def _expect() -> JSON:
    """The section `expect`: what must come out of the spec."""
    shape = {"type": "array", "items": {"type": ["integer", "null"], "minimum": 1}, "maxItems": 8}
    count: JSON = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "properties": {
            "parameters": {
                **count, "type": ["integer", "object"], "additionalProperties": count,
                "markdownDescription": "Number of all parameters, or those of parts by name; `model` is what is saved.",
            },
            "output": {
                **shape, "type": ["array", "object"], "patternProperties": {NAME: shape},
                "markdownDescription": "Shape of the output, or a map from output names to shapes.",
            },
        },
        "additionalProperties": False, "title": "expect",
    }  # fmt: skip


def _dtypes() -> tuple[str, ...]:
    from dlspec.core.ir import DTYPES

    return DTYPES
