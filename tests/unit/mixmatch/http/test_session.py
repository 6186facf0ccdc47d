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

"""HTTP to another cloud: what is sent, and what a silence is called."""

import time

from keystoneauth1 import exceptions as ksa_exceptions
import requests
from requests_mock.contrib import fixture as requests_mock_fixture

from mixmatch import conf as mixmatch_conf
from mixmatch import deadline
from mixmatch import exceptions
from mixmatch import health
from mixmatch.http import endpoints
from mixmatch.http import limits
from mixmatch.http import session
from mixmatch.http import transport
from mixmatch import metrics
from tests.unit import base
from tests.unit import fixtures

HOME = transport.HomeKeystone(
    'http://home:5000', {'verify': '/home.pem', 'cert': None})
URL = 'http://bu:8776/v3/volumes'


class SessionTestCase(base.TestCase):

    def session(self, timeout=(1.5, 20), adapter=None, home=HOME,
                cookies=False, **kwargs):
        conf = fixtures.configuration(self, '')
        mixmatch_conf.register_opts(conf)
        self.health = health.Health('bu: volume', pause=60, longest=60)
        there = transport.Transport(
            'bu', 'volume', self.health, metrics.Metrics(conf),
            adapter or limits.Adapter(), home, cookies,
            **{'allowed': self.allowed(), **kwargs})
        return session.CloudSession('bu', timeout, there, home)

    @staticmethod
    def allowed():
        return endpoints.Endpoints('bu', ['127.0.0.1', 'bu'], None,
                                   'http://home:5000')

    def get(self, url=URL, **kwargs):
        return self.session().get(url, authenticated=False, **kwargs)


class TestCloudSession(SessionTestCase):


    def setUp(self):
        super().setUp()
        self.mock = self.useFixture(requests_mock_fixture.Fixture())

    def test_waits_for_the_configured_time(self):
        self.mock.get(URL)
        self.get()
        self.assertEqual((1.5, 20), self.mock.last_request.timeout)

    def test_a_caller_may_wait_less(self):
        self.mock.get(URL)
        self.get(timeout=1)
        self.assertEqual((1, 1), self.mock.last_request.timeout)

    def test_waits_for_nothing_beyond_a_deadline(self):
        self.mock.get(URL)
        with deadline.limit(time.monotonic() + 1):
            self.get()
        for seconds in self.mock.last_request.timeout:
            self.assertLessEqual(seconds, 1)

    def test_silence_names_the_cloud(self):
        self.mock.get(URL, exc=requests.exceptions.ConnectTimeout)
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                self.get)
        self.assertIn('bu', str(exc))
        self.assertEqual(503, exc.code)

    def test_silence_is_a_connection_error_to_keystoneauth(self):
        self.mock.get(URL, exc=requests.exceptions.ConnectionError)
        self.assertRaises(ksa_exceptions.ConnectionError, self.get)

    def test_silence_of_home_is_not_blamed_on_the_service_provider(self):
        url = 'http://home:5000/v3/auth/tokens'
        self.mock.get(url, exc=requests.exceptions.ReadTimeout)
        self.assertRaises(exceptions.HomeUnavailable, self.get, url)

    def test_home_is_trusted_by_options_of_its_own(self):
        url = 'http://home:5000/v3/auth/tokens'
        for each in (URL, url):
            self.mock.get(each)
            self.get(each)
        there, home = self.mock.request_history
        self.assertEqual('/home.pem', home.verify)
        self.assertNotEqual('/home.pem', there.verify)

    def test_an_error_that_was_answered_stays_what_it_is(self):
        self.mock.get(URL, status_code=404)
        self.assertRaises(ksa_exceptions.NotFound, self.get)

    def test_connect_retries_count(self):
        self.mock.get(URL, [{'exc': requests.exceptions.ConnectTimeout},
                            {'text': 'here I am'}])
        answer = self.get(connect_retries=1, connect_retry_delay=0.01)
        self.assertEqual('here I am', answer.text)

    def cookie_of_the_second_request(self, session):
        self.mock.add_matcher(
            lambda request: fixtures.answer_with_cookie(request, 'me=alice'))
        for _ in range(2):
            session.get(URL, authenticated=False, redirect=False)
        return self.mock.last_request.headers.get('Cookie')

    def test_a_login_keeps_its_cookie(self):
        self.assertEqual('me=alice', self.cookie_of_the_second_request(
            self.session(cookies=True)))

    def test_a_shared_session_keeps_none(self):
        self.assertIsNone(self.cookie_of_the_second_request(self.session()))
