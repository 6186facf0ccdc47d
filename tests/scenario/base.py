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

"""Base classes of all scenarios."""

from collections.abc import Iterator
import contextlib
import logging
from typing import Any
import uuid

from oslotest import base

from sandbox import client
from sandbox import guest
from sandbox import topology
from tests.scenario import configuration

#: How soon a partner that is back must be used again, in seconds.
BACK = 15

#: Seconds by which a busy machine may be late beyond what is configured.
BUSY = 3

#: How long an answer may take while a partner is dead, in seconds: the two
#: timeouts of the sandbox, and what the machine needs.
TIMEOUTS = 2 + 10 + BUSY

#: What home says of a partner that it does not ask for a while, and how long
#: that may take, in seconds.
SKIPPED = 'tried again in'
AT_ONCE = 1

#: Where the guest writes its marker, in bytes.
MARKER_AT = guest.SECTOR * 512


class Scenario(base.BaseTestCase):
    """Alice of moc, and what she does with two real clouds."""

    #: Names of the clouds that the scenario is about.
    home = topology.HOME
    provider = topology.PROVIDER

    #: Whether alice logs in once for all tests of a class, not for each.
    one_login = False

    sandbox: client.Sandbox
    alice: client.Person

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # At DEBUG the client of this test would print its tokens.
        for name in ('keystoneauth', 'urllib3'):
            logging.getLogger(name).setLevel(logging.WARNING)
        cls.sandbox = client.sandbox()
        cls.alice = cls.sandbox.user(cls.home, 'alice')

    def setUp(self) -> None:
        super().setUp()
        if self.one_login:
            self.work_as(type(self).alice)
        else:
            self.log_in()

    def log_in(self) -> None:
        """Alice has a token that nobody has seen."""
        self.work_as(self.sandbox.user(self.home, 'alice'))

    def work_as(self, person: client.Person) -> None:
        """Have a user send the requests of this test."""
        self.alice = person

    def volume_at(self, cloud: str, **values: Any) -> str:
        """A volume of alice's at a service provider; its id."""
        return self._volume(cloud, **values)

    def local_volume(self) -> str:
        """A volume of alice's at home; its id."""
        return self._volume(None)

    def _volume(self, cloud: str | None, **values: Any) -> str:
        cinder = self.alice.api('block-storage', at=cloud)
        volume_id = cinder.post('/volumes', json={'volume': {
            'size': 1, 'name': self.id().rpartition('.')[2],
            **values}}).json()[
                'volume']['id']
        self.addCleanup(self.delete_volume, cloud, volume_id)
        self.wait_for_status(cloud, volume_id, 'available')
        return volume_id

    @classmethod
    def class_volume(cls, cloud: str | None) -> str:
        """A volume of alice's for all tests of a class; its id."""
        cinder = cls.alice.api('block-storage', at=cloud)
        volume_id = cinder.post('/volumes', json={'volume': {
            'size': 1, 'name': cls.__name__}}).json()['volume']['id']

        def is_available() -> bool:
            return cinder.get(f'/volumes/{volume_id}').json()['volume'][
                'status'] == 'available'

        def delete() -> None:
            # NOTE: after the server is gone.
            client.wait_for(f'volume {volume_id} available', is_available)
            cinder.delete(f'/volumes/{volume_id}')
            client.wait_for(
                f'deletion of volume {volume_id}', lambda: cinder.get(
                    f'/volumes/{volume_id}').status_code == 404)
        cls.addClassCleanup(delete)
        client.wait_for(f'volume {volume_id} available', is_available)
        return volume_id

    def delete_volume(self, cloud: str | None, volume_id: str) -> None:
        cinder = self.alice.api('block-storage', at=cloud)
        if cinder.get(f'/volumes/{volume_id}').status_code == 404:
            return
        self.wait_for_status(cloud, volume_id, 'available')
        cinder.delete(f'/volumes/{volume_id}')
        client.wait_for(
            f'deletion of volume {volume_id}',
            lambda: cinder.get(f'/volumes/{volume_id}').status_code == 404)

    def volume(self, cloud: str | None, volume_id: str) -> dict[str, Any]:
        """A volume as its own cloud shows it to alice."""
        response = self.alice.api('block-storage', at=cloud).get(
            f'/volumes/{volume_id}')
        self.assertEqual(200, response.status_code, response.text)
        return response.json()['volume']

    def wait_for_status(self, cloud: str | None, volume_id: str,
                        status: str) -> None:
        cinder = self.alice.api('block-storage', at=cloud)

        def reached() -> bool:
            found = cinder.get(f'/volumes/{volume_id}').json()['volume'][
                'status']
            self.assertNotEqual('error', found, volume_id)
            return found == status
        client.wait_for(f'volume {volume_id} {status}', reached)

    def attachments_at(self, cloud: str,
                       volume_id: str | None = None) -> list[Any]:
        """All attachments, as the landlord sees them.

        :param volume_id: only those of this volume
        """
        response = self.sandbox.landlord(cloud).api(
            'block-storage', version='3.44').get(
                '/attachments/detail', params={
                    'all_tenants': 1, 'volume_id': volume_id})
        self.assertEqual(200, response.status_code, response.text)
        return response.json()['attachments']

    def wait_for_cinder(self) -> None:
        """Wait until each process of home's Cinder asks bu again.

        Each finds out by itself, when it is asked.
        """
        nowhere = str(uuid.uuid4())
        cinder = self.alice.api('block-storage')
        client.wait_for(
            f'Cinder to ask {self.provider} again', lambda: (
                cinder.get(f'/volumes/{nowhere}').status_code == 404
                and not self.sandbox.apis_without(self.provider, 'cinder')),
            BACK)

    def assert_untouched(self, cloud: str, volume_id: str) -> None:
        """Nothing was reserved, nothing is left."""
        self.assertEqual([], self.attachments_at(cloud, volume_id))
        self.assertEqual('available', self.volume(cloud, volume_id)['status'])


