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

"""S1: volumes that are made of images of bu."""

import contextlib
import pathlib

from sandbox import client
from sandbox import paste
from sandbox.services import ceph
from sandbox import topology
from tests.scenario.images import test_s01_boot

KEYRING = pathlib.Path('/etc/ceph/ceph.client.cinder.keyring')


class TestVolumes(test_s01_boot.ImageScenario):

    raw_id: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.raw_id = cls.upload('raw', 'initrd', container_format='bare')

    def create(self, *argv):
        """Make a volume by the unmodified command; its id."""
        made = client.must(self.alice.openstack(
            'volume', 'create', '--size', '1', '-f', 'json', *argv,
            self.id().rpartition('.')[2])).json
        self.addCleanup(self.delete_volume, None, made['id'])
        self.wait_for_status(None, made['id'], 'available')
        return made['id']

    def stored(self, cloud, volume_id):
        """Return as many bytes of a volume as the image has."""
        return self.sandbox.stored(cloud, volume_id, 0,
                                   len(self.bits[self.raw_id]))

    def test_volume_at_home(self):
        volume_id = self.create('--image', self.raw_id)
        self.assertEqual(self.bits[self.raw_id],
                         self.stored(self.home, volume_id))
        shown = self.volume(None, volume_id)
        self.assertEqual(self.raw_id,
                         shown['volume_image_metadata']['image_id'])
        self.assertEqual('nova', shown['availability_zone'])

    def test_volume_at_the_provider(self):
        volume_id = self.create('--availability-zone', self.provider,
                                '--image', self.raw_id)
        self.assertEqual(self.bits[self.raw_id],
                         self.stored(self.provider, volume_id))

    @contextlib.contextmanager
    def keyring_where_cinder_looks(self):
        """Let bu's cinder-volume read a volume.

        os-brick takes the key from a path without the cloud, and the clouds
        are on one host.
        """
        def make():
            try:
                with KEYRING.open('x') as file:
                    file.write(ceph.keyring(
                        self.sandbox.site, topology.by_name(self.provider),
                        'client.cinder').read_text())
            except FileExistsError:
                return False
            return True
        # NOTE: clouds beside these may have the same test.
        client.wait_for(f'{KEYRING} to be free', make)
        try:
            yield
        finally:
            KEYRING.unlink()

    def test_image_of_a_volume_elsewhere(self):
        volume_id = self.create('--availability-zone', self.provider,
                                '--image', self.raw_id)
        refused = self.alice.openstack(
            'image', 'create', '--volume', volume_id, 'nowhere')
        self.assertEqual(1, refused.code, str(refused))
        self.assertIn(f'--os-service-provider {self.provider}', refused.err)
        with paste.changed(
                self.sandbox, self.home, lambda text: text.replace(
                    '[mixmatch]\n', '[mixmatch]\nupload_images = true\n'),
                'cinder.conf'), self.keyring_where_cinder_looks():
            made = client.must(self.alice.openstack(
                'image', 'create', '--volume', volume_id, '-f', 'json',
                'of-a-volume')).json['image_id']
            self.addCleanup(self.glance.delete, f'/v2/images/{made}')
            client.wait_for('the image', lambda: self.glance.get(
                f'/v2/images/{made}').json()['status'] == 'active')
        shown = client.must(self.alice.openstack(
            'image', 'show', made, '-f', 'json')).json
        self.assertEqual(self.provider,
                         shown['properties'][test_s01_boot.MARK])
        self.assertEqual(1024 ** 3, shown['size'])

    def test_image_of_home_for_a_volume_elsewhere(self):
        guest, = self.alice.api('image').get('/v2/images', params={
            'name': 'guest', test_s01_boot.MARK: 'none'}).json()['images']
        result = self.alice.openstack(
            'volume', 'create', '--size', '1', '--availability-zone',
            self.provider, '--image', guest['id'], 'nowhere')
        self.assertEqual(1, result.code, str(result))
        self.assertIn(f'Service provider {self.provider}: Invalid image',
                      result.err)

    def test_server_from_a_new_volume(self):
        """Nova has Cinder of home make a volume of the image."""
        server = client.must(self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--image', self.image_id, '--boot-from-volume', '1', '--wait',
            '-f', 'json', 'boots-from-a-volume')).json
        self.addCleanup(self.delete_server, server['id'])
        self.wait_for_guest(server['id'])
