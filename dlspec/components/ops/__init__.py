"""Tensor operations as steps, a family per file: ``keras.ops.mean`` is the step ``ops.mean``."""
