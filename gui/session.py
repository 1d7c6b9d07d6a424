"""Sessions: everything about a comparison but the pictures themselves, as JSON, without Qt.

A session is read with suspicion: whoever edits one by hand is told what is wrong with it, and
nothing of it is taken then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from upsampler.methods import parse as parse_method

from . import kernels
from . import source as sources
from .degrade import degrade
from .panes import MOST
from .settings import Diff, DiffKind, Geometry, Mode, Region, Split, Tone
from .source import Source
from .sources.slices import Slice
from .state import THEMES, TRUTH, Pane, ViewerState
from .texts import parse_scale, scale_text
from .viewport import View

MARK = "upsampler session"
VERSION = 1


@dataclass(frozen=True)
class Place:
    """Where a picture is: a file (None for the test chart) and which picture of it."""

    path: str | None
    slice: Slice | None = None


@dataclass(frozen=True)
class Session:
    """What a session file says.

    Attributes
    ----------
    picture : Place
    truth : Place or None
        Of a reference from a file; one that the picture is degraded from is not named again.
    degraded : int
    settings : dict
        Attributes of a `ViewerState`.
    kernels : dict
        Those that are in no file, by the names that the panes have for them.
    """

    picture: Place
    truth: Place | None
    degraded: int
    settings: dict[str, Any]
    kernels: dict[str, Any] = field(default_factory=dict)


class _Wrong(ValueError):
    """What a value may be."""


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise _Wrong(f"an integer from {low} to {high}")
        return value

    return read


def _numbers(*ranges: tuple[float, float]) -> Callable[[Any], tuple[float, ...]]:
    def read(value: Any) -> tuple[float, ...]:
        good = isinstance(value, list) and len(value) == len(ranges)
        if not good or not all(_within(v, *r) for v, r in zip(value, ranges, strict=True)):
            raise _Wrong(" and ".join(f"{low:g} to {high:g}" for low, high in ranges))
        return tuple(float(v) for v in value)

    return read


def _within(value: Any, low: float, high: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and low <= value <= high  # which NaN is not


def _one_of(*values: Any) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        for known in values:
            if type(value) is type(known) and value == known:
                return known
        raise _Wrong("one of " + ", ".join(json.dumps(v) for v in values))

    return read


def _enum(kind: type[Any]) -> Callable[[Any], Any]:
    read = _one_of(*(member.value for member in kind))
    return lambda value: kind(read(value))


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 4096:
        raise _Wrong("a text")
    return value


def _object(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise _Wrong(f"an object with {', '.join(names)}")
    return value


def _view(value: Any) -> View:
    return View(*_numbers((-FAR, FAR), (-FAR, FAR), (1e-9, FAR))(value))


def _region(value: Any) -> Region:
    top, left, bottom, right = (int(v) for v in _numbers(*[(0, FAR)] * 4)(value))
    if not (top < bottom and left < right):
        raise _Wrong("top, left, bottom, right of a rectangle that is not empty")
    return Region(top, left, bottom, right)


def _diff(value: Any) -> Diff:
    given = _object(value, "kind", "gain", "threshold")
    gain, threshold = _numbers((1e-6, 1e6), (0, 1e6))([given["gain"], given["threshold"]])
    return Diff(_enum(DiffKind)(given["kind"]), gain, threshold)


def _tone(value: Any) -> Tone:
    given = _object(value, "exposure", "gamma")
    return Tone(*_numbers((-64, 64), (0.01, 100))([given["exposure"], given["gamma"]]))


def _pane(value: Any) -> Pane:
    given = _object(value, "method", "scale", "nudge")
    try:
        name, scale = parse_method(_text(given["method"])).name, parse_scale(_text(given["scale"]))
    except ValueError as error:
        if isinstance(error, _Wrong):
            raise
        raise _Wrong(f"a method and a scale ({error})") from error
    down, across = _numbers((-FAR, FAR), (-FAR, FAR))(given["nudge"])
    return Pane(name, scale, (down, across))


def _panes(value: Any) -> tuple[Pane, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST:
        raise _Wrong(f"1 to {MOST} panes")
    return tuple(_pane(pane) for pane in value)


def _slice(value: Any) -> Slice:
    given = _object(value, "layout", "index", "channel", "member")
    if not isinstance(given["index"], list) or len(given["index"]) > 3:
        raise _Wrong("a list of indices")
    index = tuple(_whole(0, FAR)(i) for i in given["index"])
    channel = _optional(_whole(0, FAR))(given["channel"])
    layout, member = _text(given["layout"]), _text(given["member"])
    made = Slice(layout, index, channel, member)
    if set(layout) - set("NCDHW") or len(made.others) != len(index):
        raise _Wrong("a layout of N, C, D, H, W and an index for each N and D")
    return made


def _kernels(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MOST:
        raise _Wrong(f"an object with up to {MOST} kernels")
    for name, content in value.items():
        if not kernels.NAME.fullmatch(name):
            raise _Wrong("names of .npz files, of letters, digits, dots, hyphens and underscores")
        if reason := kernels.why_not(content):
            raise _Wrong(f"{name}: {reason}")
    return value


def _place(value: Any) -> Place:
    given = _object(value, "path", "slice")
    return Place(_optional(_text)(given["path"]), _optional(_slice)(given["slice"]))


FAR = 1 << 40
_FLAG = _one_of(True, False)
# Attributes of the state: how each is read.  What is written is what `asdict` makes of it.
_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "panes": _panes,
    "focus": _whole(0, MOST - 1),
    "view": _optional(_view),
    "mode": _enum(Mode),
    "split": _enum(Split),
    "line": _numbers((0, 1), (0, 1)),
    "diff": _diff,
    "tone": _tone,
    "geometry": _enum(Geometry),
    "reference": _whole(TRUTH, MOST - 1),
    "region": _optional(_region),
    "numbers": _FLAG,
    "loupe": _FLAG,
    "blinking": _FLAG,
    "panel": _text,
    "learning": _FLAG,
    "theme": _one_of(*THEMES),
}
_OTHERS = ("picture", "truth", "degraded", "kernels")


def write(state: ViewerState) -> str:
    """The JSON of a state.

    Raises
    ------
    ValueError
        If a picture did not come from a file, so that it could not be found again, or a kernel
        that was learned is gone.
    """
    panes, learned = _panes_of(state)
    truth = None if state.degraded or state.truth is None else _found(state.truth)
    content = {
        MARK: VERSION,
        "picture": _found(state.source),
        "truth": truth,
        "degraded": state.degraded,
        **{name: _plain(getattr(state, name)) for name in _SETTINGS},
        "panes": panes,
        "kernels": learned,
    }
    return json.dumps(content, indent=1) + "\n"


def read(text: str) -> Session:
    """What the JSON of a session says.

    Raises
    ------
    ValueError
        If it is not a session, or something in it cannot be: a sentence that names it.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is no session: {error}") from error
    if not isinstance(content, dict) or MARK not in content:
        raise ValueError(f"this is no session: it has no {MARK!r}")
    if content[MARK] != VERSION:
        raise ValueError(f"this is a session of version {content[MARK]}; allowed: {VERSION}")
    names = {MARK, *_SETTINGS, *_OTHERS}
    if set(content) != names:
        odd = ", ".join(sorted(set(content) ^ names))
        raise ValueError(f"this session lacks or should not have: {odd}")
    settings = {name: _checked(name, content, reader) for name, reader in _SETTINGS.items()}
    picture = _checked("picture", content, _place)
    truth = _checked("truth", content, _optional(_place))
    degraded = _checked("degraded", content, _whole(0, 64))
    learned = _checked("kernels", content, _kernels)
    _match(settings, bool(truth or degraded))
    return Session(picture, truth, degraded, settings, learned)


