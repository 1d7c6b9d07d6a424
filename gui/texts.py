"""Methods and scales as they are read and typed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from upsampler.gpu_methods import OnGpu
from upsampler.kernel_methods import MODES, KernelMethod, ResizeConv
from upsampler.methods import Interpolation, parse

from .devices import GPU

Scale = tuple[Fraction, Fraction]  # down, across
SCALES = (1, 2, 3, 4, 6, 8, 16)  # offered in menus
SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12)  # of kernels, offered in menus
SEEDS = 4
AUTO = "default"
# The switches of fixed rules: what they are about, and what off and on are called.
SWITCHES = {
    "align_corners": ("Corners", "half-pixel", "align corners"),
    "antialias": ("Where it shrinks", "plain", "antialias"),
}
SCALE_LIMITS = (Fraction(1, 64), Fraction(64))
_RATIO = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,9})?):([0-9]{1,4}(?:\.[0-9]{1,9})?)", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?) *%?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9})?|[0-9]{1,4}/0*[1-9][0-9]{0,3}", re.ASCII)


def variants(method: str) -> dict[str, dict[str, str]]:
    """The same method with other parameters: names and texts, by headings."""
    now = parse(method)
    if isinstance(now, KernelMethod):
        return _of_kernels(now)
    on_gpu = isinstance(now, OnGpu)
    rule = now.rule if isinstance(now, OnGpu) else now
    assert isinstance(rule, Interpolation)
    groups = {
        heading: {
            (GPU if on_gpu else "") + replace(rule, **{switch: on}).name: (off_text, on_text)[on]
            for on in (False, True)
        }
        for switch, (heading, off_text, on_text) in SWITCHES.items()
        if _has(rule, switch)
    }
    return groups | {"Computed by": {rule.name: "CPU", GPU + rule.name: "GPU"}}


def _has(rule: Interpolation, switch: str) -> bool:
    """Whether a rule knows a switch, the others being as they are."""
    try:
        replace(rule, **{switch: True})
    except ValueError:
        return False
    return True


def _of_kernels(now: KernelMethod) -> dict[str, dict[str, str]]:
    groups = {}
    if isinstance(now, ResizeConv):
        groups["Resized by"] = {replace(now, mode=mode).name: mode for mode in MODES}
    if "k" in now.parameters:
        sizes = sorted({*SIZES, now.k} - {None})
        groups["Size of the kernel"] = {replace(now, k=None).name: "k of its own"} | {
            replace(now, k=k).name: f"k = {k}" for k in sizes
        }
    if "seed" in now.parameters:
        seeds = sorted({*range(SEEDS), now.seed, now.seed + 1})
        groups["Random weights"] = {replace(now, seed=s).name: f"seed = {s}" for s in seeds}
    return groups


def method_texts(method: str) -> tuple[str, str]:
    """A method for people, and its parameters: `AUTO` if all are as they are by default.

    Examples
    --------
    >>> from upsampler_gui.texts import method_texts
    >>> method_texts("bilinear:align_corners"), method_texts("resize_conv:random:k=5")
    (('bilinear', 'align corners'), ('resize conv  random', 'k=5'))
    """
    now = parse(method)
    if isinstance(now, KernelMethod):
        if not now.parameters:
            return now.label, ""
        given = {"k": now.k, "seed": now.seed or None}
        parameters = [f"{name}={v}" for name, v in given.items() if v is not None]
        return replace(now, k=None, seed=0).label, "  ".join(parameters) or AUTO
    rule = now.rule if isinstance(now, OnGpu) else now
    assert isinstance(rule, Interpolation)
    parameters = [text for switch, (_, _, text) in SWITCHES.items() if getattr(rule, switch)]
    parameters += ["GPU"] if isinstance(now, OnGpu) else []
    return rule.mode, "  ".join(parameters) or AUTO


def without_parameters(method: str) -> str:
    """The name of a method with all parameters as they are by default.

    Examples
    --------
    >>> from upsampler_gui.texts import without_parameters
    >>> without_parameters("gpu:bicubic:antialias"), without_parameters("resize_conv:box:k=5")
    ('bicubic', 'resize_conv:box')
    """
    now = parse(method)
    if isinstance(now, KernelMethod):
        return replace(now, k=None, seed=0).name
    return method_texts(method)[0]


def parse_scale(text: str) -> Scale:
    """A scale as it is typed: ``4``, ``1.5``, ``3/2``, or ``2x3`` for across x down.

    Raises
    ------
    ValueError
        If it is no such thing, or beyond 1/64 to 64.
    """
    parts = text.strip().lower().replace("\N{MULTIPLICATION SIGN}", "x").strip("x").split("x")
    low, high = SCALE_LIMITS
    allowed = "allowed: a number, a fraction or two of them (2x3 is across x down), 1/64 to 64"
    # The pattern comes first: Fraction("1e999999999") would be worked out.
    if len(parts) > 2 or not all(_NUMBER.fullmatch(part.strip()) for part in parts):
        raise ValueError(f"scale: got {text!r}; {allowed}")
    numbers = [Fraction(part.strip()) for part in parts]
    if not all(low <= number <= high for number in numbers):
        raise ValueError(f"scale: got {text!r}; {allowed}")
    return numbers[-1], numbers[0]


@dataclass(frozen=True)
class Zoom:
    """A zoom as it is typed.

    Attributes
    ----------
    z : float
        Device pixels for a source pixel.
    k : float or None
        Device pixels for an output pixel, in the place of `z`.
    fit : bool
        Whether all of the picture is to be seen, in the place of both.
    """

    z: float = 1.0
    k: float | None = None
    fit: bool = False


def parse_zoom(text: str) -> Zoom:
    """A zoom as it is typed: ``250 %``, ``3:1``, ``1:4``, ``fit``.

    Raises
    ------
    ValueError
        If it is no such thing.
    """
    plain = text.strip().lower()
    if plain == "fit":
        return Zoom(fit=True)
    ratio, percent = _RATIO.fullmatch(plain), _PERCENT.fullmatch(plain)
    if ratio and float(ratio[1]) > 0 and float(ratio[2]) > 0:
        return Zoom(k=float(ratio[1]) / float(ratio[2]))
    if percent and float(percent[1]) > 0:
        return Zoom(z=float(percent[1]) / 100)
    raise ValueError(
        f"zoom: got {text!r}; allowed: a percentage of the source such as 250 %, a ratio for the "
        "outputs of the focused pane such as 3:1 or 1:4, fit"
    )


def scale_text(scale: Scale) -> str:
    """``4``, ``1.5``, ``2x3``: what `parse_scale` reads."""
    down, across = (_number(s) for s in scale)
    return across if down == across else f"{across}x{down}"


def _number(s: Fraction) -> str:
    return f"{float(s):g}" if Fraction(f"{float(s):g}") == s else str(s)
