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

"""S2: what clients rely on besides the openstack command."""

import json

from sandbox import client
from sandbox import paste
from sandbox.services import common
from sandbox import topology
from tests.scenario import base

MARK = 'os-mixmatch:service_provider'


class TestClients(base.Scenario):

    local: str
    foreign: str
    one_login = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local = cls.class_volume(None)
        cls.foreign = cls.class_volume(cls.provider)

    def setUp(self):
        super().setUp()
        self.cinder = self.alice.api('block-storage')
        self.at_provider = self.alice.api('block-storage', at=self.provider)

    def test_where_a_volume_lives_is_its_zone(self):
        """Terraform reads what it has written."""
        zones = client.must(self.alice.openstack(
            'availability', 'zone', 'list', '--volume', '-f', 'json')).json
        self.assertIn(self.provider, [each['Zone Name'] for each in zones])

        created = self.cinder.post('/volumes', json={'volume': {
            'size': 1, 'name': 'zone',
            'availability_zone': self.provider}}).json()['volume']
        self.addCleanup(self.delete_volume, self.provider, created['id'])
        self.assertEqual(self.provider, created['availability_zone'])
        self.wait_for_status(None, created['id'], 'available')
        for path, member in ((f'/volumes/{created["id"]}', None),
                             ('/volumes/detail', 'volumes')):
            body = self.cinder.get(path).json()
            shown = body['volume'] if member is None else next(
                each for each in body[member] if each['id'] == created['id'])
            self.assertEqual(self.provider, shown['availability_zone'])
        self.assertEqual(self.provider, client.must(self.alice.openstack(
            'volume', 'show', created['id'], '-f', 'value', '-c',
            'availability_zone')).out.strip())
        found = {zone: {each['id'] for each in self.cinder.get(
            '/volumes/detail', params={'availability_zone': zone}).json()[
                'volumes']} for zone in (self.provider, 'nova')}
        self.assertIn(created['id'], found[self.provider])
        self.assertNotIn(self.local, found[self.provider])
        self.assertIn(self.local, found['nova'])
        self.assertNotIn(created['id'], found['nova'])

    def test_it_belongs_to_the_project_at_home(self):
        """Horizon decides by it what its user may do."""
        shown = self.volume(None, self.foreign)
        own = self.volume(None, self.local)
        self.assertEqual(own['os-vol-tenant-attr:tenant_id'],
                         shown['os-vol-tenant-attr:tenant_id'])

    def test_the_same_request_in_other_clothes(self):
        """Home takes, or refuses, the same paths for its own volume."""
        for ask in (lambda each: self.cinder.head(f'/volumes/{each}'),
                    lambda each: self.cinder.get(f'/volumes/{each}.json'),
                    lambda each: self.cinder.get(f'/volumes/{each}/'),
                    lambda each: self.cinder.get(f'/volumes/{each}%20'),
                    lambda each: self.cinder.get(
                        f'/volumes/{each.replace("-", "")}'),
                    lambda each: self.cinder.post(f'/volumes/{each}'),
                    lambda each: self.cinder.patch(f'/volumes/{each}')):
            own, foreign = ask(self.local), ask(self.foreign)
            self.assertEqual(own.status_code, foreign.status_code,
                             foreign.request.method + foreign.url)
        for path in ('/volumes.json', '/volumes/detail.json'):
            self.assertIn(self.foreign, self.cinder.get(path).text)

    def test_latest_microversion(self):
        answers = [self.cinder.get(f'/volumes/{each}', headers={
            'OpenStack-API-Version': 'volume latest'})
            for each in (self.local, self.foreign)]
        for header in ('OpenStack-API-Version', 'Vary'):
            own, foreign = (each.headers[header] for each in answers)
            self.assertEqual(own, foreign)
        unknown = [self.cinder.get(f'/volumes/{each}', headers={
            'OpenStack-API-Version': 'volume 3.999'}).status_code
            for each in (self.local, self.foreign)]
        self.assertEqual([406, 406], unknown)

    def test_lost_update(self):
        """Metadata that somebody else has changed stay (3.15)."""
        cinder = self.alice.api('block-storage', version='3.15')
        for each in (self.local, self.foreign):
            path = f'/volumes/{each}/metadata'
            known = cinder.get(path).headers['Etag']
            found = [cinder.put(path, json={'metadata': {'a': etag}}, headers={
                'If-Match': f'"{etag}"'}).status_code
                for etag in ('another', known, known)]
            self.assertEqual([412, 200, 412], found, each)

    def test_parameters_as_home_takes_them(self):
        """A parameter that is given twice, and an id in capitals."""
        name = type(self).__name__
        for query in ('limit=2&limit=3', 'sort=size&sort=name',
                      f'name={name}&name=x', f'name=x&name={name}',
                      'status=available&status=error'):
            own = self.cinder.get(f'/volumes?{query}&{MARK}=none')
            both = self.cinder.get(f'/volumes?{query}')
            self.assertEqual(own.status_code, both.status_code, both.text)
            if own.status_code == 200 and 'limit' not in query:
                found = [{self.local, self.foreign} & {
                    row['id'] for row in each.json()['volumes']}
                    for each in (own, both)]
                self.assertEqual(self.local in found[0],
                                 self.foreign in found[1], query)
                self.assertEqual(self.local in found[0],
                                 self.local in found[1], query)
        for each in (self.local, self.foreign):
            pages = [self.cinder.get('/volumes', params={
                'marker': marker}).json()['volumes']
                for marker in (each, each.upper())]
            self.assertEqual(*pages)

    def test_what_the_provider_does_not_take(self):
        """Its words come back with its name, and nothing is made."""
        before = self.at_provider.get('/volumes').json()['volumes']
        for values, status, words in (
                ({'size': 0}, 400, 'size'),
                ({'volume_type': 'nowhere'}, 404, 'nowhere')):
            response = self.cinder.post('/volumes', json={'volume': {
                'size': 1, 'availability_zone': self.provider, **values}})
            self.assertEqual(status, response.status_code, response.text)
            (error,) = response.json().values()
            self.assertIn(f'Service provider {self.provider}: ',
                          error['message'])
            self.assertIn(words, error['message'])
        self.assertEqual(before, self.at_provider.get(
            '/volumes').json()['volumes'])


