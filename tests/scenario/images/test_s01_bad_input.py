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

"""S1: what cannot be is refused, names who refuses, and leaves nothing."""

import hashlib
import struct
from typing import Any
import uuid

from sandbox import client
from sandbox import topology
from tests.scenario.images import test_s01_boot as images
from tests.scenario import tables

PATCH = 'application/openstack-images-v2.1-json-patch'


class TestBadInput(images.ImageScenario):

    def setUp(self):
        super().setUp()
        self.at_home = self.alice.api('image')

    def refused(self, code, path, method='GET', **kwargs):
        """Return the text of an error of home's Glance."""
        response = self.at_home.request(path, method, raise_exc=False,
                                        **kwargs)
        self.assertEqual(code, response.status_code, response.text)
        return response.text

    def shown(self, image_id):
        return f'/v2/images/{image_id}'

    def test_ids_that_exist_nowhere(self):
        for image_id in (str(uuid.uuid4()), 'nothing', self.image_id[:-1],
                         self.image_id.upper(), f'{self.image_id}.json',
                         f'{self.image_id}@{self.provider}', '%00', 'x' * 300):
            self.refused(404, self.shown(image_id))

    def test_clouds_that_cannot_be_chosen(self):
        for choice in ('nowhere', f'{self.provider}x', '..', 'x' * 300):
            said = self.refused(400, self.shown(self.image_id),
                                params={images.MARK: choice})
            self.assertIn(f'use here: {self.provider}', said)
            said = self.refused(400, '/v2/images',
                                params={images.MARK: choice})
            self.assertIn(f'use here: {self.provider}', said)
        self.refused(404, self.shown(self.image_id),
                     params={images.MARK: 'none'})

    def test_image_of_another_project_there(self):
        glance = self.sandbox.user(self.provider, 'admin').api('image')
        other = glance.post('/v2/images', json={
            'name': 'of the landlord', 'disk_format': 'raw',
            'container_format': 'bare'}).json()['id']
        self.addCleanup(glance.delete, self.shown(other))
        self.refused(404, self.shown(other))
        self.refused(404, f'{self.shown(other)}/file')
        self.refused(404, self.shown(other), 'DELETE')
        result = self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--image', other, 'nothing')
        self.assertEqual(1, result.code, str(result))
        self.assertEqual(200, glance.get(self.shown(other)).status_code)

    def test_id_of_home_is_homes(self):
        """Also when home's is deleted, though bu has one by this id."""
        body = {'id': str(uuid.uuid4()), 'disk_format': 'raw',
                'container_format': 'bare'}
        path = self.shown(body['id'])
        # NOTE: users choose no ids at home.
        self.refused(403, '/v2/images', 'POST', json=body)
        landlord = self.sandbox.landlord(self.home).api('image')
        for glance, bits, visibility in (
                (landlord, b'home', 'public'),
                (self.glance, b'bu', 'private')):
            made = glance.post('/v2/images', json={
                'name': 'x', 'visibility': visibility, **body})
            self.assertEqual(201, made.status_code, made.text)
            glance.put(f'{path}/file', data=bits, headers={
                'Content-Type': 'application/octet-stream'})
        self.addCleanup(self.glance.delete, path)
        self.assertNotIn(images.MARK, self.at_home.get(path).json())
        self.assertEqual(b'home', self.at_home.get(f'{path}/file').content)
        listed = self.at_home.get('/v2/images', params={'name': 'x'})
        self.assertEqual([False], [
            images.MARK in each for each in listed.json()['images']
            if each['id'] == body['id']])
        self.assertEqual(204, landlord.delete(path).status_code)
        self.refused(404, path)
        self.refused(404, f'{path}/file')
        self.assertEqual(b'bu', self.glance.get(f'{path}/file').content)

    def test_image_is_not_shown_to_the_administrator(self):
        """Nor by what Nova says, without a service's token."""
        shown = self.sandbox.landlord(self.home).api('image').get(
            f'/v2/images/{self.image_id}', raise_exc=False,
            headers={'OpenStack-Mixmatch-Image-At': f'{self.provider}/any'})
        self.assertEqual(404, shown.status_code, shown.text)

    def test_image_without_bits(self):
        image_id = self.glance.post('/v2/images', json={
            'name': 'empty', 'disk_format': 'raw',
            'container_format': 'bare'}).json()['id']
        self.addCleanup(self.glance.delete, self.shown(image_id))
        self.assertEqual(204, self.at_home.get(
            f'{self.shown(image_id)}/file').status_code)
        self.cannot_boot(image_id, 'not active')

    def test_image_that_needs_more_than_the_flavor_has(self):
        for field, said in (('min_ram', 'memory'), ('min_disk', 'disk')):
            image_id = self.upload('raw', 'initrd', container_format='bare',
                                   **{field: 4096})
            self.cannot_boot(image_id, said)

    def cannot_boot(self, image_id, said):
        result = self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--image', image_id, 'nothing')
        self.assertEqual(1, result.code, str(result))
        self.assertIn(said, result.err)

    def test_deactivated_there(self):
        image_id = self.upload('raw', 'initrd', container_format='bare')
        landlord = self.sandbox.user(self.provider, 'admin').api('image')
        landlord.post(f'{self.shown(image_id)}/actions/deactivate')
        self.assertEqual('deactivated', self.at_home.get(
            self.shown(image_id)).json()['status'])
        self.refused(403, f'{self.shown(image_id)}/file')
        self.cannot_boot(image_id, 'not active')

    def test_deleted_there(self):
        image_id = self.upload('raw', 'initrd', container_format='bare')
        self.assertEqual(200, self.at_home.get(
            self.shown(image_id)).status_code)
        self.glance.delete(self.shown(image_id))
        self.refused(404, self.shown(image_id))
        self.refused(404, f'{self.shown(image_id)}/file')

    def test_ranges(self):
        path = f'{self.shown(self.image_id)}/file'
        size = len(self.bits[self.image_id])
        for value in (f'bytes={size}-', 'bytes=5-1', 'bytes=0-1,3-4',
                      'lines=1-2'):
            plain = self.glance.get(path, headers={'Range': value},
                                    raise_exc=False)
            response = self.at_home.get(path, headers={'Range': value},
                                        raise_exc=False)
            self.assertEqual(plain.status_code, response.status_code, value)
        part = self.at_home.get(path, headers={'Range': 'bytes=10-19'})
        self.assertEqual((206, self.bits[self.image_id][10:20]),
                         (part.status_code, part.content))

    def test_filters_that_no_glance_has(self):
        for params in ({'sort_key': 'nothing'}, {'limit': '-1'},
                       {'visibility': 'everybody'}, {'marker': 'nothing'},
                       {'created_at': 'yesterday'}):
            self.refused(400, '/v2/images', params=params)

    def test_changes_that_cannot_be_sent_on(self):
        path = self.shown(self.image_id)
        for method, below, kwargs in (
                ('PUT', '/file', {'data': b'other', 'headers': {
                    'Content-Type': 'application/octet-stream'}}),
                ('POST', '/import', {'json': {
                    'method': {'name': 'glance-direct'}}})):
            said = self.refused(409, path + below, method, **kwargs)
            self.assertIn(f'Service provider {self.provider}', said)
        said = self.refused(400, f'{path}/import', 'POST', json={
            'method': {'name': 'copy-image'}, 'all_stores': True})
        self.assertIn(f'--os-service-provider {self.provider}', said)
        changes: list[Any] = [
            [{'op': 'add', 'path': f'/{images.MARK}', 'value': 'x'}],
            [{'op': 'replace', 'path': '/id', 'value': 'x'}],
            [{'op': 'jump'}], {}, [7]]
        for body in changes:
            response = self.at_home.patch(
                path, json=body, headers={'Content-Type': PATCH},
                raise_exc=False)
            self.assertIn(response.status_code, (400, 403), response.text)
        self.assertEqual(self.bits[self.image_id], self.glance.get(
            f'{path}/file').content)

    def test_disk_that_names_a_file_of_the_host(self):
        """CVE-2024-32498: a qcow2 image with a backing file."""
        name = b'/etc/hostname'
        header = struct.pack(
            '>4sIQIIQIIQQIIQ', b'QFI\xfb', 2, 72, len(name), 16, 1 << 20, 0,
            1, 65536, 131072, 1, 0, 0)
        bits = (header + name).ljust(262144, b'\0')
        image_id = self.glance.post('/v2/images', json={
            'name': 'backed', 'disk_format': 'raw',
            'container_format': 'bare'}).json()['id']
        self.addCleanup(self.glance.delete, self.shown(image_id))
        self.glance.put(
            f'{self.shown(image_id)}/file', data=bytes(len(bits)),
            headers={'Content-Type': 'application/octet-stream'})
        # NOTE: bu's own Glance would not take it; another may.
        cloud = topology.by_name(self.provider)
        folder = self.sandbox.site.var(cloud, 'glance') / 'images'
        (folder / image_id).write_bytes(bits)
        tables.execute(
            self.provider, 'glance', 'update images set '
            f"os_hash_value = '{hashlib.sha512(bits).hexdigest()}' "
            f"where id = '{image_id}'")
        self.assertEqual(bits, self.at_home.get(
            f'{self.shown(image_id)}/file').content)
        made = client.must(self.alice.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--image', image_id, '-f', 'json', 'backed')).json['id']
        self.addCleanup(self.delete_server, made)

        def status():
            return self.nova.get(f'/servers/{made}').json()['server']
        client.wait_for('the server to fail', lambda: (
            status()['status'] in ('ERROR', 'ACTIVE')))
        self.assertEqual('ERROR', status()['status'])
