"""The zoom arithmetic, over pictures and scales that are never square."""

import math
from fractions import Fraction
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from upsampler_gui import viewport
from upsampler_gui.viewport import Axis, View

LENGTH = st.integers(1, 3000)
EXTENT = st.integers(1, 700)
PLACE = st.floats(-0.3, 1.3)  # of the picture


@st.composite
def axes(draw, ratios):
    """An axis at a drawn ratio of device pixels to outputs, looking near the picture."""
    n, m = draw(LENGTH), draw(LENGTH)
    return Axis(n, m, draw(EXTENT), draw(PLACE) * n, float(draw(ratios) * m / n))


@given(axes(st.integers(1, 40)))
def test_integer_zoom_has_even_columns(axis):
    k = axis.ratio
    assert isinstance(k, int)
    runs = [(o, len(list(run))) for o, run in groupby(axis.indices().tolist())]
    inside = [(o, length) for o, length in runs if o >= 0]
    if inside:
        assert [o for o, _ in inside] == list(range(inside[0][0], inside[-1][0] + 1))
    cut = runs[:1] + runs[-1:]  # by the edges of the pane
    assert all(run[1] == k for run in inside if run not in cut)
    assert all(length <= k for _, length in inside)


@given(axes(st.integers(2, 40).map(lambda q: Fraction(1, q))))
def test_integer_minification_takes_every_qth_output(axis):
    q = axis.ratio.denominator
    inside = [o for o in axis.indices().tolist() if o >= 0]
    assert all(b - a == q for a, b in pairwise(inside))


@given(axes(st.integers(1, 40) | st.integers(2, 40).map(lambda q: Fraction(1, q))))
def test_snapping_moves_the_picture_by_half_a_device_pixel_at_most(axis):
    d = np.arange(axis.extent)
    place = ((d + 0.5 - axis.extent / 2) / axis.z + axis.centre) * axis.m / axis.n
    k = float(axis.ratio)
    shown = axis.indices()
    inside = shown >= 0
    middle = shown[inside] + 0.5  # of the output, which reaches half an output to either side
    reach = 0.5 + 0.5 / k if k >= 1 else 0.5 / k + 0.5
    assert (np.abs(place[inside] - middle) <= reach + 1e-6).all()
    far = (place < -reach) | (place > axis.m + reach)
    assert not (inside & far).any()


@given(axes(st.floats(0.01, 60)))
def test_other_zooms_follow_the_formula(axis):
    assume(isinstance(axis.ratio, float))
    z, c, s = Fraction(axis.z), Fraction(axis.centre), Fraction(axis.m, axis.n)
    for d, o in enumerate(axis.indices().tolist()):
        place = ((d + Fraction(1, 2) - Fraction(axis.extent, 2)) / z + c) * s
        slack = Fraction(1, 10**6)  # the float may fall on the other side of an integer
        if o >= 0:
            assert o - slack <= place < o + 1 + slack
        else:
            assert place < slack or place > axis.m - slack


@given(axes(st.floats(0.01, 0.99) | st.integers(2, 40).map(lambda q: Fraction(1, q))))
def test_boxes_share_out_the_outputs(axis):
    """Neighbouring device pixels average neighbouring outputs, none twice and none left out."""
    first, edges = axis.edges()
    indices = axis.indices()
    assert (np.diff(edges) > 0).all()
    assert edges[0] >= 0
    assert edges[-1] <= axis.m
    if edges.size > 1 and isinstance(axis.ratio, Fraction):
        inside = np.flatnonzero(indices >= 0)
        for d in inside:  # the sample of a device pixel is one of those it averages
            assert edges[d - first] <= indices[d] < edges[d - first + 1]
        q = axis.ratio.denominator
        whole = np.diff(edges)[1:-1]
        assert (whole == q).all()


@pytest.mark.parametrize("k", [1, 3, 8, 0.5, 0.3])
def test_a_picture_out_of_sight_shows_nothing(k):
    axis = Axis(20, 40, 100, 1e9, k * 2)
    assert (axis.indices() == -1).all()
    if k < 1:
        assert axis.edges()[1].size == 1


