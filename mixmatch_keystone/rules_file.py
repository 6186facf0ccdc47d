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

"""Rules file: read, checked and reloaded."""

from collections.abc import Mapping
import importlib.resources
import json
import os
import pathlib
import threading
from typing import Any

import jsonschema
from oslo_log import log as logging
import yaml

from mixmatch_keystone import rules

LOG = logging.getLogger(__name__)

UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
#: Defaults.
LIFETIMES = {'token_lifetime': '1h', 'grant_lifetime': '8h'}

#: Position in the file: keys and indices.
Path = tuple[Any, ...]


class InvalidRules(Exception):
    """Error: the file is invalid, and refused as a whole.

    :param line: of the file, from 1
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f'line {line}: {reason}')
        self.line = line


class RulesUnavailable(Exception):
    """Error: no valid rules file has been read yet."""


def schema() -> dict[str, Any]:
    """Return the JSON schema of the file."""
    return json.loads(importlib.resources.files('mixmatch_keystone')
                      .joinpath('rules.schema.json').read_text())


def parse(text: str) -> rules.Rules:
    """Read all rules.

    :param text: YAML
    :raises InvalidRules: names the line and the error
    """
    document = _Document(text)
    error = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema()).iter_errors(document.value))
    if error:
        raise document.error(error.absolute_path, error.message)
    known = document.value['identity_providers']
    return rules.Rules({
        name: _identity_provider(document, ('identity_providers', name), idp)
        for name, idp in known.items()})


class RulesFile:
    """Rules in force, reloaded when the file changes.

    :param path: path of the file
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = pathlib.Path(path)
        self._lock = threading.Lock()
        self._seen: Any = None
        self._good: rules.Rules | None = None

    def rules(self) -> rules.Rules:
        """Return the rules of the file, or of its last valid version.

        :raises RulesUnavailable: there was none
        """
        with self._lock:
            seen = self._fingerprint()
            if seen != self._seen:
                self._seen = seen
                self._read()
            if self._good is None:
                raise RulesUnavailable(str(self._path))
            return self._good

    def _fingerprint(self) -> Any:
        try:
            status = self._path.stat()
        except OSError as exc:
            return exc.errno
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> None:
        try:
            self._good = parse(self._path.read_text(encoding='utf-8'))
        except (OSError, UnicodeError, InvalidRules) as exc:
            LOG.error(
                'The rules in %(path)s cannot be used: %(reason)s. %(what)s',
                {'path': self._path, 'reason': exc, 'what':
                 'The last valid rules stay in force.' if self._good else
                 'All logins are refused until they are corrected.'})
        else:
            LOG.info('Rules loaded from %s', self._path)


class _Document:
    """YAML document with line numbers."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {(): 1}
        try:
            node = yaml.compose(text, yaml.SafeLoader)
            self.value = self._read(node, ()) if node else {}
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            raise InvalidRules(mark.line + 1 if mark else 1, ', '.join(
                filter(None, (exc.context, exc.problem)))) from None
        except yaml.YAMLError as exc:
            raise InvalidRules(1, str(exc)) from None

    def error(self, path: Any, reason: str) -> InvalidRules:
        path = tuple(path)
        while path not in self._lines:
            path = path[:-1]
        where = '.'.join(map(str, path))
        return InvalidRules(self._lines[path],
                            f'{where}: {reason}' if where else reason)

    def _read(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(each, (*path, index))
                    for index, each in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            found: dict[Any, Any] = {}
            for key_node, each in node.value:
                key = self._read(key_node, (*path, '?'))
                line = key_node.start_mark.line + 1
                if not isinstance(key, str):
                    raise InvalidRules(line, f'{key!r} is no text: quote it')
                if key in found:
                    raise InvalidRules(line, f'{key!r} is there twice')
                self._lines[*path, key] = line
                found[key] = self._read(each, (*path, key))
            return found
        loader = yaml.SafeLoader('')
        try:
            return loader.construct_object(node)
        finally:
            loader.dispose()


def _identity_provider(document: _Document, path: Path,
                       known: Mapping[str, Any]) -> rules.IdentityProvider:
    grants = _seconds({**LIFETIMES, **known}['grant_lifetime'])
    if grants % 60:
        raise document.error((*path, 'grant_lifetime'),
                             'Keystone counts this in whole minutes')
    made: list[rules.Rule] = []
    for index, each in enumerate(known['rules']):
        at = (*path, 'rules', index)
        rule = _rule(document, at, known, each)
        if rule.name in [before.name for before in made]:
            raise document.error((*at, 'name'),
                                 f'another rule is named {rule.name!r}')
        if rule.token_lifetime > grants:
            raise document.error(
                at, 'the token would live longer than the grant: '
                    'token_lifetime must not exceed grant_lifetime')
        made.append(rule)
    return rules.IdentityProvider(rules.Names(_list(known['domains'])),
                                  grants, tuple(made))


def _rule(document: _Document, path: Path, idp: Mapping[str, Any],
          known: Mapping[str, Any]) -> rules.Rule:
    names: dict[str, Any] = {key: rules.Names(_list(known.get(key, '*')))
             for key in ('users', 'user_domains', 'projects',
                         'project_domains')}
    token_lifetime = _seconds(
        {**LIFETIMES, **idp, **known}['token_lifetime'])
    if known.get('deny'):
        return rules.Rule(known['name'], token_lifetime, **names, roles={
            role: frozenset() for role in known.get('roles', ())})
    project = rules.Project(known['local_project'], known.get('local_domain'))
    rule = rules.Rule(
        known['name'], token_lifetime, **names, roles={
            role: frozenset(_list(given))
            for role, given in known['roles'].items()},
        project=project, create=known.get('create', False),
        everywhere=known.get('everywhere', False))
    _check_project(document, path, rule, rules.Names(_list(
        known.get('project_domains', idp['domains']))))
    return rule


def _check_project(document: _Document, path: Path, rule: rules.Rule,
                   domains: rules.Names) -> None:
    project = rule.project
    assert project is not None
    at = (*path, 'local_project')
    rest = rules.PLACEHOLDER.sub('', project.name)
    if '{' in rest or '}' in rest:
        raise document.error(at, 'there are only {project} and '
                                 '{project_domain} to be filled in')
    if not project.template:
        return
    if project.domain:
        raise document.error(
            (*path, 'local_domain'),
            'a project that is named by another cloud has to be in the '
            'domain of its identity provider')
    if '{project_domain}' not in project.name and not domains.single:
        raise document.error(
            at, 'projects of the same name in several domains would meet: '
                'use {project_domain}, or one project_domains')


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _seconds(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]]
