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

"""Merged lists of home and of two service providers."""

import uuid

import requests

from tests.unit.mixmatch_cinder.home import base

MARK = 'os-mixmatch:service_provider'
MISSING = 'OpenStack-Mixmatch-Missing'
AWAY = requests.exceptions.ConnectTimeout()
HEADER = 'OpenStack-Mixmatch-Service-Provider'


class ListingTestCase(base.RealCinderTestCase):

    def setUp(self):
        super().setUp()
        self.of_home = self.cinders.home.add(2, display_name='here')
        self.of_bu = self.cinders.bu.add(3, display_name='there', size=5)
        self.of_mit = self.cinders.mit.add(1)
        self.all = [self.of_bu, self.of_home, self.of_mit]

    def ids(self, path='/volumes', **kwargs):
        return [row['id'] for row in self.get(path, **kwargs)['volumes']]

    def asked(self):
        return [each for each in self.cinders.asked if each[0]]


class TestMerged(ListingTestCase):

    def test_all_in_one_place_and_in_order(self):
        rows = self.get('/volumes/detail')['volumes']
        self.assertEqual(
            [(self.of_bu, 'bu'), (self.of_home, None), (self.of_mit, 'mit')],
            [(row['id'], row.get(MARK)) for row in rows])

    def test_rows_without_details(self):
        bu, home, _ = self.get('/volumes')['volumes']
        self.assertEqual({'id', 'name', 'links', MARK}, set(bu))
        self.assertEqual({'id', 'name', 'links'}, set(home))

    def test_one_request_to_each(self):
        self.get('/volumes/detail')
        self.assertEqual([('bu', 'GET', '/volumes/detail?limit=1000'),
                          ('mit', 'GET', '/volumes/detail?limit=1000')],
                         sorted(self.asked()))

    def test_links_lead_home(self):
        """A client that follows a link sends its token there."""
        rows = self.get('/volumes/detail')['volumes']
        for row in rows:
            for link in row['links']:
                self.assertEqual(
                    f'http://home:8776/{"v3/" * (link["rel"] == "self")}'
                    f'volumes/{row["id"]}', link['href'])

    def test_path_with_a_project(self):
        self.assertEqual(self.all, self.ids('/home-id-of-research/volumes'))
        body = self.get('/home-id-of-research/volumes/detail?limit=1')
        self.assertIn('/v3/home-id-of-research/volumes/detail?',
                      body['volumes_links'][0]['href'])

    def test_filter_goes_to_all(self):
        self.assertEqual([self.of_bu], self.ids('/volumes?name=there'))
        self.assertEqual([self.of_bu], self.ids('/volumes/detail?size=5'))

    def test_filter_with_microversion_of_its_own(self):
        self.assertEqual(self.all[:2], self.ids(
            '/volumes/detail?created_at=gte:2026-01-01T00:00:02'))

    def test_offset(self):
        self.assertEqual(self.all[1:], self.ids('/volumes?offset=1'))
        body = self.get('/volumes?offset=1&limit=1')
        self.assertEqual(self.of_home, body['volumes'][0]['id'])
        [link] = body['volumes_links']
        self.assertEqual([self.of_mit], self.ids(
            link['href'].removeprefix('http://home:8776/v3')))

    def test_with_count(self):
        body = self.get('/volumes?limit=2&with_count=true')
        self.assertEqual(3, body['count'])
        self.assertEqual(2, len(body['volumes']))

    def test_summary(self):
        self.assertEqual(
            {'total_count': 3, 'total_size': 7, 'metadata': {}},
            self.get('/volumes/summary')['volume-summary'])
        self.assertEqual({'total_count': 3, 'total_size': 7}, self.get(
            '/volumes/summary', version='3.12')['volume-summary'])

    def test_snapshots(self):
        here = self.cinders.home.add_snapshot(self.of_home, 1)
        there = self.cinders.bu.add_snapshot(self.of_bu, 2)
        for path in ('/snapshots', '/snapshots/detail'):
            rows = self.get(path)['snapshots']
            self.assertEqual([(there, 'bu'), (here, None)], [
                (row['id'], row.get(MARK)) for row in rows])
        rows = self.get(f'/snapshots?volume_id={self.of_bu}')['snapshots']
        self.assertEqual([there], [row['id'] for row in rows])
        body = self.get('/snapshots?limit=1&with_count=1')
        self.assertEqual(2, body['count'])
        [link] = body['snapshots_links']
        self.assertEqual([here], [row['id'] for row in self.get(
            link['href'].removeprefix('http://home:8776/v3'))['snapshots']])

    def test_in_the_version_that_was_asked_for(self):
        rows = self.get('/volumes/detail', version='3.12')['volumes']
        self.assertNotIn('group_id', rows[0])
        self.assertNotIn('volume_type_id', rows[0])

    def test_no_token_of_home_leaves_home(self):
        self.get('/volumes/detail?limit=1')
        self.assertEqual([], self.clouds.leaks())


