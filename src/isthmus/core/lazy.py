"""Public names of modules that need an optional package, imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from isthmus.core.errors import MissingDependency


def lazy_attributes(
    package: str, modules: Mapping[str, str], *, needs: str
) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package whose names need an optional package.

    Args:
        package: The package that gets the names, its ``__name__``.
        modules: Public name -> module that defines it.
        needs: Package to install; also the name of the extra that brings it.

    Returns:
        A function for the module-level name ``__getattr__``. It raises
        :class:`~isthmus.core.MissingDependency` where `needs` is not installed.

    Examples:
        >>> get = lazy_attributes("shop", {"sqrt": "math"}, needs="torch")
        >>> get("sqrt")(9.0)
        3.0
    """

    def __getattr__(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = importlib.import_module(modules[name])
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != needs:
                raise
            raise MissingDependency(
                f"`{package}.{name}` must have {needs}; it is not installed. "
                f"Run pip install 'isthmus[{needs}]'."
            ) from error
        return getattr(module, name)

    return __getattr__