def restore(session: Session, load: Callable[[str], Source] = sources.load) -> ViewerState:
    """The state that a session describes; its pictures are read.

    Raises
    ------
    ImageError, OSError, ValueError
        If a picture is gone, or is not what it was.
    """
    opened = _opened(session.picture, load)
    truth = None if session.truth is None else _opened(session.truth, load)
    if session.degraded:
        truth, opened = degrade(opened, session.degraded)
    state = replace(ViewerState(opened, truth=truth), **session.settings)
    # Panes whose kernels are in the session have files for them.
    paths = {name: kernels.written(name, content) for name, content in session.kernels.items()}
    panes = tuple(_with_kernel(pane, paths) for pane in state.panes)
    return replace(state, panes=panes, degraded=session.degraded)


def _with_kernel(pane: Pane, paths: Mapping[str, str]) -> Pane:
    path = paths.get(kernels.kernel_of(pane.method) or "")
    return pane if path is None else replace(pane, method=kernels.with_kernel(pane.method, path))


def _opened(place: Place, load: Callable[[str], Source]) -> Source:
    if place.path is None:
        return sources.built_in()
    opened = load(place.path)
    if place.slice is None or place.slice == opened.slice:
        return opened
    if opened.shelf is None:
        raise ValueError(f"{place.path}: no longer a file of arrays")
    return opened.shelf.source(place.slice)


