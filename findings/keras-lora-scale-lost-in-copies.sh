#!/usr/bin/env bash
# In Keras, a copy of a dense layer or an embedding with adapters scales them otherwise than the layer it was made from.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, Python 3.11.
#
# Seen: `Dense` and `Embedding` with `enable_lora(2, lora_alpha=8)` write `lora_rank` 2 and `lora_alpha` 8 into their
# configuration, but what is made of it has `lora_alpha` 2. A model copied by `clone_model` with the same weights answers
# otherwise; there is no warning. `EinsumDense` and `Conv1D` keep 8.
#
# Expected: the same answers. `from_config` is documented as the reverse of `get_config`, and the scale of adapters,
# lora_alpha / rank, is part of what was learned (Hu et al., "LoRA", 2021, section 4.1).
#
# Who is hurt: whoever saves an architecture and weights apart, copies a model for averages or quantisation, or trains in
# several processes, after adapters with a scale other than 1 were learned.
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


kept = {}
for layer, shape in (
    (keras.layers.Dense(3), (None, 4)),
    (keras.layers.Embedding(5, 3), (None, 4)),
    (keras.layers.EinsumDense("ab,bc->ac", output_shape=3), (None, 4)),
    (keras.layers.Conv1D(3, 2), (None, 4, 2)),
):
    layer.build(shape)
    layer.enable_lora(2, lora_alpha=8)
    assert layer.get_config()["lora_alpha"] == 8
    copy = type(layer).from_config(layer.get_config())
    copy.build(shape)
    kept[type(layer).__name__] = copy.lora_alpha
print("lora_alpha of copies:", kept)

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.layers[0].enable_lora(2, lora_alpha=8)
model.layers[0].lora_kernel_b.assign(np.ones((2, 3)))
copy = keras.models.clone_model(model)
copy.set_weights(model.get_weights())
difference = float(np.abs(model.predict(np.ones((1, 4)), verbose=0) - copy.predict(np.ones((1, 4)), verbose=0)).max())
print("answers of a copied model with the same weights differ by", difference)
if kept != {"Dense": 2, "Embedding": 2, "EinsumDense": 8, "Conv1D": 8} or difference < 0.01:
    raise SystemExit("this is no longer what Keras does")
EOF
