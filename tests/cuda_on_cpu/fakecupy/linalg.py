"""``cupy.linalg``."""

import numpy as np

from .functions import LINALG, lift

globals().update({name: lift(name, getattr(np.linalg, name)) for name in LINALG.split()})
__all__ = LINALG.split()
