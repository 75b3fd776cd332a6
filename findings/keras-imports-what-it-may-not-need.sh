#!/usr/bin/env bash
# Keras 3.15.1 (with JAX 0.10.2), scikit-learn 1.9.1, matplotlib 3.11.2, Python 3.11
#
# `import keras` also imports scikit-learn and matplotlib.pyplot wherever they are installed, although only
# `keras.wrappers` and two functions of `keras.visualization` use them. Keras 3 has a `LazyModule` for its optional
# packages (scipy, pandas, …), and one would expect these two there as well. Installing a package for another purpose thus
# makes every start of every program with Keras slower and larger: with TensorFlow 2.21.0 the two were 2.3 of 7.8 s of
# processor time and 85 of 637 MiB (medians of 5 runs on one core).
#
# Who does not need them can say so before the import (`sys.modules["sklearn"] = None`, taken away again afterwards):
# Keras catches the ImportError, and everything but the wrappers and the galleries works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install keras==3.15.1 jax==0.10.2 scikit-learn==1.9.1 matplotlib==3.11.2
cat > "$folder/imported.py" <<'PYTHON'
import sys
import time

absent = sys.argv[1:]
for name in absent:
    sys.modules[name] = None
start = time.process_time()
import keras

seconds = time.process_time() - start
for name in absent:
    del sys.modules[name]
imported = [name for name in ("sklearn", "matplotlib.pyplot") if name in sys.modules]
shape = keras.layers.Dense(2)(keras.ops.ones((1, 3))).shape
print(f"{seconds:.2f} s, imported: {imported}, a layer works: {tuple(shape) == (1, 2)}")
PYTHON
export KERAS_BACKEND=jax
for _ in 1 2; do  # the first time may write bytecode
    plain=$("$folder/venv/bin/python" "$folder/imported.py")
    without=$("$folder/venv/bin/python" "$folder/imported.py" sklearn matplotlib)
done
echo "import keras:            $plain"
echo "without the two of them: $without"
[[ $plain == *"imported: ['sklearn', 'matplotlib.pyplot'], a layer works: True"* ]]
[[ $without == *"imported: [], a layer works: True"* ]]
