"""The model seq2seq."""

import keras
from keras import layers


def build_model(
    source_words: int = 8000, target_words: int = 6000, width: int = 256
) -> keras.Model:
    """Builds the model: source [None] int32, target [None] int32 → [None, 6000], 6,307,952 parameters."""
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    x = layers.Embedding(input_dim=source_words, output_dim=width, mask_zero=True)(
        source
    )
    encoded, h, c = layers.LSTM(width, return_sequences=True, return_state=True)(x)
    words = layers.Embedding(
        input_dim=target_words, output_dim=width, mask_zero=True, name="words"
    )(target)
    decoded = layers.LSTM(width, return_sequences=True, name="decoded")(words, [h, c])
    context = layers.Attention(name="context")([decoded, encoded])
    x = layers.Concatenate()([context, decoded])
    x = layers.Dense(width, activation="tanh")(x)
    x = layers.Dense(target_words, activation="softmax")(x)
    return keras.Model([source, target], x, name="seq2seq")
