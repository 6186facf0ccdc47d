# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Patches of a service's functions, checked before they are applied."""

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
import functools
import importlib
import inspect
from typing import Any

_MARK = '__mixmatch__'

#: Called with the original function, and the arguments of the call.
Wrapper = Callable[..., Any]


class DoesNotFit(Exception):
    """Error: the installed service is not the one that a patch expects."""


@dataclasses.dataclass(frozen=True)
class Symbol:
    """A function of Nova or Cinder that is patched, or called though private.

    :param module: where it is defined
    :param name: its name there; dotted for a method
    :param parameters: the names of its first parameters
    """

    module: str
    name: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f'{self.module}.{self.name}'

    def owner(self) -> Any:
        """Return the module or class that holds the function."""
        found = importlib.import_module(self.module)
        for part in self.name.split('.')[:-1]:
            found = getattr(found, part)
        return found

    @property
    def attribute(self) -> str:
        return self.name.rpartition('.')[2]

    def raw(self) -> Any:
        """Return the function as its owner holds it.

        :raises DoesNotFit: it is not there
        """
        try:
            return inspect.getattr_static(self.owner(), self.attribute)
        except (ImportError, AttributeError) as exc:
            raise DoesNotFit(f'{self} does not exist') from exc

    def exists(self) -> bool:
        """Return whether this release has the function."""
        try:
            return self.raw() is not None
        except DoesNotFit:
            return False

    def check(self) -> None:
        """Check that the installed function is the one that is meant.

        :raises DoesNotFit: it is missing, or has other parameters
        """
        function = _function(self.raw())
        if not callable(function):
            raise DoesNotFit(f'{self} is not a function')
        names = tuple(inspect.signature(function).parameters)
        if names[:len(self.parameters)] != self.parameters:
            raise DoesNotFit(f'{self} takes {names}, expected '
                             f'{self.parameters}')


@dataclasses.dataclass(frozen=True)
class Patch:
    """Symbol, and the wrapper that replaces it."""

    symbol: Symbol
    wrapper: Wrapper

    def apply(self, owner: Any) -> None:
        raw = self.symbol.raw()
        original = _function(raw)
        wrapper = self.wrapper

        @functools.wraps(original)
        def patched(*args: Any, **kwargs: Any) -> Any:
            return wrapper(original, *args, **kwargs)

        setattr(patched, _MARK, owner)
        replacement: Any = patched
        if isinstance(raw, classmethod | staticmethod):
            replacement = type(raw)(patched)
        setattr(self.symbol.owner(), self.symbol.attribute, replacement)


def _function(raw: Any) -> Any:
    if isinstance(raw, classmethod | staticmethod):
        return raw.__func__
    return raw


def owner_of(symbol: Symbol) -> Any:
    """Return the owner of a patched symbol; None if it is not patched."""
    return getattr(_function(symbol.raw()), _MARK, None)


def apply(owner: Any, patches: Iterable[Patch]) -> None:
    """Apply all patches, or none if one of them does not fit.

    :param owner: what the patches belong to, see :func:`owner_of`
    :raises DoesNotFit: says which symbol differs
    """
    patches = list(patches)
    for each in patches:
        each.symbol.check()
    for each in patches:
        each.apply(owner)
