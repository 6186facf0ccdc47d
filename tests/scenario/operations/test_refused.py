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

"""Operations that cannot work with a volume of bu are refused at once."""

import uuid

from sandbox import client
from tests.scenario import servers


class TestRefused(servers.OperationScenario):

    def encrypted_volume(self):
        """A volume of alice's whose key only bu has."""
        landlord = self.sandbox.landlord(self.provider).api('block-storage')
        kind = landlord.post('/types', json={'volume_type': {
            'name': f'encrypted-{uuid.uuid4().hex}'}}).json()[
                'volume_type']['id']
        self.addCleanup(landlord.delete, f'/types/{kind}')
        response = landlord.post(f'/types/{kind}/encryption', json={
            'encryption': {'provider': 'luks', 'cipher': 'aes-xts-plain64',
                           'key_size': 256, 'control_location': 'front-end'}})
        self.assertEqual(200, response.status_code, response.text)
        return self.volume_at(self.provider, volume_type=kind)

    def test_encrypted_volume(self):
        volume_id = self.encrypted_volume()
        self.assertTrue(self.volume(self.provider, volume_id)['encrypted'])
        response = self.attach({'volumeAttachment': {
            'volumeId': volume_id, 'serviceProvider': self.provider}})
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn('encrypted', response.text)
        self.assert_untouched(self.provider, volume_id)
        result = self.alice.openstack('server', 'add', 'volume', self.server,
                                      volume_id)
        self.assertNotEqual(0, result.code)
        self.assertIn('encrypted', result.err)
        self.assert_untouched(self.provider, volume_id)
        self.assert_nova_shows(volume_id)

    def assert_nova_shows(self, volume_id):
        """Nova may not use it, and lists it among the others."""
        nova = self.alice.api('compute', version='2.35')
        for path in ('/os-volumes', '/os-volumes/detail'):
            response = nova.get(path)
            self.assertEqual(200, response.status_code, response.text)
            self.assertIn(volume_id, [
                each['id'] for each in response.json()['volumes']])
        response = nova.get(f'/os-volumes/{volume_id}')
        self.assertEqual(200, response.status_code, response.text)

    def test_server_that_boots_from_an_encrypted_volume(self):
        volume_id = self.encrypted_volume()
        client.must(self.alice.openstack_at(
            self.provider, 'volume', 'set', '--bootable', volume_id))
        result = self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--volume', volume_id, 'never')
        self.assertNotEqual(0, result.code)
        self.assertIn('encrypted', result.err)
        self.assert_untouched(self.provider, volume_id)

    def test_assisted_snapshot(self):
        """Cinder requests it of the Nova that uses its volume."""
        volume_id = self.attached_volume()
        response = self.admin.api('compute').post(
            '/os-assisted-volume-snapshots', json={'snapshot': {
                'volume_id': volume_id, 'create_info': {
                    'snapshot_id': str(uuid.uuid4()), 'type': 'qcow2',
                    'new_file': 'new'}}})
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn(f'service provider {self.provider}', response.text)
        self.assert_agreed(volume_id)