class TestCindersOwn(ListingTestCase):
    """Errors and odd requests stay what they are without other clouds."""

    def assertSameAsAlone(self, path, **kwargs):
        merged = self.send(path, **kwargs)
        alone = self.send(path, headers={HEADER: 'none'}, **kwargs)
        self.assertEqual((alone.status, alone.body),
                         (merged.status, merged.body))
        return merged

    def test_errors(self):
        for query in ('limit=many', 'limit=-1', 'offset=-1', 'offset=x',
                      'sort=nonsense', 'sort=name:up', 'sort=a&sort_key=b',
                      'no_such_filter=1', 'created_at=never',
                      f'marker={uuid.uuid4()}', 'marker=nowhere'):
            for path in ('/volumes', '/volumes/detail', '/snapshots'):
                response = self.assertSameAsAlone(f'{path}?{query}')
                if path == '/volumes':
                    self.assertIn(response.status_int, (400, 404), query)

    def test_deleted_marker_that_was_in_no_page(self):
        self.cinders.home.delete(self.of_home)
        self.assertEqual(404, self.assertSameAsAlone(
            f'/volumes?marker={self.of_home}').status_int)

    def test_limit_of_nothing(self):
        self.assertSameAsAlone('/volumes?limit=0')

    def test_administrator_who_asks_for_all_projects(self):
        response = self.assertSameAsAlone(
            '/volumes?all_tenants=1', is_admin=True, roles=['admin'])
        self.assertEqual(1, len(response.json['volumes']))
        self.assertEqual([], self.asked())

    def test_all_tenants_of_somebody_else_means_nothing(self):
        self.assertEqual(self.all, self.ids('/volumes?all_tenants=1'))

    def test_filters_of_administrators(self):
        for name in ('project_id', 'user_id', 'migration_status'):
            self.assertSameAsAlone(f'/volumes?{name}=x', is_admin=True,
                                   roles=['admin'])
        self.assertEqual([], self.asked())

    def test_project_that_has_nothing_elsewhere(self):
        self.cinders.bu.clear()
        self.cinders.mit.clear()
        self.assertSameAsAlone('/volumes/detail?limit=1')
        self.assertSameAsAlone(f'/volumes?limit=1&marker={self.of_home}')

    def test_link_of_a_list_that_is_not_merged_any_more(self):
        [link] = self.get('/volumes?limit=2')['volumes_links']
        self.home.service_providers = {}
        path = link['href'].removeprefix('http://home:8776/v3')
        self.assertEqual([], self.ids(path))

    def test_unauthenticated(self):
        response = self.send('/volumes', auth_token=None)
        self.assertEqual(1, len(response.json['volumes']))
        self.assertEqual([], self.asked())


class TestChoice(ListingTestCase):

    def test_home_only(self):
        self.assertEqual([self.of_home], self.ids(f'/volumes?{MARK}=none'))
        self.assertEqual([self.of_home], self.ids(headers={HEADER: 'none'}))
        self.assertEqual([], self.asked())

    def test_one_service_provider(self):
        self.assertEqual([self.of_bu], self.ids(f'/volumes?{MARK}=bu'))
        self.assertEqual([self.of_bu], self.ids(headers={HEADER: 'bu'}))
        self.assertEqual([], self.cinders.asked_of('mit'))
        self.assertEqual(1, self.get(f'/volumes/summary?{MARK}=bu')[
            'volume-summary']['total_count'])

    def test_the_choice_stays_in_the_link_to_the_next_page(self):
        second = self.cinders.bu.add(1)
        [link] = self.get('/volumes?limit=1', headers={HEADER: 'bu'})[
            'volumes_links']
        self.assertEqual([second], self.ids(
            link['href'].removeprefix('http://home:8776/v3')))

    def follow(self, path):
        """Return the ids of all pages, by the links of each."""
        body = self.get(path)
        found = [row['id'] for row in body['volumes']]
        for link in body.get('volumes_links', ()):
            found += self.follow(
                link['href'].removeprefix('http://home:8776/v3'))
        return found

    def test_each_choice_stays_in_the_links(self):
        more = [self.cinders.home.add(0), self.cinders.home.add(-1)]
        home = [self.of_home, *more]
        for merged in ('true', 'false'):
            self.options = f'merge_listings = {merged}\n'
            self.restart()
            for choice, expected in (('none', home), ('bu', [self.of_bu]),
                                     ('all', [*self.all, *more])):
                for path in ('/volumes', '/volumes/detail'):
                    self.assertEqual(expected, self.follow(
                        f'{path}?limit=1&{MARK}={choice}'), (merged, choice))

    def test_the_choice_stays_where_no_other_cloud_has_anything(self):
        home = [self.of_home, self.cinders.home.add(0)]
        self.cinders.bu.clear()
        self.cinders.mit.clear()
        self.options = 'merge_listings = false\n'
        self.restart()
        [link] = self.get(f'/volumes?limit=1&{MARK}=all')['volumes_links']
        self.assertEqual(1, link['href'].count('service_provider=all'))
        self.assertEqual(home, self.follow(f'/volumes?limit=1&{MARK}=all'))

    def test_a_volume_that_is_called_like_the_links(self):
        self.cinders.home.add(9, display_name='volumes_links')
        self.assertEqual(2, len(self.ids(f'/volumes?{MARK}=none')))

    def test_unknown_service_provider(self):
        response = self.send(f'/volumes?{MARK}=nowhere')
        self.assertEqual(400, response.status_int)
        self.assertIn('bu, mit', response.text)

    def test_the_one_that_is_wanted_is_away(self):
        self.cinders.broken['bu'] = AWAY
        response = self.send(f'/volumes?{MARK}=bu')
        self.assertEqual(503, response.status_int)
        self.assertIn('bu', response.text)

    def test_one_that_does_not_let_the_user_in(self):
        del self.bu.projects['alice']
        response = self.send(f'/volumes?{MARK}=bu')
        self.assertEqual(403, response.status_int)

    def test_operator_who_does_not_want_it(self):
        self.options = 'merge_listings = false\n'
        self.restart()
        self.assertEqual([self.of_home], self.ids())
        self.assertEqual(self.all, self.ids(f'/volumes?{MARK}=all'))


