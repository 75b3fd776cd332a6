"""Sound: spectrograms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from dlspec.components.layers.base import Layer, data_format
from dlspec.components.layers.preprocessing import check_numeric
from dlspec.components.layers.windows import SpatialLayer, check_positive, window_length
from dlspec.components.registry import boolean, choice, example, integer, number, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, show_shape

# Windows of scipy.signal that need no parameter.
WINDOWS = (
    "barthann", "bartlett", "blackman", "blackmanharris", "bohman", "boxcar", "cosine", "exponential", "flattop",
    "hamming", "hann", "lanczos", "nuttall", "parzen", "taylor", "triang", "tukey",
)  # fmt: skip


class STFTSpectrogram(SpatialLayer):
    """Turns a sound into the frequencies of its short pieces, by convolutions that learn unless `trainable: false`."""

    keras = "keras.layers.STFTSpectrogram"
    rank = 1
    mode = choice(
        "log",
        "magnitude",
        "psd",
        "real",
        "imag",
        "angle",
        "stft",
        default="log",
        doc="Output for each frequency; `stft` gives real and imaginary part.",
    )
    frame_length = integer(min=2, default=256, doc="Samples in a piece.")
    frame_step = optional(integer(min=1), doc="Samples from one piece to the next; half a piece unless given.")
    fft_length = optional(
        integer(min=2),
        doc="Length of the transform, best a power of 2; the next one from `frame_length` on unless given.",
    )
    window = optional(choice(*WINDOWS), doc="Shape in which a piece fades in and out; null for none.")
    window.default = "hann"
    periodic = boolean(default=False, doc="Whether the window is periodic rather than symmetric.")
    scaling = optional(choice("density", "spectrum"), doc="How the window is made up for; null for not at all.")
    scaling.default = "density"
    padding = choice("valid", "same", default="valid", doc="`valid` has no border, `same` fills it with zeros.")
    expand_dims = boolean(default=False, doc="Whether frequencies and channels are two axes, as images have.")
    data_format = data_format()
    examples = (
        example("", (4000, 1)),
        example("{mode: stft, frame_length: 200, frame_step: 100, fft_length: 256, padding: same}", (None, 2)),
        example("{mode: imag, frame_length: 64, expand_dims: true, window: hamming, scaling: null}", (500, 2)),
    )

    @property
    def _step(self) -> int:
        return self.frame_step or self.frame_length // 2

    @property
    def _bins(self) -> int:
        length = self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))
        return length // 2 + 1

    def validate(self) -> None:
        """Pieces leave no gap and fit into the transform."""
        if self._step > self.frame_length:
            message = f"stft_spectrogram has `frame_step` {self.frame_step} above `frame_length` {self.frame_length}"
            raise Problem("E207", message, "pieces must leave no gap", "frame_step")
        if self.fft_length is not None and self.fft_length < self.frame_length:
            message = f"stft_spectrogram has `fft_length` {self.fft_length} below `frame_length` {self.frame_length}"
            raise Problem("E207", message, "a piece must fit into the transform", "fft_length")

    def infer(self, x: Tensor) -> Tensor:
        """[samples, channels] → [pieces, frequencies * channels], or [pieces, frequencies, channels]."""
        check_numeric(x, self.name)
        (samples,), _ = self.split(x)
        channels = self.channels(x)
        pieces = window_length(samples, self.frame_length, self._step, self.padding)
        check_positive([pieces], x, self.name, "frame_length")
        bins = self._bins * (2 if self.mode == "stft" else 1)
        if not self.expand_dims:
            return self.image([pieces], bins * channels)
        return self.image([pieces, bins], channels)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The waves of each frequency under the window: [frame_length, 1, frequencies], real and imaginary."""
        shape = (self.frame_length, 1, self._bins)
        if self.mode != "imag":
            yield Weight("real_kernel", shape)
        if self.mode != "real":
            yield Weight("imag_kernel", shape)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One multiply-add per kernel element for each piece and channel; one operation to join both parts."""
        if self.mode in ("real", "imag", "stft"):
            return 2 * self.frame_length * output.size
        return (4 * self.frame_length + 1) * output.size


class MelSpectrogram(Layer):
    """Turns a sound into the loudness of frequency bands that are spaced as people hear them."""

    keras = "dlspec.keras_layers.MelSpectrogram"
    formats_lacking = ("onnx",)
    fft_length = integer(min=1, default=2048, doc="Length of the Fourier transform in samples.")
    sequence_stride = integer(min=1, default=512, doc="Samples from one piece to the next.")
    sequence_length = optional(integer(min=1), doc="Samples in a piece; `fft_length` unless given.")
    window = optional(choice("hann", "hamming"), doc="Shape in which a piece fades in and out; null for none.")
    window.default = "hann"
    sampling_rate = integer(min=1, default=16000, doc="Samples in a second.")
    num_mel_bins = integer(min=1, default=128, doc="Number of bands.")
    min_freq = number(min=0, default=20.0, doc="Lowest frequency in hertz.")
    max_freq = optional(number(above=0), doc="Highest frequency in hertz; half the sampling rate unless given.")
    power_to_db = boolean(default=True, doc="Whether to give decibels.")
    top_db = number(min=0, default=80.0, doc="Decibels below the sound's loudest value at which values are cut off.")
    mag_exp = number(above=0, default=2.0, doc="Power of the magnitude: 1 for energy, 2 for power.")
    min_power = number(above=0, default=1e-10, doc="Smallest power that is told apart from silence.")
    ref_power = number(above=0, default=1.0, doc="Power that counts as 0 decibels.")
    examples = (
        example("", (16000,)),
        example("{fft_length: 256, sequence_stride: 100, num_mel_bins: 40, window: hamming}", (None,)),
    )

    @classmethod
    def implied(cls, option: str, options: Mapping[str, Any], axes: int | None) -> Any:
        """A piece is as long as the transform; the highest frequency is half the sampling rate."""
        rate = options.get("sampling_rate")
        if option == "max_freq" and isinstance(rate, int):
            return float(rate // 2)
        return options.get("fft_length") if option == "sequence_length" else None

    def validate(self) -> None:
        """Pieces fit into the transform, and there is something between the lowest and the highest frequency."""
        if self.sequence_length is not None and self.sequence_length > self.fft_length:
            message = (
                f"mel_spectrogram has `sequence_length` {self.sequence_length} above `fft_length` {self.fft_length}"
            )
            raise Problem("E207", message, "a piece must fit into the transform", "sequence_length")
        highest = self.max_freq or self.sampling_rate // 2
        if self.min_freq >= highest:
            message = f"mel_spectrogram has `min_freq` {self.min_freq:g} not below the highest frequency {highest:g}"
            raise Problem("E207", message, "", "min_freq")

    def infer(self, x: Tensor) -> Tensor:
        """[samples] → [bands, pieces]."""
        check_numeric(x, self.name)
        if x.rank != 1:
            message = f"mel_spectrogram expects 1 axis [samples], but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "drop an axis of size 1 with `reshape: [-1]`")
        return Tensor((self.num_mel_bins, self._pieces(x)), self.compute_dtype)

    def _pieces(self, x: Tensor) -> int | None:
        samples, half = x.shape[0], self.fft_length // 2
        if samples is None:
            return None
        if samples <= half:
            message = f"mel_spectrogram needs more than {half} samples, but the input has {samples}"
            raise Problem("E410", message, "make `fft_length` smaller", "fft_length")
        pieces = 1 + (samples + 2 * half - self.fft_length) // self.sequence_stride
        if pieces != 1 + (samples + 1) // self.sequence_stride:
            # Keras 3.15 gives its output one piece more than it computes.
            message = f"mel_spectrogram of {samples} samples with `sequence_stride: {self.sequence_stride}`"
            message += " has a size that Keras gets wrong"
            raise Problem("E402", message, "give one sample less or another `sequence_stride`", "sequence_stride")
        return pieces

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Operations per frame: 5 n log2 n for a transform of length n, 2 per frequency and band, 1 per band in dB."""
        bins = self.fft_length // 2 + 1
        transform = round(5 * self.fft_length * math.log2(self.fft_length)) + 4 * bins
        bands = self.num_mel_bins * (2 * bins + self.power_to_db)
        return output.size // self.num_mel_bins * (transform + bands)
