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

"""Routes, ids, choices and microversions of requests."""

import uuid

import webob

from mixmatch_cinder.home import routes
from tests.unit import base

ID = '22222222-0000-4000-8000-00000000000a'


def request(path='/volumes', **kwargs):
    return webob.Request.blank(path, **kwargs)


class TestRoute(base.TestCase):

    def test_parts(self):
        for path, parts in (
                ('/volumes', ('volumes', '', '')),
                ('/volumes/', ('volumes', '', '')),
                ('/project/volumes/detail', ('volumes', 'detail', '')),
                (f'/snapshots/{ID}/metadata/a',
                 ('snapshots', ID, '/metadata/a')),
                ('/backups', ('backups', '', ''))):
            route = routes.from_request(request(path))
            self.assertEqual(
                parts, (route.collection, route.item, route.below), path)

    def test_other_resources_concern_only_home(self):
        for path in ('/types', '/', '/a/b/volumes', '/volumes-of-mine'):
            self.assertIsNone(routes.from_request(request(path)), path)

    def test_lists(self):
        for path, is_list in (('/volumes', True), ('/volumes/detail', True),
                              (f'/volumes/{ID}', False),
                              ('/volumes/detail/x', False)):
            self.assertEqual(
                is_list, routes.from_request(request(path)).is_listing, path)

    def test_summary(self):
        for path, is_summary in (('/volumes/summary', True),
                                 ('/snapshots/summary', False)):
            self.assertEqual(is_summary, routes.from_request(
                request(path)).is_summary, path)


class TestCanonical(base.TestCase):

    def test_forms_of_one_id(self):
        for text in (ID, ID.upper(), ID.replace('-', ''),
                     '{' + ID + '}', f'urn:uuid:{ID}'):
            self.assertEqual(ID, routes.canonical(text), text)

    def test_not_an_id(self):
        for value in (None, 5, [], '', 'detail', ID[:-1], uuid.UUID(ID)):
            self.assertIsNone(routes.canonical(value), value)


class TestChoice(base.TestCase):

    def test_removed_from_the_query(self):
        asked = request(f'/volumes?limit=1&{routes.MARK}=bu', headers={
            routes.HEADER: 'mit'})
        self.assertEqual('bu', routes.take_choice(asked))
        self.assertEqual('limit=1', asked.query_string)

    def test_header(self):
        self.assertEqual('mit', routes.take_choice(
            request(headers={routes.HEADER: ' mit '})))

    def test_default(self):
        self.assertEqual('', routes.take_choice(request()))


class TestRequest(base.TestCase):

    def test_changed_query_leaves_the_request(self):
        asked = request('/volumes?a=1&b=2')
        changed = routes.with_query(asked, {'a': None, 'c': '3'})
        self.assertEqual({'b': '2', 'c': '3'}, dict(changed.GET))
        self.assertEqual({'a': '1', 'b': '2'}, dict(asked.GET))

    def test_body_without_an_object(self):
        for body in (b'', b'[]', b'no json', b'\xff', b'null'):
            self.assertEqual({}, routes.json_body(
                request(method='POST', body=body)), body)

    def test_microversion(self):
        for header, version in (
                ('', '3.0'), ('volume 3.5', '3.5'), ('compute 2.1', '3.0'),
                ('compute 2.1, volume 3.70', '3.70'),
                ('volume latest', '3.9999')):
            self.assertEqual(version, routes.microversion(
                request(headers={'OpenStack-API-Version': header})), header)
