"""The models of `keras.applications` as parts of a spec, by Keras's own names and with its own arguments.

Their layers are not declared here: Keras makes them once, and a spec reads what it wrote of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dlspec.components.registry import (
    Component,
    boolean,
    choice,
    component,
    example,
    integer,
    number,
    optional,
    plain,
    text,
)
from dlspec.core.errors import Problem, leave_out

# Weights that Keras fetches from elsewhere.
FETCHED = "imagenet"

_SIDE = {"type": ["integer", "null"], "minimum": 1}


class Application(Component, abstract=True):
    """A model of `keras.applications`.

    Class attributes:
        pixels: What its `preprocess_input` does to pixels of 0 to 255: ``tf`` brings them to −1 … 1, ``torch`` and
            ``caffe`` take the channel means of ImageNet away (the former divides by 255 and by deviations, the latter
            puts blue first); "" where the model itself begins with what they need.
        smallest: The least height and width that Keras makes it for.
        side: Height and width where none are given.
        flexible: Whether its head takes pictures of any size.
    """

    kind = "application"
    pixels: ClassVar[str] = ""
    smallest: ClassVar[int] = 32
    side: ClassVar[int] = 224
    flexible: ClassVar[bool] = False
    include_top = boolean(default=True, doc="Whether it ends with its head: pooling and a dense layer of `classes`.")
    weights = optional(text(), doc="A file with its weights that Keras saved; null for random ones.")
    weights.default = FETCHED
    input_shape = optional(
        plain({"type": "array", "items": _SIDE, "minItems": 3, "maxItems": 3}),
        doc="Height, width and channels; unset, its own size with a head, and any size without.",
    )
    pooling = optional(
        choice("avg", "max"), doc="How the last pictures become a vector without a head; null leaves them."
    )
    classes = integer(min=1, default=1000, doc="How many classes its head tells apart.")
    classifier_activation = component("activation", default="softmax", doc="The activation of its head; null for none.")
    classifier_activation.nullable = True
    examples = (example("{include_top: false, weights: null}"),)

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        cls.registered_name = "" if abstract else cls.keras.rpartition(".")[2]

    def validate(self) -> None:
        """Sizes that Keras makes it for; no argument that changes nothing.

        Raises:
            Problem: E207, an argument has no effect beside `include_top`; E549, Keras cannot make such a model.
        """
        with_head, without = ("pooling",), ("classes", "classifier_activation")
        for option in with_head if self.include_top else without:
            if option in self.given and not (option == "pooling" and self.pooling is None):
                state = "true" if self.include_top else "false"
                message = f"`{option}` has no effect where `include_top` is {state}"
                raise Problem("E207", message, leave_out(option), option)
        activation = self.given.get("classifier_activation")
        if activation is not None and activation.given:
            message = "the head of an application takes the plain name of an activation"
            raise Problem("E207", message, "leave its options out", "classifier_activation")
        if self.input_shape is not None:
            self._check_sizes(self.input_shape)

    def _check_sizes(self, sizes: list[int | None]) -> None:
        small = [size for size in sizes[:2] if size is not None and size < self.smallest]
        if small:
            message = f"{self.name} takes pictures of at least {self.smallest} × {self.smallest}, not {small[0]}"
            help = "enlarge them by `resizing` before it, and give that size here"
            raise Problem("E549", message, help, "input_shape")
        if sizes[2] is None or (self.include_top and not self.flexible and None in sizes):
            what = "channels" if sizes[2] is None else "sizes: it has a head"
            message = f"{self.name} needs to know its {what}"
            raise Problem("E549", message, f"write `input_shape: [{self.side}, {self.side}, 3]`", "input_shape")

    @property
    def channels(self) -> int:
        """Those of the pictures that enter."""
        return 3 if self.input_shape is None else int(self.input_shape[2])

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What Keras is given besides weights, as plain values; arguments as they are by themselves are left out."""
        plain = {name: value for name, value in self.given.items() if name != "weights" and name in self.changes()}
        activation = plain.get("classifier_activation")
        return plain | ({"classifier_activation": activation.name} if activation is not None else {})