class TestFilters(base.Scenario):
    """The provider's Cinder knows fewer filters than that of home."""

    foreign: str
    one_login = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.class_volume(cls.provider)
        provider = topology.by_name(cls.provider)
        known = common.installed(cls.sandbox.site,
                                 'cinder/resource_filters.json')
        filters = json.loads(known.read_text())
        filters['volume'].remove('status')
        path = cls.sandbox.site.var(provider, 'cinder') / 'filters.json'
        path.write_text(json.dumps(filters))
        cls.enterClassContext(paste.changed(
            cls.sandbox, cls.provider,
            lambda text: text.replace(str(known), str(path)), 'cinder.conf'))

    def test_filter_that_the_provider_does_not_know(self):
        """An error with its words, and not an outage or a part of the list."""
        cinder = self.alice.api('block-storage', version='3.66')
        path = '/volumes?status=available'
        response = cinder.get(path)
        self.assertEqual(400, response.status_code, response.text)
        said = response.json()['badRequest']['message']
        for words in (f'Service provider {self.provider} does not take',
                      'Invalid filters', 'status', f'{MARK}=none'):
            self.assertIn(words, said)
        result = self.alice.openstack(
            '--os-volume-api-version', '3.66', 'volume', 'list', '--status',
            'available')
        self.assertEqual(1, result.code, str(result))
        self.assertIn(f'Service provider {self.provider} does not take',
                      result.err)

        # The way round that it names.
        self.assertEqual(200, cinder.get(f'{path}&{MARK}=none').status_code)
        # It is no outage.
        whole = cinder.get('/volumes')
        self.assertNotIn('OpenStack-Mixmatch-Missing', whole.headers)
        self.assertIn(self.foreign, [
            each['id'] for each in whole.json()['volumes']])
        self.assertEqual([], self.sandbox.apis_without(self.provider,
                                                       'cinder'))
