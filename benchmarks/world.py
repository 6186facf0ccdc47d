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

"""The two clouds of the sandbox, as the sections use them."""

from collections.abc import Iterator
import contextlib
import re
import threading
import time
from typing import Any

from keystoneauth1 import adapter
from keystoneauth1.identity import v3
from keystoneauth1 import session
import pymysql

from benchmarks import logs
from sandbox import client
from sandbox import process
from sandbox import state
from sandbox import topology

#: Begins the name of all that a run makes in the clouds.
PREFIX = 'benchmark-'
#: Seconds to wait for anything.
PATIENCE = 60
#: Seconds between two looks at a database.
STEP = 0.005


class Person:
    """Somebody of home with one token; a new one is a new token.

    :param who: with a password at home
    :param at: the service provider that the APIs are of; None for home
    """

    def __init__(self, who: client.Person, at: str | None = None) -> None:
        self.auth: Any = who.auth
        if at:
            self.auth = v3.Keystone2Keystone(
                who.auth, at, project_name=who.project,
                project_domain_name='Default')
        self._session = session.Session(auth=self.auth, timeout=PATIENCE)
        self.token = self._session.get_token()
        self.project_id = self._session.get_project_id()

    @property
    def access(self) -> Any:
        """Return what Keystone says of the token."""
        return self.auth.get_access(self._session)

    def api(self, service_type: str,
            version: str | None = None) -> adapter.Adapter:
        return adapter.Adapter(
            self._session, service_type=service_type, interface='public',
            default_microversion=version)


