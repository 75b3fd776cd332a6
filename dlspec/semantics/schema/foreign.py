"""Names of PyTorch, earlier versions of Keras and other libraries, with those of Keras.

Words are folded: small letters, without ``_`` and ``-``. ``{}`` in the name of a layer stands for its number of axes.
"""

from __future__ import annotations

# Layers; several where one word stands for different things.
LAYERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("linear", "fc", "fullyconnected", "affine", "denselayer", "innerproduct"), ("dense",)),
    **dict.fromkeys(("convolution", "convlayer", "convolutional"), ("conv{}",)),
    **dict.fromkeys(("maxpool", "maxpoollayer"), ("max_pooling{}",)),
    **dict.fromkeys(("avgpool", "avgpooling", "averagepool", "meanpool", "meanpooling"), ("average_pooling{}",)),
    **dict.fromkeys(("pool", "pooling"), ("max_pooling{}", "average_pooling{}")),
    **dict.fromkeys(("gap", "globalavgpool", "globalavgpooling", "globalaveragepool"), ("global_average_pooling{}",)),
    **dict.fromkeys(("gmp", "globalmaxpool"), ("global_max_pooling{}",)),
    **dict.fromkeys(("globalpool", "globalpooling"), ("global_average_pooling{}", "global_max_pooling{}")),
    "adaptiveavgpool": ("adaptive_average_pooling{}",),
    "adaptivemaxpool": ("adaptive_max_pooling{}",),
    **dict.fromkeys(
        ("deconv", "deconvolution", "transposedconv", "transposeconv", "convolutiontranspose"), ("conv{}_transpose",)
    ),
    **dict.fromkeys(("upsample", "upsampling", "upscale"), ("up_sampling{}",)),
    **dict.fromkeys(("zeropad", "pad", "padding"), ("zero_padding{}",)),
    **dict.fromkeys(("crop", "cropping"), ("cropping{}",)),
    **dict.fromkeys(("bn", "batchnorm", "batchnormalisation"), ("batch_normalization",)),
    **dict.fromkeys(("ln", "layernorm", "layernormalisation"), ("layer_normalization",)),
    "groupnorm": ("group_normalization",),
    "instancenorm": ("instance_normalization",),
    **dict.fromkeys(("embed", "embeddings", "wordembedding"), ("embedding",)),
    **dict.fromkeys(("concat", "cat"), ("concatenate",)),
    "merge": ("concatenate", "add"),
    "sum": ("add",),
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d"), ("spatial_dropout{}",)),
    **dict.fromkeys(("mha", "multiheadedattention", "selfattention"), ("multi_head_attention",)),
    **dict.fromkeys(("view", "unflatten"), ("reshape",)),
    "prelu": ("p_re_lu",),
    "noise": ("gaussian_noise",),
    "rescale": ("rescaling",),
    "resize": ("resizing",),
    "normalize": ("normalization",),
    "simplernn": ("simple_rnn",),
    "elman": ("simple_rnn",),
}
# Layers that are another one, wrapped by `bidirectional`.
WRAPPED = {
    "bilstm": "lstm",
    "bigru": "gru",
    "birnn": "simple_rnn",
    "bidirectionallstm": "lstm",
    "bidirectionalgru": "gru",
}
# Other components, by kind.
COMPONENTS: dict[str, dict[str, str]] = {
    "activation": {
        "logistic": "sigmoid",
        "leakyrelu": "leaky_relu",
        "identity": "linear",
        "hardsigmoid": "hard_sigmoid",
    },
    "initializer": {
        **dict.fromkeys(("xavier", "xavieruniform", "glorot"), "glorot_uniform"),
        "xaviernormal": "glorot_normal",
        **dict.fromkeys(("he", "kaiming", "kaimingnormal", "msra"), "he_normal"),
        "kaiminguniform": "he_uniform",
        **dict.fromkeys(("lecun",), "lecun_normal"),
        **dict.fromkeys(("normal", "gaussian"), "random_normal"),
        "uniform": "random_uniform",
        "zero": "zeros",
    },
    "loss": {
        **dict.fromkeys(("l2", "l2loss", "mseloss", "rmse", "euclidean", "squarederror"), "mse"),
        **dict.fromkeys(("l1", "l1loss", "absoluteerror"), "mae"),
        **dict.fromkeys(("smoothl1", "smoothl1loss", "huberloss"), "huber"),
        **dict.fromkeys(("logloss", "logistic", "bceloss"), "binary_crossentropy"),
        **dict.fromkeys(("nll", "nllloss", "negativeloglikelihood"), "sparse_categorical_crossentropy"),
        "crossentropyloss": "sparse_categorical_crossentropy: {from_logits: true}",
        "bcewithlogitsloss": "binary_crossentropy: {from_logits: true}",
        **dict.fromkeys(("softmax", "softmaxloss"), "sparse_categorical_crossentropy"),
        **dict.fromkeys(("kldivloss", "kl", "kldiv"), "kl_divergence"),
        "hingeloss": "hinge",
        "ctcloss": "ctc",
        **dict.fromkeys(("diceloss",), "dice"),
    },
    "metric": {
        **dict.fromkeys(("f1", "f1score", "fscore"), "f1_score"),
        **dict.fromkeys(("r2", "rsquared"), "r2_score"),
        **dict.fromkeys(("rmse",), "root_mean_squared_error"),
        **dict.fromkeys(("roc", "rocauc", "auroc"), "auc"),
        **dict.fromkeys(("iou", "jaccard", "miou"), "mean_io_u"),
        "sensitivity": "recall",
    },
    "optimizer": {
        "momentum": "sgd: {momentum: 0.9}",
        "nesterov": "sgd: {momentum: 0.9, nesterov: true}",
        **dict.fromkeys(("gd", "gradientdescent", "stochasticgradientdescent"), "sgd"),
    },
    "schedule": {
        **dict.fromkeys(("cosine", "cosineannealing", "cosineannealinglr"), "cosine_decay"),
        **dict.fromkeys(("exponential", "exponentiallr"), "exponential_decay"),
        **dict.fromkeys(("step", "steplr", "stepdecay", "multisteplr", "piecewise"), "piecewise_constant_decay"),
        **dict.fromkeys(("linear", "linearlr", "polynomial"), "polynomial_decay"),
    },
    "callback": {
        **dict.fromkeys(("earlystop",), "early_stopping"),
        **dict.fromkeys(("plateau", "reducelr"), "reduce_lr_on_plateau"),
        "checkpoint": "model_checkpoint",
    },
}
# Options; of several, the one that the component has.
OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("outfeatures", "neurons", "nodes", "numunits", "nunits", "hiddensize", "hiddendim", "hiddenunits", "size",
         "outdim", "outputdim", "outputsize", "numneurons", "width"), ("units", "filters"),
    ),
    **dict.fromkeys(
        ("outchannels", "channels", "numfilters", "nfilters", "nbfilter", "numoutputs", "outputchannels", "planes"),
        ("filters",),
    ),
    **dict.fromkeys(("kernelsize", "kernel", "filtersize", "window", "windowsize", "ksize", "poolsize"),
                    ("kernel_size", "pool_size")),
    **dict.fromkeys(("stride", "subsample"), ("strides",)),
    "dilation": ("dilation_rate",),
    "bias": ("use_bias",),
    **dict.fromkeys(("p", "prob", "probability", "dropoutrate", "droprate", "dropout"), ("rate",)),
    **dict.fromkeys(("numembeddings", "vocabsize", "vocabularysize", "numtokens"), ("input_dim",)),
    **dict.fromkeys(("embeddingdim", "embedsize", "embeddim", "embeddingsize", "dim"), ("output_dim",)),
    **dict.fromkeys(("heads", "nheads", "nhead", "numhead"), ("num_heads",)),
    "headdim": ("key_dim",),
    "eps": ("epsilon",),
    "lr": ("learning_rate",),
    "weightdecayrate": ("weight_decay",),
    **dict.fromkeys(("act", "nonlinearity", "function", "fn", "func", "activationfunction"), ("activation",)),
    **dict.fromkeys(("init", "initializer", "weightinit", "kernelinit", "weightinitializer", "weightsinitializer"),
                    ("kernel_initializer",)),
    **dict.fromkeys(("regularizer", "kernelreg", "weightregularizer", "wregularizer"), ("kernel_regularizer",)),
    **dict.fromkeys(("returnsequence", "returnseq", "returnsequences"), ("return_sequences",)),
    **dict.fromkeys(("scale", "scalefactor", "factor"), ("size",)),
    **dict.fromkeys(("alpha", "slope"), ("negative_slope",)),
    "shape": ("target_shape",),
    **dict.fromkeys(("input", "inputs", "source"), ("from",)),
    **dict.fromkeys(("n", "count", "number", "num", "repetitions"), ("times",)),
    **dict.fromkeys(("optim", "opt"), ("optimizer",)),
    **dict.fromkeys(("lossfunction", "losses", "criterion", "objective"), ("loss",)),
    **dict.fromkeys(("epoch", "nepochs", "numepochs", "nbepoch", "maxepochs"), ("epochs",)),
    **dict.fromkeys(("randomstate", "randomseed"), ("seed",)),
    **dict.fromkeys(("batch", "batchsize"), ("batch_size",)),
    **dict.fromkeys(("val", "valsplit", "validationsplit", "valid"), ("validation",)),
    **dict.fromkeys(("testsize", "testsplit"), ("test",)),
    **dict.fromkeys(("wait", "tolerance"), ("patience",)),
    "filepath": ("path",),
    **dict.fromkeys(("features", "feature"), ("inputs",)),
    **dict.fromkeys(("hyperparameters", "hyperparams", "parameters", "variables", "constants"), ("params",)),
    **dict.fromkeys(("labels", "label", "target", "y"), ("targets",)),
    "x": ("inputs",),
}  # fmt: skip
# What a number alone stands for, as PyTorch's `weight_decay` does.
FOR_NUMBERS = {"regularizer": "l2"}
# Those of the next that ask for other layers, where Keras has no option.
OTHER_LAYERS = ("bidirectional", "numlayers")
# Options that Keras does without.
NEEDLESS = {
    **dict.fromkeys(
        ("infeatures", "inchannels", "inputsize", "numfeatures", "inputchannels", "inputfeatures"),
        "leave it out: it follows from what comes in",
    ),
    "batchfirst": "leave it out: the batch always comes first",
    "numlayers": "leave it out, and write the layer so many times",
    "bidirectional": "leave it out, and wrap the layer: `bidirectional: {{layer: {{{owner}: …}}}}`",
    "decay": "a schedule does that: `learning_rate: {{inverse_time_decay: {{…}}}}`",
    "inplace": "leave it out: nothing works in place",
    "paddingmode": "leave it out: Keras pads with zeros",
    **dict.fromkeys(("device", "cuda", "gpu"), "leave it out: TensorFlow takes the first GPU by itself"),
    **dict.fromkeys(("verbose", "workers", "usemultiprocessing"), "leave it out: it has no place in a spec"),
    "gpus": "`distribute: {{devices: N}}` shares each batch among devices",
}
# What other libraries set beside the training, and stands elsewhere in a spec. `{optimizer}` is the one that is
# written, `{value}` what stands behind the word, or an ellipsis.
_ON_OPTIMIZER = "the optimizer has it: `optimizer: {{{{{{optimizer}}: {{{{{}}}}}}}}}`"
OF_TRAINING = {
    **dict.fromkeys(
        (
            "ema",
            "emadecay",
            "useema",
            "exponentialmovingaverage",
            "modelema",
            "movingaverage",
            "weightaveraging",
            "swa",
            "stochasticweightaveraging",
            "averagedmodel",
        ),
        _ON_OPTIMIZER.format("use_ema: true"),
    ),
    **dict.fromkeys(
        ("accumulate", "accumulation", "accumulationsteps", "gradientaccumulation", "accumulategradbatches"),
        _ON_OPTIMIZER.format("gradient_accumulation_steps: {value}"),
    ),
    **dict.fromkeys(
        ("gradientclip", "gradclip", "clipgrad", "clipgradnorm", "maxgradnorm", "gradientclipval", "gradientclipping"),
        _ON_OPTIMIZER.format("global_clipnorm: {value}"),
    ),
    **dict.fromkeys(
        ("lrscheduler", "learningratescheduler", "scheduler", "schedule", "lrschedule", "learningrateschedule"),
        "a schedule takes the place of the learning rate: "
        + _ON_OPTIMIZER.partition(": ")[2].format("learning_rate: {{cosine_decay: {{…}}}}"),
    ),
    **dict.fromkeys(("mixup", "mixupalpha"), "it changes examples: `augment: [{{mix_up: {value}}}]` in `data`"),
    **dict.fromkeys(("cutmix", "cutmixalpha"), "it changes examples: `augment: [{{cut_mix: {value}}}]` in `data`"),
    **dict.fromkeys(("augmentation", "augmentations"), "`augment: […]` in `data` lists random changes of examples"),
    **dict.fromkeys(
        ("amp", "autocast", "fp16", "halfprecision", "usemixedprecision"), "write `precision: mixed_float16`"
    ),
    **dict.fromkeys(("bf16", "bfloat16"), "write `precision: mixed_bfloat16`"),
    "labelsmoothing": "the loss has it: `loss: {{categorical_crossentropy: {{label_smoothing: {value}}}}}`",
    **dict.fromkeys(("compile", "torchcompile", "jitcompile", "xla"), "write `jit: true`, or `speed: auto`"),
    **dict.fromkeys(("pretrained", "checkpointpath", "resumefrom"), "write `start_from: {{file: …}}`"),
}
# Precisions as other libraries call them.
DTYPES = {"int": "int32", "integer": "int32", "long": "int64", "half": "float16", "float": "float32",
          "double": "float64", "str": "string", "text": "string", "boolean": "bool", "fp32": "float32",
          "fp16": "float16", "bf16": "bfloat16"}  # fmt: skip


def fold(name: str) -> str:
    """A name in lower case, without separators, as the tables have it."""
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()
