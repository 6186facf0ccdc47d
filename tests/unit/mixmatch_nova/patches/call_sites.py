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

"""Uses of the volume API and of Cinder's client in the source of a Nova.

What is a volume API is told by its name (``volume_api``), or because it was
made by ``cinder.API()``; whatever one is assigned to is one as well. So that
none gets out of sight, it is a use too to give one to a function that does
not take it under that name.
"""

import ast
from collections.abc import Iterator
import copy
import dataclasses
import functools
import inspect
import pathlib
import re
from typing import Any

import nova
from nova.volume import cinder

from mixmatch import patch

MODULE = 'nova.volume.cinder'
_FILE = 'nova/volume/cinder.py'
_NAME = re.compile(r'_*(volume|cinder)_?api', re.IGNORECASE)
#: Methods whose names others have, too: these count on a volume API only.
_COMMON = {'get', 'get_all', 'create', 'delete', 'update', 'attach', 'detach',
           'get_snapshot', 'delete_snapshot'}
#: What sends nothing, of the library cinderclient.
_HARMLESS = ('cinderclient.exceptions', 'cinderclient.api_versions')

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_ASSIGNMENT = (ast.Assign, ast.AnnAssign, ast.NamedExpr)


@dataclasses.dataclass(frozen=True, order=True)
class Site:
    """A function of Nova, and what it uses.

    :param what: ``: `` and the name of a method of the API, or other words;
        or the parameters of the function itself, see :func:`definition`
    """

    file: str
    function: str
    what: str

    def __str__(self) -> str:
        return f'{self.function}{self.what}'


@dataclasses.dataclass(frozen=True, order=True)
class Use:
    """A line where a site does so."""

    site: Site
    line: int

    def __str__(self) -> str:
        return f'{self.site.file}:{self.line}: {self.site}'


def methods() -> set[str]:
    """The methods of the installed Nova's volume API."""
    return {name for name, _ in inspect.getmembers(
        cinder.API, inspect.isfunction) if not name.startswith('_')}


def installed() -> list[Use]:
    """All uses in the installed Nova, without its tests."""
    package = pathlib.Path(nova.__file__).parent
    return scan({
        path.relative_to(package.parent).as_posix(): path.read_text()
        for path in package.rglob('*.py')
        if path.relative_to(package).parts[0] != 'tests'})


def scan(sources: dict[str, str]) -> list[Use]:
    """All uses in a package.

    :param sources: the text of each file, by its path
    """
    # NOTE: to parse all of Nova takes long.
    telling = {'volume_api', 'volumeapi', 'cinder', *methods() - _COMMON}
    trees = {file: ast.parse(text) for file, text in sources.items()
             if any(word in text.lower() for word in telling)}
    takers = {name for tree in trees.values() for name in _takers(tree)}
    return sorted({use for file, tree in trees.items()
                   for use in _Module(file, tree, takers).uses()})


def definition(symbol: patch.Symbol) -> Use:
    """Return the definition of a function, and its parameters with defaults.

    Not what is behind the decorators: each wrapper of the volume API is
    called with what the caller gives to the function itself.
    """
    name, owner = symbol.name, symbol.owner()
    if inspect.isclass(owner):
        owner = next(each for each in owner.__mro__
                     if symbol.attribute in vars(each))
        name = f'{owner.__qualname__}.{symbol.attribute}'
    module: Any = inspect.getmodule(owner)
    node: Any = _tree(module)
    for part in name.split('.'):
        node = next(each for each in node.body
                    if getattr(each, 'name', None) == part)
    # NOTE: the tree stays as it is for those that come after this.
    arguments = copy.deepcopy(node.args)
    for each in ast.walk(arguments):
        if isinstance(each, ast.arg):
            each.annotation = None
    return Use(Site(f'{module.__name__.replace(".", "/")}.py', name,
                    f'({ast.unparse(arguments)})'), node.lineno)


@functools.cache
def _tree(module: Any) -> ast.Module:
    """A module; to parse one of Nova's takes long."""
    return ast.parse(inspect.getsource(module))