def _found(picture: Source) -> dict[str, Any]:
    if picture.path is None and picture.name != sources.built_in().name:
        raise ValueError(
            f"{picture.name}: did not come from a file, so a session could not find it again; "
            "save it as a file and open that"
        )
    path = None if picture.path is None else os.path.abspath(picture.path)
    return {"path": path, "slice": None if picture.slice is None else asdict(picture.slice)}


def _panes_of(state: ViewerState) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The panes in the types of JSON, and the kernels that nobody else keeps."""
    panes, learned, names = [], {}, {}
    for pane in state.panes:
        method, path = pane.method, kernels.kernel_of(pane.method)
        if path is not None and kernels.is_ours(path):
            name = names.setdefault(path, _unused(os.path.basename(path), learned))
            try:
                learned[name] = kernels.content_of(path)
            except (OSError, ValueError) as error:
                raise ValueError(f"{name}: the kernel is gone ({error}); learn it again") from error
            method = kernels.with_kernel(method, name)
        elif path is not None:  # from wherever the session is opened
            method = kernels.with_kernel(method, os.path.abspath(path))
        scale = scale_text(pane.scale)
        panes.append({"method": method, "scale": scale, "nudge": list(pane.nudge)})
    return panes, learned


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    stem = name.removesuffix(".npz")
    names = (name, *(f"{stem}-{i}.npz" for i in range(2, MOST + 2)))
    return next(name for name in names if name not in taken)


def _plain(value: Any) -> Any:
    """A value in the types of JSON."""
    if isinstance(value, View):
        return [value.cy, value.cx, value.z]
    if isinstance(value, Region):
        return [value.top, value.left, value.bottom, value.right]
    if isinstance(value, Diff | Tone):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value


def _checked(name: str, content: Mapping[str, Any], reader: Callable[[Any], Any]) -> Any:
    try:
        return reader(content[name])
    except _Wrong as wrong:
        got = json.dumps(content[name])
        got = got if len(got) <= 80 else f"{got[:77]}..."
        raise ValueError(f"{name}: got {got}; allowed: {wrong}") from wrong


def _match(settings: Mapping[str, Any], has_truth: bool) -> None:
    """The numbers of panes are those of panes that there are."""
    count = len(settings["panes"])
    for name in ("focus", "reference"):
        if settings[name] >= count:
            raise ValueError(f"{name}: got {settings[name]}; allowed: below {count}, the panes")
    if settings["reference"] == TRUTH and not has_truth:
        raise ValueError("reference: got -1; allowed: with a reference picture only")
