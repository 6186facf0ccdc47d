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


class TestChosenIds(lists.ListTestCase):
    """An id that a service provider has an image by is not taken from it."""

    body: dict = {'id': base.IMAGE, 'name': 'evil', 'disk_format': 'raw',
                  'container_format': 'bare', 'visibility': 'community'}

    def test_of_users(self):
        self.bu.add(base.IMAGE, visibility='public')
        for path, method in ((lists.PATH, 'POST'), ('/v2//images', 'POST'),
                             (f'{lists.PATH}?_method=POST', 'PUT')):
            response = self.send(path, method, self.body, user='bob')
            self.assertIn(response.status_int, (403, 405), response.text)
        self.assertEqual('bu', self.get(f'{lists.PATH}/{base.IMAGE}')[
            api.ATTRIBUTE])

    def test_of_administrators(self):
        response = self.send(lists.PATH, 'POST', self.body, user='admin',
                             roles='admin')
        self.assertEqual(201, response.status_int, response.text)

    def test_operator_allows_them(self):
        self.options += 'chosen_image_ids = true\n'
        self.restart()
        response = self.send(lists.PATH, 'POST', self.body)
        self.assertEqual(201, response.status_int, response.text)


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

    def test_other_ways_to_write_a_request(self):
        """Glance takes each of them for the same."""
        image_id = self.add_home()
        body = [{'op': 'add', 'path': f'/{api.ATTRIBUTE}', 'value': 'bu'}]
        for method, path in (
                ('POST', f'{lists.PATH}/{image_id}?_method=PATCH'),
                ('PATCH', f'/v2//images/{image_id}'),
                ('PATCH', f'//v2/images//{image_id}')):
            response = self.send(path, method, headers={
                'Content-Type': PATCH.format(1)}, POST=json.dumps(
                    body).encode())
            self.assertIn(response.status_int, (403, 404, 405), path)
        plain = self.send(f'{lists.PATH}/{image_id}', app=self.without_filter)
        self.assertNotIn(api.ATTRIBUTE, plain.json)
        self.add_there(self.bu)
        self.assertEqual(2, len(self.get('/v2//images')['images']))

    def test_query_that_is_no_text(self):
        image_id = self.add_home()
        for path in (f'{lists.PATH}/{image_id}?a=%ff',
                     f'{lists.PATH}?name=%ff'):
            plain = self.send(path, app=self.without_filter)
            self.assertEqual(plain.status_int, self.send(path).status_int)

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
