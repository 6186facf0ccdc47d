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

"""The demo: a server at moc uses a volume that lives at bu.

Every command is one that a user types, with what it prints.
"""

import json
import os
import shlex
import subprocess
import time
import typing

from sandbox import credentials
from sandbox import guest
from sandbox import progress
from sandbox import state
from sandbox import storage
from sandbox import topology

#: Seconds that anything may take.
PATIENCE = 120


class Story:
    """Alice of moc tells it."""

    def __init__(self, site: state.Site, report: progress.Progress) -> None:
        self._site = site
        self._report = report
        self._home = topology.by_name(topology.HOME)
        self._provider = topology.by_name(topology.PROVIDER)
        self._k2k = ('--os-service-provider', topology.PROVIDER,
                     '--os-remote-project-name', 'research',
                     '--os-remote-project-domain-name', 'Default',
                     '--os-region-name', topology.PROVIDER)

    def tell(self) -> None:
        """The whole of it; raises if a word of it is not true."""
        self._say(f'A volume at {topology.PROVIDER}, made through plain '
                  'federation')
        volume = self._show(*self._k2k, 'volume', 'create', '--size', '1',
                            'data')['id']
        self._until('available', *self._k2k, 'volume', 'show', volume)
        self._say(f'A server at {topology.HOME}')
        server = self._show('server', 'create', '--image', 'guest',
                            '--flavor', 'tiny', '--nic', 'none', '--wait',
                            'demo')['id']
        try:
            self._use(server, volume)
        finally:
            self._say('Everything is put away')
            self._run('server', 'delete', '--wait', server)
        self._run(*self._k2k, 'volume', 'delete', volume)

    def _use(self, server: str, volume: str) -> None:
        self._say('The server gets the volume; nobody names the cloud')
        self._run('server', 'add', 'volume', server, volume)
        for view in ((), self._k2k):
            shown = self._until('in-use', *view, 'volume', 'show', volume)
            self._expect([server], [each['server_id']
                                    for each in shown['attachments']])
        if self._site.fake:
            self._say('Nova and Cinder run fake drivers: no bytes to show')
        else:
            self._bytes(server, volume)
        self._say('The server gives it back')
        self._run('server', 'remove', 'volume', server, volume)
        for view in (self._k2k, ()):
            shown = self._until('available', *view, 'volume', 'show', volume)
            self._expect([], shown['attachments'])
        attachments = json.loads(self._run(
            '--os-volume-api-version', '3.44', *self._k2k, 'volume',
            'attachment', 'list', '--volume-id', volume, '-f', 'json'))
        self._expect([], attachments)
        self._say(f'0 attachments at {topology.PROVIDER}')

    def _bytes(self, server: str, volume: str) -> None:
        self._say('The guest writes a marker to the disk')
        output = self._wait(
            'the guest to write', lambda: self._console(server))
        lines = [line.strip() for line in output.splitlines()
                 if 'GUEST: vdb' in line]
        print('\n'.join(lines), flush=True)
        marker = lines[-2].partition('read back: [')[2].rstrip(']')
        self._say(f"The same bytes, read from {topology.PROVIDER}'s storage")
        found = storage.read(self._site, self._provider, volume,
                             guest.SECTOR * 512, len(marker)).decode()
        print(f'rbd export volumes/volume-{volume} at '
              f'{topology.PROVIDER}, sector '
              f'{guest.SECTOR}:\n{found}', flush=True)
        self._expect(marker, found)

    def _console(self, server: str) -> str | None:
        output = self._openstack('console', 'log', 'show', server)
        if 'GUEST: vdb MISMATCH' in output:
            raise state.Error('the guest reads something else than it wrote')
        return output if 'GUEST: vdb OK' in output else None

    def _openstack(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._site.tool('openstack'), *arguments],
            env={**os.environ, 'PYTHONWARNINGS': 'ignore',
                 **credentials.environment(self._home, 'alice')},
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise state.Error(
                f'openstack {shlex.join(arguments)}\n{done.stdout}'
                f'{done.stderr}')
        return done.stdout

    def _run(self, *arguments: str) -> str:
        """Type a command and show what it prints."""
        print(f'\n$ openstack {shlex.join(arguments)}', flush=True)
        output = self._openstack(*arguments)
        if output:
            print(output.rstrip(), flush=True)
        return output

    def _show(self, *arguments: str) -> dict[str, typing.Any]:
        """The same, and understand what it prints."""
        return json.loads(self._run(*arguments, '-c', 'id', '-c', 'status',
                                    '-c', 'attachments', '-f', 'json'))

    def _until(self, status: str, *arguments: str) -> dict[str, typing.Any]:
        """Show it once it has a status."""
        def reached() -> bool:
            shown = json.loads(self._openstack(*arguments, '-f', 'json'))
            if shown['status'].startswith('error'):
                raise state.Error(f'{shlex.join(arguments)}: {shown}')
            return shown['status'] == status
        self._wait(f'{arguments[-1]} to be {status}', reached)
        return self._show(*arguments)

    def _wait(self, what: str,
              condition: typing.Callable[[], typing.Any]) -> typing.Any:
        deadline = time.monotonic() + PATIENCE
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise state.Error(f'waited {PATIENCE} s for {what}')
            time.sleep(0.3)
        return value

    def _expect(self, wanted: object, found: object) -> None:
        if wanted != found:
            raise state.Error(f'expected {wanted}, found {found}')

    def _say(self, text: str) -> None:
        print(flush=True)
        self._report.say(text)
