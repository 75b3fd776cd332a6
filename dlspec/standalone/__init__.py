"""The Keras classes of models and metrics in training that Keras lacks: standalone, as they are copied into projects.

They are imported one by one where a training needs them.
"""
