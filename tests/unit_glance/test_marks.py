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

"""The mark of images of other clouds is on no image of home."""

import json

from mixmatch import api
from tests.unit_glance import base
from tests.unit_glance import lists

PATCH = 'application/openstack-images-v2.{}-json-patch'


class TestMarks(lists.ListTestCase):

    def patch(self, image_id, change, version=1):
        return self.send(f'{lists.PATH}/{image_id}', 'PATCH', headers={
            'Content-Type': PATCH.format(version)}, POST=json.dumps(
                [change]).encode())

    def test_older_mark_is_not_shown(self):
        image_id = self.add_home(properties={
            api.ATTRIBUTE: 'bu', 'os-mixmatch:x': 'y', 'os_distro': 'debian'})
        self.add_there(self.bu, 1)
        path = f'{lists.PATH}/{image_id}'
        for headers in ({}, {api.HEADER: api.NONE}):
            rows = [self.get(path, headers=headers), *(
                each for each in self.get(lists.PATH, headers=headers)[
                    'images'] if each['id'] == image_id)]
            for row in rows:
                self.assertEqual(
                    ['os_distro'], [key for key in row if key.startswith(
                        ('os-mixmatch', 'os_distro'))])
            self.assertEqual(2, len(rows))

    def test_new_image_does_not_get_it(self):
        """Nova names it for the snapshot of a server of a foreign image."""
        for kwargs in ({}, {'headers': {'Transfer-Encoding': 'chunked'}}):
            body = {'name': 'snapshot', 'os_distro': 'debian',
                    'disk_format': 'raw', 'container_format': 'bare',
                    api.ATTRIBUTE: 'bu'}
            response = self.send(lists.PATH, 'POST', body, **kwargs)
            self.assertEqual(201, response.status_int, response.text)
            self.assertEqual(('debian', False), (
                response.json['os_distro'], api.ATTRIBUTE in response.json))
            plain = self.send(f'{lists.PATH}/{response.json["id"]}',
                              app=self.without_filter)
            self.assertNotIn(api.ATTRIBUTE, plain.json)

    def test_change_is_refused(self):
        image_id = self.add_home(properties={api.ATTRIBUTE: 'bu'})
        for version, change in (
                (1, {'op': 'add', 'path': f'/{api.ATTRIBUTE}', 'value': 'x'}),
                (1, {'op': 'add', 'path': '/ os-mixmatch:x', 'value': 'x',
                     'remove': ''}),
                (1, {'op': 'replace', 'path': f'//{api.ATTRIBUTE}',
                     'value': 'x'}),
                (1, {'op': 'remove', 'path': f'/{api.ATTRIBUTE}'}),
                (0, {'replace': f'/{api.ATTRIBUTE}', 'value': 'x'})):
            response = self.patch(image_id, change, version)
            self.assertEqual(403, response.status_int, response.text)
            self.assertIn('reserved', response.text)

    def test_other_changes(self):
        image_id = self.add_home()
        response = self.patch(image_id, {
            'op': 'add', 'path': '/os_mixmatch', 'value': api.ATTRIBUTE})
        self.assertEqual((200, api.ATTRIBUTE), (
            response.status_int, response.json['os_mixmatch']))

    def test_change_of_a_foreign_image(self):
        self.bu.add(base.IMAGE)
        response = self.patch(base.IMAGE, {
            'op': 'add', 'path': '/ os-mixmatch:x', 'value': 'x'})
        self.assertEqual(400, response.status_int)
        self.assertIn('provider bu', response.text)
