"""E8: importing models that were made elsewhere."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E801": code(
        "no model that can be read",
        """
        `dlspec import`, and `file` under `models`, read `.keras` and `.h5` files, the JSON of `model.to_json()`, and
        run folders, as data: nothing of them runs. `dlspec import` reads `.onnx` files in the same way. A file that is
        none of these, that is damaged, or that is larger, deeper or more densely packed than any model's is refused.
        """,
        scene="""
        dlspec import weights.h5
        # weights.h5 was written by save_weights: it has no layers
        """,
        belongs="folder",
    ),
    "E802": code(
        "model without a graph",
        """
        Functional and sequential models have their layers and connections in the file. Of a class of its own, and of a
        sequential model that was never built, Keras saves the name and the constructor's arguments alone.
        """,
        scene="""
        dlspec import bert.keras
        # its class is keras_hub>BertBackbone
        """,
        belongs="folder",
    ),
    "E803": code(
        "no words for parts of the model",
        """
        A spec holds the layers and operations that `dlspec layers` lists. Others, such as `Lambda` and classes of
        somebody's own, are named by their layers, all in one error: nothing is left out without a word. So are
        operators of an ONNX file that no layer of Keras computes.
        """,
        scene="""
        dlspec import model.keras
        # its layer `scaled` is a Lambda, which is Python code
        """,
        belongs="folder",
    ),
}
WARNINGS: dict[str, Code] = {
    "W801": code(
        "not in the file",
        """
        Some settings are not saved by Keras, or have no counterpart in a spec: losses without their options, metrics
        that are Python functions, vocabularies. The spec that was written stands without them.
        """,
        scene="""
        dlspec import model.keras -o model.yaml
        # it was compiled with a metric of its own
        """,
        belongs="folder",
    ),
}
