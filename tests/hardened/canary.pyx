"""Mistakes on purpose: a build that lets one of them pass is not watching."""

from libc.limits cimport INT_MAX


def index(const unsigned char[::1] x):
    """One item beyond, through a view: IndexError where bounds are checked."""
    return x[x.shape[0]]


def memory(const unsigned char[::1] x):
    """One item beyond, through a pointer: the address sanitizer ends the process."""
    return (&x[0])[x.shape[0]]


def arithmetic(int step):
    """Signed overflow: the undefined-behaviour sanitizer ends the process."""
    return INT_MAX - 1 + step
