"""Exact, fast upsampling of images and feature maps: forward and backward, without a framework."""

from . import convert, init
from .analysis import Checkerboard, checkerboard
from .backends import BackendUnavailable, backends, preload
from .buffers import buffer_pool_info, get_buffer_pool, set_buffer_pool
from .conv import (
    conv_transpose1d,
    conv_transpose1d_backward,
    conv_transpose2d,
    conv_transpose2d_backward,
    conv_transpose3d,
    conv_transpose3d_backward,
)
from .functional import interpolate, interpolate_backward
from .learn import fit_conv_transpose
from .modules import (
    ConvTranspose2d,
    MaxUnpool2d,
    Module,
    PixelShuffle,
    ResizeConv2d,
    Sequential,
    Upsample,
    load_module,
)
from .pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_unpool2d,
    max_unpool2d_backward,
)
from .resize_conv import resize_conv2d, resize_conv2d_backward
from .shuffle import (
    pixel_shuffle,
    pixel_shuffle_backward,
    pixel_unshuffle,
    pixel_unshuffle_backward,
)
from .threads import get_num_threads, set_num_threads
from .training import train
from .training_state import Training
from .viewing import compare

__version__ = "0.1.0"

preload()

__all__ = [
    "BackendUnavailable",
    "Checkerboard",
    "ConvTranspose2d",
    "MaxUnpool2d",
    "Module",
    "PixelShuffle",
    "ResizeConv2d",
    "Sequential",
    "Training",
    "Upsample",
    "__version__",
    "avg_pool2d",
    "avg_pool2d_backward",
    "backends",
    "buffer_pool_info",
    "checkerboard",
    "compare",
    "conv_transpose1d",
    "conv_transpose1d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "conv_transpose3d",
    "conv_transpose3d_backward",
    "convert",
    "fit_conv_transpose",
    "get_buffer_pool",
    "get_num_threads",
    "init",
    "interpolate",
    "interpolate_backward",
    "load_module",
    "max_pool2d",
    "max_pool2d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "pixel_shuffle",
    "pixel_shuffle_backward",
    "pixel_unshuffle",
    "pixel_unshuffle_backward",
    "resize_conv2d",
    "resize_conv2d_backward",
    "set_buffer_pool",
    "set_num_threads",
    "train",
]
