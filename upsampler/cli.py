"""The command line: ``upsampler resize``, ``compare``, ``fit``, ``info`` and ``view``.

Heavy imports (Pillow, scikit-image, rich, Qt) stay inside of the commands, so that ``--help``
and errors come at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import click

from . import __version__
from .cli_types import METHOD, POINT, SCALE, SIDE, SIZE, THREADS, WINDOW, FiniteRange
from .console import Progress, fail, note, open_streams, stoppable
from .formats import check_ending, check_room, check_writable
from .images import ImageError, Picture, read, write
from .methods import PRESETS, Interpolation, Method
from .picture import shown

Decorator = Callable[[Any], Any]


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Exact, fast upsampling of images.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit(2)  # a script whose variable was empty should notice


@cli.command()
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
@click.option("--scale", "-s", type=SCALE, help="Factor, for example 2, 0.5 or 3/2.")
@click.option("--size", type=SIZE, help="Exact size in pixels: the width first, as in 1920x1080.")
@click.option("--width", type=SIDE, help="Alone: the height keeps the proportions.")
@click.option("--height", type=SIDE, help="Alone: the width keeps the proportions.")
@click.option(
    "--mode", "--method", "-m", "method", type=METHOD, default="bicubic", show_default=True,
    help="nearest, nearest-exact, bilinear, bicubic, area, lanczos3, or what compare --help lists.",
)  # fmt: skip
@click.option(
    "--align-corners", is_flag=True, help="Samples are points: corner pixels stay at the corners."
)
@click.option("--antialias", is_flag=True, help="Widen the filter when shrinking.")
@click.option("--linear-light", is_flag=True, help="Average light, not its sRGB signal.")
@click.option("--threads", type=THREADS, help="By default all cores.")
@click.option("--force", "-f", "--overwrite", is_flag=True, help="Replace OUT where it exists.")
@stoppable()
def resize(
    source: str,
    target: str,
    scale: Fraction | None,
    size: tuple[int, int] | None,
    width: int | None,
    height: int | None,
    method: Method,
    align_corners: bool,
    antialias: bool,
    linear_light: bool,
    threads: int | None,
    force: bool,
) -> None:
    """Resize the picture IN to the file OUT.

    Reads PNG, JPEG, WebP, TIFF and .npy; the ending of OUT says what is written.  Depth and
    transparency are kept: what OUT cannot hold is refused, not converted.  OUT appears whole or
    not at all.
    """
    ways = [scale is not None, size is not None, width is not None or height is not None]
    if sum(ways) != 1:
        raise click.UsageError("give exactly one of --scale, --size, and --width or --height")
    method = switched(method, align_corners=align_corners, antialias=antialias)
    check_target(target, force)
    picture = read_noting(source)
    goal = size or _proportional(picture, width, height)
    after = goal or (picture.height * (scale or 1), picture.width * (scale or 1))
    shape = (int(after[0]), int(after[1]), *picture.pixels.shape[2:])
    check_room(target, picture.dtype, shape)
    check_writable(target, picture.dtype, shape, picture.alpha)
    from .resize import resize_picture

    with Progress("resizing") as progress:
        with naming(source):
            result = resize_picture(
                picture, goal, None if goal else scale, method,
                linear_light=linear_light, num_threads=threads, progress=progress.update,
            )  # fmt: skip
        progress.stage("writing")
        write(target, result)
    halved = result.height * 2 <= picture.height or result.width * 2 <= picture.width
    if halved and method.skips_pixels:
        note("shrinking without --antialias skips pixels; --mode area averages them")


def _proportional(
    picture: Picture, width: int | None, height: int | None
) -> tuple[int, int] | None:
    """(height, width) from one side or both."""
    if width is None and height is None:
        return None
    if height is None and width is not None:
        height = max(1, round(Fraction(picture.height * width, picture.width)))
    elif width is None and height is not None:
        width = max(1, round(Fraction(picture.width * height, picture.height)))
    assert height is not None
    assert width is not None
    return height, width


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def info(as_json: bool) -> None:
    """Tell what is installed, what computes here, and what is missing and why."""
    from .cli_info import show

    show(as_json)


@cli.command()
@click.argument("image", type=click.Path())
@click.option(
    "--output", "-o", type=click.Path(),
    help="The sheet, a PNG.  [default: upsampler-sheet.png, which is replaced]",
)  # fmt: skip
@click.option(
    "--method", "-m", "methods", type=METHOD, multiple=True,
    help="One of those above; several times.",
)  # fmt: skip
@click.option(
    "--preset", type=click.Choice(list(PRESETS)),
    help="Methods that belong together; --method adds to them.",
)  # fmt: skip
@click.option(
    "--scale", "-s", type=SCALE, help="Degrade by and restore.  [default: 4, of a preset 2]"
)
@click.option(
    "--reference", "-r", type=click.Path(),
    help="Ground truth: enlarge IMAGE to its size instead of degrading IMAGE.",
)  # fmt: skip
@click.option(
    "--crop", "-c", "crops", multiple=True, metavar="X,Y,SIZE",
    help="Output pixels to magnify, SIZE being 48 or 24x12; once or twice.",
)  # fmt: skip
@click.option("--linear-light", is_flag=True, help="Average light, not its sRGB signal.")
@click.option("--threads", type=THREADS, help="By default all cores.")
@click.option("--force", "-f", is_flag=True, help="Replace the file of --output where it exists.")
def compare(
    image: str,
    output: str | None,
    methods: tuple[Method, ...],
    preset: str | None,
    scale: Fraction | None,
    reference: str | None,
    crops: tuple[str, ...],
    linear_light: bool,
    threads: int | None,
    force: bool,
) -> None:
    """Compare methods on IMAGE: a contact sheet and a table of time, PSNR and SSIM.

    Without --reference, IMAGE is shrunk by averaging areas, each method restores it, and the
    result is measured against IMAGE itself (cropped to a multiple of the scale).

    Methods, of which those with a kernel want a scale that is a whole number:

    \b
    bilinear, nearest, bicubic...          a mode of interpolation, with :align_corners
                                           and :antialias at will
    conv_transpose:KERNEL                  transposed convolution with the kernel bilinear,
                                           box (equal weights), random, learned, or of a FILE
    resize_conv:KERNEL                     nearest, then a convolution: box, random or FILE
    resize_conv:bilinear:KERNEL            bilinear, then a convolution
    pixel_shuffle:KERNEL                   a convolution, then pixel shuffle: random, icnr
                                           or learned

    Behind box, random, icnr and learned :k=N is the kernel's size; behind random and icnr :seed=N
    draws other weights.  These are positive and keep the mean, so that the picture can be
    recognised.  A learned kernel has not seen the truth: it is fitted to restore the small picture
    from one that is smaller once more.  FILE is what `upsampler fit` or a module has saved (.npz),
    or the weights alone (.npy).
    """
    from .cli_compare import compare_files

    if scale is not None and reference is not None:
        raise click.UsageError("--scale and --reference exclude each other: sizes give the scale")
    if output is not None:
        if not output.lower().endswith(".png"):
            raise click.UsageError(f"--output: got {output!r}; allowed: a name that ends in .png")
        check_target(output, force)
    if preset is not None:
        methods = PRESETS[preset].methods + methods
        scale = scale if scale or reference else PRESETS[preset].scale
    compare_files(image, output, methods, scale, reference, crops, linear_light, threads)


@cli.command()
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True, type=click.Path())
@click.option("--output", "-o", required=True, type=click.Path(), help="The kernel, an .npz file.")
@click.option(
    "--scale", "-s", type=click.IntRange(2, 16), default=2, show_default=True,
    help="The factor, a whole number.",
)  # fmt: skip
@click.option(
    "--kernel-size", "-k", type=click.IntRange(1, 99),
    help="Pixels of the result along a side of the kernel.  [default: 5 times the scale]",
)  # fmt: skip
@click.option(
    "--ridge", type=FiniteRange(0), default=0.0, show_default=True,
    help="Pull towards bilinear interpolation, for few or small pictures: try 0.001.",
)  # fmt: skip
@click.option(
    "--hold-out", type=click.IntRange(2), default=4, show_default=True, metavar="N",
    help="Measure on every N-th picture instead of learning from it.",
)  # fmt: skip
@click.option("--threads", type=THREADS, help="By default all cores.")
@click.option("--force", "-f", is_flag=True, help="Replace the file of --output where it exists.")
def fit(
    images: tuple[str, ...],
    output: str,
    scale: int,
    kernel_size: int | None,
    ridge: float,
    hold_out: int,
    threads: int | None,
    force: bool,
) -> None:
    """Learn from IMAGES the kernel that enlarges such pictures best.

    Each picture is shrunk by averaging areas; the kernel of a transposed convolution, one for all
    channels, restores it with the least squared error, and the table tells how well it restores
    pictures that it has not learned from (of a single picture: every other tile).  Where the kernel
    reaches beyond the border, the border pixels go on.

    To use it: upsampler resize IN OUT --scale 2 --mode conv_transpose:FILE.npz
    """
    from .cli_fit import fit_files

    if not output.lower().endswith(".npz"):
        raise click.UsageError(f"--output: got {output!r}; allowed: a name that ends in .npz")
    check_free(output, force)
    fit_files(images, output, scale, kernel_size, ridge, hold_out, threads)


@cli.command()
@click.argument("files", nargs=-1, type=click.Path())
@click.option(
    "--method", "-m", "methods", multiple=True, metavar="METHOD[:SCALE]",
    help="A pane: a method as for compare, a scale behind it at will; up to nine times.",
)  # fmt: skip
@click.option(
    "--reference", "-r", type=click.Path(),
    help="Ground truth; methods without a scale make its size.",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(["grid", "split", "blink", "diff", "single"]), default="grid",
    show_default=True, help="How the panes share the window.",
)  # fmt: skip
@click.option("--at", type=POINT, help="The pixel of FILE in the middle, such as 120,80.")
@click.option(
    "--zoom", type=FiniteRange(0, 1024, min_open=True),
    help="Screen pixels for a pixel of the first method.",
)  # fmt: skip
@click.option(
    "--export", "-o", "target", type=click.Path(),
    help="Write what would be shown to this picture file; needs no screen.",
)  # fmt: skip
@click.option("--size", type=WINDOW, help="Of the window that is exported.  [default: 1920x1080]")
@click.option("--force", "-f", is_flag=True, help="Replace the file of --export where it exists.")
def view(
    files: tuple[str, ...],
    methods: tuple[str, ...],
    reference: str | None,
    mode: str,
    at: tuple[float, float] | None,
    zoom: float | None,
    target: str | None,
    size: tuple[int, int] | None,
    force: bool,
) -> None:
    """Open the viewer on FILES, or on the built-in chart.

    Where no window can be opened, the contact sheet of the first file is written instead;
    --export writes the view itself, and works without a screen.
    """
    from .cli_view import Wish, export_view, open_viewer

    wish = Wish(methods, reference, mode, at, zoom)
    if target is not None:
        export_view(list(files), wish, target, size, force)
        return
    if size is not None or force:
        raise click.UsageError("--size and --force go with --export")
    code = open_viewer(list(files), wish)
    if code:
        raise click.exceptions.Exit(code)


# --- shared by the commands ------------------------------------------------------------------


def switched(method: Method, **switches: bool) -> Method:
    """A method with those switches of interpolation on that are True."""
    on: Any = {name: True for name, value in switches.items() if value}
    if not on:
        return method
    try:
        if isinstance(method, Interpolation):
            return dataclasses.replace(method, **on)
        name = method.name
        raise ValueError(f"{next(iter(on))}: got True with {name}; allowed: with fixed rules")
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def read_noting(path: str) -> Picture:
    """Read a picture and tell what reading had to decide."""
    picture = read(path)
    for text in picture.notes:
        note(f"{shown(path)}: {text}")
    return picture


def check_target(path: str, force: bool) -> None:
    """Whether a picture may be written to `path`; asked before any work."""
    check_ending(path)
    check_free(path, force)


def check_free(path: str, force: bool) -> None:
    """Whether a file may be made at `path`."""
    if os.path.lexists(path) and not force:
        raise ImageError(f"{shown(path)}: exists already; add --force to replace it")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise ImageError(f"{shown(path)}: there is no folder {shown(folder)}")


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Errors about the dtype of an array tell the file that it comes from."""
    try:
        yield
    except TypeError as error:
        raise ImageError(f"{shown(path)}: {str(error).removeprefix('x: ')}") from error


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; errors become one line on stderr."""
    open_streams()
    try:
        code = cli.main(args=args, prog_name="upsampler", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "upsampler"
        return fail(f"{error.format_message()} (see {command} --help)", 2)
    except click.ClickException as error:
        return fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output has gone (| head): nothing to tell, and no flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        return fail(f"not enough memory: {error}" if str(error) else "not enough memory")
    except (ImageError, ValueError, TypeError, OSError, RuntimeError) as error:
        return fail(str(error))
    except Exception as error:
        return fail(f"internal error, please report it: {type(error).__name__}: {error}")
