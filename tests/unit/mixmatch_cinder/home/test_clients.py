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

"""Table of doc/source/user/clients.rst: a test for each of its rows.

Volumes are at bu; mit is the other service provider.
"""

import uuid

from tests.unit.mixmatch_cinder.home import test_listing
from tests.unit.mixmatch_cinder.home import test_listing_workers

MISSING = test_listing.MISSING


class TestClients(test_listing_workers.WorkersTestCase):

    def send_when_away(self, path, method='GET', **kwargs):
        """Return the responses: all are there, bu is away, mit is away."""
        responses = []
        for away in ('', 'bu', 'mit'):
            self.cinders.broken = {away: test_listing.AWAY}
            responses.append(self.send(path, method, **kwargs))
            # Nothing is left alone because of the test before.
            self.restart()
        self.cinders.broken = {}
        return responses

    def assertAnswers(self, path, *expected, **kwargs):
        """Check status, and what header or text say is away."""
        responses = self.send_when_away(path, **kwargs)
        found = []
        for response in responses:
            named = response.headers.get(MISSING, '')
            if response.status_int == 503:
                named = next(name for name in self.names if (
                    f'provider {name} does not answer' in response.text))
            found.append((response.status_int, named))
        self.assertEqual(list(expected), found, path)
        return responses

    def test_show(self):
        self.get(f'/volumes/{self.of_bu}')
        for response in self.assertAnswers(
                f'/volumes/{self.of_bu}', (200, ''), (503, 'bu'), (200, '')):
            if response.status_int == 200:
                self.assertEqual('bu', response.json['volume'][
                    test_listing.MARK])

    def test_show_what_was_never_seen(self):
        self.assertAnswers(f'/volumes/{uuid.uuid4()}', (404, ''),
                           (503, 'bu'), (503, 'mit'))

    def test_list(self):
        for path in ('/volumes', '/volumes/detail?limit=3&with_count=true',
                     '/volumes/summary'):
            self.assertAnswers(path, (200, ''), (200, 'bu'), (200, 'mit'))

    def test_list_with_a_filter(self):
        for path in ('/volumes?name=there', '/snapshots?name=there',
                     '/volumes/detail?status=available&with_count=true'):
            self.assertAnswers(path, (200, ''), (503, 'bu'), (503, 'mit'))

    def test_name_of_what_home_has(self):
        self.assertAnswers('/volumes?name=here', (200, ''), (200, 'bu'),
                           (200, 'mit'))

    def test_filter_that_one_does_not_know(self):
        self.cinders.broken['bu'] = {'status_code': 400, 'json': {
            'badRequest': {'message': 'no such filter'}}}
        for away in (False, True):
            if away:
                self.cinders.broken['mit'] = test_listing.AWAY
            response = self.send('/volumes?name=there')
            self.assertEqual(400, response.status_int)
            self.assertIn('provider bu', response.text)
            self.assertIn('no such filter', response.text)

    def test_home_only(self):
        self.assertAnswers(f'/volumes?name=here&{test_listing.MARK}=none',
                           (200, ''), (200, ''), (200, ''))

    def test_make(self):
        self.assertAnswers(
            '/volumes', (202, ''), (503, 'bu'), (202, ''), method='POST',
            body={'volume': {'size': 1, 'availability_zone': 'bu'}})

    def test_delete_and_show_until_it_is_gone(self):
        expected = {'': (202, 404), 'bu': (503, 503), 'mit': (202, 404)}
        for away, statuses in expected.items():
            self.workers = []
            for _ in range(2):
                self.restart()
                self.workers.append(self.filter)
            volume = self.cinders.bu.add(7)
            self.get(f'/volumes/{volume}')
            self.cinders.broken = {away: test_listing.AWAY}
            found = [self.send(f'/volumes/{volume}', 'DELETE').status_int]
            self.cinders.bu.delete(volume)
            self.at(0)
            found.append(self.send(f'/volumes/{volume}').status_int)
            self.assertEqual(statuses, tuple(found), away)
            self.cinders.broken = {}

    def test_attach_with_cinder(self):
        self.get(f'/volumes/{self.of_bu}')
        self.assertAnswers(
            '/attachments', (400, ''), (503, 'bu'), (400, ''), method='POST',
            body={'attachment': {'volume_uuid': self.of_bu}})
