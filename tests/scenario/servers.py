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

"""Operations on a server that has a volume of bu."""

from collections.abc import Iterator
import contextlib
import json
import pathlib
import tempfile
from typing import Any

from keystoneauth1 import adapter

from sandbox import client
from sandbox.services import libvirt
from sandbox import topology
from tests.scenario import base

#: moc's hosts; the second is disabled unless a test wants to move servers.
FIRST, SECOND = (host.name for host in topology.by_name(topology.HOME).hosts)


class OperationScenario(base.ServerScenario):
    """A server of moc that is operated, and a volume of bu in it."""

    admin: client.Person
    hypervisors: adapter.Adapter
    volume_id: str
    microversion = '2.89'
    one_login = True

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.admin = cls.sandbox.user(cls.home, 'admin')
        cls.hypervisors = cls.admin.api('compute', version='2.53')

    def setUp(self) -> None:
        super().setUp()
        if self.server and self.shown()['status'] != 'ACTIVE':
            # NOTE: what one test has broken is not what the next one tests.
            self.end_server()
            self.begin_server()

    def attached_volume(self) -> str:
        """A volume of bu's that the server uses until the test ends."""
        volume_id = self.volume_at(self.provider)
        self.attach_at_provider(volume_id)
        self.addCleanup(self.detach_at_provider, volume_id)
        return volume_id

    def attach_at_provider(self, volume_id: str) -> None:
        response = self.attach({'volumeAttachment': {
            'volumeId': volume_id, 'serviceProvider': self.provider}})
        self.assertEqual(200, response.status_code, response.text)
        self.wait_for_attached(self.provider, volume_id)

    def detach_at_provider(self, volume_id: str) -> None:
        self.detach(self.provider, volume_id)
        self.assert_untouched(self.provider, volume_id)

    def operate(self, *argv: str, by: client.Person | None = None) -> None:
        """``openstack server ...``"""
        client.must((by or self.alice).openstack('server', *argv))

    def act(self, name: str, body: Any = None,
            by: client.Person | None = None) -> Any:
        """An action that the command does not know; the response."""
        return (by or self.alice).api('compute', version='2.89').post(
            f'/servers/{self.server}/action', json={name: body})

    def shown(self) -> dict[str, Any]:
        """The server, as an administrator sees it."""
        return self.hypervisors.get(f'/servers/{self.server}').json()[
            'server']

    @property
    def host(self) -> str:
        return self.shown()['OS-EXT-SRV-ATTR:host']

    def wait_for_server(self, status: str) -> None:
        """Wait until a server has a status and no task."""
        def reached() -> bool:
            shown = self.shown()
            if shown['status'] == 'ERROR' != status:
                raise AssertionError(shown.get('fault'))
            return (shown['status'] == status
                    and shown['OS-EXT-STS:task_state'] is None)
        client.wait_for(f'the server to be {status}', reached)

    def assert_agreed(self, *volume_ids: str, status: str = 'attached',
                      ) -> None:
        """bu's attachments and moc's mappings are the same."""
        mappings = {each['volumeId']: each for each in self.mappings()}
        for volume_id in volume_ids:
            attachment, = self.attachments_at(self.provider, volume_id)
            self.assertEqual(
                (mappings[volume_id]['attachment_id'], self.server, status),
                (attachment['id'], attachment['instance'],
                 attachment['status']))
            self.assertEqual(
                'in-use' if status == 'attached' else status,
                self.volume(self.provider, volume_id)['status'])

    def capacity(self, volume_id: str) -> int:
        """The size that the hypervisor gives a disk, in bytes."""
        def virsh(*argv: str) -> str:
            return client.must(client.run(
                'virsh', '-q', '-c', libvirt.uri(self.sandbox.site,
                                                 self.host), *argv)).out
        disk, = (line.split()[0] for line in virsh(
            'domblklist', self.server).splitlines() if volume_id in line)
        facts = dict(line.split(':') for line in virsh(
            'domblkinfo', self.server, disk).splitlines())
        return int(facts['Capacity'])

    def manage_attachment(self, *argv: str) -> client.Result:
        """``nova-manage volume_attachment``"""
        return client.must(self.sandbox.nova_manage(
            'volume_attachment', *argv))

    def renew_attachment(self, volume_id: str) -> None:
        """Have a stopped server get another attachment."""
        connector = self.manage_attachment('get_connector', '--json').out
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / 'connector.json'
            # NOTE: in front of it is what nova-manage logs.
            path.write_text(json.dumps(json.loads(
                connector[connector.rindex('\n{') if '\n{' in connector
                          else connector.index('{'):])))
            self.manage_attachment('refresh', self.server, volume_id,
                                   str(path))

    @contextlib.contextmanager
    def host_down(self) -> Iterator[None]:
        """The server's host is gone, and Nova has been told so."""
        host = self.host
        compute = 'nova-compute' + host.removeprefix(FIRST)
        service, = self.hypervisors.get('/os-services', params={
            'host': host, 'binary': 'nova-compute'}).json()['services']

        def force(down: bool) -> bool:
            return self.hypervisors.put(
                f'/os-services/{service["id"]}',
                json={'forced_down': down}).status_code == 200
        self.sandbox.control('stop', self.home, compute)
        self.crash(host)
        try:
            self.assertTrue(force(True))
            yield
        finally:
            self.sandbox.control('start', self.home, compute)
            # NOTE: not while it has to forget servers that were evacuated.
            client.wait_for(f'{host} to be up again', lambda: force(False))

    @contextlib.contextmanager
    def without_key(self, host: str) -> Iterator[None]:
        """A host's libvirt has not the key of bu's Ceph for a while."""
        provider = topology.by_name(self.provider)
        client.must(client.run(
            'virsh', '-c', libvirt.uri(self.sandbox.site, host),
            'secret-undefine', provider.secret_uuid))
        home = topology.by_name(self.home)
        try:
            yield
        finally:
            libvirt.define(
                self.sandbox.site, f'{self.home}/test', home,
                next(each for each in home.hosts if each.name == host),
                provider)

    def crash(self, host: str) -> None:
        """The server's guest is gone, as when its host loses power."""
        client.must(client.run(
            'virsh', '-c', libvirt.uri(self.sandbox.site, host),
            'destroy', self.server))

    @classmethod
    @contextlib.contextmanager
    def two_hosts(cls) -> Iterator[None]:
        """moc's second host takes servers for a while."""
        service, = cls.admin.api('compute', version='2.53').get(
            '/os-services', params={'host': SECOND}).json()['services']
        for status in ('enabled', 'disabled'):
            cls.admin.api('compute', version='2.53').put(
                f'/os-services/{service["id"]}', json={'status': status})
            if status == 'enabled':
                yield

    def last_action(self) -> dict[str, Any]:
        """The newest instance action, with its events."""
        nova = self.admin.api('compute', version='2.89')
        path = f'/servers/{self.server}/os-instance-actions'
        newest = nova.get(path).json()['instanceActions'][0]
        return nova.get(f'{path}/{newest["request_id"]}').json()[
            'instanceAction']

    def wait_for_disk(self, volume_id: str) -> None:
        """The guest has found, read and written the volume."""
        serial = f'serial={volume_id[:20]}'
        self.wait_for_console(serial)
        client.wait_for('the guest to use the volume', lambda: (
            'GUEST: vdb OK' in self.console().rpartition(serial)[2]))
