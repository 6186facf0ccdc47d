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

"""Volumes of two clouds as Nova itself shows them."""

from sandbox import client
from tests.scenario import base


class TestNovaView(base.ServerScenario):

    foreign: str
    local: str
    one_login = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.class_volume(cls.provider)
        cls.local = cls.class_volume(None)
        nova = cls.alice.api('compute', version=cls.microversion)
        for volume_id in (cls.foreign, cls.local):
            response = nova.post(
                f'/servers/{cls.server}/os-volume_attachments',
                json={'volumeAttachment': {'volumeId': volume_id}})
            assert response.status_code == 200, response.text
        cinder = cls.alice.api('block-storage')
        client.wait_for('the volumes to be in-use', lambda: all(
            cinder.get(f'/volumes/{volume_id}').json()['volume'][
                'status'] == 'in-use'
            for volume_id in (cls.foreign, cls.local)))

    def setUp(self):
        super().setUp()
        #: The last one in which Nova shows volumes and snapshots.
        self.old = self.alice.api('compute', version='2.35')
        self.at_provider = self.alice.api(
            'block-storage', version='3.66', at=self.provider)

    def shown(self, path, member):
        response = self.old.get(path)
        self.assertEqual(200, response.status_code, response.text)
        return response.json()[member]

    def test_server(self):
        both = {self.foreign, self.local}
        field = 'os-extended-volumes:volumes_attached'
        shown = self.nova.get(f'/servers/{self.server}').json()['server']
        self.assertEqual(both, {each['id'] for each in shown[field]})
        row, = (each for each in self.nova.get(
            '/servers/detail').json()['servers'] if each['id'] == self.server)
        self.assertEqual(shown[field], row[field])
        command = client.must(self.alice.openstack(
            'server', 'show', self.server, '-f', 'json')).json
        self.assertEqual(both, {each['id'] for each in command[
            'volumes_attached']})

    def test_attachments_of_a_server(self):
        where = {self.foreign: self.provider, self.local: None}
        self.assertEqual(where, {
            each['volumeId']: each.get('serviceProvider')
            for each in self.mappings()})
        for volume_id, cloud in where.items():
            one = self.nova.get(f'{self.url}/{volume_id}').json()[
                'volumeAttachment']
            self.assertEqual(cloud, one.get('serviceProvider'))
        rows = client.must(self.alice.openstack(
            'server', 'volume', 'list', self.server, '-f', 'json')).json
        self.assertEqual(set(where), {each['Volume ID'] for each in rows})

    def test_volumes(self):
        zones = {self.foreign: self.provider, self.local: 'nova'}
        rows = {each['id']: each
                for each in self.shown('/os-volumes/detail', 'volumes')}
        self.assertLessEqual(set(zones), {
            each['id'] for each in self.shown('/os-volumes', 'volumes')})
        for volume_id, zone in zones.items():
            shown = self.shown(f'/os-volumes/{volume_id}', 'volume')
            self.assertEqual(
                (zone, 'in-use', 1, [self.server]),
                (shown['availabilityZone'], shown['status'], shown['size'],
                 [each['serverId'] for each in shown['attachments']]))
            self.assertEqual(shown, rows[volume_id])

    def test_volume_is_deleted(self):
        made = self.volume_at(self.provider)
        response = self.old.delete(f'/os-volumes/{made}')
        self.assertEqual(202, response.status_code, response.text)
        client.wait_for('the volume to be gone', lambda: self.at_provider.get(
            f'/volumes/{made}').status_code == 404)

    def test_new_volume_is_refused(self):
        """Nova makes volumes at home."""
        response = self.old.post('/os-volumes', json={'volume': {
            'size': 1, 'availability_zone': self.provider}})
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn(self.provider, response.text)

    def test_snapshots(self):
        made = self.at_provider.post('/snapshots', json={'snapshot': {
            'volume_id': self.foreign, 'name': 'nova-view'}}).json()[
                'snapshot']['id']
        path = f'/snapshots/{made}'
        client.wait_for('the snapshot', lambda: self.at_provider.get(
            path).json()['snapshot']['status'] == 'available')
        for listing in ('/os-snapshots', '/os-snapshots/detail'):
            self.assertIn(made, [each['id'] for each in self.shown(
                listing, 'snapshots')])
        shown = self.shown(f'/os-snapshots/{made}', 'snapshot')
        self.assertEqual((self.foreign, 'available'),
                         (shown['volumeId'], shown['status']))
        response = self.old.delete(f'/os-snapshots/{made}')
        self.assertEqual(202, response.status_code, response.text)
        client.wait_for('the snapshot to be gone', lambda: (
            self.at_provider.get(path).status_code == 404))

    def test_new_snapshot_is_refused(self):
        response = self.old.post('/os-snapshots', json={'snapshot': {
            'volume_id': self.foreign, 'force': True}})
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn(f'service provider {self.provider}', response.text)
        self.assertNotIn('without mixmatch', response.text)
