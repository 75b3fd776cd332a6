"""An ONNX file → the tree that Keras would write of the same model, channels last, and its weights."""
