"""Executes CUDA kernels without a GPU: PTX translated to C++, or the source through g++."""
