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

"""Paths and ids of requests."""

import uuid

from mixmatch_cinder.home import routes
from tests.unit import base

ID = '22222222-0000-4000-8000-00000000000a'


class TestRoute(base.TestCase):

    def test_parts(self):
        for path, parts in (
                ('/volumes', ('volumes', '', '')),
                ('/volumes.json', ('volumes', '', '')),
                ('/project/volumes/detail', ('volumes', 'detail', '')),
                (f'/snapshots/{ID}/metadata/a',
                 ('snapshots', ID, '/metadata/a')),
                (f'/volumes/{ID}.json', ('volumes', ID, '')),
                (f'/volumes/{ID}/metadata/a.json.json',
                 ('volumes', ID, '/metadata/a.json')),
                ('/backups', ('backups', '', ''))):
            route = routes.from_path(path)
            self.assertEqual(
                parts, (route.collection, route.item, route.below), path)

    def test_other_resources_concern_only_home(self):
        for path in ('/types', '/', '/a/b/volumes', '/volumes-of-mine',
                     '/volumes/', f'/volumes/{ID}/', '//volumes',
                     f'/volumes//{ID}', f'/a//volumes/{ID}'):
            self.assertIsNone(routes.from_path(path), path)

    def test_lists(self):
        for path, is_list in (('/volumes', True), ('/volumes/detail', True),
                              (f'/volumes/{ID}', False),
                              ('/volumes/detail/x', False)):
            self.assertEqual(
                is_list, routes.from_path(path).is_listing, path)

    def test_summary(self):
        for path, is_summary in (('/volumes/summary', True),
                                 ('/snapshots/summary', False)):
            self.assertEqual(is_summary, routes.from_path(
                path).is_summary, path)

    def test_resource(self):
        for path, text in (
                (f'/volumes/{ID.upper()}/metadata', f'Volume {ID}'),
                (f'/snapshots/{ID}', f'Snapshot {ID}')):
            resource = routes.from_path(path).resource
            self.assertEqual((ID, text), (resource.id, resource.title))

    def test_no_resource(self):
        for path in ('/volumes', '/volumes/detail', f'/backups/{ID}'):
            self.assertIsNone(routes.from_path(path).resource, path)


class TestRequests(base.TestCase):

    def has(self, method, path):
        return routes.from_path(path).has(method)

    def test_those_of_cinder(self):
        for request in (
                f'GET /volumes/{ID}', f'PUT /snapshots/{ID}.json',
                f'DELETE /volumes/{ID}', f'POST /volumes/{ID}/action.json',
                f'PUT /volumes/{ID}/metadata', f'GET /volumes/{ID}/encryption',
                f'DELETE /snapshots/{ID}/metadata/a b'):
            self.assertTrue(self.has(*request.split(' ', 1)), request)

    def test_others(self):
        for request in (
                f'HEAD /volumes/{ID}', f'POST /volumes/{ID}',
                f'PATCH /snapshots/{ID}', f'GET /volumes/{ID}/action',
                f'PUT /volumes/{ID}/metadata/', f'GET /volumes/{ID}/edit',
                f'DELETE /volumes/{ID}/metadata', f'PUT /volumes/{ID}/a',
                f'GET /snapshots/{ID}/encryption',
                f'GET /volumes/{ID}/metadata/a/b'):
            self.assertFalse(self.has(*request.split(' ', 1)), request)


class TestCanonical(base.TestCase):

    def test_forms_of_one_id(self):
        for text in (ID, ID.upper(), ID + '  '):
            self.assertEqual(ID, routes.canonical(text), text)

    def test_not_an_id(self):
        for value in (None, 5, [], '', 'detail', ID[:-1], uuid.UUID(ID),
                      ID.replace('-', ''), '{' + ID + '}', f'urn:uuid:{ID}',
                      f' {ID}', ID + '\n', ID.replace('2', '\u0662')):
            self.assertIsNone(routes.canonical(value), value)