class _Scaling(Application, abstract=True):
    include_preprocessing = boolean(default=True, doc="Whether it begins with the scaling of pixels that it needs.")


class _MobileNetV3(_Scaling, abstract=True):
    flexible = True
    alpha = number(above=0, default=1.0, doc="Factor of the number of filters in each layer.")
    minimalistic = boolean(default=False, doc="Whether it does without squeeze-and-excite and hard swish.")
    dropout_rate = number(min=0, below=1, default=0.2, doc="Share of features that its head drops in training.")


class ConvNeXtTiny(_Scaling):
    """ConvNeXt with 28.6 M parameters (Liu and others 2022)."""

    keras = "keras.applications.ConvNeXtTiny"


class ConvNeXtSmall(_Scaling):
    """ConvNeXt with 50.2 M parameters (Liu and others 2022)."""

    keras = "keras.applications.ConvNeXtSmall"


class ConvNeXtBase(_Scaling):
    """ConvNeXt with 88.6 M parameters (Liu and others 2022)."""

    keras = "keras.applications.ConvNeXtBase"


class ConvNeXtLarge(_Scaling):
    """ConvNeXt with 197.8 M parameters (Liu and others 2022)."""

    keras = "keras.applications.ConvNeXtLarge"


class ConvNeXtXLarge(_Scaling):
    """ConvNeXt with 350.2 M parameters (Liu and others 2022)."""

    keras = "keras.applications.ConvNeXtXLarge"


class DenseNet121(Application):
    """DenseNet of 121 layers, each of which takes what all before it gave (Huang and others 2017)."""

    keras = "keras.applications.DenseNet121"
    pixels = "torch"


class DenseNet169(Application):
    """DenseNet of 169 layers, each of which takes what all before it gave (Huang and others 2017)."""

    keras = "keras.applications.DenseNet169"
    pixels = "torch"


class DenseNet201(Application):
    """DenseNet of 201 layers, each of which takes what all before it gave (Huang and others 2017)."""

    keras = "keras.applications.DenseNet201"
    pixels = "torch"


class EfficientNetB0(Application):
    """EfficientNet number 0 of 8, for pictures of 224 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB0"


class EfficientNetB1(Application):
    """EfficientNet number 1 of 8, for pictures of 240 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB1"
    side = 240


class EfficientNetB2(Application):
    """EfficientNet number 2 of 8, for pictures of 260 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB2"
    side = 260


class EfficientNetB3(Application):
    """EfficientNet number 3 of 8, for pictures of 300 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB3"
    side = 300


class EfficientNetB4(Application):
    """EfficientNet number 4 of 8, for pictures of 380 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB4"
    side = 380


class EfficientNetB5(Application):
    """EfficientNet number 5 of 8, for pictures of 456 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB5"
    side = 456


