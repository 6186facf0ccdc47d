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

"""Availability zones: what a client sent comes back as it sent it."""

from tests.unit.mixmatch_cinder.home import base

MARK = 'os-mixmatch:service_provider'


class ZonesTestCase(base.RealCinderTestCase):

    def setUp(self):
        super().setUp()
        self.cinders.bu.add_zone('az1')

    def create(self, zone, **kwargs):
        response = self.send('/volumes', 'POST', body={
            'volume': {'size': 1, 'availability_zone': zone}}, **kwargs)
        self.assertEqual(202, response.status_int, response.text)
        return response.json['volume']

    def zone_at_bu(self, volume):
        return self.cinders.bu.value(volume['id'], 'availability_zone')

    def assertComesBack(self, zone, there):
        """A client finds a zone as it sent it wherever it looks."""
        volume = self.create(zone)
        self.assertEqual(there, self.zone_at_bu(volume))
        path = f'/volumes/{volume["id"]}'
        [row] = [row for row in self.get('/volumes/detail')['volumes']
                 if row['id'] == volume['id']]
        renamed = self.send(path, 'PUT', body={'volume': {'name': 'new'}})
        for found in (volume, self.get(path)['volume'], row,
                      renamed.json['volume']):
            self.assertEqual((zone, 'bu'),
                             (found.get('availability_zone', zone),
                              found[MARK]))
        self.assertEqual(zone, row['availability_zone'])


class TestRoundTrip(ZonesTestCase):

    def test_default(self):
        self.assertComesBack('bu', 'nova')

    def test_another(self):
        self.assertComesBack('bu:az1', 'az1')

    def test_where_home_has_a_zone_of_that_name(self):
        self.cinders.home.add_zone('bu')
        self.assertComesBack('bu:nova', 'nova')
        self.assertComesBack('bu:az1', 'az1')

    def test_own_zones_of_home(self):
        self.cinders.home.add_zone('bu')
        self.assertEqual('bu', self.create('bu')['availability_zone'])
        self.assertEqual('nova', self.create('nova')['availability_zone'])
        self.assertEqual([], self.clouds.requests)

    def test_zone_that_is_none(self):
        volume = self.cinders.bu.add(availability_zone=None)
        self.assertIsNone(self.get(f'/volumes/{volume}')['volume'][
            'availability_zone'])


class TestDefault(ZonesTestCase):
    """The service provider makes volumes in another zone than nova."""

    def restart(self):
        super().restart()
        self.conf.set_override('availability_zone', 'az1',
                               'service_provider:bu')

    def test_default(self):
        self.assertComesBack('bu', 'az1')

    def test_another(self):
        self.assertComesBack('bu:nova', 'nova')


class TestList(ZonesTestCase):
    """GET /os-availability-zone."""

    def zones(self, path='/os-availability-zone', **kwargs):
        return [row['zoneName'] for row in self.get(path, **kwargs)[
            'availabilityZoneInfo']]

    def test_service_providers_are_offered(self):
        for path in ('/os-availability-zone', '/os-availability-zone.json',
                     '/home-id-of-research/os-availability-zone'):
            self.assertEqual(['nova', 'bu', 'mit'], self.zones(path))
        self.assertEqual(
            {'zoneName': 'bu', 'zoneState': {'available': True}},
            self.get('/os-availability-zone')['availabilityZoneInfo'][1])
        self.assertEqual([], self.clouds.requests)

    def test_only_those_in_the_token(self):
        self.home.service_providers = {'bu': self.bu}
        self.assertEqual(['nova', 'bu'], self.zones())

    def test_zone_of_home_with_that_name(self):
        self.cinders.home.add_zone('bu')
        self.assertEqual(['bu', 'mit', 'nova'], sorted(self.zones()))

    def test_choice(self):
        self.assertEqual(['nova'], self.zones(
            f'/os-availability-zone?{MARK}=none'))

    def test_service_may_not_make_volumes_there(self):
        self.assertEqual(['nova'], self.zones(headers={
            'X-Service-Identity-Status': 'Confirmed'}))


class TestFilter(ZonesTestCase):
    """Lists of what is in one zone."""

    def setUp(self):
        super().setUp()
        self.nova = self.cinders.bu.add(1)
        self.az1 = self.cinders.bu.add(2, availability_zone='az1')
        self.local = self.cinders.home.add(3)

    def ids(self, zone, path='/volumes/detail', **kwargs):
        found = self.get(f'{path}?availability_zone={zone}', **kwargs)
        return [row['id'] for row in found['volumes']]

    def test_zones_of_a_service_provider(self):
        for path in ('/volumes', '/volumes/detail'):
            for zone, found in (('bu', self.nova), ('bu:nova', self.nova),
                                ('bu:az1', self.az1)):
                self.assertEqual([found], self.ids(zone, path), zone)
        self.assertEqual([], self.ids('bu:none'))
        self.assertEqual([], self.cinders.asked_of('mit'))

    def test_zones_of_home(self):
        self.assertEqual([self.local], self.ids('nova'))
        self.assertEqual([], self.ids('none'))
        self.assertEqual([], self.clouds.requests)

    def test_zone_of_home_that_is_called_like_a_service_provider(self):
        self.cinders.home.add_zone('bu')
        local = self.cinders.home.add(4, availability_zone='bu')
        self.assertEqual([local], self.ids('bu'))
        self.assertEqual([self.nova], self.ids('bu:nova'))

    def test_only_one_service_provider_chosen(self):
        self.assertEqual([self.az1], self.ids('az1', headers={
            'OpenStack-Mixmatch-Service-Provider': 'bu'}))

    def test_page_by_page(self):
        more = self.cinders.bu.add(4, availability_zone='az1')
        page = self.get(
            '/volumes/detail?availability_zone=bu:az1&limit=1')
        self.assertEqual([more], [row['id'] for row in page['volumes']])
        [link] = page['volumes_links']
        rest = self.get(link['href'].removeprefix('http://home:8776/v3'))
        self.assertEqual([self.az1], [row['id'] for row in rest['volumes']])

    def test_away(self):
        """The list must not look as if nothing were there."""
        self.cinders.broken['bu'] = {'status_code': 503}
        self.assertEqual(503, self.send(
            '/volumes/detail?availability_zone=bu').status_int)
