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

"""The same odd request about a volume of home and about a foreign one."""

from tests.unit.mixmatch_cinder.home import base

HEADER = 'OpenStack-API-Version'


def shape(response):
    """Return the status of a response and the keys of its body."""
    try:
        body = response.json
    except ValueError:
        return response.status_int, None
    return response.status_int, {
        key: sorted(value) if isinstance(value, dict) else type(value)
        for key, value in body.items() if not key.startswith('os-mixmatch')}


class WritingTestCase(base.RealCinderTestCase):
    """Compares what a real Cinder says about two ids."""

    def setUp(self):
        super().setUp()
        self.local = self.cinders.home.add()
        self.foreign = self.cinders.bu.add()

    def assertSame(self, path, method='GET', **kwargs):
        local, foreign = (
            self.send(path.replace('ID', each), method, **kwargs)
            for each in (self.local, self.foreign))
        (status, body), (found, shown) = shape(local), shape(foreign)
        what = f'{method} {path} {kwargs}'
        self.assertEqual(status, found, f'{what}: {foreign.text}')
        if body and shown and status < 400:
            for key, fields in body.items():
                if isinstance(fields, list):
                    shown[key] = [each for each in shown[key]
                                  if not each.startswith('os-mixmatch:')]
        self.assertEqual(body, shown, what)
        if local.body and '/metadata' not in path:
            # NOTE: Cinder calls these HTML.
            self.assertEqual(local.content_type, foreign.content_type, what)
        for header in (HEADER, 'Vary', 'Etag'):
            self.assertEqual(local.headers.get(header),
                             foreign.headers.get(header), what)
        return foreign


class TestWays(WritingTestCase):

    def test_methods_and_paths_that_cinder_has_not(self):
        for method in ('HEAD', 'POST', 'PATCH', 'OPTIONS'):
            self.assertSame('/volumes/ID', method)
        for below in ('/', '//', '/nonsense', '/edit', '/metadata/',
                      '/metadata/a%2fb', '/metadata/a/b', '/../ID', '.',
                      '.xml', '.json.json', '%2e', '/action', '%0a'):
            for method, body in (('GET', None), ('DELETE', None),
                                 ('PUT', {'volume': {'name': 'new'}})):
                self.assertSame(f'/volumes/ID{below}', method, body=body)
        for path in ('//volumes/ID', '/volumes//ID', '/volumes/../volumes/ID',
                     '/volumes/%2fID', '/volumes/ID/ID', '/volumes%2fID',
                     '/another/volumes/ID', '/id-of-another/volumes/ID',
                     '/volumes.json/ID', '/Volumes/ID'):
            self.assertSame(path)

    def test_format(self):
        for path in ('/volumes/ID.json', '/volumes/ID/metadata.json',
                     '/home-id-of-research/volumes/ID.json'):
            self.assertEqual(200, self.assertSame(path).status_int)
        self.assertSame('/volumes/ID/action.json', 'POST', body={
            'os-set_bootable': {'bootable': True}})
        for key in ('a', 'a.json'):
            self.assertSame('/volumes/ID/metadata.json', 'POST',
                            body={'metadata': {key: '1'}})
            self.assertSame(f'/volumes/ID/metadata/{key}.json')
            self.assertSame(f'/volumes/ID/metadata/{key}.json', 'DELETE')
            self.assertEqual({}, self.assertSame(
                '/volumes/ID/metadata').json['metadata'])

    def test_id_without_dashes(self):
        self.foreign = self.foreign.replace('-', '')
        self.local = self.local.replace('-', '')
        for path in ('/volumes/ID', '/volumes/{ID}', '/volumes/urn:uuid:ID'):
            self.assertEqual(404, self.assertSame(path).status_int)

    def test_id_as_some_databases_take_it(self):
        """Home's may be one of them; SQLite is not."""
        for written in (self.foreign.upper(), f'{self.foreign}%20'):
            self.assertEqual(self.foreign, self.get(f'/volumes/{written}')[
                'volume']['id'])

    def test_action_that_is_none(self):
        for body in ({}, {'a': {}}, {'os-extend': {}, 'revert': {}}, [],
                     {'os-extend': {'new_size': 'x'}}):
            self.assertSame('/volumes/ID/action', 'POST', body=body)
        self.assertSame('/volumes/ID/action', 'POST')


class TestLostUpdate(WritingTestCase):
    """A client says which state of the metadata it knows (3.15)."""

    def test_it(self):
        path = '/volumes/ID/metadata'
        known = self.assertSame(path).headers['Etag']
        for status, etag in ((412, 'another'), (200, known), (412, known)):
            for each in (self.local, self.foreign):
                self.assertEqual(status, self.send(
                    path.replace('ID', each), 'PUT',
                    body={'metadata': {'a': '1'}},
                    headers={'If-Match': f'"{etag}"'}).status_int)

    def test_etag_that_is_none(self):
        self.get(f'/volumes/{self.foreign}')
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{self.foreign}/metadata',
            json={'metadata': {}}, headers={'Etag': 'a b'})
        self.assertNotIn('Etag', self.send(
            f'/volumes/{self.foreign}/metadata').headers)


class TestLists(WritingTestCase):

    def test_format(self):
        for path in ('/volumes', '/volumes/detail',
                     '/home-id-of-research/volumes'):
            plain, written = self.get(path), self.get(f'{path}.json')
            self.assertEqual(2, len(written['volumes']))
            self.assertEqual(plain, written)
        self.assertEqual(
            2, self.get('/volumes/summary.json')['volume-summary'][
                'total_count'])

    def test_slash_at_the_end(self):
        for path in ('/volumes/', '/volumes/detail/', '/snapshots/'):
            self.assertEqual(404, self.send(path).status_int)

    def test_new_volume(self):
        body = {'volume': {'size': 1, 'availability_zone': 'bu'}}
        self.assertEqual('bu', self.send(
            '/volumes.json', 'POST', body=body).json['volume'][
                'os-mixmatch:service_provider'])
        self.assertEqual(404, self.send('/volumes/', 'POST',
                                        body=body).status_int)


class TestMicroversion(WritingTestCase):

    def put(self, version):
        return self.assertSame('/volumes/ID', 'PUT', version=version,
                               body={'volume': {'name': 'new'}})

    def test_of_a_change(self):
        for version in ('3.0', '3.60', 'latest'):
            self.assertEqual(200, self.put(version).status_int)

    def test_that_home_refuses(self):
        for version in ('3.999', '2.1', '4.0', '3.x', '3'):
            response = self.put(version)
            self.assertIn(response.status_int, (400, 406))

    def create(self, version):
        return self.send('/volumes', 'POST', version=version, body={
            'volume': {'size': 1, 'availability_zone': 'bu'}})

    def test_of_a_new_volume(self):
        local = self.send('/volumes', 'POST', version='latest',
                          body={'volume': {'size': 1}})
        foreign = self.create('latest')
        for header in (HEADER, 'Vary'):
            self.assertEqual(local.headers[header], foreign.headers[header])

    def test_that_home_refuses_for_a_new_volume(self):
        self.assertEqual(406, self.create('3.999').status_int)
        self.assertEqual(400, self.create('3.x').status_int)
        self.assertEqual([], self.clouds.requests)

    def test_that_the_service_provider_has(self):
        self.bu.highest_microversion = '3.60'
        for version, answered in (('latest', '3.60'), ('3.50', '3.50')):
            response = self.create(version)
            self.assertEqual(f'volume {answered}', response.headers[HEADER])
