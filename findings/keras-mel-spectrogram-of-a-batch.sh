#!/usr/bin/env bash
# `MelSpectrogram` gives a quiet sound another picture when a loud one is in the same batch.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, Python 3.11.
#
# Seen: with the default `power_to_db=True` the picture is cut `top_db` (80 dB) below the loudest value of the whole batch. A
# quiet tone beside loud noise loses up to 30 dB of its depth against the same tone alone.
#
# Expected: the answer for an example depends on that example alone, as for every layer outside of training. The layer's
# documentation writes the cut as `max(10 * log10(S)) - top_db`, where S is a spectrogram, and a spectrogram is of one signal;
# the same sound without a batch, which the layer takes too, gives the other answer.
#
# Who is hurt: `predict` answers differently with another batch size or order, and so do training and use.
#
# A way around it: `top_db` as large as the range of the numbers (300), so that nothing is cut.
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

seconds = np.arange(16_000) / 16_000
quiet = (0.01 * np.sin(2 * np.pi * 440 * seconds)).astype("float32")
loud = np.random.default_rng(0).normal(0, 1, 16_000).astype("float32")


def moved(**options):
    """Largest change in dB of the picture of the quiet tone, once a loud sound is in its batch."""
    layer = keras.layers.MelSpectrogram(sampling_rate=16_000, **options)
    alone, beside = layer(quiet[None])[0], layer(np.stack([quiet, loud]))[0]
    return float(keras.ops.max(keras.ops.abs(alone - beside)))


cut, whole = moved(), moved(top_db=300)
print(f"the quiet tone moves by {cut:.1f} dB beside a loud sound, by {whole:.4f} dB where nothing is cut")
if not (cut > 10 and whole < 0.1):
    raise SystemExit("this is no longer what Keras does")
EOF
