#!/usr/bin/env bash
# `Normalization` under a mixed policy gives NaN for columns above 65504, and three digits with bfloat16.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, Python 3.11.
#
# Seen: under `mixed_float16` a `Normalization` adapted to numbers of 70,000 to 1,000,000 answers NaN for all of them; under
# `mixed_bfloat16` it is off in the fourth digit. Mean, variance and the numbers themselves are cast to 16 bits first.
# Neither `adapt` nor the call warns. Setting `layer.dtype_policy` to float32 afterwards is not enough: the mean and variance
# of the layer stay in 16 bits until `finalize_state()` makes them again.
#
# Expected: (x - mean) / standard deviation to single precision, as the layer's documentation has it. The guide to mixed
# precision keeps variables in float32 for the sake of accuracy, and bringing such numbers into range is what this layer is for.
#
# Who is hurt: tables with incomes, populations or timestamps, once someone turns mixed precision on to save time.
#
# Fails (exit 1) when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/env/bin/python" - <<'EOF'
import keras
import numpy as np

numbers = np.array([[70_000], [90_000], [1_000_000]], "float32")
right = (numbers - numbers.mean()) / numbers.std()


def normalized(policy, mend=False):
    keras.config.set_dtype_policy(policy)
    layer = keras.layers.Normalization()
    layer.adapt(numbers)
    if mend:
        layer.dtype_policy = "float32"
        layer.finalize_state()
    return keras.ops.convert_to_numpy(keras.ops.cast(layer(numbers), "float32"))


single, half, brain = (normalized(policy) for policy in ("float32", "mixed_float16", "mixed_bfloat16"))
print("float32", single.ravel(), "float16", half.ravel(), "bfloat16", brain.ravel())
mended = normalized("mixed_float16", mend=True)
seen = np.isnan(half).all() and 1e-4 < abs(brain - right).max() < 1e-2
if not (seen and np.allclose(single, right, atol=1e-6) and np.allclose(mended, right, atol=1e-6)):
    raise SystemExit("this is no longer what Keras does")
EOF
