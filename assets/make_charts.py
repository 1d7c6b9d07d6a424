"""Draw every picture of this folder, and the sample photograph inside of the package, anew.

    python assets/make_charts.py [FOLDER]

With a FOLDER the pictures go there, for a comparison with those that are kept.

chart.png and the six charts it is made of come from `upsampler.charts`; icon.png is drawn here.
The sample photograph, upsampler/data/sample.png, is cut from scikit-image's picture of the
astronaut Eileen Collins, taken by NASA (Great Images in NASA): no known copyright
restrictions, released into the public domain.
"""

import sys
from pathlib import Path

import numpy as np
from skimage.data import astronaut

import upsampler
from upsampler.charts import CHARTS, chart
from upsampler.images import Picture, write

HERE = Path(__file__).resolve().parent
SIDE = 192  # pixels of a single chart
CUT = np.s_[:288, 96:480]  # face, suit and shuttle: skin, hair, metal, lettering, soft background


def icon(side: int = 256) -> np.ndarray:
    """Five by five pixels, blocky below the diagonal and smooth above it: RGBA, rounded corners."""
    small = np.array(
        [
            [[38, 70, 83], [42, 105, 120], [42, 157, 143], [138, 177, 125], [233, 196, 106]],
            [[42, 105, 120], [42, 157, 143], [138, 177, 125], [233, 196, 106], [244, 162, 97]],
            [[42, 157, 143], [250, 240, 220], [233, 196, 106], [250, 240, 220], [238, 137, 89]],
            [[138, 177, 125], [233, 196, 106], [244, 162, 97], [238, 137, 89], [231, 111, 81]],
            [[233, 196, 106], [244, 162, 97], [238, 137, 89], [231, 111, 81], [190, 70, 70]],
        ],
        np.uint8,
    )
    blocky = upsampler.interpolate(small, size=(side, side), layout="HWC")
    smooth = upsampler.interpolate(small, size=(side, side), mode="bicubic", layout="HWC")
    y, x = np.indices((side, side)) + 0.5
    result = np.empty((side, side, 4), np.uint8)
    result[..., :3] = np.where((x > y)[..., None], smooth, blocky)
    # Distance to the rounded square; one pixel of it is the soft edge.
    radius = 0.2 * side
    reach = [np.maximum(abs(v - side / 2) - (side / 2 - radius), 0) for v in (y, x)]
    result[..., 3] = np.rint(255 * np.clip(radius - np.hypot(*reach) + 0.5, 0, 1))
    return result


def pictures() -> dict[str, np.ndarray]:
    """Every picture by its path below the root of the project."""
    result = {f"assets/{name}.png": draw(SIDE, SIDE) for name, draw in CHARTS.items()}
    result["assets/chart.png"] = chart()
    result["assets/icon.png"] = icon()
    result["upsampler/data/sample.png"] = astronaut()[CUT]
    return result


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent
    for name, pixels in pictures().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, Picture(pixels, alpha=pixels.shape[2] == 4))
        print(f"{name}: {pixels.shape[1]} x {pixels.shape[0]}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
