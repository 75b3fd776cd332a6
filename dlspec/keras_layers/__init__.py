"""The Keras classes of the layers that Keras lacks: standalone, written as in Keras's own examples.

Only the construction of a model imports this package. Importing it registers the classes, so that Keras can load them.
"""

from dlspec.keras_layers.class_token import ClassToken
from dlspec.keras_layers.gaussian_sampling import GaussianSampling
from dlspec.keras_layers.instance_normalization import InstanceNormalization
from dlspec.keras_layers.kl_sparsity import KLSparsity
from dlspec.keras_layers.layer_scale import LayerScale
from dlspec.keras_layers.local_response_normalization import LocalResponseNormalization
from dlspec.keras_layers.maxout import Maxout
from dlspec.keras_layers.patch_extraction import PatchExtraction
from dlspec.keras_layers.positional_embedding import PositionalEmbedding
from dlspec.keras_layers.reservoir import Reservoir
from dlspec.keras_layers.sinusoidal_positional_encoding import SinusoidalPositionalEncoding
from dlspec.keras_layers.stochastic_depth import StochasticDepth
from dlspec.keras_layers.weight import Weight
from dlspec.keras_layers.weight_normalization import WeightNormalization

__all__ = [
    "ClassToken",
    "GaussianSampling",
    "InstanceNormalization",
    "KLSparsity",
    "LayerScale",
    "LocalResponseNormalization",
    "Maxout",
    "PatchExtraction",
    "PositionalEmbedding",
    "Reservoir",
    "SinusoidalPositionalEncoding",
    "StochasticDepth",
    "Weight",
    "WeightNormalization",
]
