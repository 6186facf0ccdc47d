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

"""S1: servers of moc boot from images that live at bu."""

import hashlib
import pathlib
import re
import tempfile
import uuid

from keystoneauth1 import adapter

from sandbox import client
from sandbox import guest
from sandbox import paste
from sandbox.services import mariadb
from sandbox import topology
from tests.scenario import base

MARK = 'os-mixmatch:service_provider'


class ImageScenario(base.ServerScenario):
    """Images of alice's at bu: a root disk, its kernel and its initrd."""

    has_server = False
    one_login = True
    glance: adapter.Adapter
    image_id: str
    image_name: str
    #: Image id -> its bits.
    bits: dict[str, bytes]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(paste.changed(
            cls.sandbox, cls.home, paste.with_images,
            'glance-api-paste.ini', 'glance'))
        cls.glance = cls.alice.api('image', at=cls.provider)
        cls.bits = {}
        cls.image_name = f'image-of-{cls.__name__}'
        cls.image_id = cls.upload_bootable()

    @classmethod
    def upload_bootable(cls):
        """Make the images of a guest at bu; the id of its disk's."""
        kernel = cls.upload('aki', 'vmlinuz')
        initrd = cls.upload('ari', 'initrd')
        return cls.upload(
            'ami', 'root', name=cls.image_name, kernel_id=kernel,
            ramdisk_id=initrd, os_command_line=guest.COMMAND_LINE)

    @classmethod
    def upload(cls, kind, file_name, **values):
        """Make an image at bu; its id."""
        bits = (cls.sandbox.site.guest / file_name).read_bytes()
        image_id = cls.glance.post('/v2/images', json={
            'name': file_name, 'disk_format': kind, 'container_format': kind,
            **values}).json()['id']
        cls.addClassCleanup(cls.glance.delete, f'/v2/images/{image_id}')
        response = cls.glance.put(
            f'/v2/images/{image_id}/file', data=bits,
            headers={'Content-Type': 'application/octet-stream'})
        assert response.status_code == 204, response.text
        cls.bits[image_id] = bits
        return image_id

    def boot(self, image):
        server = client.must(self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--image', image, '--wait', '-f', 'json',
            self.id().rpartition('.')[2])).json
        self.addCleanup(self.delete_server, server['id'])
        return server['id']

    def wait_for_guest(self, server):
        """Wait until its system runs."""
        def is_up():
            return 'GUEST: up' in self.nova.post(
                f'/servers/{server}/action',
                json={'os-getConsoleOutput': {}}).json()['output']
        client.wait_for(f'the guest of server {server}', is_up)

    def forget_bits(self, image_id):
        """Take the bits of an image from the folder that both hosts have."""
        folder = self.sandbox.site.var(topology.by_name(self.home), 'nova')
        name = hashlib.sha1(image_id.encode(),
                            usedforsecurity=False).hexdigest()
        for path in (folder / 'instances' / '_base').glob(f'{name}*'):
            path.unlink()

    def downloads(self):
        """Return the number of downloads from bu until now."""
        log, = (path for path in self.sandbox.logs()
                if path.parent.name == self.home
                and path.name == 'glance-api.log')
        address = topology.url(topology.by_name(self.provider), 'glance')
        return len(re.findall(f'GET {address}/v2/images/[-0-9a-f]+/file',
                              log.read_text(errors='replace')))

    def rows_at_home(self):
        """Return the number of images in home's database."""
        return int(mariadb.value(
            self.sandbox.site, topology.by_name(self.home), 'glance',
            "select count(*) from images where id in ('%s')"
            % "', '".join(self.bits)))


class TestChanges(ImageScenario):
    """Changes of images elsewhere, sent on to their cloud."""

    def there(self, image_id):
        """Return an image as its own cloud shows it."""
        return self.glance.get(f'/v2/images/{image_id}').json()

    def image(self, *argv):
        return client.must(self.alice.openstack('image', *argv))

    def test_set_and_unset(self):
        self.image('set', '--name', 'new', '--property', 'os_distro=debian',
                   '--tag', 'old', self.image_id)
        found = self.there(self.image_id)
        self.assertEqual(('new', 'debian', ['old']), tuple(
            found[key] for key in ('name', 'os_distro', 'tags')))
        self.image('unset', '--property', 'os_distro', '--tag', 'old',
                   self.image_id)
        found = self.there(self.image_id)
        self.assertEqual(([], False), (found['tags'], 'os_distro' in found))

    def test_mark_cannot_be_set(self):
        result = self.alice.openstack(
            'image', 'set', '--property', f'{MARK}=elsewhere', self.image_id)
        self.assertNotEqual(0, result.code)
        self.assertNotIn(MARK, self.there(self.image_id))

    def test_members(self):
        self.image('add', 'project', self.image_id, 'another')
        shown = self.image('member', 'list', self.image_id, '-f', 'json')
        self.assertEqual(['another'], [
            each['Member ID'] for each in shown.json])
        self.image('remove', 'project', self.image_id, 'another')
        self.assertEqual([], self.glance.get(
            f'/v2/images/{self.image_id}/members').json()['members'])

    def test_delete(self):
        image_id = self.upload('ari', 'initrd')
        self.image('delete', image_id)
        self.assertEqual(404, self.glance.get(
            f'/v2/images/{image_id}').status_code)
        self.assertNotEqual(0, self.alice.openstack(
            'image', 'show', image_id).code)

    def test_what_is_nobody_s(self):
        """Bob, whom bu does not know, sees what he would see anyway."""
        bob = self.sandbox.user(self.home, 'bob').api('image')
        for image_id in (self.image_id, str(uuid.uuid4())):
            self.assertEqual(404, bob.get(
                f'/v2/images/{image_id}').status_code)


class TestBoot(ImageScenario):

    def test_image_is_seen_at_home(self):
        shown = client.must(self.alice.openstack(
            'image', 'show', self.image_id, '-f', 'json')).json
        self.assertEqual(self.provider, shown['properties'][MARK])
        self.assertEqual((self.image_name, 'active', 'shared'), tuple(
            shown[key] for key in ('name', 'status', 'visibility')))
        listed = client.must(self.alice.openstack(
            'image', 'list', '-f', 'json')).json
        self.assertLessEqual({'guest', self.image_name},
                             {each['Name'] for each in listed})
        listed = client.must(self.alice.openstack(
            'image', 'list', '--name', self.image_name, '-f', 'json')).json
        self.assertEqual([self.image_id], [each['ID'] for each in listed])

    def test_bits_are_those_of_the_provider(self):
        with tempfile.TemporaryDirectory() as folder:
            for image_id, bits in self.bits.items():
                path = pathlib.Path(folder) / image_id
                client.must(self.alice.openstack(
                    'image', 'save', '--file', str(path), image_id))
                self.assertEqual(*(hashlib.sha256(each).hexdigest() for each
                                   in (bits, path.read_bytes())))

    def test_boot_by_id_and_by_name(self):
        server = self.boot(self.image_id)
        self.wait_for_guest(server)
        self.assertEqual(self.image_id, self.nova.get(
            f'/servers/{server}').json()['server']['image']['id'])
        before = self.downloads()

        # The host has the bits now.
        another = self.boot(self.image_name)
        self.wait_for_guest(another)
        self.assertEqual(before, self.downloads())
        self.assertEqual(0, self.rows_at_home())
