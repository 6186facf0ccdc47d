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

"""Workspace of Tempest, and what several runs of the same tests came to."""

from collections.abc import Iterator
import contextlib
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any

from sandbox import client
from sandbox import ini
from sandbox import topology

LINE = re.compile(r'^\{\d+\} (?:setUpClass \()?([\w.]+).* \.\.\. (\w+)')
RULE = {'name': 'tempest', 'projects': 'tempest-*', 'users': 'tempest-*',
        'roles': {role: role for role in ('reader', 'member')},
        'local_project': 'research', 'local_domain': 'Default'}

#: What Tempest says of a 503 that names bu.
SAYS_SO = re.compile(rf'503.*ervice provider {topology.PROVIDER}', re.DOTALL)


@dataclasses.dataclass
class Outcome:
    """Outcome of each test, and its output."""

    name: str
    verdicts: dict[str, str] = dataclasses.field(default_factory=dict)
    details: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    _last: str = ''

    def add(self, line: str) -> None:
        """One line of what stestr prints."""
        found = LINE.match(line)
        if found:
            self._last = found[1]
            self.verdicts[found[1]] = found[2]
        else:
            self.details.setdefault(self._last, []).append(line)

    def those(self, verdict: str) -> set[str]:
        return {test for test, each in self.verdicts.items()
                if each == verdict}

    def names_provider(self, test: str) -> bool:
        """Return whether a test failed because a 503 named bu."""
        return bool(SAYS_SO.search(''.join(self.details.get(test, ()))))


class Tempest:
    """Workspace of Tempest, for moc."""

    def __init__(self, sandbox: client.Sandbox) -> None:
        self._sandbox = sandbox
        self.folder = sandbox.site.instance / 'tempest'

    def configure(self) -> None:
        """Write tempest.conf."""
        landlord = self._sandbox.landlord(topology.HOME)
        images = landlord.api('image').get('/v2/images').json()['images']
        flavors = landlord.api('compute').get('/flavors').json()['flavors']
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / 'lock').mkdir(parents=True)
        (self.folder / 'tempest.conf').write_text(ini.render({
            # With it, a test that fails shows the bodies of its answers.
            'DEFAULT': {'log_file': self.folder / 'tempest.log',
                        'debug': True},
            'oslo_concurrency': {'lock_path': self.folder / 'lock'},
            'auth': {
                'admin_username': landlord.name,
                'admin_password': landlord.cloud.password(landlord.name),
                'admin_project_name': landlord.project,
                'admin_domain_name': 'Default',
                # Servers do without one.
                'create_isolated_networks': False},
            'identity': {'uri_v3': landlord.auth_url, 'auth_version': 'v3',
                         'region': landlord.cloud.name},
            'service_available': {
                'cinder': True, 'glance': True, 'nova': True,
                'neutron': True, 'swift': False},
            'compute': {'region': landlord.cloud.name,
                        'image_ref': _id(images, 'guest'),
                        'flavor_ref': _id(flavors, 'tiny')},
            'validation': {'run_validation': False},
            'volume': {
                'region': landlord.cloud.name, 'storage_protocol': 'fake',
                'min_microversion': '3.0', 'max_microversion': 'latest'},
            'volume-feature-enabled': {
                'backup': False, 'extend_attached_volume': True,
                # Nobody can read what fake storage has written.
                'enable_volume_image_dep_tests': False},
        }))

    def run(self, name: str, regex: str) -> Outcome:
        """Run the tests, and show how it goes on."""
        print(f'\n----- {name}', flush=True)
        process = subprocess.Popen(
            [pathlib.Path(sys.executable).with_name('tempest'), 'run',
             '--config-file', self.folder / 'tempest.conf', '--regex', regex,
             '--concurrency', '2'],
            cwd=self._workspace(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        outcome = Outcome(name)
        assert process.stdout
        for line in process.stdout:
            print(' ', line, end='', flush=True)
            outcome.add(line)
        process.wait()
        return outcome

    def _workspace(self) -> pathlib.Path:
        workspace = self.folder / 'workspace'
        workspace.mkdir(exist_ok=True)
        return workspace


def _id(found: list[dict[str, Any]], name: str) -> str:
    (only,) = [each['id'] for each in found if each['name'] == name]
    return only


def into_one_project(text: str) -> str:
    """A configuration for RULE, by which all projects are the same at bu."""
    return text.replace('project_name = {project_name}',
                        f'project_name = {RULE["local_project"]}')


@contextlib.contextmanager
def provider_is_away(sandbox: client.Sandbox, service: str
                     ) -> Iterator[None]:
    """Its Keystone and a service of it are stopped, for a while."""
    services = ('apache', service)
    for service in services:
        sandbox.control('stop', topology.PROVIDER, service)
    try:
        yield
    finally:
        for service in services:
            sandbox.control('start', topology.PROVIDER, service)


def judge(without: Outcome, filtered: Outcome, away: Outcome,
          need_all: pathlib.Path) -> list[str]:
    """Return what is wrong, a line each.

    :param need_all: tests for which each cloud has to answer
    """
    needing = set(need_all.read_text().split()) & without.those('ok')
    expected = {test for test in needing if away.names_provider(test)}
    print(f'{away.name}: of those that failed, {len(expected)} need an answer '
          f'of each cloud, and were told that {topology.PROVIDER} does not '
          'answer')
    wrong = [f'{without.name}: {test} fails'
             for test in sorted(without.those('FAILED'))]
    wrong += [f'{each.name}: {test} passes without the filter only'
             for each, fewer in ((filtered, set()), (away, expected))
             for test in sorted(
                 without.those('ok') - each.those('ok') - fewer)]
    return wrong + [
        f'{away.name}: {test} is in {need_all.name} and passes'
        for test in sorted(needing & away.those('ok'))]


def report(asked: int, need_all: pathlib.Path, without: Outcome,
           filtered: Outcome, away: Outcome) -> int:
    """Print what three runs came to, and return the exit code.

    :param asked: how often bu was asked in the second of them
    """
    print('\n----- compared')
    for each in (without, filtered, away):
        print(f'{each.name}: {len(each.those("ok"))} passed, '
              f'{len(each.those("FAILED"))} failed, '
              f'{len(each.those("SKIPPED"))} skipped')
    print(f'{topology.PROVIDER} was asked {asked} times')
    wrong = judge(without, filtered, away, need_all)
    if not asked or not without.those('ok'):
        wrong.append('nothing was compared')
    print(*wrong, sep='\n')
    passed = sum(len(each.those('ok')) for each in (without, filtered, away))
    print(f' - Passed: {passed}')
    print(f' - Failed: {len(wrong)}')
    return int(bool(wrong))
