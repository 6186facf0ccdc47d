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

"""Lists of two processes of home's cinder-api."""

import fixtures

from tests.unit import fixtures as clouds
from tests.unit.mixmatch_cinder.home import test_listing


class WorkersTestCase(test_listing.ListingTestCase):
    """Two processes of home's cinder-api."""

    options = clouds.shared_cache()

    def setUp(self):
        self.cache = self.useFixture(clouds.SharedCache())
        super().setUp()
        self.workers = [self.filter]
        self.restart()
        self.workers.append(self.filter)

    def at(self, number):
        """Let a worker serve the next requests."""
        self.filter = self.workers[number]

    def create(self):
        response = self.send('/volumes', 'POST', body={'volume': {
            'size': 1, 'availability_zone': 'mit', 'name': 'new'}})
        self.assertEqual(202, response.status_int, response.text)
        return response.json['volume']['id']


class TestWorkers(WorkersTestCase):
    """A volume that one makes is in the lists of the other at once."""

    def assertMadeIsListed(self):
        self.cinders.mit.clear()
        for number in (0, 1):
            self.at(number)
            self.ids()
        made = self.create()
        for number in (0, 1):
            self.at(number)
            self.assertIn(made, self.ids())
            self.assertEqual([made], self.ids('/volumes?name=new'))

    def test_with_a_shared_cache(self):
        self.assertMadeIsListed()

    def test_without_a_shared_cache(self):
        self.cache.broken = True
        self.assertMadeIsListed()

    def test_answer_that_is_lost(self):
        self.cinders.mit.clear()
        for number in (0, 1):
            self.at(number)
            self.ids()
        self.cinders.broken['mit'] = test_listing.AWAY
        self.assertEqual(503, self.send('/volumes', 'POST', body={'volume': {
            'size': 1, 'availability_zone': 'mit'}}).status_int)
        self.cinders.broken.clear()
        made = self.cinders.mit.add(9)
        self.at(0)
        self.assertIn(made, self.ids())

    def test_what_is_refused_makes_nothing(self):
        self.cinders.mit.clear()
        self.ids()
        self.send('/volumes', 'POST', body={'volume': {
            'size': 'x', 'availability_zone': 'mit'}})
        before = len(self.cinders.asked_of('mit'))
        self.ids()
        self.assertEqual(before, len(self.cinders.asked_of('mit')))

    def test_wrong_empty_list(self):
        self.ids()
        self.cinders.broken['bu'] = {'json': {'volumes': []}}
        self.at(0)
        self.assertNotIn(self.of_bu, self.ids())
        self.cinders.broken.clear()
        for number in (0, 1):
            self.at(number)
            self.assertIn(self.of_bu, self.ids())

    def test_delete_and_poll_while_a_third_cloud_is_away(self):
        for away_before in (False, True):
            volume = self.cinders.bu.add(5)
            if away_before:
                self.cinders.broken['mit'] = test_listing.AWAY
            self.at(0)
            self.assertEqual(202, self.send(f'/volumes/{volume}', 'DELETE'
                                            ).status_int)
            self.cinders.broken['mit'] = test_listing.AWAY
            self.assertEqual('deleting', self.get(f'/volumes/{volume}')[
                'volume']['status'])
            self.cinders.bu.delete(volume)
            for number in (0, 1):
                self.at(number)
                self.assertEqual(404, self.send(f'/volumes/{volume}'
                                                ).status_int)
            self.cinders.broken.clear()

    def test_without_anything_there_an_outage_is_nobodys_matter(self):
        self.cinders.mit.clear()
        self.ids()
        self.cinders.broken['mit'] = test_listing.AWAY
        self.restart_without_refresh()
        response = self.send('/volumes?name=there')
        self.assertEqual(200, response.status_int, response.text)
        self.assertEqual('mit', response.headers[test_listing.MISSING])
        self.cinders.broken['bu'] = test_listing.AWAY
        response = self.send('/volumes?name=there')
        self.assertEqual(503, response.status_int)
        self.assertNotIn('provider mit', response.text)

    def restart_without_refresh(self):
        """Ask all each time, but know what is known."""
        self.useFixture(fixtures.MockPatchObject(
            self.federation.holdings, 'refresh', 0))


class TestNothingThere(test_listing.ListingTestCase):
    """Service providers without resources of the project are skipped."""

    options = clouds.shared_cache()

    def setUp(self):
        self.useFixture(clouds.SharedCache())
        super().setUp()

    def test_asked_once(self):
        self.cinders.mit.clear()
        for _ in range(3):
            self.get('/volumes')
        self.assertEqual(1, len(self.cinders.asked_of('mit')))
        self.assertEqual(3, len(self.cinders.asked_of('bu')))

    def test_a_filter_says_nothing_of_that(self):
        self.get('/volumes?name=nobody')
        self.assertEqual(self.all, self.ids())

    def test_what_was_made_from_here_is_shown(self):
        self.cinders.mit.clear()
        self.get('/volumes')
        response = self.send('/volumes', 'POST', body={'volume': {
            'size': 1, 'availability_zone': 'mit'}})
        self.assertEqual(202, response.status_int, response.text)
        self.assertIn(response.json['volume']['id'], self.ids())
