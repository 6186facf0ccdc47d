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

"""S1: images that are created at bu through moc, and their bits."""

from http import client as http_client
import pathlib
import tempfile
from urllib import parse
import uuid

from sandbox import client
from sandbox import topology
from tests.scenario.images import test_s01_boot as images

CHOICE = 'os-mixmatch:create_at'
OCTETS = 'application/octet-stream'


class CreateScenario(images.ImageScenario):

    @classmethod
    def upload_bootable(cls):
        return ''

    def setUp(self):
        super().setUp()
        self.at_home = self.alice.api('image')
        self.file = self.sandbox.site.guest / 'initrd'
        self.name = f'{self.id().rpartition(".")[2]}-{uuid.uuid4().hex[:8]}'

    def create(self, *argv, at=None):
        return self.alice.openstack(
            'image', 'create', '--property', f'{CHOICE}={at or self.provider}',
            '--disk-format', 'raw', '--container-format', 'bare', '-f',
            'json', *argv, self.name)

    def created(self, *argv):
        """Create an image by the unmodified command; its id."""
        image = client.must(self.create(*argv)).json
        self.addCleanup(self.glance.delete, f'/v2/images/{image["id"]}')
        self.assertEqual(self.provider, image['properties'][images.MARK])
        self.assertNotIn(CHOICE, image['properties'])
        self.bits[image['id']] = self.file.read_bytes()
        return image['id']

    def without_bits(self):
        """Create an image that has no bits yet; its id."""
        made = self.at_home.post('/v2/images', json={
            'name': self.name, 'disk_format': 'raw',
            'container_format': 'bare', CHOICE: self.provider})
        self.assertEqual(201, made.status_code, made.text)
        image_id = made.json()['id']
        self.assertTrue(made.headers['Location'].endswith(
            f'/v2/images/{image_id}'))
        self.addCleanup(self.glance.delete, f'/v2/images/{image_id}')
        self.bits[image_id] = self.file.read_bytes()
        return image_id

    def there(self, image_id):
        """Return an image as its own cloud shows it."""
        return self.glance.get(f'/v2/images/{image_id}').json()

    def wait_for_image(self, image_id, status):
        client.wait_for(f'image {image_id} to be {status}', lambda: (
            self.there(image_id)['status'] == status))

    def assert_right(self, image_id):
        """The image is at bu alone, and is the file."""
        there = self.there(image_id)
        self.assertEqual(
            ('active', len(self.bits[image_id]), self.name),
            tuple(there[key] for key in ('status', 'size', 'name')))
        self.assertEqual([], [key for key in there
                              if key.startswith('os-mixmatch')])
        shown = client.must(self.alice.openstack(
            'image', 'show', image_id, '-f', 'json')).json
        self.assertEqual(('active', self.provider), (
            shown['status'], shown['properties'][images.MARK]))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / 'bits'
            client.must(self.alice.openstack(
                'image', 'save', '--file', str(path), image_id))
            self.assertEqual(self.bits[image_id], path.read_bytes())
        self.assertEqual(0, self.rows_at_home())

    def nothing_is_there(self):
        """There is no image of this test in any cloud."""
        self.assertEqual([], client.must(self.alice.openstack(
            'image', 'list', '--name', self.name, '-f', 'json')).json)


class TestCreate(CreateScenario):

    def test_with_a_file(self):
        self.assert_right(self.created(
            '--file', str(self.file), '--private', '--tag', 'new'))

    def test_with_an_import(self):
        image_id = self.created('--file', str(self.file), '--import')
        self.wait_for_image(image_id, 'active')
        self.assert_right(image_id)

    def test_stage_and_import(self):
        image_id = self.without_bits()
        client.must(self.alice.openstack(
            'image', 'stage', '--file', str(self.file), image_id))
        self.assertEqual('uploading', self.there(image_id)['status'])
        client.must(self.alice.openstack(
            'image', 'import', '--method', 'glance-direct',
            '--disallow-failure', image_id))
        self.wait_for_image(image_id, 'active')
        self.assert_right(image_id)

    def test_in_chunks(self):
        image_id = self.without_bits()
        bits = self.bits[image_id]
        sent = self.at_home.put(
            f'/v2/images/{image_id}/file',
            data=(bits[at:at + 100_000] for at in range(
                0, len(bits), 100_000)), headers={'Content-Type': OCTETS})
        self.assertEqual(204, sent.status_code, sent.text)
        self.assert_right(image_id)

    def test_bits_are_never_at_home(self):
        """Neither in its stores nor in its staging area."""
        folder = self.sandbox.site.var(topology.by_name(self.home), 'glance')
        image_id = self.created('--file', str(self.file))
        found = [path.name for path in folder.rglob('*')
                 if image_id in path.name]
        self.assertEqual([], found)

    def test_boots(self):
        server = self.boot(self.created('--file', str(self.file)))
        self.assertEqual(0, self.rows_at_home())
        self.assertEqual('ACTIVE', self.nova.get(
            f'/servers/{server}').json()['server']['status'])