class EfficientNetB6(Application):
    """EfficientNet number 6 of 8, for pictures of 528 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB6"
    side = 528


class EfficientNetB7(Application):
    """EfficientNet number 7 of 8, for pictures of 600 pixels (Tan and Le 2019)."""

    keras = "keras.applications.EfficientNetB7"
    side = 600


class EfficientNetV2B0(_Scaling):
    """EfficientNetV2-B0, for pictures of 224 pixels (Tan and Le 2021)."""

    keras = "keras.applications.EfficientNetV2B0"


class EfficientNetV2B1(_Scaling):
    """EfficientNetV2-B1, for pictures of 240 pixels (Tan and Le 2021)."""

    keras = "keras.applications.EfficientNetV2B1"
    side = 240


class EfficientNetV2B2(_Scaling):
    """EfficientNetV2-B2, for pictures of 260 pixels (Tan and Le 2021)."""

    keras = "keras.applications.EfficientNetV2B2"
    side = 260


class EfficientNetV2B3(_Scaling):
    """EfficientNetV2-B3, for pictures of 300 pixels (Tan and Le 2021)."""

    keras = "keras.applications.EfficientNetV2B3"
    side = 300


class EfficientNetV2S(_Scaling):
    """EfficientNetV2-S, for pictures of 384 pixels (Tan and Le 2021)."""

    keras = "keras.applications.EfficientNetV2S"
    side = 384


class EfficientNetV2M(_Scaling):
    """EfficientNetV2-M, for pictures of 480 pixels (Tan and Le 2021)."""

    keras = "keras.applications.EfficientNetV2M"
    side = 480


class EfficientNetV2L(_Scaling):
    """EfficientNetV2-L, for pictures of 480 pixels (Tan and Le 2021)."""

    keras = "keras.applications.EfficientNetV2L"
    side = 480


class InceptionResNetV2(Application):
    """Inception modules whose sums pass each other by (Szegedy and others 2017)."""

    keras = "keras.applications.InceptionResNetV2"
    pixels = "tf"
    smallest = 75
    side = 299


class InceptionV3(Application):
    """Inception modules with factorised convolutions (Szegedy and others 2016)."""

    keras = "keras.applications.InceptionV3"
    pixels = "tf"
    smallest = 75
    side = 299


class MobileNet(Application):
    """Depthwise separable convolutions for small devices (Howard and others 2017)."""

    keras = "keras.applications.MobileNet"
    pixels = "tf"
    alpha = number(above=0, default=1.0, doc="Factor of the number of filters in each layer.")
    depth_multiplier = integer(min=1, default=1, doc="Filters of each depthwise convolution for each channel.")
    dropout = number(min=0, below=1, default=0.001, doc="Share of features that its head drops in training.")


class MobileNetV2(Application):
    """Inverted residuals with linear bottlenecks (Sandler and others 2018)."""

    keras = "keras.applications.MobileNetV2"
    pixels = "tf"
    alpha = number(above=0, default=1.0, doc="Factor of the number of filters in each layer.")


class MobileNetV3Large(_MobileNetV3):
    """MobileNetV3, the large one (Howard and others 2019)."""

    keras = "keras.applications.MobileNetV3Large"


class MobileNetV3Small(_MobileNetV3):
    """MobileNetV3, the small one (Howard and others 2019)."""

    keras = "keras.applications.MobileNetV3Small"


class NASNetLarge(Application):
    """Cells that a search has found, for pictures of 331 pixels (Zoph and others 2018)."""

    keras = "keras.applications.NASNetLarge"
    pixels = "tf"
    side = 331


class NASNetMobile(Application):
    """Cells that a search has found, for small devices (Zoph and others 2018)."""

    keras = "keras.applications.NASNetMobile"
    pixels = "tf"


class ResNet101(Application):
    """Residual network of 101 layers (He and others 2015)."""

    keras = "keras.applications.ResNet101"
    pixels = "caffe"


class ResNet101V2(Application):
    """Residual network of 101 layers, which are activated before they are added (He and others 2016)."""

    keras = "keras.applications.ResNet101V2"
    pixels = "tf"


class ResNet152(Application):
    """Residual network of 152 layers (He and others 2015)."""

    keras = "keras.applications.ResNet152"
    pixels = "caffe"


class ResNet152V2(Application):
    """Residual network of 152 layers, which are activated before they are added (He and others 2016)."""

    keras = "keras.applications.ResNet152V2"
    pixels = "tf"


class ResNet50(Application):
    """Residual network of 50 layers (He and others 2015)."""

    keras = "keras.applications.ResNet50"
    pixels = "caffe"


class ResNet50V2(Application):
    """Residual network of 50 layers, which are activated before they are added (He and others 2016)."""

    keras = "keras.applications.ResNet50V2"
    pixels = "tf"


class VGG16(Application):
    """16 layers of small convolutions and dense layers (Simonyan and Zisserman 2014)."""

    keras = "keras.applications.VGG16"
    pixels = "caffe"


class VGG19(Application):
    """19 layers of small convolutions and dense layers (Simonyan and Zisserman 2014)."""

    keras = "keras.applications.VGG19"
    pixels = "caffe"


class Xception(Application):
    """Depthwise separable convolutions in place of Inception modules (Chollet 2017)."""

    keras = "keras.applications.Xception"
    pixels = "tf"
    smallest = 71
    side = 299