class ServerScenario(configuration.Configured, Scenario):
    """The same with a server of alice's, one for each class of tests."""

    server: str
    name: str
    microversion = '2.60'
    #: Whether a class has a server before its tests make one.
    has_server = True

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.name = cls.__module__.rpartition('.')[2].replace('_', '-')
        cls.begin_server()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.end_server()
        client.wait_for('the clouds to agree', lambda: (
            cls.sandbox.mixmatch_nova('check').code == 0))
        super().tearDownClass()

    @classmethod
    def begin_server(cls) -> None:
        cls.server = ''
        if cls.has_server:
            cls.server = cls.new_server()

    @classmethod
    def end_server(cls) -> None:
        if cls.has_server:
            cls.delete_server(cls.server)

    @classmethod
    def new_server(cls, who: client.Person | None = None,
                   **values: Any) -> str:
        """One more server of alice's, or of another user's; its id."""
        who = who or cls.alice
        nova = who.api('compute', version='2.60')
        image, = who.api('image').get(
            '/v2/images', params={'name': 'guest'}).json()['images']
        flavor = next(each['id'] for each in nova.get(
            '/flavors').json()['flavors'] if each['name'] == 'tiny')
        response = nova.post('/servers', json={'server': {
            'name': cls.name, 'imageRef': image['id'], 'flavorRef': flavor,
            'networks': 'none', **values}})
        assert response.status_code == 202, response.text
        server = response.json()['server']['id']

        def is_active() -> bool:
            shown = nova.get(f'/servers/{server}').json()['server']
            assert shown['status'] != 'ERROR', shown['fault']
            return shown['status'] == 'ACTIVE'
        client.wait_for(f'server {server} to be built', is_active)
        return server

    @classmethod
    def delete_server(cls, server: str,
                      who: client.Person | None = None) -> None:
        nova = (who or cls.alice).api('compute')
        nova.delete(f'/servers/{server}')
        client.wait_for(
            f'deletion of server {server}',
            lambda: nova.get(f'/servers/{server}').status_code == 404)

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.assert_clouds_agree)

    def work_as(self, person: client.Person) -> None:
        super().work_as(person)
        self.nova = self.alice.api('compute', version=self.microversion)

    def assert_clouds_agree(self) -> None:
        """Check that bu and moc agree on the volumes of moc's servers.

        Of all servers, and of volumes that are not moc's.
        """
        nova = self.sandbox.landlord(self.home).api('compute')
        cinder = self.sandbox.landlord(self.home).api('block-storage')

        def difference() -> set[tuple[str, str]]:
            own = {each['id'] for each in cinder.get(
                '/volumes?all_tenants=1').json()['volumes']}
            at_home = {(server['id'], volume['id']) for server in nova.get(
                '/servers/detail?all_tenants=1').json()['servers']
                for volume in server['os-extended-volumes:volumes_attached']
                if volume['id'] not in own}
            at_provider = {(each['instance'], each['volume_id'])
                     for each in self.attachments_at(self.provider)}
            return at_home ^ at_provider
        client.wait_for(f'{self.home} and {self.provider} to agree',
                        lambda: not difference())

    @contextlib.contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """A service of bu is stopped for a while."""
        self.sandbox.control('stop', self.provider, service)
        try:
            yield
        finally:
            self.sandbox.control('start', self.provider, service)
        self.wait_for_provider()

    def wait_for_provider(self) -> None:
        """Home tries again soon after bu is back, but not at once.

        Each process of an API finds out by itself.
        """
        self.wait_for_cinder()
        target = {'volumeAttachment': {
            'volumeId': str(uuid.uuid4()), 'serviceProvider': self.provider}}
        client.wait_for(
            f'Nova to ask {self.provider} again', lambda: (
                self.attach(target).status_code == 404
                and not self.sandbox.apis_without(self.provider, 'nova')),
            BACK)

    @property
    def url(self) -> str:
        return f'/servers/{self.server}/os-volume_attachments'

    def attach(self, body: Any) -> Any:
        """POST an attachment; the HTTP response."""
        return self.nova.post(self.url, json=body)

    def mappings(self) -> list[dict[str, Any]]:
        """The block device mappings of volumes, finished or not."""
        return self.nova.get(self.url).json()['volumeAttachments']

    def console(self) -> str:
        return self.nova.post(f'/servers/{self.server}/action', json={
            'os-getConsoleOutput': {}}).json()['output']

    def wait_for_console(self, text: str, count: int = 1) -> str:
        """Wait for the guest to say something, and return what it said."""
        def said() -> str | None:
            output = self.console()
            return output if output.count(text) >= count else None
        return client.wait_for(f'the guest to say {text!r}', said)

    def wait_for_attached(self, cloud: str | None, volume_id: str) -> None:
        self.wait_for_status(cloud, volume_id, 'in-use')

    def detach(self, cloud: str | None, volume_id: str) -> None:
        response = self.nova.delete(f'{self.url}/{volume_id}')
        self.assertEqual(202, response.status_code, response.text)
        self.wait_for_detached(cloud, volume_id)

    def wait_for_detached(self, cloud: str | None, volume_id: str) -> None:
        """Nova forgets the volume a moment after Cinder."""
        self.wait_for_status(cloud, volume_id, 'available')
        client.wait_for(f'Nova to forget volume {volume_id}', lambda: (
            volume_id not in [each['volumeId'] for each in self.mappings()]))
