"""What every module has: parameters, gradients, state dicts, files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from .arrays import as_array
from .module_files import write
from .places import beside, moved, named_place
from .spec import FLOATS, bad_type, dtype_name

Named = list[tuple[str, np.ndarray]]


class Module:
    """A layer with parameters and gradients, for learning without a framework.

    Call it to run forward, then `backward` with the gradient of the result: it returns the
    gradient of the input and keeps those of the parameters, which replace those of the call
    before.  Between the two a module refers to the input (it makes no copy), and it belongs to
    one thread.  A class of one's own has `forward` and `backward`, which calls `_recall`, and puts
    its arrays into `_parameters` and `_gradients` under the same names.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> module = upsampler.PixelShuffle(2)
    >>> isinstance(module, upsampler.Module), module(np.ones((1, 4, 3, 5))).shape
    (True, (1, 1, 6, 10))
    """

    def __init__(self) -> None:
        self._parameters: dict[str, np.ndarray] = {}
        self._gradients: dict[str, np.ndarray] = {}
        self._kept: Any = None

    def __call__(self, *arguments: Any, **keywords: Any) -> np.ndarray:
        return self.forward(*arguments, **keywords)

    # The arguments are those of each layer.
    forward: Callable[..., np.ndarray]

    def backward(self, grad: Any) -> np.ndarray:
        """The gradient of the last input; those of the parameters go to `gradients`.

        Parameters
        ----------
        grad : array_like
            Gradient of the last result, of its shape and dtype.

        Returns
        -------
        ndarray
            Of the shape of the last input.

        Raises
        ------
        RuntimeError
            If the module has not been called yet.
        TypeError, ValueError
            If `grad` does not fit the last result.
        """
        raise NotImplementedError(f"backward: {type(self).__name__} has none of its own")

    def named_parameters(self) -> Named:
        """Names, as in PyTorch, and arrays; writing into these changes the module."""
        return list(self._parameters.items())

    def parameters(self) -> list[np.ndarray]:
        """The arrays of `named_parameters`, in its order."""
        return [array for _, array in self.named_parameters()]

    def named_gradients(self) -> Named:
        """Names and gradients of the last `backward`, in the order of `named_parameters`.

        Raises
        ------
        RuntimeError
            If there was no `backward` yet.
        """
        if len(self._gradients) != len(self._parameters):
            raise RuntimeError(
                f"gradients: got none of {type(self).__name__}; call the module, then backward"
            )
        return [(name, self._gradients[name]) for name in self._parameters]

    def gradients(self) -> list[np.ndarray]:
        """The arrays of `named_gradients`, in its order."""
        return [array for _, array in self.named_gradients()]

    def to(self, device: str) -> Self:
        """Move the parameters to the host or to a GPU: there are the inputs that it takes then.

        Gradients, and what `backward` goes back to, are forgotten.

        Parameters
        ----------
        device : str
            ``"cpu"``, ``"gpu"`` (the first), or a GPU by its number, such as ``"gpu:1"``.

        Returns
        -------
        Module
            Itself.

        Raises
        ------
        TypeError, ValueError
            If there is no such device.
        BackendUnavailable
            If no GPU can be used; it says why.

        Examples
        --------
        >>> import upsampler
        >>> upsampler.ConvTranspose2d(1, 1, 2, stride=2, seed=0).to("cpu").weight.shape
        (1, 1, 2, 2)
        """
        self._move(named_place(device))
        return self

    def _move(self, place: int | None) -> None:
        self._parameters = {name: moved(a, place) for name, a in self._parameters.items()}
        self._gradients, self._kept = {}, None

    def state_dict(self) -> dict[str, np.ndarray]:
        """The parameters by PyTorch's names: the arrays themselves, copy them to keep them.

        ``{name: torch.from_numpy(a) for name, a in module.state_dict().items()}`` is what
        ``load_state_dict`` of the layer of the same name in ``torch.nn`` takes.
        """
        return dict(self.named_parameters())

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Copy parameters into this module, all or none.

        Parameters
        ----------
        state_dict : mapping of str to array_like
            An array for every name of `state_dict`, of the same shape and of a floating dtype;
            tensors of PyTorch that need no gradient are taken as they are, but for bfloat16,
            which NumPy cannot view.

        Raises
        ------
        TypeError
            If `state_dict` is no mapping, or an item no array of floats.
        ValueError
            If names are missing or unexpected, or a shape is another.
        """
        if not isinstance(state_dict, Mapping):
            raise bad_type("state_dict", state_dict, "a mapping of names to arrays")
        arrays = {name: as_array("state_dict", value) for name, value in state_dict.items()}
        for name, array in arrays.items():
            if dtype_name(array.dtype) not in FLOATS:
                raise TypeError(
                    f"state_dict: got dtype {array.dtype} for {name!r}; allowed: "
                    f"{', '.join(FLOATS)}"
                )
        own = self.state_dict()
        _check_names(own, arrays)
        for name, array in own.items():
            if arrays[name].shape != array.shape:
                raise ValueError(
                    f"state_dict: got shape {arrays[name].shape} for {name!r}; allowed: "
                    f"{array.shape}"
                )
        # All are converted before the first is copied: a float16 that overflows warns, and a
        # warning may be an error.
        converted = {
            name: beside(arrays[name].astype(array.dtype), array) for name, array in own.items()
        }
        for name, array in own.items():
            array[...] = converted[name]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write class, arguments and parameters to an .npz file, for `load_module`.

        `load_module` makes the classes of this package; others can take their arrays from the file
        with `numpy.load` and `load_state_dict`.

        Parameters
        ----------
        path : path-like
            Taken as it is, no ending is added.  The file appears whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        arrays = {name: moved(array, None) for name, array in self.named_parameters()}
        write(path, self._describe(), arrays)

    def _arguments(self) -> dict[str, Any]:
        """What the class is called with to make such a module."""
        return {}

    def _describe(self) -> dict[str, Any]:
        return {"class": type(self).__name__, "arguments": self._arguments()}

    def _recall(self) -> Any:
        """What `forward` kept for `backward`."""
        if self._kept is None:
            raise RuntimeError(
                f"backward: got no input of {type(self).__name__} to go back to; call the module "
                "before"
            )
        return self._kept


def _check_names(own: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    faults = [
        f"{fault} {', '.join(map(repr, names))}"
        for fault, names in (("without", missing), ("with the unexpected", unexpected))
        if names
    ]
    if faults:
        allowed = ", ".join(map(repr, own)) or "no names"
        raise ValueError(f"state_dict: got one {' and '.join(faults)}; allowed: {allowed}")
