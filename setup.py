"""The compiled kernels, left out where there is no compiler; all else: pyproject."""

from setuptools import Extension, setup

CODEC = "src/isthmus/codec"
TRAINING = "src/isthmus/training"

setup(
    ext_modules=[
        Extension(
            "isthmus.codec._kernel",
            sources=[f"{CODEC}/kernel_module.c", f"{CODEC}/kernel.c"],
            depends=[f"{CODEC}/kernel.h", f"{CODEC}/kernel_body.h"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            # bits follow from the rounding of every single sum: nothing may be fused
            extra_compile_args=["-O3", "-g0", "-ffp-contract=off"],
            py_limited_api=True,
            optional=True,
        ),
        Extension(
            "isthmus.training._descent",
            sources=[f"{TRAINING}/descent.c"],
            depends=[f"{TRAINING}/descent_body.h"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            extra_compile_args=["-O3", "-g0"],
            py_limited_api=True,
            optional=True,
        ),
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
