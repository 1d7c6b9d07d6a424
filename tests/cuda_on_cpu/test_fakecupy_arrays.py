"""The stand-in's arrays: NumPy's results, CuPy's refusals, and what it watches."""

from __future__ import annotations

import operator

import fakecupy as cp
import numpy as np
import pytest


@pytest.fixture
def host() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((3, 5)).astype("f4")


@pytest.fixture
def x(host: np.ndarray) -> cp.ndarray:
    return cp.asarray(host)


# ---- to the device and back


@pytest.mark.parametrize("dtype", "?bBhHiIqQefdFD")
def test_there_and_back(dtype):
    host = np.arange(7 * 3).reshape(7, 3).astype(dtype)
    y = cp.asarray(host)
    assert (y.shape, y.dtype, y.strides, y.nbytes) == (
        host.shape,
        host.dtype,
        host.strides,
        host.nbytes,
    )
    for back in (y.get(), cp.asnumpy(y)):
        assert back.dtype == host.dtype
        assert back.tobytes() == host.tobytes()
        assert not np.shares_memory(back, host)


@pytest.mark.parametrize("dtype", ["U3", "O", "M8[s]", "i4,f4", "g"])
def test_types_that_cupy_does_not_have(dtype):
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cp.empty(3, dtype)
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cp.asarray(np.zeros(3, dtype))


def test_the_memory_order_goes_with_the_values(host):
    columns = np.asfortranarray(host)
    y = cp.asarray(columns)
    assert y.flags.f_contiguous
    assert not y.flags.c_contiguous
    assert cp.ascontiguousarray(y).flags.c_contiguous
    assert cp.ascontiguousarray(y).get().tobytes() == host.tobytes()
    assert cp.empty_like(y).strides == columns.strides
    assert cp.asarray(columns, order="C").flags.c_contiguous


def test_nothing_is_converted_implicitly(x, host):
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x)
    for function in (operator.add, operator.matmul, operator.lt):
        with pytest.raises(TypeError, match="Unsupported type"):
            function(x, host.T if function is operator.matmul else host)
        with pytest.raises(TypeError):
            function(host, x)
    with pytest.raises(TypeError, match="Unsupported type"):
        x += host
    with pytest.raises(TypeError, match="Unsupported type"):
        cp.matmul(x, host.T)
    with pytest.raises(TypeError, match="Unsupported type"):
        cp.concatenate([x, host])
    with pytest.raises(TypeError, match="no array of the device"):
        cp.sqrt(2.0)
    with pytest.raises(ValueError, match=r"Non-scalar numpy\.ndarray"):
        x[:] = host
    with pytest.raises(IndexError, match="Unsupported type"):
        x[np.array([0, 1])]


def test_set_wants_the_same_shape_from_the_host(x, host):
    x.set(2 * host)
    assert (x.get() == 2 * host).all()
    with pytest.raises(ValueError, match="another shape"):
        x.set(host[0])


# ---- views and items


def test_views_share_their_memory(x, host):
    for view in (
        x[1:, ::2],
        x.T,
        x.reshape(5, 3),
        x.ravel(),
        x[None],
        cp.moveaxis(x, 0, 1),
        cp.broadcast_to(x, (2, 3, 5)),
        cp.expand_dims(x, 0),
        x.view(np.int32),
        cp.split(x, 3)[2],
        x[2, 4],
    ):
        assert cp.shares_memory(view, x)
        assert view.base is x
        assert not view.flags.owndata
    assert x[1].data.ptr == x.data.ptr + x.strides[0]
    for other in (x.copy(), x.T.reshape(-1), x[cp.asarray(np.array([0, 1]))], x.flatten(), x + 0):
        assert not cp.shares_memory(other, x)
    x[1:, ::2] = 7
    host[1:, ::2] = 7
    assert (x.get() == host).all()


