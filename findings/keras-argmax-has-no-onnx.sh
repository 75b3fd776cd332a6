#!/usr/bin/env bash
# The ONNX file of a Keras model with `ops.argmax` of floating-point numbers is written without an error, and does not load.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, tf2onnx 1.17.0, onnx 1.23.2, onnxruntime 1.31.1, NumPy 2.4.6, Python 3.11.
#
# Seen: `model.export(path, format="onnx")` of a model that ends in `keras.ops.argmax` returns, and the file is there. It holds
# `Bitcast`, which is no operation of ONNX: with TensorFlow, Keras looks at the bits of the numbers first, to tell -0.0 from 0.0, and
# tf2onnx copies what it does not know, with a line in its log. ONNX Runtime refuses the file. `ops.top_k(x, 1)[1]`, which gives the
# same index, and `argmax` of whole numbers are exported as files that run.
#
# Expected: a file that runs, since ONNX has ArgMax and `tf.argmax` becomes it; or an error of the export, as Keras's page of
# `Model.export` lets one expect of a method that writes an artifact for inference.
#
# Who is hurt: whoever lets a classifier answer the class itself: the file is found to be of no use where it is to be served.
#
# Fails (exit 1) when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
    tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.31.1
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
"$folder/env/bin/python" - <<'EOP'
import keras
import numpy as np
import onnx
import onnxruntime
from keras import ops


def exported(answer, dtype="float32"):
    """The operations of the ONNX file, and the answer of ONNX Runtime, or why it has none."""
    x = keras.Input((4,), dtype=dtype)
    model = keras.Model(x, answer(x))
    given = np.array([[1, 7, 3, 2]], dtype)
    assert int(model(given)[0]) == 1
    model.export("model.onnx", format="onnx", verbose=False)
    names = {node.op_type for node in onnx.load("model.onnx").graph.node}
    try:
        session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    except Exception as error:
        return names, str(error).splitlines()[0]
    return names, int(session.run(None, {session.get_inputs()[0].name: given})[0][0])


names, answer = exported(lambda x: ops.argmax(x, axis=-1))
print(f"argmax of floating-point numbers: {sorted(names)}: {answer}")
assert "Bitcast" in names and isinstance(answer, str), "argmax is exported now"
for name, choose, dtype in (
    ("top_k", lambda x: ops.top_k(x, 1)[1][..., 0], "float32"),
    ("argmax of whole numbers", lambda x: ops.argmax(x, axis=-1), "int32"),
):
    names, answer = exported(choose, dtype)
    print(f"{name}: {sorted(names)}: {answer}")
    assert answer == 1, name
EOP