class TestProviderFails(ListingTestCase):

    def assertMissing(self, *ids, path='/volumes'):
        response = self.send(path)
        self.assertEqual(200, response.status_int, response.text)
        self.assertEqual('bu', response.headers[MISSING])
        self.assertEqual(list(ids), [
            row['id'] for row in response.json['volumes']])

    def test_away(self):
        self.cinders.broken['bu'] = AWAY
        self.assertMissing(self.of_home, self.of_mit)
        self.assertEqual('bu', self.send('/volumes/summary').headers[MISSING])

    def test_broken(self):
        for body in (
                {}, [], {'volumes': None}, {'volumes': {}},
                {'volumes': ['row']}, {'volumes': [{}]},
                {'volumes': [{'id': 'no-uuid'}]},
                {'volumes': [{'id': self.of_bu}] * 2},
                {'volumes': [{'id': self.of_bu, 'created_at': 'now'}]},
                {'volumes': [{'id': self.of_bu, 'created_at': 5}]},
                {'volumes': [], 'count': 'many'}):
            self.cinders.broken['bu'] = {'json': body}
            self.assertMissing(self.of_home, self.of_mit)
        for status in (400, 401, 403, 404, 500, 503):
            self.cinders.broken['bu'] = {'status_code': status, 'json': {}}
            self.assertMissing(self.of_home, self.of_mit)

    def test_values_that_cannot_be_compared(self):
        self.cinders.broken['bu'] = {'json': {'volumes': [
            {'id': self.of_bu, 'created_at': None, 'size': {'a': []},
             'name': ['x']}]}}
        for sort in ('size', 'name', 'created_at'):
            self.assertIn(self.of_bu, self.ids(
                f'/volumes/detail?sort={sort}:asc'))

    def test_claim_of_what_is_homes(self):
        """Else a user who deletes a row of bu would delete one of home."""
        for victim in (self.of_home, self.cinders.home.add(
                project_id='another')):
            self.cinders.broken['bu'] = {'json': {'volumes': [
                {'id': victim, 'name': 'old junk', 'created_at': None}]}}
            rows = self.get('/volumes/detail')['volumes']
            self.assertNotIn('bu', [row.get(MARK) for row in rows])

    def test_marker_that_could_be_there(self):
        self.cinders.broken['bu'] = AWAY
        response = self.send(f'/volumes?marker={self.of_bu}')
        self.assertEqual(503, response.status_int)
        self.assertIn('bu does not answer', response.text)

    def test_user_who_is_not_let_in(self):
        del self.bu.projects['alice']
        response = self.send('/volumes')
        self.assertNotIn(MISSING, response.headers)
        self.assertEqual(2, len(response.json['volumes']))

    def test_away_in_the_middle(self):
        """Only its part is missing in the next page."""
        for second in (10, 9, 8):
            self.cinders.bu.add(second)
        page = self.get('/volumes?limit=2')
        link = page['volumes_links'][0]['href'].removeprefix(
            'http://home:8776/v3')
        self.cinders.broken['bu'] = AWAY
        self.assertMissing(self.of_home, self.of_mit, path=link)

    def test_position_that_was_made_up(self):
        for position in ('x', 'W10=', 'bnVsbA==', 'WzEsMl0=',
                         'W1siYSIsWzFdXSx7fV0='):
            response = self.send(f'/volumes?limit=1&marker={self.of_home}'
                                 f'&os-mixmatch:position={position}')
            self.assertEqual(400, response.status_int, position)