def test_assignment(x, host):
    x[0] = x[1]
    host[0] = host[1]
    x[x > 0] = 0
    host[host > 0] = 0
    x[2, 3] = np.float32(5)
    host[2, 3] = 5
    x[1] = cp.asarray(np.arange(5, dtype="f4"))
    host[1] = np.arange(5)
    x[..., -1:] += 1
    host[..., -1:] += 1
    assert (x.get() == host).all()
    x.fill(3)
    assert (x.get() == 3).all()


def test_a_scalar_stays_on_the_device(x, host):
    total = x.sum()
    assert isinstance(total, cp.ndarray)
    assert total.shape == ()
    cp.events.log.clear()
    assert float(total) == float(host.sum())
    assert [event.kind for event in cp.events.log] == ["to_host"]


# ---- arithmetic


OPERATORS = "add sub mul truediv floordiv mod pow lt le gt ge eq ne".split()  # noqa: SIM905


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(x, host, name):
    function = getattr(operator, name)
    positive, other = np.abs(host), np.abs(host[::-1]) + 1
    a, b = cp.asarray(positive), cp.asarray(other)
    for left, right, wanted in (
        (a, b, function(positive, other)),
        (a, 2, function(positive, 2)),
        (2.0, b, function(2.0, other)),
        (a, np.float64(2), function(positive, np.float64(2))),
    ):
        found = function(left, right)
        assert found.dtype == wanted.dtype
        assert found.get().tobytes() == wanted.tobytes()


def test_logic_and_signs(x, host):
    a = cp.asarray(np.array([True, False, True]))
    b = cp.asarray(np.array([True, True, False]))
    assert (a & b).get().tolist() == [True, False, False]
    assert (a | b).get().tolist() == [True, True, True]
    assert (a ^ b).get().tolist() == [False, True, True]
    assert (~a).get().tolist() == [False, True, False]
    assert ((-x).get() == -host).all()
    assert (abs(x).get() == abs(host)).all()
    assert (cp.asarray(np.array([1, 2])) << 3).get().tolist() == [8, 16]


def test_in_place_keeps_the_array_and_its_type(x, host):
    same = x
    x += 1
    x *= cp.asarray(host)
    assert x is same
    assert (x.get() == (host + 1) * host).all()
    whole = cp.arange(3)
    with pytest.raises(TypeError, match="Cannot cast"):
        whole += 0.5


def test_matmul_and_reductions(x, host):
    assert ((x @ x.T).get() == host @ host.T).all()
    for name in ("sum", "mean", "max", "min", "prod", "var", "std", "argmax"):
        for axis in (None, 0, 1):
            wanted = np.asarray(getattr(host, name)(axis=axis))
            for found in (getattr(x, name)(axis=axis), getattr(cp, name)(x, axis=axis)):
                assert found.get().tobytes() == wanted.tobytes()
    out = cp.empty((3, 3), "f4")
    assert cp.matmul(x, x.T, out=out) is out
    assert (out.get() == host @ host.T).all()
    out = cp.empty(5, "f8")
    assert cp.sum(x, axis=0, out=out) is out
    assert (out.get() == host.sum(0)).all()


def test_functions_of_several_arrays(x, host):
    assert (cp.where(x > 0, x, 0).get() == np.where(host > 0, host, 0)).all()
    assert (cp.concatenate([x, x], axis=1).get() == np.concatenate([host, host], 1)).all()
    assert (cp.einsum("ij,kj->ik", x, x).get() == np.einsum("ij,kj->ik", host, host)).all()
    assert (cp.tensordot(x, x, ([0], [0])).get() == np.tensordot(host, host, ([0], [0]))).all()
    assert (cp.pad(x, ((0, 0), (1, 2))).get() == np.pad(host, ((0, 0), (1, 2)))).all()
    solved = cp.linalg.solve(x @ x.T, x)
    assert np.allclose(solved.get(), np.linalg.solve(host @ host.T, host), atol=1e-4)
    assert cp.get_array_module(x) is cp
    assert cp.get_array_module(host) is np


def test_the_device_does_not_warn():
    x = cp.zeros(2, "f4")
    assert np.isnan((x / x).get()).all()
    assert np.isneginf(cp.log10(x).get()).all()


