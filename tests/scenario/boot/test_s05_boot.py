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

"""S5: a server that boots from a volume of bu, or from a snapshot there.

There is no system on the volume; what is shown is that the hypervisor has
its disk.
"""

from typing import Any
import uuid

from sandbox import client
from tests.scenario import servers


class BootScenario(servers.OperationScenario):
    """Each test makes its own server."""

    has_server = False

    def make_bootable(self, volume_id):
        response = self.alice.api('block-storage', at=self.provider).post(
            f'/volumes/{volume_id}/action',
            json={'os-set_bootable': {'bootable': True}})
        self.assertEqual(200, response.status_code, response.text)


class TestBoot(BootScenario):

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)
        self.make_bootable(self.volume_id)

    def boot(self, *argv):
        self.server = client.must(self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '-f', 'json', *argv, self.id().rpartition('.')[2])).json['id']
        self.addCleanup(self.delete)
        self.wait_for_server('ACTIVE')
        self.assert_has_disk()

    def delete(self):
        self.delete_server(self.server)
        self.wait_for_status(self.provider, self.volume_id, 'available')
        self.assert_untouched(self.provider, self.volume_id)

    def assert_has_disk(self):
        self.assert_agreed(self.volume_id)
        self.assertTrue(self.sandbox.watched(self.provider, self.volume_id))

    def test_from_a_volume(self):
        self.boot('--volume', self.volume_id)
        self.operate('reboot', '--hard', '--wait', self.server)
        self.assert_has_disk()
        self.sandbox.control('restart', self.home, 'nova-compute')
        self.assert_has_disk()
        self.operate('stop', self.server)
        self.wait_for_server('SHUTOFF')
        self.assert_agreed(self.volume_id)
        self.operate('start', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_has_disk()

    def test_from_a_block_device(self):
        self.boot('--block-device',
                  f'uuid={self.volume_id},source_type=volume,'
                  'destination_type=volume,boot_index=0')

    def test_live_migration_by_an_administrator(self):
        """Its disk is all on the network."""
        with self.two_hosts():
            self.boot('--volume', self.volume_id)
            before = self.host
            for _ in range(2):
                self.operate('migrate', '--live-migration', '--wait',
                             self.server, by=self.admin)
                self.wait_for_server('ACTIVE')
                self.assert_has_disk()
            self.assertEqual(before, self.host)

    def test_live_migration_that_fails(self):
        """The other host cannot open the volume."""
        with self.two_hosts():
            self.boot('--volume', self.volume_id)
            before = self.host
            other, = {servers.FIRST, servers.SECOND} - {before}
            with self.without_key(other):
                # NOTE: --wait may see it active between the rollback on its
                # host and the end of the task, and report a success.
                self.operate('migrate', '--live-migration', self.server,
                             by=self.admin)
                # Nova gives it the state, whatever volumes it has.
                self.wait_for_server('ERROR')
            self.assertEqual(before, self.host)
            self.assert_has_disk()
            self.act('os-resetState', {'state': 'active'}, by=self.admin)
            self.operate('reboot', '--hard', '--wait', self.server)
            self.assert_has_disk()

    def test_shelved(self):
        """Offloaded, it runs nowhere; its volume is kept for it."""
        self.boot('--volume', self.volume_id)
        self.operate('shelve', '--offload', '--wait', self.server)
        self.wait_for_server('SHELVED_OFFLOADED')
        self.assert_agreed(self.volume_id, status='reserved')
        self.assertFalse(self.sandbox.watched(self.provider, self.volume_id))
        # Nova calls one attached that it takes for a server without a host.
        another = self.volume_at(self.provider)
        self.attach_at_provider(another)
        self.assert_agreed(another)
        self.detach_at_provider(another)
        self.assert_agreed(self.volume_id, status='reserved')
        self.operate('unshelve', '--wait', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_has_disk()

    def test_deleted_while_it_is_built(self):
        """There is no row of its mapping yet."""
        self.sandbox.control('stop', self.home, 'nova-scheduler')
        try:
            self.server = client.must(self.alice.openstack(
                'server', 'create', '--flavor', 'tiny', '--nic', 'none',
                '--volume', self.volume_id, '-f', 'json', 'unborn')).json[
                    'id']
            self.wait_for_status(self.provider, self.volume_id, 'reserved')
            self.delete()
        finally:
            self.sandbox.control('start', self.home, 'nova-scheduler')

    def test_while_provider_is_away(self):
        """Nova says whom it could not ask, and builds nothing."""
        with self.stopped('cinder-api'):
            result = self.alice.openstack(
                'server', 'create', '--flavor', 'tiny', '--nic', 'none',
                '--block-device',
                f'uuid={self.volume_id},source_type=volume,'
                'destination_type=volume,boot_index=0', 'never')
            self.assertNotEqual(0, result.code)
            self.assertIn(f'ervice provider {self.provider}', result.err)
        self.assert_untouched(self.provider, self.volume_id)

    def test_rebuild_with_another_image_is_refused(self):
        self.boot('--volume', self.volume_id)
        image, = self.alice.api('image').get(
            '/v2/images', params={'name': 'guest'}).json()['images']
        response = self.act('rebuild', {'imageRef': image['id']})
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn('volume-backed', response.text)
        self.wait_for_server('ACTIVE')
        self.assert_has_disk()

    def test_image_of_it_is_refused(self):
        self.boot('--volume', self.volume_id)
        result = self.alice.openstack('server', 'image', 'create',
                                      self.server)
        self.assertNotEqual(0, result.code)
        self.assertIn(f'service provider {self.provider}', result.err)
        self.assert_has_disk()

    def test_swap_is_refused(self):
        """Cinder asks for it, of the Nova of its own cloud."""
        self.boot('--volume', self.volume_id)
        response = self.sandbox.user(self.home, 'cinder', 'service').api(
            'compute', version='2.89').put(
                f'{self.url}/{self.volume_id}', json={'volumeAttachment': {
                    'volumeId': str(uuid.uuid4())}})
        self.assertIn(response.status_code, (400, 409), response.text)
        self.assert_has_disk()


class TestBootFromASnapshot(BootScenario):
    """The volume is made at bu, of a snapshot there, by home's Nova."""

    def setUp(self):
        super().setUp()
        self.volume_id = ''
        self.at_provider = self.alice.api('block-storage', at=self.provider)
        self.source = self.volume_at(self.provider)
        self.assertEqual(200, self.at_provider.post(
            f'/volumes/{self.source}/action', json={
                'os-set_bootable': {'bootable': True}}).status_code)
        self.snapshot = self.at_provider.post('/snapshots', json={'snapshot': {
            'volume_id': self.source, 'name': self.test}}).json()[
                'snapshot']['id']
        self.addCleanup(self.delete_snapshot)
        client.wait_for('the snapshot', lambda: self.at_provider.get(
            f'/snapshots/{self.snapshot}').json()['snapshot'][
                'status'] == 'available')

    @property
    def test(self):
        return self.id().rpartition('.')[2]

    def delete_snapshot(self):
        path = f'/snapshots/{self.snapshot}'
        self.at_provider.delete(path)
        client.wait_for(
            'the snapshot to be gone', lambda: self.at_provider.get(
                path).status_code == 404)

    def mapping(self, **values):
        """A block device of the snapshot; None takes a field away."""
        found = {'uuid': self.snapshot, 'source_type': 'snapshot',
                 'destination_type': 'volume', 'boot_index': 0, **values}
        return {name: value for name, value in found.items()
                if value is not None}

    def create(self, *mappings, **values):
        """POST a server with these block devices; the response."""
        flavor, = (each['id'] for each in self.nova.get(
            '/flavors').json()['flavors'] if each['name'] == 'tiny')
        return self.nova.post('/servers', json={'server': {
            'name': self.test, 'flavorRef': flavor, 'networks': 'none',
            'block_device_mapping_v2': mappings, **values}})

    def booted(self, *mappings):
        response = self.create(*mappings)
        self.assertEqual(202, response.status_code, response.text)
        self.server = response.json()['server']['id']
        self.made()

    def made(self):
        """The server has booted from a volume of its own at bu."""
        self.addCleanup(self.end)
        self.wait_for_server('ACTIVE')
        attached, = self.mappings()
        self.assertEqual(self.provider, attached['serviceProvider'])
        self.volume_id = attached['volumeId']
        made = self.volume(self.provider, self.volume_id)
        self.assertEqual(self.snapshot, made['snapshot_id'])
        self.assertEqual(f'{self.server}-snapshot-vol', made['name'])
        self.assertEqual(404, self.sandbox.landlord(self.home).api(
            'block-storage').get(
                f'/volumes/{self.volume_id}',
                headers={'OpenStack-Mixmatch-Service-Provider': 'none'}
                ).status_code)
        self.assert_has_disk()

    def end(self):
        self.delete_server(self.server)
        if self.volume_id:
            self.delete_volume(self.provider, self.volume_id)

    def assert_has_disk(self):
        self.assert_agreed(self.volume_id)
        self.assertTrue(self.sandbox.watched(self.provider, self.volume_id))
        self.assert_checked()

    def assert_checked(self):
        client.must(self.sandbox.mixmatch_nova('check'))

    def volumes_at_provider(self):
        return {each['id'] for each in self.at_provider.get('/volumes').json()[
            'volumes']}

    def test_whole_life(self):
        self.server = client.must(self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--snapshot', self.snapshot, '-f', 'json', self.test)).json['id']
        self.made()
        for name, status in (('reboot', 'ACTIVE'), ('os-stop', 'SHUTOFF'),
                             ('os-start', 'ACTIVE')):
            self.assertEqual(202, self.act(
                name, {'type': 'HARD'} if name == 'reboot' else None
                ).status_code)
            self.wait_for_server(status)
            self.assert_agreed(self.volume_id)
        self.assert_has_disk()

        for name in ('shelve', 'shelveOffload'):
            # NOTE: without local disks the first one offloads as well.
            if self.shown()['status'] != 'SHELVED_OFFLOADED':
                self.act(name)
                client.wait_for('the server to be shelved', lambda: (
                    self.shown()['OS-EXT-STS:task_state'] is None
                    and 'SHELVED' in self.shown()['status']))
        self.wait_for_server('SHELVED_OFFLOADED')
        self.assert_agreed(self.volume_id, status='reserved')
        self.assert_checked()
        self.assertEqual(202, self.act('unshelve').status_code)
        self.wait_for_server('ACTIVE')
        self.assert_has_disk()

        with self.two_hosts():
            before = self.host
            self.assertEqual(202, self.act(
                'migrate', by=self.admin).status_code)
            self.wait_for_server('VERIFY_RESIZE')
            self.assertNotEqual(before, self.host)
            self.assertEqual(204, self.act(
                'confirmResize', by=self.admin).status_code)
            self.wait_for_server('ACTIVE')
            self.assert_has_disk()

        self.delete_server(self.server)
        self.wait_for_status(self.provider, self.volume_id, 'available')
        self.assert_untouched(self.provider, self.volume_id)
        self.assert_checked()

    def test_deleted_with_its_server(self):
        self.booted(self.mapping(delete_on_termination=True))
        self.delete_server(self.server)
        client.wait_for(
            f'{self.provider} to delete the volume',
            lambda: self.at_provider.get(
                f'/volumes/{self.volume_id}').status_code == 404)
        self.assert_checked()

    def test_what_cannot_be_marked_is_refused(self):
        """Before anything is reserved or made; a home volume comes first."""
        before = self.volumes_at_provider()
        volume: dict[str, Any] = {
            'source_type': 'volume', 'destination_type': 'volume',
            'uuid': self.local_volume(), 'boot_index': 0}
        self.alice.api('block-storage').post(
            f'/volumes/{volume["uuid"]}/action', json={
                'os-set_bootable': {'bootable': True}})
        foreign = {'destination_type': 'volume', 'volume_id': self.source,
                   'volume_size': 1}
        for each in (
                {**foreign, 'source_type': 'blank', 'boot_index': 1},
                {**foreign, 'source_type': 'volume', 'uuid': self.source,
                 'destination_type': 'local', 'boot_index': 1},
                self.mapping(boot_index=1, volume_id=self.source),
                self.mapping(boot_index=1, destination_type='local'),
                self.mapping(boot_index=1, source_type='blank', uuid=None,
                             volume_size=1, snapshot_id=self.snapshot)):
            response = self.create(volume, each)
            self.assertEqual(400, response.status_code, response.text)
            self.assertIn(f'service provider {self.provider}', response.text)
            for cloud, volume_id in ((self.provider, self.source),
                                     (None, volume['uuid'])):
                self.assertEqual('available', self.volume(
                    cloud, volume_id)['status'], each)
        self.assert_untouched(self.provider, self.source)
        self.assertEqual(before, self.volumes_at_provider())
        self.assert_checked()

    def test_mark_of_a_user_is_refused(self):
        response = self.create(self.mapping(
            source_type='blank', uuid=None, volume_size=1,
            volume_type=f'mixmatch:{self.provider}:1'))
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn('reserved', response.text)

    def test_reservation_of_a_server_that_is_not_built_is_given_back(self):
        response = self.create(
            {'source_type': 'volume', 'destination_type': 'volume',
             'uuid': self.source, 'boot_index': 0},
            {'source_type': 'blank', 'destination_type': 'volume',
             'volume_size': 1, 'boot_index': 1, 'disk_bus': 'nonsense'})
        self.assertEqual(400, response.status_code, response.text)
        self.assert_untouched(self.provider, self.source)
        self.assert_checked()
