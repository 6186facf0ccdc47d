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
                ('/volumes/', ('volumes', '', '')),
                ('/project/volumes/detail', ('volumes', 'detail', '')),
                (f'/snapshots/{ID}/metadata/a',
                 ('snapshots', ID, '/metadata/a')),
                ('/backups', ('backups', '', ''))):
            route = routes.from_path(path)
            self.assertEqual(
                parts, (route.collection, route.item, route.below), path)

    def test_other_resources_concern_only_home(self):
        for path in ('/types', '/', '/a/b/volumes', '/volumes-of-mine'):
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


class TestCanonical(base.TestCase):

    def test_forms_of_one_id(self):
        for text in (ID, ID.upper(), ID.replace('-', ''),
                     '{' + ID + '}', f'urn:uuid:{ID}'):
            self.assertEqual(ID, routes.canonical(text), text)

    def test_not_an_id(self):
        for value in (None, 5, [], '', 'detail', ID[:-1], uuid.UUID(ID)):
            self.assertIsNone(routes.canonical(value), value)
