"""The model resnet50."""

import keras
from keras import layers


def conv_bn(
    x: keras.KerasTensor,
    filters: int,
    kernel: int = 1,
    stride: int = 1,
    padding: str = "same",
    act: str = "relu",
) -> keras.KerasTensor:
    """ConvBN: Conv2D, BatchNormalization and Activation."""
    x = layers.Conv2D(filters, kernel, strides=stride, padding=padding)(x)
    x = layers.BatchNormalization(epsilon=1.001e-05)(x)
    return layers.Activation(act)(x)


def bottleneck(
    x: keras.KerasTensor, filters: int, stride: int = 1, project: bool = False
) -> keras.KerasTensor:
    """Bottleneck: ConvBN and Activation."""
    shortcut = x
    if project:
        shortcut = conv_bn(shortcut, filters * 4, stride=stride, act="linear")
    residual = conv_bn(x, filters, stride=stride)
    residual = conv_bn(residual, filters, kernel=3)
    residual = conv_bn(residual, filters * 4, act="linear")
    x = layers.Add()([shortcut, residual])
    return layers.Activation("relu")(x)


def build_model(
    classes: int = 1000, depths: tuple[int, ...] = (3, 4, 6, 3)
) -> keras.Model:
    """Builds the model: image [224, 224, 3] → [1000], 25,636,712 parameters."""
    image = keras.Input((224, 224, 3), name="image")
    x = layers.ZeroPadding2D(3)(image)
    x = conv_bn(x, 64, kernel=7, stride=2, padding="valid")
    x = layers.ZeroPadding2D()(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for filters, depth, stride in zip(
        (64, 128, 256, 512), depths, (1, 2, 2, 2), strict=True
    ):
        x = bottleneck(x, filters, stride=stride, project=True)
        for _ in range(depth - 1):
            x = bottleneck(x, filters)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(classes, activation="softmax")(x)
    return keras.Model(image, x, name="resnet50")
