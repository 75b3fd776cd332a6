"""E54: models and weights that were made elsewhere."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E541": code(
        "no such layer in a saved model",
        """
        `outputs` beside `file` names the layers whose tensors leave the model: one, or a list. They are called as
        `dlspec import` calls them: with `_` for letters that a spec does not allow, and a small letter first.
        """,
        scene="""
        dlspec check flowers.yaml
        # models: {Backbone: {file: base.keras, outputs: blok_4}}, and the layer is called block_4
        """,
    ),
    "E542": code(
        "weights of a saved model",
        """
        A model under `models` that has a `file` begins with the weights that stand there. All of its layers must find
        theirs: a file of layers alone, such as the JSON of `model.to_json()`, has none.
        """,
        scene="""
        dlspec check flowers.yaml
        # models: {Backbone: {file: base.json}}
        """,
    ),
}