# ---- what it watches


def test_memory_that_nobody_wrote_is_not_read():
    y = cp.empty((3, 4), "f4")
    y[:2] = 1
    assert (y[:2].get() == 1).all()
    for read in (
        lambda: y.get(),
        lambda: y[1:].get(),
        lambda: y + 1,
        lambda: cp.sum(y),
        lambda: y.sum(),
        lambda: y.copy(),
        lambda: float(y[2, 2]),
        lambda: y.T.reshape(-1),
        lambda: y.astype("f8"),
        lambda: y @ cp.ones((4, 1)),
    ):
        with pytest.raises(cp.UninitialisedRead):
            read()
    y[2] = y[1]
    assert (y.get() == 1).all()


def test_marks_follow_views_of_other_types():
    y = cp.empty(4, "u1")
    y.view("u2")[1:] = 0x0101
    assert y[2:].get().tolist() == [1, 1]
    with pytest.raises(cp.UninitialisedRead, match="2 of 4"):
        y.get()


def test_new_memory_holds_no_plausible_values():
    blank = cp.empty(3, "f4")
    assert np.isnan(blank._array).all()
    assert np.isnan(cp.empty_like(cp.ones(3))._array).all()
    assert (cp.full(3, 2.5).get() == 2.5).all()
    assert cp.zeros_like(blank, dtype="i2").get().tolist() == [0, 0, 0]


def test_guards_around_an_allocation():
    y = cp.zeros(3, "f4")
    y._buffer.check_guards()
    y._buffer.raw[: len(y._buffer._guards[0])][-1] = 0
    with pytest.raises(cp.LaunchError, match="outside an allocation"):
        y._buffer.check_guards()


def test_transfers_and_synchronisations_are_recorded(x):
    cp.events.log.clear()
    y = x + 1
    z = cp.sqrt(y * y)[:, 1:].T
    assert cp.events.kinds() == []
    cp.asarray(np.zeros(2))
    z.get()
    bool(z[0, 0] > 0)
    cp.cuda.get_current_stream().synchronize()
    cp.cuda.Device().synchronize()
    assert cp.events.kinds() == ["to_device", "to_host", "to_host", "synchronize", "synchronize"]


# ---- devices and streams


def test_arrays_of_two_devices_do_not_meet(x):
    with cp.cuda.Device(1):
        y = cp.ones((3, 5), "f4")
        assert cp.cuda.runtime.getDevice() == 1
    assert cp.cuda.runtime.getDevice() == 0
    assert (x.device.id, y.device.id) == (0, 1)
    assert y[1:].device == cp.cuda.Device(1)
    for meet in (
        lambda: x + y,
        lambda: cp.concatenate([x, y]),
        lambda: operator.setitem(x, 0, y[0]),
    ):
        with pytest.raises(ValueError, match="devices"):
            meet()


def test_a_device_that_is_not_there():
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="invalid device ordinal"):
        cp.cuda.Device(7)
    with cp.settings.changed(devices=0):
        assert cp.cuda.runtime.getDeviceCount() == 0
        assert not cp.cuda.is_available()


def test_the_current_stream():
    assert cp.cuda.get_current_stream() == cp.cuda.Stream.null
    with cp.cuda.Stream() as stream:
        assert cp.cuda.get_current_stream() is stream
    assert cp.cuda.get_current_stream().ptr == 0


def test_settings_come_back():
    with cp.settings.changed(seed=9, check=False):
        assert (cp.settings.seed, cp.settings.check) == (9, False)
    assert (cp.settings.seed, cp.settings.check) == (1, True)


# ---- in the place of cupy


def test_installed_for_the_length_of_a_block():
    import sys

    before = sys.modules.get("cupy")
    with cp.installed():
        import cupy
        from cupy.cuda.compiler import CompileException

        assert cupy is cp
        assert issubclass(CompileException, Exception)
    assert sys.modules.get("cupy") is before