class World:
    """Everything that is measured in; cleans up what it has made."""

    def __init__(self) -> None:
        root = state.default_root()
        mode = state.last_mode(root)
        assert mode is not None and not mode.plain and (
            mode.compute == 'libvirt'), mode
        self.site = state.Site(root, mode)
        self.supervisor = process.Supervisor(self.site)
        self._databases = threading.local()
        self._commands = client.Commands(self.site)
        self.alice = Person(self._somebody(topology.HOME))
        self.alice_there = Person(self._somebody(topology.HOME),
                                  at=topology.PROVIDER)
        self.admin = Person(self._somebody(topology.HOME, 'admin', 'admin'))

    def _somebody(self, cloud: str, name: str | None = None,
                  project: str | None = None) -> client.Person:
        return client.Person(self._commands, topology.by_name(cloud), name,
                             project)

    def fresh(self) -> Person:
        """Alice with a token that no service has seen."""
        return Person(self._somebody(topology.HOME))

    def log(self, cloud: str, name: str) -> logs.Tail:
        return logs.Tail(self.site.log(cloud, name))

    # What there is to attach, and to attach to.

    def server(self, number: int = 1) -> str:
        """A running server of alice; it has to boot before a detach."""
        nova = self.alice.api('compute', '2.60')
        images = self.alice.api('image').get(
            '/v2/images', params={'name': 'guest'}).json()['images']
        flavor = next(each['id'] for each in nova.get('/flavors').json()[
            'flavors'] if each['name'] == 'tiny')
        server = nova.post('/servers', json={'server': {
            'name': f'{PREFIX}{number}', 'imageRef': images[0]['id'],
            'flavorRef': flavor, 'networks': 'none'}}).json()['server']['id']

        def active() -> bool:
            status = nova.get(f'/servers/{server}').json()['server']['status']
            assert status != 'ERROR', server
            return status == 'ACTIVE'
        client.wait_for(f'server {server}', active)
        return server

    def boot(self, image_id: str) -> float:
        """Boot a server of an image, and delete it; the seconds until ACTIVE.
        """
        nova = self.alice.api('compute', '2.60')
        flavor = next(each['id'] for each in nova.get('/flavors').json()[
            'flavors'] if each['name'] == 'tiny')
        began = time.monotonic()
        server = nova.post('/servers', json={'server': {
            'name': f'{PREFIX}boot', 'imageRef': image_id,
            'flavorRef': flavor, 'networks': 'none'}}).json()['server']['id']
        # NOTE: there is no row before it is scheduled.
        count = (f'select count(*) from {topology.HOME}_nova.instances '
                 'where uuid = %s and ')
        self._until(lambda: self._value(
            topology.HOME, count + "vm_state in ('active', 'error')",
            server), f'{server} active')
        seconds = time.monotonic() - began
        assert nova.get(f'/servers/{server}').json()['server'][
            'status'] == 'ACTIVE', server
        nova.delete(f'/servers/{server}')
        self._until(lambda: self._value(
            topology.HOME, count + 'deleted > 0', server),
            f'{server} deleted')
        return seconds

    def volume(self, cloud: str, number: int = 1) -> str:
        """A volume of alice's at one of the clouds."""
        cinder = self._cinder(cloud)
        volume = cinder.post('/volumes', json={'volume': {
            'size': 1, 'name': f'{PREFIX}{number}'}}).json()['volume']['id']
        self.wait(cloud, volume, 'available')
        return volume

    def _cinder(self, cloud: str) -> adapter.Adapter:
        who = self.alice_there if cloud == topology.PROVIDER else self.alice
        return who.api('block-storage')

    # What is so, read where it costs next to nothing: an API that is asked
    # again and again would take the processor from what is measured.

    def _value(self, cloud: str, sql: str, *args: str) -> Any:
        connection = getattr(self._databases, cloud, None)
        if connection is None:
            connection = pymysql.connect(
                host='127.0.0.1',
                port=topology.port(topology.SHARED, 'mariadb'), user=cloud,
                password=topology.by_name(cloud).password('db'),
                autocommit=True)
            setattr(self._databases, cloud, connection)
        with connection.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchone()[0]

    def wait(self, cloud: str, volume: str, status: str) -> None:
        """Wait until Cinder says so, in its database."""
        self._until(lambda: self._value(
            cloud, f'select status from {cloud}_cinder.volumes '
            'where id = %s', volume) == status, f'{volume} {status}')

    def wait_forgotten(self, volume: str) -> None:
        """Nova forgets a volume a moment after Cinder."""
        self._until(lambda: not self._value(
            topology.HOME, 'select count(*) from '
            f'{topology.HOME}_nova.block_device_mapping '
            'where volume_id = %s and deleted = 0', volume),
            f'{volume} forgotten')

    @staticmethod
    def _until(condition: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f'waited in vain: {what}'
            time.sleep(STEP)

    # Other settings for a while.

    @contextlib.contextmanager
    def configured(self, files: dict[str, dict[str, str]],
                   *services: str) -> Iterator[None]:
        """Run services of home with other lines in their configuration.

        :param files: below etc of home; pattern of a line to its
            replacement
        :param services: what reads them
        """
        before = {}
        for name, lines in files.items():
            path = self.site.instance / 'etc' / topology.HOME / name
            text = before[path] = path.read_text()
            for pattern, replacement in lines.items():
                text, count = re.subn(pattern, replacement, text, count=1)
                assert count, (name, pattern)
            path.write_text(text)
        try:
            self.restart(*services)
            yield
        finally:
            for path, text in before.items():
                path.write_text(text)
            self.restart(*services)

    def restart(self, *services: str) -> None:
        for name in services:
            client.must(client.run(
                str(client.RUN), '--state', str(self.site.root), 'restart',
                topology.HOME, name))

    # Leave nothing behind.

    def sweep(self) -> None:
        """Delete all that this or an earlier run has made."""
        nova = self.alice.api('compute', '2.60')

        def servers() -> list[str]:
            return [each['id'] for each in nova.get('/servers').json()[
                'servers'] if each['name'].startswith(PREFIX)]
        for server in servers():
            nova.delete(f'/servers/{server}')
        client.wait_for('servers to be deleted', lambda: not servers())
        for cloud in (topology.HOME, topology.PROVIDER):
            self._sweep_volumes(self._cinder(cloud))
        identity = self.admin.api('identity')
        path = '/OS-FEDERATION/service_providers'
        for each in identity.get(path).json()['service_providers']:
            if each['id'].startswith(PREFIX):
                identity.delete(f'{path}/{each["id"]}')

    @staticmethod
    def _sweep_volumes(cinder: adapter.Adapter) -> None:
        def volumes() -> list[dict[str, Any]]:
            return [each for each in cinder.get('/volumes/detail').json()[
                'volumes'] if (each['name'] or '').startswith(PREFIX)]
        for each in volumes():
            def free(volume: str = each['id']) -> bool:
                found = cinder.get(f'/volumes/{volume}').json()['volume']
                return found['status'] in ('available', 'error')
            client.wait_for(f'volume {each["id"]} to be free', free)
            cinder.delete(f'/volumes/{each["id"]}')
        client.wait_for('volumes to be deleted', lambda: not volumes())
