"""The model unet."""

import keras
from keras import layers


def double_conv(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """DoubleConv: Conv2D."""
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def build_model(width: int = 64, classes: int = 2) -> keras.Model:
    """Builds the model: image [256, 256, 3] → [256, 256, 2], 31,031,810 parameters."""
    image = keras.Input((256, 256, 3), name="image")
    x = image
    skips = {}
    for scale in (1, 2, 4, 8):
        skips[scale] = double_conv(x, width * scale)
        x = layers.MaxPooling2D()(skips[scale])
    x = double_conv(x, width * 16)
    for scale in (8, 4, 2, 1):
        x = layers.Conv2DTranspose(width * scale, 2, strides=2)(x)
        x = layers.Concatenate()([skips[scale], x])
        x = double_conv(x, width * scale)
    x = layers.Conv2D(classes, 1, activation="softmax")(x)
    return keras.Model(image, x, name="unet")
