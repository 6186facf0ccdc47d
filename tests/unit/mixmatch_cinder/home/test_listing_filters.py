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

"""Filters of merged lists."""

import uuid

import fixtures

from tests.unit.mixmatch_cinder.home import test_listing

MARK = test_listing.MARK
MISSING = test_listing.MISSING
AWAY = test_listing.AWAY
HEADER = test_listing.HEADER


class TestLookedFor(test_listing.ListingTestCase):
    """A list with a filter is complete, or an error."""

    paths = ('/volumes?name=there', '/volumes/detail?status=available',
             "/volumes?metadata={'a':'b'}",
             '/volumes?name=there&limit=1&with_count=true',
             '/snapshots?name=x',
             f'/snapshots?volume_id={uuid.uuid4()}')

    def setUp(self):
        super().setUp()
        self.cinders.broken['bu'] = AWAY

    def test_is_an_error_while_a_cloud_is_away(self):
        for path in self.paths:
            response = self.send(path)
            self.assertEqual(503, response.status_int, path)
            self.assertIn('Service provider bu does not answer', response.text)
            self.assertIn(f'{MARK}=none', response.text)

    def test_name_of_what_home_has(self):
        """Nobody takes the list for an empty one, and home waits for none."""
        name = 'of-home-alone'
        volume = self.cinders.home.add(display_name=name)
        for path in (f'/volumes?name={name}', f'/volumes/detail?name={name}',
                     f'/volumes?name={name}&limit=1&sort=created_at'):
            response = self.send(path)
            self.assertEqual((200, 'bu'), (
                response.status_int, response.headers.get(MISSING)), path)
            self.assertEqual([volume], [
                each['id'] for each in response.json['volumes']], path)
        for more in ('&status=available', '&with_count=true',
                     f'&marker={volume}', f'&{MARK}=bu'):
            self.assertEqual(
                503, self.send(f'/volumes?name={name}{more}').status_int,
                more)
        self.options = 'listing_refresh = 0\nincomplete_lists = never\n'
        self.restart()
        self.assertEqual(503, self.send(f'/volumes?name={name}').status_int)

    def test_the_remedy_helps(self):
        for path in self.paths:
            response = self.send(f'{path}&{MARK}=none')
            self.assertEqual(200, response.status_int, response.text)

    def test_another_cloud_is_not_concerned(self):
        self.assertEqual([], self.ids(f'/volumes?name=there&{MARK}=mit'))

    def test_next_page(self):
        self.cinders.broken.clear()
        [link] = self.get('/volumes?status=available&limit=1')[
            'volumes_links']
        self.cinders.broken['bu'] = AWAY
        path = link['href'].removeprefix('http://home:8776/v3')
        self.assertEqual(503, self.send(path).status_int)
        self.assertEqual(503, self.send(
            f'/volumes?status=available&limit=1&marker={self.of_bu}'
        ).status_int)

    def test_what_home_refuses_is_homes_error(self):
        response = self.send('/volumes?no_such_filter=1')
        self.assertEqual(400, response.status_int)
        self.assertNotIn('bu', response.text)

    def test_user_who_is_not_let_in(self):
        self.cinders.broken.clear()
        del self.bu.projects['alice']
        self.assertEqual([], self.ids('/volumes?name=there'))

    def test_operator_who_wants_it_always(self):
        self.options = 'listing_refresh = 0\nincomplete_lists = always\n'
        self.restart()
        for path in self.paths:
            response = self.send(path)
            self.assertEqual((200, 'bu'), (
                response.status_int, response.headers[MISSING]), path)

    def test_operator_who_wants_it_never(self):
        self.options = 'listing_refresh = 0\nincomplete_lists = never\n'
        self.restart()
        for path in (*self.paths, '/volumes', '/volumes/detail?limit=1',
                     '/snapshots', '/volumes/summary'):
            self.assertEqual(503, self.send(path).status_int, path)