class TestRefused(CreateScenario):

    def test_unknown_cloud(self):
        for at in ('nowhere', f'{self.provider}x', 'none', self.home):
            result = self.create('--file', str(self.file), at=at)
            self.assertEqual(1, result.code, str(result))
            self.assertIn(f'use here: {self.provider}', result.err)
        self.nothing_is_there()

    def test_id_of_home(self):
        image_id = self.at_home.post('/v2/images', json={
            'disk_format': 'raw', 'container_format': 'bare'}).json()['id']
        for _ in range(2):
            result = self.create('--file', str(self.file), '--id', image_id)
            self.assertEqual(1, result.code, str(result))
            self.assertIn('cannot have its id', result.err)
            # The id of a deleted image is home's as well.
            self.at_home.delete(f'/v2/images/{image_id}', raise_exc=False)
        self.nothing_is_there()

    def test_visibility_that_the_provider_refuses(self):
        result = self.create('--file', str(self.file), '--public')
        self.assertEqual(1, result.code, str(result))
        self.assertIn(f'Service provider {self.provider}', result.err)
        self.nothing_is_there()

    def test_a_second_upload(self):
        image_id = self.created('--file', str(self.file))
        sent = self.at_home.put(
            f'/v2/images/{image_id}/file', data=b'other', raise_exc=False,
            headers={'Content-Type': OCTETS})
        self.assertEqual(409, sent.status_code, sent.text)
        self.assertIn(f'Service provider {self.provider}', sent.text)
        self.assert_right(image_id)

    def test_mark_chooses_nothing(self):
        """A snapshot of a server names it, and is home's."""
        made = self.at_home.post('/v2/images', json={
            'name': self.name, 'disk_format': 'raw',
            'container_format': 'bare', images.MARK: self.provider}).json()
        self.addCleanup(self.at_home.delete, f'/v2/images/{made["id"]}')
        self.assertNotIn(images.MARK, made)
        self.assertEqual(404, self.glance.get(
            f'/v2/images/{made["id"]}', raise_exc=False).status_code)


class TestBroken(CreateScenario):
    """The client goes away in the middle: nobody has a short image."""

    def break_off(self, image_id, header, *pieces):
        url = topology.url(topology.by_name(self.home), 'glance')
        connection = http_client.HTTPConnection(
            parse.urlsplit(url).netloc, timeout=60)
        connection.putrequest('PUT', f'/v2/images/{image_id}/file')
        for name, value in (('Content-Type', OCTETS), header,
                            ('X-Auth-Token', self.at_home.get_token())):
            connection.putheader(name, value)
        connection.endheaders()
        for piece in pieces:
            connection.send(piece)
        self.wait_for_image(image_id, 'saving')
        connection.close()
        self.wait_for_image(image_id, 'queued')

    def test_then_the_image_waits_for_another_upload(self):
        image_id = self.without_bits()
        bits = self.bits[image_id]
        half = bits[:len(bits) // 2]
        self.break_off(image_id, ('Content-Length', str(len(bits))), half)
        self.break_off(image_id, ('Transfer-Encoding', 'chunked'),
                       b'%x\r\n%s\r\n' % (len(half), half))
        self.break_off(image_id, ('Transfer-Encoding', 'chunked'),
                       b'%x\r\n%s' % (len(bits), half))
        sent = self.at_home.put(f'/v2/images/{image_id}/file', data=bits,
                                headers={'Content-Type': OCTETS})
        self.assertEqual(204, sent.status_code, sent.text)
        self.assert_right(image_id)
