"""E7: exporting models to other formats."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E701": code(
        "exported model computes something else",
        """
        What an export wrote is loaded again and run on random inputs. Where an output differs from that of the Keras
        model by more than 1e-4 of its scale, nothing is put in place.
        """,
        scene="""
        dlspec export model.yaml --to onnx -o model.onnx
        # onnxruntime computes other values than Keras
        """,
    ),
    "E702": code(
        "format cannot hold the model",
        """
        ONNX has no operations for text, LiteRT none for the loop of a recurrent layer; other operations may be missing
        as well. `--to keras` and `--to savedmodel` hold every model.
        """,
        scene="""
        dlspec export model.yaml --to litert -o model.tflite
        # model.yaml has an `lstm` without `unroll: true`
        """,
    ),
    "E703": code(
        "a package is missing",
        """
        Some formats are written with packages that are not installed with dlspec. The message has the command that
        installs them.
        """,
        scene="""
        dlspec export model.yaml --to onnx -o model.onnx
        # tf2onnx is not installed
        """,
        belongs="machine",
    ),
    "E704": code(
        "no model, or weights of another one",
        """
        An export takes a spec or a folder that `dlspec train` made, with report.json and model.keras in it (as Python,
        with spec.yaml). The weights
        of `--weights` must be those of the same spec: as many variables, in the same order and shapes.
        """,
        scene="""
        dlspec export runs/lenet5 --to onnx -o lenet5.onnx
        # the folder of a run is runs/lenet5/ID
        """,
        belongs="folder",
    ),
    "E705": code(
        "not supported in a project",
        """
        `dlspec export --project` writes the whole spec as plain Python, or nothing. A few things would take more code
        than a project should have, such as `non_finite: rollback`, examples that `bad: skip` leaves out, or the search
        of a parameter that decides which layers there are: the message names the one that stands in the way.
        """,
        scene="""
        dlspec export model.yaml --project model
        # model.yaml says `train: {non_finite: rollback}`
        """,
    ),
    "E706": code(
        "cannot be quantized",
        """
        `--quantize` takes a run, whose training examples measure the ranges of activations, and whose test (or
        validation) split measures what is lost. LiteRT takes int8, Keras's files int8 and int4 of dense layers and
        embeddings; with such a layer inside of another one, as attention has them, Keras could not load the file again.
        """,
        scene="""
        dlspec export digits --to onnx --quantize int8 -o digits.onnx
        # `--to onnx` does not support `--quantize int8`
        """,
        belongs="machine",
    ),
    "E707": code(
        "quantized model answers worse",
        """
        The accuracy of the quantized model on the run's test split (else that of validation) is lower than before by
        more than `--limit`; of numbers, R² counts, or the share by which the root mean square error grows. Nothing is
        put in place.
        """,
        scene="""
        dlspec export digits --to litert --quantize int8 --limit 0.001 -o digits.tflite
        # accuracy 0.9778 before, 0.9722 after
        """,
        belongs="folder",
    ),
}
WARNINGS: dict[str, Code] = {
    "W701": code(
        "exported untrained",
        """
        A spec by itself has no weights: the exported model has fresh, random ones. Export the folder of a run, or give
        the weights with `--weights`.
        """,
        scene="""
        dlspec export model.yaml --to onnx -o model.onnx
        # dlspec export runs/model/ID --to onnx -o model.onnx exports a trained model
        """,
    ),
    "W702": code(
        "export not verified",
        """
        An exported model is compared with Keras before it is put in place. That was not possible: the package that
        loads it is missing, the model takes none of the random inputs, or its outputs are random.
        """,
        scene="""
        dlspec export model.yaml --to onnx -o model.onnx
        # onnxruntime is not installed
        """,
        belongs="machine",
    ),
    "W703": code(
        "run did not finish",
        """
        The run was interrupted, or failed. What its folder holds is the model of the best epoch until then.
        """,
        scene="""
        dlspec export runs/model/ID --to onnx -o model.onnx
        # its report.json says "status": "interrupted"
        """,
        belongs="folder",
    ),
}