class TestRefused(test_listing.ListingTestCase):
    """A request that a service provider refuses is no outage of it."""

    def refuse(self, status, message='Invalid filters foo are found'):
        self.cinders.broken['bu'] = {'status_code': status, 'json': {
            'badRequest': {'code': status, 'message': message}}}

    def test_filter_or_sort_key_that_it_does_not_know(self):
        log = self.useFixture(fixtures.FakeLogger())
        self.refuse(400)
        for path in ('/volumes?name=x', '/volumes/detail?sort=name',
                     '/snapshots?status=x',
                     f'/volumes?name=x&{MARK}=bu'):
            response = self.send(path)
            self.assertEqual(400, response.status_int, path)
            self.assertIn('Service provider bu does not take this request: '
                          'Invalid filters foo are found. To ask only this '
                          f'cloud, add the query {MARK}=none', response.text)
            self.assertNotIn(MISSING, response.headers)
        self.assertNotIn('Partial', log.output)
        self.assertNotIn('does not answer', log.output)
        self.assertEqual('up', self.federation.health()['bu']['volume'][
            'state'])

    def test_what_home_refuses_as_well_is_homes_error(self):
        self.refuse(400)
        response = self.send('/volumes?no_such_filter=1')
        self.assertEqual(400, response.status_int)
        self.assertNotIn('bu', response.text)

    def test_text_of_another_cloud(self):
        self.refuse(400, 'a\n\x1b[2J' + 1000 * 'b')
        text = self.send('/volumes?name=x').json['badRequest']['message']
        self.assertIn(r'a\n\x1b', text)
        self.assertLess(len(text), 900)

    def test_what_the_client_has_not_chosen(self):
        self.refuse(400)
        for path in ('/volumes', '/volumes?limit=5&all_tenants=0'):
            response = self.send(path)
            self.assertEqual((200, 'bu'), (
                response.status_int, response.headers[MISSING]))

    def test_user_who_may_not_list_there(self):
        for status in (403, 413, 429):
            self.refuse(status, 'not now')
            response = self.send('/volumes')
            self.assertEqual((200, 'bu'), (
                response.status_int, response.headers[MISSING]))
            response = self.send('/volumes?name=there')
            self.assertEqual(503, response.status_int)
            self.assertIn(f'could not do this: its Cinder answered HTTP '
                          f'{status}: not now. What', response.text)


class TestParametersTwice(test_listing.ListingTestCase):
    """Each cloud gets them as home does."""

    def assertSameEverywhere(self, query, version='3.71'):
        """Compare with home's Cinder, and with what bu shows alone."""
        alone = self.send(f'/volumes?{query}', headers={HEADER: 'none'},
                          version=version)
        merged = self.send(f'/volumes?{query}', version=version)
        self.assertEqual(alone.status_int, merged.status_int, query)
        if alone.status_int != 200:
            return self.assertEqual(alone.body, merged.body)
        there = self.send(f'/volumes?{query}', headers={HEADER: 'bu'},
                          version=version)
        return self.assertEqual(
            len(alone.json['volumes']), len(there.json['volumes']), query)

    def test_filter(self):
        for cloud in (self.cinders.home, self.cinders.bu):
            cloud.clear()
            cloud.add(1, display_name='x')
            cloud.add(2, display_name='y')
        for version in ('3.0', '3.71'):
            self.assertSameEverywhere('name=x&name=y', version)
            self.assertSameEverywhere('status=x&status=available', version)

    def test_page(self):
        for query in ('limit=2&limit=3', 'offset=0&offset=1',
                      f'marker={self.of_home}&marker={self.of_home}',
                      'sort=name&sort=size', 'sort_key=name&sort_key=size'):
            self.assertSameEverywhere(query)

    def test_the_first_limit_counts_where_the_second_is_ignored(self):
        self.assertEqual(2, len(self.ids('/volumes?limit=2&limit=1',
                                         version='3.0')))

    def test_type_of_another_cloud(self):
        self.assertSameEverywhere(f'volume_type_id={uuid.uuid4()}')

    def test_marker_in_capitals(self):
        self.assertEqual(self.all[1:], self.ids(
            f'/volumes?marker={self.of_bu.upper()}'))
        self.ids('/volumes?limit=1')
        self.assertEqual(self.all[1:2], self.ids(
            f'/volumes?limit=1&marker={self.of_bu.upper()}'))
