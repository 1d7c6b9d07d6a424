# The loops for baseline; see _resample.pxi and its neighbours.
include "_types.pxi"
include "_items.pxi"
include "_resample.pxi"
include "_program.pxi"
include "_pool.pxi"
include "_planes.pxi"
include "_conv.pxi"
include "_fold.pxi"