def test_a_hand_made_view():
    # 3 source pixels, doubled, 2 device pixels each: 12 device pixels about the middle of 16.
    axis = Axis(3, 6, 16, 1.5, 4.0)
    assert axis.ratio == 2
    assert axis.indices().tolist() == [-1, -1, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, -1, -1]
    assert [axis.index(d) for d in (1, 2, 13, 14)] == [-1, 0, 5, -1]
    # The same at half an output for a device pixel: outputs 1, 3, 5 and the boxes 01 23 45.
    axis = Axis(3, 6, 5, 1.5, 1.0)
    assert axis.ratio == Fraction(1, 2)
    assert axis.indices().tolist() == [-1, 1, 3, 5, -1]
    first, edges = axis.edges()
    assert (first, edges.tolist()) == (1, [0, 2, 4, 6])


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("zoom"), st.floats(0.01, 100), st.floats(0, 1), st.floats(0, 1)),
        st.tuples(st.just("pan"), st.floats(-40, 40), st.floats(-40, 40), st.just(0)),
        st.tuples(st.just("resize"), EXTENT, EXTENT, st.just(0)),
    ),
    min_size=30,
    max_size=30,
)


@given(LENGTH, LENGTH, EVENTS)
def test_the_point_under_the_cursor_stays(rows, columns, events):
    view, width, height = View(rows / 2, columns / 2, 4.0), 640, 350
    for kind, a, b, c in events:
        if kind == "zoom":
            px, py = b * width, c * height
            before = view.source(px, py, width, height)
            view = view.zoomed(a, px, py, width, height)
            after = view.source(px, py, width, height)
        elif kind == "pan":
            free = view.cy - b / view.z, view.cx - a / view.z
            before = view.source(100, 100, width, height)
            moved = view.panned(a, b, (rows, columns))
            after = moved.source(100 + a, 100 + b, width, height)
            stops = (0, rows, view.cy), (0, columns, view.cx)
            for axis, (old, new) in enumerate(((view.cy, moved.cy), (view.cx, moved.cx))):
                if new != free[axis]:  # the edge of the picture has reached the centre
                    assert new in stops[axis]
                    assert abs(new - old) <= abs(free[axis] - old)
                    after = tuple(before[j] if j == axis else after[j] for j in (0, 1))
            view = moved
        else:
            before = view.source(width / 2, height / 2, width, height)
            width, height = a, b
            after = view.source(width / 2, height / 2, width, height)
        scale = max(1.0, abs(before[0]), abs(before[1]), abs(view.cy), abs(view.cx))
        assert abs(after[0] - before[0]) < 1e-9 * scale
        assert abs(after[1] - before[1]) < 1e-9 * scale


@given(st.floats(-5000, 5000), st.floats(-5000, 5000), st.floats(0.1, 50))
def test_panning_keeps_the_picture_at_the_centre(dx, dy, z):
    view = View(10, 15, z).panned(dx, dy, (20, 30))
    assert 0 <= view.cy <= 20
    assert 0 <= view.cx <= 30
    out = View(-40, 100, z).panned(dx, dy, (20, 30))  # where a zoom may have led
    assert -40 <= out.cy <= 20
    assert 0 <= out.cx <= 100


UPWARDS = [1, 2, 3, 4, 6, 8, 11, 16, 23, 33]


def test_the_wheel_stops():
    assert [viewport.wheel(1, i) for i in range(10)] == UPWARDS
    assert [viewport.wheel(1, -i) for i in range(10)] == [1 / k for k in UPWARDS]
    assert [viewport.wheel(8, -i) for i in range(6)] == [8, 6, 4, 3, 2, 1]
    assert viewport.wheel(1 / 8, 5) == 1
    # 100 % is a stop from wherever one comes; a rounding error neither skips nor holds it.
    assert viewport.wheel(1.3, -1) == viewport.wheel(0.8, 1) == 1
    assert viewport.wheel(1 - 1e-12, 1) == viewport.wheel(1 + 1e-12, 1) == 2


@given(st.floats(0.001, 200), st.sampled_from([1, -1]))
def test_every_notch_leads_on_to_an_even_stop(k, direction):
    following = viewport.wheel(k, direction)
    assert (following > k) if direction > 0 else (following < k)
    assert isinstance(viewport.snapped(following), (int, Fraction))
    # sqrt(2), rounded to an integer: the coarsest step is from just below 1.5 sqrt(2) to 1.
    assert max(following / k, k / following) <= 1.5 * math.sqrt(2) + 1e-9


@given(LENGTH, LENGTH, st.integers(1, 7), st.integers(1, 7), EXTENT, EXTENT)
def test_fit_shows_the_whole_picture_as_large_as_it_goes(rows, cols, down, across, width, height):
    n, m = (rows, cols), (rows * down, cols * across)
    z = viewport.fitting(n, m, width, height)
    assert rows * z <= height * (1 + 1e-9)
    assert cols * z <= width * (1 + 1e-9)
    k = z / across
    ratio = viewport.snapped(k)
    assert isinstance(ratio, (int, Fraction))
    larger = ratio + 1 if ratio >= 1 else 1 / (1 / ratio - 1) if ratio < Fraction(1, 2) else 1
    assert rows * across * larger > height or cols * across * larger > width
