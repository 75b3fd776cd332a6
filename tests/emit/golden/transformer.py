"""The model transformer."""

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="transformer")
class SinusoidalPositionalEncoding(keras.layers.Layer):
    """Adds sines and cosines of the position to each step of a sequence.

    Vaswani et al. 2017, "Attention Is All You Need", section 3.5: feature 2i of position p is
    sin(p / max_wavelength^(2i / features)), feature 2i + 1 the cosine of the same.

    Args:
        max_wavelength: Longest wavelength, divided by 2π.
    """

    def __init__(self, max_wavelength=10000.0, **kwargs):
        super().__init__(**kwargs)
        self.max_wavelength = max_wavelength
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def call(self, inputs):
        steps, features = keras.ops.shape(inputs)[-2:]
        position = keras.ops.cast(keras.ops.arange(steps), "float32")[:, None]
        feature = keras.ops.arange(features)
        pair = keras.ops.cast(feature // 2, "float32")
        exponent = 2.0 * pair / keras.ops.cast(features, "float32")
        angle = position / keras.ops.power(float(self.max_wavelength), exponent)
        encoding = keras.ops.where(
            feature % 2 == 0, keras.ops.sin(angle), keras.ops.cos(angle)
        )
        return inputs + keras.ops.cast(encoding, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "max_wavelength": self.max_wavelength}


def masked_copy(x: keras.KerasTensor) -> keras.KerasTensor:
    """The same tensor anew: MultiHeadAttention deletes the mask of what enters it, for all other readers too."""
    return layers.Rescaling(1.0, dtype=x.dtype)(x)


def words_block(
    x: keras.KerasTensor, *, words: int, width: int, drop: float
) -> keras.KerasTensor:
    """Words: Embedding, Rescaling, SinusoidalPositionalEncoding and Dropout."""
    x = layers.Embedding(input_dim=words, output_dim=width, mask_zero=True)(x)
    x = layers.Rescaling(width**0.5)(x)
    x = SinusoidalPositionalEncoding()(x)
    return layers.Dropout(drop)(x)


def add_norm(
    x: keras.KerasTensor, y: keras.KerasTensor, *, drop: float
) -> keras.KerasTensor:
    """AddNorm: Dropout, Add and LayerNormalization."""
    z = layers.Dropout(drop)(y)
    z = layers.Add()([x, z])
    return layers.LayerNormalization(epsilon=1e-06)(z)


def attend(
    query: keras.KerasTensor,
    value: keras.KerasTensor,
    causal: bool = False,
    *,
    width: int,
    heads: int,
    drop: float,
) -> keras.KerasTensor:
    """Attend: MultiHeadAttention and AddNorm."""
    x = layers.MultiHeadAttention(num_heads=heads, key_dim=width // heads)(
        masked_copy(query), masked_copy(value), use_causal_mask=causal
    )
    return add_norm(query, x, drop=drop)


def feed_forward(
    inputs: keras.KerasTensor, *, width: int, hidden: int, drop: float
) -> keras.KerasTensor:
    """FeedForward: Dense and AddNorm."""
    x = layers.Dense(hidden, activation="relu")(inputs)
    x = layers.Dense(width)(x)
    return add_norm(inputs, x, drop=drop)


def encoder(
    inputs: keras.KerasTensor, *, width: int, heads: int, hidden: int, drop: float
) -> keras.KerasTensor:
    """Encoder: Attend and FeedForward."""
    x = attend(inputs, inputs, width=width, heads=heads, drop=drop)
    return feed_forward(x, width=width, hidden=hidden, drop=drop)


def decoder(
    x: keras.KerasTensor,
    memory: keras.KerasTensor,
    *,
    width: int,
    heads: int,
    hidden: int,
    drop: float,
) -> keras.KerasTensor:
    """Decoder: Attend and FeedForward."""
    y = attend(x, x, causal=True, width=width, heads=heads, drop=drop)
    y = attend(y, memory, width=width, heads=heads, drop=drop)
    return feed_forward(y, width=width, hidden=hidden, drop=drop)


def build_model(
    words: int = 8000,
    width: int = 512,
    heads: int = 8,
    depth: int = 6,
    hidden: int = 2048,
    drop: float = 0.1,
) -> keras.Model:
    """Builds the model: source [None] int32, target [None] int32 → [None, 8000], 56,434,496 parameters."""
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    x = words_block(source, words=words, width=width, drop=drop)
    memory = x
    for _ in range(depth):
        memory = encoder(memory, width=width, heads=heads, hidden=hidden, drop=drop)
    x = words_block(target, words=words, width=width, drop=drop)
    for _ in range(depth):
        x = decoder(x, memory, width=width, heads=heads, hidden=hidden, drop=drop)
    x = layers.Dense(words, activation="softmax")(x)
    return keras.Model([source, target], x, name="transformer")
