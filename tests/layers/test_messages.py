"""What the layers say when something does not fit: every message, its code, the option at fault and the help."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from both import CATALOGUE, LAYERS, instance

from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

# name, options, inputs, code, option at fault, message, part of the help
SHAPES: list[tuple[str, str, list[Any], str, str, str, str]] = [
    ("piecewise_linear_encoding", "8", [()], "E402", "",
     "piecewise_linear_encoding takes features, but the input has shape []", "put `reshape: [1]` before it"),
    ("marked_sequence", "8", [(5,)], "E409", "",
     "marked_sequence takes indices, but the input has dtype float32", "prepare texts with `text_vectorization`"),
    ("marked_sequence", "8", [Tensor((5, 2), "int32")], "E402", "",
     "marked_sequence takes one row of indices, but the input has shape [5, 2]", ""),
    ("ordinal", "5", [(3,)], "E402", "",
     "ordinal takes one number for each example, but the input has shape [3]", "put `dense: 1` before it"),
    ("ordinal", "5", [Tensor((1,), "int32")], "E409", "",
     "ordinal takes floating-point numbers, but the input has dtype int32", "put `dense: 1` before it"),
    ("gradient", "", [(3, 2), (4,)], "E402", "",
     "gradient is that of one number for each example, but `of` has shape [3, 2]", "sum it first: `ops.sum: [1, 2]`"),
    ("gradient", "", [(), Tensor((4,), "int32")], "E409", "",
     "gradient takes floating-point numbers, but the input has dtype int32", "convert it before `of` is computed"),
    ("date_parts", "[year]", [(2,)], "E409", "",
     "date_parts takes dates as text, but the input has dtype float32", "write `dtype: string` for the input"),
    ("power", "yeo_johnson", [()], "E402", "", "power takes features, but the input has shape []",
     "put `reshape: [1]` before it"),
    ("random.bernoulli", "", [Tensor((2,), "int32")], "E409", "",
     "random.bernoulli takes floating-point numbers, but the input has dtype int32", "`ops.cast: float32`"),
    ("losses.triplet", "", [(4,), (4,), (3,)], "E402", "",
     "losses.triplet takes three codes of one length, such as [32], but got float32 [4], float32 [4], float32 [3]",
     "what one model makes"),
    ("random.normal", "", [(8,), (1,)], "E402", "",
     "random.normal takes mean and standard deviation in one shape, but they have [8] and [1]", "the same size"),
    ("random.categorical", "", [()], "E402", "", "random.categorical needs an axis of classes", "logits [classes]"),
    ("restricted_boltzmann", "4", [(8, 8)], "E402", "",
     "restricted_boltzmann takes the units as [features], but the input has shape [8, 8]", "put a `flatten` before it"),
    ("hierarchical_softmax", "4", [(8, 8), ()], "E402", "", "hierarchical_softmax takes [features], not [8, 8]", ""),
    ("hierarchical_softmax", "4", [(8,), (2,)], "E402", "", "hierarchical_softmax takes one `label`, not [2]", "[]"),
    ("hierarchical_softmax", "4", [Tensor((8,), "int32"), ()], "E409", "", "hierarchical_softmax takes floats", "cast"),
    ("hierarchical_softmax", "4", [(8,), Tensor((), "string")], "E409", "", "hierarchical_softmax takes no text", ""),
    ("deep_boltzmann", "[4, 2]", [Tensor((8,), "int32")], "E409", "",
     "deep_boltzmann takes floating-point numbers, but the input has dtype int32", "`ops.cast: float32`"),
    ("log1p", "", [Tensor((2,), "int32")], "E409", "",
     "log1p takes floating-point numbers, but the input has dtype int32", "`category_encoding`"),
    ("conv2d", "{filters: 8, kernel_size: 3}", [(28, 28)], "E402", "",
     "conv2d expects 3 axes [height, width, channels], but the input has shape [28, 28]", "add the channel axis"),
    ("conv1d", "{filters: 8, kernel_size: 3, data_format: channels_first}", [(4, 5, 6)], "E402", "",
     "conv1d expects 2 axes [channels, steps], but the input has shape [4, 5, 6]", ""),
    ("conv2d", "{filters: 8, kernel_size: 3, groups: 4}", [(28, 28, 6)], "E402", "groups",
     "conv2d has `groups: 4`, but the input has 6 channels", "groups must divide the channels"),
    ("conv2d", "{filters: 8, kernel_size: 3}", [(28, 28, None)], "E408", "",
     "conv2d needs the size of the last axis, but the input has shape [28, 28, null]", "give the size in `inputs`"),
    ("conv2d", "{filters: 8, kernel_size: 5}", [(4, 9, 1)], "E410", "kernel_size",
     "conv2d leaves nothing of an input of shape [4, 9, 1]: its window is larger than the input",
     "use `padding: same`"),
    ("conv2d_transpose", "{filters: 8, kernel_size: 2, strides: 2, output_padding: 0, padding: same}", [(1, 1, 1)],
     "E410", "output_padding",
     "conv2d_transpose leaves nothing of an input of shape [1, 1, 1]: its window is larger than the input", ""),
    ("max_pooling2d", "3", [(2, 5, 1)], "E410", "pool_size",
     "max_pooling2d leaves nothing of an input of shape [2, 5, 1]: its window is larger than the input", ""),
    ("adaptive_max_pooling1d", "1", [(20, 3)], "E402", "output_size",
     "adaptive_max_pooling1d cannot make 1 of 20 elements: TensorFlow fails on it",
     "use `global_max_pooling1d: {keepdims: true}`"),
    ("adaptive_max_pooling2d", "[4, 2]", [(8, 1, 3)], "E402", "output_size",
     "adaptive_max_pooling2d cannot make 2 of 1 element: TensorFlow fails on it", ""),
    ("adaptive_average_pooling1d", "4", [(None, 3)], "E408", "",
     "adaptive_average_pooling1d needs the size of the axis 0, but the input has shape [null, 3]", "give the size"),
    ("dense", "8", [()], "E402", "",
     "dense needs an input with at least one axis, but it is a single number (shape [])", ""),
    ("dense", "8", [(None,)], "E408", "",
     "dense needs the size of the last axis, but the input has shape [null]", "global_average_pooling1d"),
    ("embedding", "{input_dim: 5, output_dim: 2}", [Tensor((3,), "string")], "E409", "",
     "embedding takes whole numbers, but the input has dtype string", "string_lookup"),
    ("masking", "", [()], "E402", "", "masking needs an axis of features, but the input has shape []", ""),
    ("add", "", [(4, 5), (4, 6)], "E403", "",
     "add cannot merge tensors of shape [4, 5] and shape [4, 6]: 5 and 6 differ", "give them the same shape"),
    ("add", "", [(2, 5), (None, 5), (4, 5)], "E403", "",
     "add cannot merge tensors of shape [2, 5] and shape [null, 5] and shape [4, 5]: 2 and 4 differ", ""),
    ("add", "", [(4, 5)], "E405", "", "add takes at least 2 tensors, but got 1", "`add: [a, b]`"),
    ("subtract", "", [(4,), (4,), (4,)], "E405", "", "subtract takes exactly 2 tensors, but got 3", ""),
    ("attention", "", [(4, 2)] * 4, "E405", "", "attention takes 2 to 3 tensors, but got 4", ""),
    ("concatenate", "", [(4, 5), (3, 5)], "E404", "",
     "concatenate cannot join tensors of shape [4, 5] and shape [3, 5] along axis -1: 3 and 4 differ", "crop, pad"),
    ("concatenate", "", [(4, 5), (5,)], "E404", "",
     "concatenate cannot join tensors of shape [4, 5] and shape [5]: the number of axes differs", "`reshape`"),
    ("concatenate", "{axis: 0}", [(4, 5), (4, 5)], "E402", "axis",
     "concatenate has `axis: 0`, but its input has 2 axes without the batch", "allowed: 1 to 2, or -1 to -2"),
    ("softmax", "{axis: 1}", [()], "E402", "axis",
     "softmax has `axis: 1`, but its input has 0 axes without the batch", "`reshape`"),
    ("dot", "1", [(4,), (5,)], "E402", "axes",
     "dot cannot sum over `axes: 1` of shape [4] and shape [5]: 4 and 5 differ", "two axes of the same size"),
    ("dot", "1", [(4,), (None,)], "E408", "axes",
     "dot cannot sum over `axes: 1` of shape [4] and shape [null]: one size is unknown", "give the size in `inputs`"),
    ("reshape", "[3, 4]", [(5, 2)], "E402", "target_shape",
     "reshape cannot bring shape [5, 2] (10 elements) into [3, 4]", "make the products equal"),
    ("permute", "[2, 1]", [(5, 2, 3)], "E402", "dims",
     "permute has `dims` for 2 axes, but the input has shape [5, 2, 3]", "name each axis"),
    ("repeat_vector", "3", [(5, 2)], "E402", "",
     "repeat_vector expects 1 axis [features], but the input has shape [5, 2]", "`flatten`"),
    ("cropping1d", "3", [(6, 2)], "E410", "cropping", "cropping1d leaves nothing of an input of shape [6, 2]",
     "crop less"),
    ("dropout", "{rate: 0.5, noise_shape: [null, 2]}", [(6,)], "E402", "noise_shape",
     "dropout has `noise_shape` [null, 2], which does not fit [null, 6]", "batch first"),
    ("layer_normalization", "{axis: [1, -2]}", [(6, 2)], "E402", "axis",
     "layer_normalization names one axis twice in `axis: [-2, 1]`, the input has shape [6, 2]", "name each axis once"),
    ("layer_normalization", "", [()], "E402", "", "layer_normalization needs an axis, but the input has shape []", ""),
    ("group_normalization", "", [(8, 8, 16)], "E402", "groups",
     "group_normalization has `groups: 32`, but the input has 16 channels", "must divide"),
    ("p_re_lu", "", [(None, 3)], "E408", "",
     "p_re_lu needs the size of the axis 0, but the input has shape [null, 3]", ""),
    ("lstm", "8", [(10,)], "E402", "",
     "lstm expects 2 axes [steps, features], but the input has shape [10]", "`embedding` for indices"),
    ("lstm", "{units: 8, unroll: true}", [(None, 3)], "E408", "unroll",
     "lstm has `unroll: true`, but the number of steps is unknown: [null, 3]", "give the number of steps"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4}", [Tensor((6, 5, 8), masked=True), (6, 5, 8)], "E402", "",
     "multi_head_attention can use the masks of [steps, features] only, but got query [6, 5, 8], value [6, 5, 8]",
     "mask after it"),
    ("attention", "", [(3, 6, 8), Tensor((3, 7, 8), masked=True)], "E402", "",
     "attention can use the masks of [steps, features] only, but got query [3, 6, 8], value [3, 7, 8]", "mask after"),
    ("global_average_pooling1d", "{data_format: channels_first}", [Tensor((9, 4), masked=True)], "E402", "",
     "global_average_pooling1d cannot use the mask of its input: with `channels_first` its steps are not the first "
     "axis", "use `data_format: channels_last`"),
    ("aug_mix", "", [(8, 8, 2)], "E402", "",
     "aug_mix takes images with 1 or 3 channels, but the input has shape [8, 8, 2]", "leave it out"),
    ("softmax", "", [Tensor((7, 3), masked=True)], "E402", "",
     "softmax cannot use the mask of its input of shape [7, 3]: it has no axis of features", "`activation: softmax`"),
    ("conv_lstm2d", "{filters: 8, kernel_size: 3}", [Tensor((5, 9, 9, 3), masked=True)], "E402", "padding",
     "conv_lstm2d cannot use the mask of its input: its states have other axes than the frames", "`padding: same`"),
    ("conv_lstm2d", "{filters: 8, kernel_size: 3}", [(9, 9, 3)], "E402", "",
     "conv_lstm2d expects 4 axes [steps, rows, columns, channels], but the input has shape [9, 9, 3]", "`reshape`"),
    ("time_distributed", "flatten", [(9,)], "E402", "",
     "time_distributed expects [steps, …], but the input has shape [9]", "by itself"),
    ("time_distributed", "{layer: {lstm: {units: 3, return_state: true}}}", [(9, 4, 2)], "E207", "layer",
     "time_distributed wraps a layer with one output, but `lstm` has 3", "leave `return_state` out"),
    ("spectral_normalization", "{layer: flatten}", [(9, 4)], "E207", "layer",
     "spectral_normalization wraps a layer with a kernel, not `flatten`", "wrap a `conv2d`"),
    ("bidirectional", "{layer: {lstm: 4}, backward_layer: {lstm: {units: 5, go_backwards: true}}}", [(9, 4)], "E402",
     "backward_layer", "bidirectional needs outputs of the same shape both ways, but they are [4] and [5]",
     "as many units"),
    ("attention", "", [(4,), (4,)], "E402", "",
     "attention expects [steps, features] of each input, but got query [4], value [4]", "axis of steps"),
    ("attention", "", [(4, 3), (5, 3), (6, 3)], "E402", "",
     "attention needs as many steps in key as in value, but got query [4, 3], value [5, 3], key [6, 3]", ""),
    ("attention", "", [(2, 4, 3), (3, 5, 3)], "E402", "",
     "attention needs equal axes before the steps, but got query [2, 4, 3], value [3, 5, 3]", ""),
    ("attention", "", [(4, 3), (5, 2)], "E402", "",
     "attention needs as many features in key as in query, but got query [4, 3], value [5, 2]", "`dense`"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4}", [(4,), (4,)], "E402", "",
     "multi_head_attention expects [steps, features] of each input, but got query [4], value [4]", "axis of steps"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4}", [(4, 3), (5, 3), (6, 3)], "E402", "",
     "multi_head_attention needs as many steps in key as in value, "
     "but got query [4, 3], value [5, 3], key [6, 3]", "one tensor for both"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4, attention_axes: 2}", [(2, 4, 3), (3, 4, 3)], "E402", "",
     "multi_head_attention needs equal axes outside `attention_axes`, but got query [2, 4, 3], value [3, 4, 3]", ""),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4, attention_axes: -1}", [(4, 3), (4, 3)], "E402",
     "attention_axes", "multi_head_attention cannot attend over the axis of the features, the last of [4, 3]",
     "steps only"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4, return_attention_scores: true}", [(4, 3), (5, 3)], "E402",
     "return_attention_scores", "multi_head_attention returns scores only for [steps, features] with one number of "
     "steps, got query [4, 3], value [5, 3]", "`group_query_attention`"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4}", [(4, 3), (5, 3), (5, 3), (5, 4)], "E402", "",
     "multi_head_attention needs `attention_mask` [steps of query, steps of value], "
     "but got query [4, 3], value [5, 3], attention_mask [5, 4]", "[1, steps]"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 4}", [(4, 3), (5, 3), (5, 3), Tensor((4, 5), "string")], "E409",
     "", "multi_head_attention needs numbers or truth values as `attention_mask`, but got text", ""),
    ("group_query_attention", "{head_dim: 2, num_query_heads: 2, num_key_value_heads: 1}", [(4, 3), (4, 5)], "E402", "",
     "group_query_attention needs as many features in value as in query, but got query [4, 3], value [4, 5]", ""),
    ("einsum_dense", '{equation: "abc,cd->abd", output_shape: [null, 4]}', [(3,)], "E402", "equation",
     "einsum_dense cannot apply `abc,cd->abd` to an input of shape [3]", "a letter for each axis"),
    ("einsum_dense", '{equation: "abc,cd->abd", output_shape: 4}', [(3, 2)], "E402", "output_shape",
     "einsum_dense makes the axes `abd`, but `output_shape` has [null, 4] for them", "a size for each"),
    ("einsum_dense", '{equation: "abc,cd->abd", output_shape: [5, 4]}', [(3, 2)], "E402", "output_shape",
     "einsum_dense has size 5 for the axis `b` in `output_shape`, but the input has shape [3, 2]", "write null"),
    ("einsum_dense", '{equation: "...c,cd->...d", output_shape: 4}', [(3, 2, 5)], "E402", "equation",
     "einsum_dense takes one axis for `...`, not [3, 2]", "name them"),
    ("einsum_dense", '{equation: "abc,cd->abd", output_shape: [null, 4]}', [(3, None)], "E408", "output_shape",
     "einsum_dense needs a size for every axis of its weights, the input has shape [3, null]", "in `inputs`"),
    ("rescaling", "{scale: [1, 2]}", [(4, 3)], "E402", "scale",
     "rescaling has 2 numbers in `scale`, the input has shape [4, 3]", "one for each element"),
    ("rescaling", "2", [Tensor((), "string")], "E409", "",
     "rescaling takes numbers, but the input has dtype string", "string_lookup"),
    ("normalization", "{mean: [1, 2], variance: [1, 1]}", [(3,)], "E402", "mean",
     "normalization has 2 numbers in `mean`, but the axis has size 3", "one for each feature"),
    ("category_encoding", "5", [Tensor((2, 3), "int32")], "E402", "output_mode",
     "category_encoding with `output_mode: multi_hot` takes 1 axis of items, but the input has shape [2, 3]",
     "`reshape`"),
    ("hashing", "5", [(2,)], "E409", "", "hashing takes text or whole numbers, but the input has dtype float32", ""),
    ("hashing", "{num_bins: 5, output_mode: one_hot}", [Tensor((2,), "int32")], "E402", "output_mode",
     "hashing with `output_mode: one_hot` takes one item, but the input has shape [2]", "`category_encoding`"),
    ("hashed_crossing", "{num_bins: 5}", [(1,), (1,)], "E409", "",
     "hashed_crossing takes text or whole numbers, but the input has dtype float32", "`discretization`"),
    ("hashed_crossing", "{num_bins: 5}", [Tensor((2,), "int32"), Tensor((2,), "int32")], "E402", "",
     "hashed_crossing takes two single items, but the inputs have shape [2] and shape [2]", "the shape [] or both [1]"),
    ("hashed_crossing", "{num_bins: 5}", [Tensor((1,), "int32")], "E405", "",
     "hashed_crossing takes exactly 2 tensors, but got 1", "name them"),
    ("random_hue", "0.1", [(28, 28, 1)], "E402", "",
     "random_hue takes images with 3 channels, but the input has shape [28, 28, 1]", "no colours"),
    ("random_grayscale", "", [(28, 28, 4)], "E402", "",
     "random_grayscale takes images with 1 or 3 channels, but the input has shape [28, 28, 4]", "no colours"),
    ("stft_spectrogram", "", [(100, 1)], "E410", "frame_length",
     "stft_spectrogram leaves nothing of an input of shape [100, 1]: its window is larger than the input", ""),
    ("random_pitch", "2", [(100,)], "E207", "frame_length", "frames of 512 are longer than the signal of 100", "24`"),
    ("mel_spectrogram", "", [(16000, 1)], "E402", "",
     "mel_spectrogram expects 1 axis [samples], but the input has shape [16000, 1]", "`reshape: [-1]`"),
    ("mel_spectrogram", "", [(1024,)], "E410", "fft_length",
     "mel_spectrogram needs more than 1024 samples, but the input has 1024", "make `fft_length` smaller"),
    ("mel_spectrogram", "{sequence_stride: 100}", [(15999,)], "E402", "sequence_stride",
     "mel_spectrogram of 15999 samples with `sequence_stride: 100` has a size that Keras gets wrong",
     "one sample less"),
    ("pipeline", "[{lstm: {units: 4, return_state: true}}]", [(5, 3)], "E207", "layers",
     "pipeline takes layers with one output, but `lstm` has 3", "leave `return_state` out"),
    ("string_lookup", "", [(2,)], "E409", "", "string_lookup takes text, but the input has dtype float32",
     "dtype: string"),
    ("string_lookup", "{invert: true}", [Tensor((2,), "string")], "E409", "",
     "string_lookup takes indices, but the input has dtype string", ""),
    ("integer_lookup", "", [Tensor((2,), "string")], "E409", "",
     "integer_lookup takes whole numbers, but the input has dtype string", "`string_lookup`"),
    ("text_vectorization", "", [(2,)], "E409", "",
     "text_vectorization takes text, but the input has dtype float32", "dtype: string"),
    ("text_vectorization", "", [Tensor((2,), "string")], "E402", "",
     "text_vectorization takes one text, but the input has shape [2]", "`shape: []`"),
]  # fmt: skip

# name, options, option at fault, message
OPTIONS = [
    ("constant", "[[1], [1, 2]]", "value", "`value` of constant is no tensor: its lists differ in length"),
    ("power", "{dtype: float16}", "dtype", "power in float16: its exponents do not fit into 16 bits"),
    ("date_parts", "[elapsed]", "parts", "`elapsed` refers to a date, and there is none"),
    ("date_parts", '{parts: [year], since: "2024-01-01"}', "since", "`since` is for `elapsed` and `age`"),
    ("date_parts", "{parts: [age], since: soon}", "since", "`soon` is no date"),
    ("equalization", "{value_range: [1, 0]}", "value_range",
     "`value_range` of equalization must go upwards, got [1, 0]"),
    ("solarization", "{value_range: [0, 0]}", "value_range",
     "`value_range` of solarization must go upwards, got [0, 0]"),
    ("conv2d", "{filters: 8, kernel_size: 3, strides: 2, dilation_rate: 2}", "dilation_rate",
     "conv2d cannot have `strides` and `dilation_rate` above 1 together"),
    ("conv2d", "{filters: 8, kernel_size: 3, groups: 3}", "groups", "`filters` (8) is no multiple of `groups` (3)"),
    ("conv1d_transpose", "{filters: 8, kernel_size: 3, strides: 2, output_padding: 2}", "output_padding",
     "conv1d_transpose needs less output padding than stride on every axis, "
     "but has `output_padding` [2] and `strides` [2]"),
    ("separable_conv2d", "{filters: 8, kernel_size: 3, strides: [1, 2]}", "strides",
     "separable_conv2d needs the same stride on every axis, but has `strides: [1, 2]`"),
    ("reshape", "[-1, -1]", "target_shape", "reshape has `target_shape: [-1, -1]`: only one axis can be -1"),
    ("reshape", "[0]", "target_shape", "reshape has `target_shape: [0]`: no axis can have size 0"),
    ("permute", "[1, 3]", "dims", "permute has `dims: [1, 3]`, which does not name each axis from 1 on once"),
    ("batch_normalization", "{renorm_clipping: {rmax: 3}}", "renorm_clipping",
     "batch_normalization has `renorm_clipping` without `renorm`"),
    ("batch_normalization", "{renorm: true, renorm_clipping: {rmax: 1, rmin: 2}}", "renorm_clipping",
     "batch_normalization has `rmax` 1 below `rmin` 2"),
    ("group_normalization", "0", "groups", "group_normalization has `groups: 0`"),
    ("lstm", "{units: 4, stateful: true}", "stateful",
     "lstm has `stateful: true`, which needs a fixed batch size; a model here takes any"),
    ("bidirectional", "{layer: {dense: 4}}", "layer", "bidirectional wraps a recurrent layer, not `dense`"),
    ("bidirectional", "{layer: {lstm: 4}, backward_layer: {dense: 4}}", "backward_layer",
     "bidirectional wraps a recurrent layer, not `dense`"),
    ("bidirectional", "{layer: {lstm: {units: 4, go_backwards: true}}}", "layer",
     "bidirectional reads forwards with `layer`, which has `go_backwards: true`"),
    ("bidirectional", "{layer: {lstm: 4}, backward_layer: {lstm: 4}}", "backward_layer",
     "bidirectional needs `go_backwards: true` in `backward_layer` and not in `layer`"),
    ("bidirectional", "{layer: {lstm: 4}, backward_layer: {lstm: {units: 4, go_backwards: true, return_state: true}}}",
     "backward_layer", "bidirectional needs the same `return_state` in `layer` and `backward_layer`"),
    ("time_distributed", "add", "layer", "time_distributed wraps a layer with one input, not `add`"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 3, dropout: 0.1, flash_attention: true}", "flash_attention",
     "multi_head_attention has `flash_attention` and `dropout` together"),
    ("multi_head_attention", "{num_heads: 2, key_dim: 3, return_attention_scores: true, flash_attention: true}",
     "return_attention_scores", "multi_head_attention has `flash_attention`, which makes no scores to return"),
    ("group_query_attention", "{head_dim: 2, num_query_heads: 3, num_key_value_heads: 2}", "num_key_value_heads",
     "`num_query_heads` (3) is no multiple of `num_key_value_heads` (2)"),
    ("restricted_boltzmann", "{units: 4, chains: 3}", "chains", "`chains` has no effect unless they persist"),
    ("deep_boltzmann", "[4]", "units", "`deep_boltzmann` needs two layers of hidden units at least"),
    ("deep_boltzmann", "{units: [4, 2], layer_losses: true}", "layer_losses",
     "`layer_losses` stand beside the divergence of the whole"),
    ("kl_sparsity", "{return_loss: true, kl_weight: 2}", "kl_weight",
     "`kl_weight` of `kl_sparsity` has no effect beside `return_loss`"),
    ("normalization", "{mean: 1}", "variance", "normalization needs both `mean` and `variance`, or neither"),
    ("normalization", "{mean: [1, 2], variance: [1]}", "variance",
     "normalization has 2 numbers in `mean` and 1 number in `variance`"),
    ("normalization", "{axis: null, mean: [1, 2], variance: [1, 2]}", "mean",
     "normalization with `axis: null` has one mean, but `mean` is a list"),
    ("discretization", "", "", "discretization needs `bin_boundaries` or `num_bins`, but has neither"),
    ("discretization", "{num_bins: 2, bin_boundaries: [1]}", "num_bins",
     "discretization needs `bin_boundaries` or `num_bins`, not both"),
    ("discretization", "{bin_boundaries: [2, 1]}", "bin_boundaries",
     "discretization has falling `bin_boundaries` [2, 1]"),
    ("string_lookup", "{pad_to_max_tokens: true}", "pad_to_max_tokens",
     "string_lookup has `pad_to_max_tokens` without `max_tokens`"),
    ("string_lookup", "{vocabulary: [a, b, a]}", "vocabulary", "string_lookup has `a` twice in `vocabulary`"),
    ("string_lookup", "{vocabulary: ['[UNK]']}", "vocabulary", "string_lookup has only special tokens in `vocabulary`"),
    ("string_lookup", "{vocabulary: [a, b], max_tokens: 2}", "max_tokens",
     "string_lookup has a vocabulary of 3 tokens (special ones included), above `max_tokens` (2)"),
    ("string_lookup", "{vocabulary: [a, b], mask_token: b}", "vocabulary",
     "string_lookup has its `mask_token` `b` among the other tokens of `vocabulary`"),
    ("string_lookup", "{invert: true, output_mode: count}", "output_mode",
     "string_lookup has `invert` with `output_mode: count`"),
    ("string_lookup", "{vocabulary: [a], idf_weights: [1]}", "idf_weights",
     "string_lookup has `idf_weights` with `output_mode: int`"),
    ("string_lookup", "{vocabulary: [a], output_mode: tf_idf}", "output_mode",
     "string_lookup with `output_mode: tf_idf` needs both `vocabulary` and `idf_weights`, or neither"),
    ("string_lookup", "{vocabulary: [a], output_mode: tf_idf, idf_weights: [1, 2]}", "idf_weights",
     "string_lookup has 2 `idf_weights` for 1 tokens in `vocabulary`"),
    ("integer_lookup", "{salt: 3}", "salt", "integer_lookup has `salt` with `oov_method: floormod`"),
    ("text_vectorization", "{output_mode: count, output_sequence_length: 3}", "output_sequence_length",
     "text_vectorization has `output_sequence_length` with `output_mode: count`"),
    ("einsum_dense", '{equation: "abc->ab", output_shape: 3}', "equation",
     "einsum_dense cannot read `equation: abc->ab`"),
    ("einsum_dense", '{equation: "...bc,cd->bd", output_shape: 3}', "equation",
     "einsum_dense cannot read `equation: ...bc,cd->bd`"),
    ("einsum_dense", '{equation: "abc,cd->abe", output_shape: [null, 3]}', "equation",
     "einsum_dense has the letter `e` of `abc,cd->abe` on one side only"),
    ("einsum_dense", '{equation: "abc,cd->abd", output_shape: [null, 3], bias_axes: x}', "bias_axes",
     "einsum_dense has `bias_axes: x`, but the output has the axes `abd`"),
    ("rnn", "{cell: {stacked_rnn_cells: {cells: [{lstm_cell: 3}]}}}", "cells",
     "stacked_rnn_cells needs several `cells`, but has 1"),
    ("rnn", "{cell: {stacked_rnn_cells: {cells: [{gru_cell: 3}, {stacked_rnn_cells: {cells: [{lstm_cell: 3}, "
     "{gru_cell: 2}]}}]}}, return_state: true}", "return_state",
     "rnn cannot return the states of a stack of cells within another"),
    ("pipeline", "[]", "layers", "pipeline has no `layers`"),
    ("pipeline", "[{dense: 3}, add]", "layers", "pipeline takes layers with one input, not `add`"),
    ("pipeline", "[normalization]", "layers", "pipeline cannot measure the training data for `normalization`"),
    ("random_gaussian_blur", "{kernel_size: [3, 4]}", "kernel_size",
     "random_gaussian_blur has `kernel_size: [3, 4]`, which is even"),
    ("stft_spectrogram", "{frame_length: 8, frame_step: 9}", "frame_step",
     "stft_spectrogram has `frame_step` 9 above `frame_length` 8"),
    ("stft_spectrogram", "{frame_length: 8, fft_length: 4}", "fft_length",
     "stft_spectrogram has `fft_length` 4 below `frame_length` 8"),
    ("mel_spectrogram", "{fft_length: 8, sequence_length: 9}", "sequence_length",
     "mel_spectrogram has `sequence_length` 9 above `fft_length` 8"),
    ("mel_spectrogram", "{max_freq: 10}", "min_freq",
     "mel_spectrogram has `min_freq` 20 not below the highest frequency 10"),
    ("resizing", "{height: 3, width: 3, crop_to_aspect_ratio: true, pad_to_aspect_ratio: true}", "pad_to_aspect_ratio",
     "resizing has `crop_to_aspect_ratio` and `pad_to_aspect_ratio` together"),
]  # fmt: skip


def layer(name: str, options: str) -> Any:
    return instance(CATALOGUE["layer", name], yaml.safe_load(options) if options else None)


@pytest.mark.parametrize(("name", "options", "inputs", "code", "option", "message", "help"), SHAPES)
def test_shape(name: str, options: str, inputs: list[Any], code: str, option: str, message: str, help: str) -> None:
    tensors = [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]
    found = layer(name, options)
    with pytest.raises(Problem) as caught:
        found.infer(tensors) if found.takes_list else found.infer(*tensors)
    problem = caught.value
    assert (problem.code, problem.option, problem.message) == (code, option, message)
    assert help in problem.help
    assert not option or option in found.fields


@pytest.mark.parametrize(("name", "options", "option", "message"), OPTIONS)
def test_options(name: str, options: str, option: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        layer(name, options)
    assert (caught.value.code, caught.value.option, caught.value.message) == ("E207", option, message)
    assert not option or option in {*CATALOGUE["layer", name].fields, "cells"}


# What a target cannot be prepared with, since answers have to be turned back.
UNDOING = [
    ("rescaling", "0", "a `scale` of 0 cannot be undone in the answers, as `prepare` of a target has to be"),
    ("normalization", "{dtype: float32}",
     "`dtype` of `normalization` has no effect on a target: it is prepared in float32"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "message"), UNDOING)
def test_preparation_of_targets(name: str, options: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        layer(name, options).check_undoable()
    assert (caught.value.code, caught.value.option, caught.value.message) == ("E207", "prepare", message)


@pytest.mark.parametrize(
    ("states", "code", "message"),
    [
        ([(4,)], "E405", "lstm takes an initial state of 2 tensors, but got 1"),
        ([(4,), (5,)], "E402", "lstm takes initial states of shape [4], but got shape [5]"),
    ],
)
def test_initial_state(states: list[tuple[int, ...]], code: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        layer("lstm", "4").infer(Tensor((6, 3)), [Tensor(shape) for shape in states])
    assert (caught.value.code, caught.value.message) == (code, message)


def test_every_problem_has_a_test() -> None:
    """As many messages here as places that raise one; a few places are reached from several layers."""
    folder = Path(inspect.getfile(next(iter(LAYERS)))).parent
    places = sum(path.read_text(encoding="utf-8").count("raise Problem(") for path in folder.glob("*.py"))
    assert len({row[5] for row in SHAPES}) + len(OPTIONS) + len(UNDOING) + 4 >= places
