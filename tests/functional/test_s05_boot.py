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

"""S5: a server that boots from a volume of bu.

There is no system on the volume; what is shown is that the hypervisor has
its disk.
"""

import uuid

from tests.functional import clouds
from tests.functional import operations


class TestBoot(operations.OperationScenario):

    @classmethod
    def begin_server(cls):
        """Each test makes its own."""
        cls.server = ''

    @classmethod
    def end_server(cls):
        pass

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at('bu')
        clouds.must(self.alice.openstack_at(
            'bu', 'volume', 'set', '--bootable', self.volume_id))

    def boot(self, *argv):
        self.server = clouds.must(self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '-f', 'json', *argv, self.id().rpartition('.')[2])).json['id']
        self.addCleanup(self.delete)
        self.wait_for_server('ACTIVE')
        self.assert_has_disk()

    def delete(self):
        self.delete_server(self.server)
        self.wait_for_status('bu', self.volume_id, 'available')
        self.assert_untouched('bu', self.volume_id)

    def assert_has_disk(self):
        self.assert_agreed(self.volume_id)
        self.assertTrue(self.sandbox.watched('bu', self.volume_id))

    def test_from_a_volume(self):
        self.boot('--volume', self.volume_id)
        self.operate('reboot', '--hard', '--wait', self.server)
        self.assert_has_disk()
        self.sandbox.control('restart', 'moc', 'nova-compute')
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
            other, = {operations.FIRST, operations.SECOND} - {before}
            with self.without_key(other):
                self.assertNotEqual(0, self.admin.openstack(
                    'server', 'migrate', '--live-migration', '--wait',
                    self.server).code)
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
        self.assertFalse(self.sandbox.watched('bu', self.volume_id))
        # Nova calls one attached that it takes for a server without a host.
        another = self.volume_at('bu')
        self.attach_at_bu(another)
        self.assert_agreed(another)
        self.detach_at_bu(another)
        self.assert_agreed(self.volume_id, status='reserved')
        self.operate('unshelve', '--wait', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_has_disk()

    def test_deleted_while_it_is_built(self):
        """There is no row of its mapping yet."""
        self.sandbox.control('stop', 'moc', 'nova-scheduler')
        try:
            self.server = clouds.must(self.alice.openstack(
                'server', 'create', '--flavor', 'tiny', '--nic', 'none',
                '--volume', self.volume_id, '-f', 'json', 'unborn')).json[
                    'id']
            self.wait_for_status('bu', self.volume_id, 'reserved')
            self.delete()
        finally:
            self.sandbox.control('start', 'moc', 'nova-scheduler')

    def test_while_bu_is_away(self):
        """Nova says whom it could not ask, and builds nothing."""
        with self.stopped('cinder-api'):
            result = self.alice.openstack(
                'server', 'create', '--flavor', 'tiny', '--nic', 'none',
                '--block-device',
                f'uuid={self.volume_id},source_type=volume,'
                'destination_type=volume,boot_index=0', 'never')
            self.assertNotEqual(0, result.code)
            self.assertIn('ervice provider bu', result.err)
        self.assert_untouched('bu', self.volume_id)

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
        self.assertIn('service provider bu', result.err)
        self.assert_has_disk()

    def test_swap_is_refused(self):
        """Cinder asks for it, of the Nova of its own cloud."""
        self.boot('--volume', self.volume_id)
        response = self.sandbox.user('moc', 'cinder', 'service').api(
            'compute', version='2.89').put(
                f'{self.url}/{self.volume_id}', json={'volumeAttachment': {
                    'volumeId': str(uuid.uuid4())}})
        self.assertIn(response.status_code, (400, 409), response.text)
        self.assert_has_disk()
