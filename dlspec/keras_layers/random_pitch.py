import keras
import numpy as np


@keras.saving.register_keras_serializable(package="dlspec")
class RandomPitch(keras.layers.Layer):
    """Plays sound [time] or [time, channels] higher or lower in training; its length and its pace stay.

    A phase vocoder (Flanagan & Golden 1966) stretches a sound in time: frames of its spectrogram lie closer together
    or farther apart, and each frequency goes on by as much as it did, those around a louder one together with it
    (Laroche & Dolson 1999). Played faster by the same factor, linearly interpolated, it has its own length again, and
    another pitch.

    Args:
        semitones: Largest change of the pitch: 12 is an octave.
        frame_length: Samples of a frame. Long ones tell more frequencies apart, and blur what is brief.
        seed: Seed of the random numbers.
    """

    def __init__(self, semitones, frame_length=512, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.semitones = semitones
        self.frame_length = frame_length
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs, training=False):
        if not training:
            return inputs
        ops, batch = keras.ops, keras.ops.shape(inputs)[0]
        semitones = keras.random.uniform((batch,), -self.semitones, self.semitones, seed=self.generator)
        if len(inputs.shape) == 2:
            return self.shifted(inputs, semitones)
        channels = [self.shifted(inputs[..., channel], semitones) for channel in range(inputs.shape[-1])]
        return ops.stack(channels, axis=-1)

    def shifted(self, sound, semitones):
        """Sounds [batch, time], of which each is made higher by its own number of semitones [batch]."""
        ops, frame = keras.ops, self.frame_length
        factor = ops.exp2(ops.cast(semitones, "float32") / 12)[:, None]
        length = ops.shape(sound)[1]
        padded = ops.pad(ops.cast(sound, "float32"), ((0, 0), (frame, 2 * frame)))
        stretched = self.stretched(padded, factor)
        # Frames keep their distances from middle to middle.
        position = (ops.cast(ops.arange(length), "float32") + frame / 2) * factor + frame / 2
        before = ops.floor(position)
        share, before = position - before, ops.cast(before, "int32")
        low, high = (ops.take_along_axis(stretched, before + more, axis=1) for more in (0, 1))
        return ops.cast(low * (1 - share) + high * share, sound.dtype)

    def stretched(self, sound, factor):
        """Sounds [batch, time] of `factor` [batch, 1] times their length, and silence to the longest there may be."""
        ops, frame, step = keras.ops, self.frame_length, self.frame_length // 4
        real, imaginary = ops.stft(sound, frame, step, frame, center=False)
        count = ops.shape(real)[1]
        most = 2 ** (self.semitones / 12)
        if isinstance(count, int):
            longest = int(np.ceil(count * most)) + 1
        else:
            longest = ops.cast(ops.ceil(ops.cast(count, "float32") * most), "int32") + 1
        position = ops.cast(ops.arange(longest), "float32")[None, :] / factor
        before = ops.floor(position)
        share = (position - before)[..., None]
        first = ops.clip(ops.cast(before, "int32"), 0, count - 1)
        second = ops.minimum(first + 1, count - 1)
        loudness, phase = ops.sqrt(real**2 + imaginary**2), ops.arctan2(imaginary, real)
        around = [self.frames(loudness, places) for places in (first, second)]
        loud = around[0] * (1 - share) + around[1] * share
        # How far each frequency goes on in a step: by what its middle does, and by what the phases tell beside that.
        middle = ops.arange(frame // 2 + 1, dtype="float32") * (2 * np.pi * step / frame)
        more = self.frames(phase, second) - self.frames(phase, first) - middle
        forward = middle + more - 2 * np.pi * ops.round(more / (2 * np.pi))
        angle = phase[:, :1] + ops.cumsum(forward, axis=1) - forward
        # The frequencies of one tone stay together: each keeps its phase beside the loudest of those around it.
        loudest = self.loudest(loud)
        start = self.frames(phase, first)
        angle = ops.take_along_axis(angle - start, loudest, axis=2) + start
        return ops.istft((loud * ops.cos(angle), loud * ops.sin(angle)), frame, step, frame, center=False)

    def loudest(self, loud):
        """Of each frequency of [batch, frames, frequencies], the loudest one among itself and two on either side."""
        ops, count = keras.ops, self.frame_length // 2 + 1
        padded = ops.pad(loud, ((0, 0), (0, 0), (2, 2)))
        around = ops.stack([padded[:, :, beside : beside + count] for beside in range(5)], axis=-1)
        return ops.clip(ops.argmax(around, axis=-1) + ops.arange(count) - 2, 0, count - 1)

    def frames(self, values, places):
        """Frames of [batch, frames, frequencies] at places [batch, n]."""
        return keras.ops.take_along_axis(values, places[..., None], axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"semitones": self.semitones, "frame_length": self.frame_length, "seed": self.seed}
        return {**super().get_config(), **own}
