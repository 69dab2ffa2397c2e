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


def needed_module(package: str, extra: str, *parts: str) -> Any:
    """Import an optional package, or say which extra brings it.

    Args:
        package: Its name.
        extra: The extra of isthmus that installs it.
        parts: Submodules to import too.

    Returns:
        The package.

    Raises:
        MissingDependency: If it is not installed.

    Examples:
        >>> needed_module("json", "none", "json.decoder").__name__
        'json'
    """
    try:
        for part in parts:
            importlib.import_module(part)
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise MissingDependency(
            f"This must have {package}; it is not installed. Run pip install "
            f"'isthmus[{extra}]'."
        ) from error
