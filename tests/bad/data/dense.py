from keras.layers import Layer


class Dense(Layer):
    """Has the name of a layer of Keras."""