def _takers(tree: ast.AST) -> Iterator[str]:
    """Functions and classes with a parameter that is called like one."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _FUNCTION) and any(
                    _NAME.fullmatch(each.arg)
                    for each in [*child.args.args, *child.args.kwonlyargs]):
                yield (node.name if isinstance(node, ast.ClassDef)
                       and child.name == '__init__' else child.name)


def _imported(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Each name that a module imports, and what it stands for."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield each.asname or each.name, f'{node.module}.{each.name}'
        elif isinstance(node, ast.Import):
            for each in node.names:
                root = each.name.partition('.')[0]
                yield each.asname or root, each.name if each.asname else root


class _Module:
    """One file.

    :param takers: see :func:`_takers`, of the whole package
    """

    def __init__(self, file: str, tree: ast.AST, takers: set[str]) -> None:
        self._file = file
        self._takers = takers
        self._telling = methods() - _COMMON
        self._nodes = list(ast.walk(tree))
        self._parents = {child: node for node in self._nodes
                         for child in ast.iter_child_nodes(node)}
        self._names = dict(_imported(self._nodes))
        if file == _FILE:
            self._names |= {name: f'{MODULE}.{name}' for name in (
                'API', 'cinderclient', 'is_microversion_supported')}
        #: Where a name or an attribute is a volume API: (function, name)
        self._aliases: set[tuple[str, str]] = set()

    def uses(self) -> Iterator[Use]:
        self._find_aliases()
        for node in self._nodes:
            what = (self._what(node) if isinstance(node, ast.expr) else '')
            if what:
                yield Use(Site(self._file, self._where(node) or '<module>',
                               f': {what}'), getattr(node, 'lineno', 0))

    def _find_aliases(self) -> None:
        assignments = [each for each in self._nodes
                       if isinstance(each, _ASSIGNMENT)]
        before = -1
        while before < len(self._aliases):
            before = len(self._aliases)
            for node in assignments:
                if self._is_volume_api(node.value):
                    self._aliases |= {self._alias(each)
                                      for each in _targets(node)}

    def _alias(self, node: Any) -> tuple[str, str]:
        if isinstance(node, ast.Attribute):
            return '', f'.{node.attr}'
        name, parent = getattr(node, 'id', ''), self._parents[node]
        if isinstance(self._parents.get(parent), ast.ClassDef):
            return '', f'.{name}'
        return self._where(node), name

    def _where(self, node: Any) -> str:
        """The qualified name of the function that a node is in."""
        names = []
        while node := self._parents.get(node):
            if isinstance(node, (*_FUNCTION, ast.ClassDef)):
                names.append(node.name)
        return '.'.join(reversed(names))

    def _dotted(self, node: Any) -> str:
        """Return the dotted name that a name stands for, by the imports."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, '')
        if isinstance(node, ast.Attribute):
            owner = self._dotted(node.value)
            return f'{owner}.{node.attr}' if owner else ''
        return ''

    def _in_api(self, node: Any) -> bool:
        return self._file == _FILE and self._where(node).startswith('API.')

    def _is_self(self, node: Any) -> bool:
        return (isinstance(node, ast.Name) and node.id == 'self'
                and self._in_api(node))

    def _is_volume_api(self, node: Any) -> bool:
        if isinstance(node, ast.Name):
            where = f'{self._where(node)}.'
            return node.id not in self._names and (
                self._is_self(node) or bool(_NAME.fullmatch(node.id))
                or any(where.startswith(f'{scope}.' if scope else '')
                       for scope, name in self._aliases if name == node.id))
        if isinstance(node, ast.Attribute):
            return not self._dotted(node) and (
                bool(_NAME.fullmatch(node.attr))
                or self._alias(node) in self._aliases)
        if isinstance(node, ast.Call):
            return self._dotted(node.func) == f'{MODULE}.API'
        return any(map(self._is_volume_api, _results(node)))

    def _what(self, node: Any) -> str | None:
        """Return the use of the API or of Cinder's client by a node."""
        parent: Any = self._parents[node]
        if self._is_volume_api(node):
            if (self._is_volume_api(parent)
                    or isinstance(getattr(node, 'ctx', None), ast.Store)):
                return None
            if isinstance(parent, ast.Attribute):
                return parent.attr
            return self._given_to(node, parent)
        if self._in_api(node):
            # NOTE: its methods are patched, each of them.
            return None
        dotted = self._dotted(node)
        if dotted.startswith(f'{MODULE}.'):
            is_called = isinstance(parent, ast.Call) and parent.func is node
            return (dotted.removeprefix(f'{MODULE}.')
                    if dotted != f'{MODULE}.API'
                    else None if is_called else 'the class itself')
        if (dotted.startswith('cinderclient.')
                and not dotted.startswith(_HARMLESS)
                and not isinstance(parent, ast.Attribute)):
            return dotted
        if isinstance(node, ast.Constant):
            return ('its name as text' if str(node.value) in (
                MODULE, f'{MODULE}.API') else None)
        if (isinstance(node, ast.Attribute)
                and node.attr in self._telling
                and not self._is_volume_api(node.value)):
            return f'perhaps {node.attr}'
        return None

    def _given_to(self, node: Any, parent: Any) -> str | None:
        if self._is_self(node) or isinstance(
                parent, ast.Compare | ast.If | ast.UnaryOp | ast.Expr):
            return None
        if isinstance(parent, ast.Assign | ast.AnnAssign) and all(
                isinstance(each, ast.Name | ast.Attribute)
                for each in _targets(parent)):
            return None
        if isinstance(parent, ast.keyword):
            if _NAME.fullmatch(parent.arg or ''):
                return None
            parent = self._parents[parent]
        if isinstance(parent, ast.Call):
            name = ast.unparse(parent.func)
            if name.rpartition('.')[2] in self._takers:
                return None
            return f'given to {name}'
        return 'given away'


def _targets(node: Any) -> list[ast.AST]:
    return getattr(node, 'targets', None) or [node.target]


def _results(node: Any) -> list[ast.expr]:
    """Yield the possible values of an expression that chooses."""
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    return [node.value] if isinstance(node, ast.NamedExpr) else []
