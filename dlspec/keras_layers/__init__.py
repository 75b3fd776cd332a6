"""The Keras classes of the layers that Keras lacks: standalone, written as in Keras's own examples.

Only the construction of a model imports this package. Importing it registers the classes, so that Keras can load them.
"""

from dlspec.keras_layers.class_token import ClassToken
from dlspec.keras_layers.gaussian_sampling import GaussianSampling
from dlspec.keras_layers.imputation import Imputation
from dlspec.keras_layers.instance_normalization import InstanceNormalization
from dlspec.keras_layers.kl_sparsity import KLSparsity
from dlspec.keras_layers.layer_scale import LayerScale
from dlspec.keras_layers.local_response_normalization import LocalResponseNormalization
from dlspec.keras_layers.maxout import Maxout
from dlspec.keras_layers.mel_spectrogram import MelSpectrogram
from dlspec.keras_layers.patch_extraction import PatchExtraction
from dlspec.keras_layers.positional_embedding import PositionalEmbedding
from dlspec.keras_layers.random_crop import RandomCrop
from dlspec.keras_layers.random_speed import RandomSpeed
from dlspec.keras_layers.random_time_shift import RandomTimeShift
from dlspec.keras_layers.random_token_drop import RandomTokenDrop
from dlspec.keras_layers.random_token_replace import RandomTokenReplace
from dlspec.keras_layers.random_token_shuffle import RandomTokenShuffle
from dlspec.keras_layers.reservoir import Reservoir
from dlspec.keras_layers.sinusoidal_positional_encoding import SinusoidalPositionalEncoding
from dlspec.keras_layers.stochastic_depth import StochasticDepth
from dlspec.keras_layers.text_imputation import TextImputation
from dlspec.keras_layers.warm_up import WarmUp
from dlspec.keras_layers.weight import Weight
from dlspec.keras_layers.weight_normalization import WeightNormalization

__all__ = [
    "ClassToken",
    "GaussianSampling",
    "Imputation",
    "InstanceNormalization",
    "KLSparsity",
    "LayerScale",
    "LocalResponseNormalization",
    "Maxout",
    "MelSpectrogram",
    "PatchExtraction",
    "PositionalEmbedding",
    "RandomCrop",
    "RandomSpeed",
    "RandomTimeShift",
    "RandomTokenDrop",
    "RandomTokenReplace",
    "RandomTokenShuffle",
    "Reservoir",
    "SinusoidalPositionalEncoding",
    "StochasticDepth",
    "TextImputation",
    "WarmUp",
    "Weight",
    "WeightNormalization",
]
