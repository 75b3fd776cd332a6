"""ResNet-50 as one would write it with Keras's functional interface; the same graph as specs/cnn/resnet50.yaml."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def conv_bn(x: Any, filters: int, kernel: int = 1, stride: int = 1, padding: str = "same", act: str = "relu") -> Any:
    x = layers.Conv2D(filters, kernel, strides=stride, padding=padding)(x)
    x = layers.BatchNormalization(epsilon=1.001e-5)(x)
    return layers.Activation(act)(x)


def bottleneck(x: Any, filters: int, stride: int = 1, project: bool = False) -> Any:
    shortcut = conv_bn(x, filters * 4, stride=stride, act="linear") if project else x
    x = conv_bn(x, filters, stride=stride)
    x = conv_bn(x, filters, kernel=3)
    x = conv_bn(x, filters * 4, act="linear")
    return layers.Activation("relu")(layers.Add()([shortcut, x]))


def by_hand() -> keras.Model:
    """The model."""
    image = keras.Input((224, 224, 3))
    x = layers.ZeroPadding2D(3)(image)
    x = conv_bn(x, 64, kernel=7, stride=2, padding="valid")
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for filters, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        x = bottleneck(x, filters, stride, project=True)
        for _ in range(blocks - 1):
            x = bottleneck(x, filters)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(1000, activation="softmax")(x))
