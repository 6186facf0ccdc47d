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

"""Requests to another cloud, over real connections."""

from concurrent import futures
import socket
import threading
import time

import fixtures as base_fixtures
from keystoneauth1 import exceptions as ksa_exceptions

from mixmatch import deadline
from mixmatch import exceptions
from mixmatch.http import limits
from mixmatch.http import transport
from tests.unit import fixtures
from tests.unit.mixmatch import base
from tests.unit.mixmatch.http import test_session
from tests.unit import servers

OK = servers.answer()


class WireTestCase(test_session.SessionTestCase):

    def serve(self, *answers, **kwargs):
        self.server = self.useFixture(servers.Server(*answers))
        self.there = self.session(adapter=limits.Adapter(), **kwargs)

    def request(self, method='GET', path='v3/volumes', **kwargs):
        return self.there.request(self.server.url + path, method,
                                  authenticated=False, **kwargs)

    def unavailable(self, method='GET', **kwargs):
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                self.request, method, **kwargs)
        self.assertEqual('bu', exc.service_provider)
        return exc

    def fail(self, expected=ksa_exceptions.ServiceUnavailable, **kwargs):
        """A request fails, and a probe has found out about it."""
        self.assertRaises(expected, self.request, **kwargs)
        base.wait_for_probes()

    @property
    def connections(self):
        """Return the connection of each request, without those of probes."""
        return [number for number, first, _ in self.server.requests
                if not first.startswith('GET / ')]


class TestConnections(WireTestCase):

    def test_are_kept(self):
        self.serve(OK)
        for _ in range(3):
            self.request()
        self.assertEqual([0, 0, 0], self.connections)

    def test_one_that_was_closed_meanwhile_is_replaced(self):
        """A server restarts, or has an idle timeout: no user sees it."""
        self.serve(OK, None, OK)
        self.request()
        self.assertEqual(200, self.request().status_code)
        self.assertEqual([0, 0, 1], self.connections)
        self.assertIsNone(self.health.refusal(30))

    def test_a_reset_is_the_same(self):
        self.serve(OK, servers.reset, OK)
        self.request()
        self.assertEqual(200, self.request().status_code)
        self.assertEqual([0, 0, 1], self.connections)

    def test_what_may_have_been_done_is_not_sent_twice(self):
        """Nobody knows whether a POST has made something."""
        self.serve(OK, None, OK)
        self.request()
        self.unavailable('POST', json={'volume': {}})
        self.assertEqual([0, 0], self.connections)

    def test_replaced_once_only(self):
        self.serve(OK, None, None, OK)
        self.request()
        self.unavailable()
        self.assertEqual([0, 0, 1], self.connections)


class TestRedirection(WireTestCase):
    """Another cloud does not send our services around."""

    def test_is_not_followed(self):
        elsewhere = self.useFixture(servers.Server(OK))
        self.serve(servers.answer(status='302 Found', Location=elsewhere.url))
        self.assertEqual(302, self.request().status_code)
        self.assertEqual([], elsewhere.requests)

    def test_is_not_followed_by_the_probe(self):
        elsewhere = self.useFixture(servers.Server(OK))
        self.serve(servers.answer(status='503 Unavailable'),
                   servers.answer(status='302 Found', Location=elsewhere.url))
        self.fail()
        self.assertEqual(2, len(self.server.requests))
        self.assertEqual([], elsewhere.requests)


class TestHealth(WireTestCase):

    def test_nobody_listens(self):
        with socket.create_server(('127.0.0.1', 0)) as gone:
            port = gone.getsockname()[1]
        self.serve(OK)
        self.server.url = f'http://127.0.0.1:{port}/'
        self.unavailable()
        base.wait_for_probes()
        self.assertIn('Errno 111', str(self.unavailable()))
        self.assertEqual('down', self.health.to_dict()['state'])

    def test_who_is_down_is_not_asked(self):
        for status in ('502 Bad', '503 Unavailable', '504 Timeout'):
            self.serve(servers.answer(status=status))
            self.fail(ksa_exceptions.HttpError)
            exc = self.unavailable()
            self.assertIn(f'HTTP {status[:3]} from', str(exc))
            self.assertEqual(['GET /v3/volumes HTTP/1.1', 'GET / HTTP/1.1'],
                             [first for _, first, _ in self.server.requests])

    def test_an_error_of_its_own_is_an_answer(self):
        self.serve(servers.answer(status='500 Broken'))
        for _ in range(2):
            self.assertRaises(ksa_exceptions.InternalServerError,
                              self.request)

    def test_its_root_is_asked_and_then_all_goes_on(self):
        unavailable = servers.answer(status='503 Unavailable')
        self.serve(unavailable, unavailable, OK)
        clock = self.useFixture(fixtures.Clock())
        self.fail()
        clock.let_pass(61)
        with deadline.limit(patience=30):
            self.assertEqual(200, self.request().status_code)
        self.assertEqual(['GET /v3/volumes HTTP/1.1', 'GET / HTTP/1.1',
                          'GET / HTTP/1.1', 'GET /v3/volumes HTTP/1.1'],
                         [first for _, first, _ in self.server.requests])
        self.assertEqual('up', self.health.to_dict()['state'])

    def test_of_services_that_share_a_host_each_has_a_root(self):
        self.serve(servers.answer(status='503 Unavailable'), OK)
        self.fail(path='volume/v3/volumes/v?more=/v3/')
        self.assertEqual('GET /volume/ HTTP/1.1', self.server.requests[1][1])

    def test_a_root_is_in_front_of_any_version(self):
        self.serve(servers.answer(status='503 Unavailable'), OK)
        self.fail(path='image/v2/images/v')
        self.assertEqual('GET /image/ HTTP/1.1', self.server.requests[1][1])

    def test_what_has_no_version_is_probed_at_the_root_of_the_host(self):
        self.serve(servers.answer(status='503 Unavailable'), OK)
        self.fail(path='Shibboleth.sso/SAML2/ECP')
        self.assertEqual('GET / HTTP/1.1', self.server.requests[1][1])

    def test_the_probe_takes_no_secret_along(self):
        self.serve(servers.answer(status='503 Unavailable'), OK)
        self.fail(headers={'X-Auth-Token': 'secret'})
        self.assertIn('secret', str(self.server.requests[0]))
        self.assertNotIn('secret', str(self.server.requests[1]))

    def test_what_is_no_http_is_told_in_few_words(self):
        self.serve(b'I am a teapot\nERROR forged ' * 5000)
        first = self.unavailable()
        base.wait_for_probes()
        for exc in (first, self.unavailable()):
            self.assertLess(len(str(exc)), 700)
            self.assertNotIn('\n', str(exc))


class SlowTestCase(WireTestCase):
    """Servers that answer slowly or not at all, until the test is over."""

    #: Seconds between two bytes.
    pause = 0.05

    def setUp(self):
        super().setUp()
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def silence(self, connection):
        self.over.wait(30)

    def drip(self, connection):
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n')
        while not self.over.wait(self.pause):
            connection.sendall(b' ')


class TestTime(SlowTestCase):

    def setUp(self):
        super().setUp()
        # Nobody wonders, or is blamed, before the time is over.
        for module, name in ((limits, 'SILENCE'), (transport, 'SHORT')):
            self.useFixture(base_fixtures.MockPatchObject(module, name, 60))

    def took(self, **kwargs):
        began = time.monotonic()
        self.unavailable(**kwargs)
        return time.monotonic() - began

    def test_silence_ends_with_read_timeout(self):
        self.serve(self.silence, timeout=(5, 0.3))
        self.assertLess(self.took(), 5)
        # And is waited for once: the probe is silence as well.
        base.wait_for_probes()
        self.unavailable()
        self.assertEqual(2, len(self.server.requests))

    def test_a_deadline_comes_first(self):
        self.serve(self.silence, timeout=(30, 30))
        with deadline.limit(time.monotonic() + 0.2):
            self.assertLess(self.took(), 10)

    def test_who_had_no_time_to_answer_is_not_blamed(self):
        self.serve(self.silence, OK, timeout=(30, 30))
        with deadline.limit(time.monotonic() + 0.2):
            self.unavailable()
        self.assertEqual(200, self.request().status_code)

    def test_who_had_no_time_to_end_its_answer_is_not_blamed(self):
        self.serve(self.drip, OK, timeout=(30, 30))
        with deadline.limit(time.monotonic() + 0.2):
            self.unavailable()
        self.assertEqual(200, self.request().status_code)

    def test_after_the_deadline_nothing_is_sent(self):
        self.serve(OK)
        with deadline.limit(time.monotonic() - 1):
            self.unavailable()
        self.assertEqual([], self.server.requests)
        self.assertEqual(200, self.request().status_code)

    def test_a_byte_now_and_then_is_no_answer(self):
        self.serve(self.drip, timeout=(0.2, 0.3))
        self.assertLess(self.took(), 10)

    def test_a_header_now_and_then_is_no_answer(self):
        def drip(connection):
            connection.sendall(b'HTTP/1.1 200 OK\r\n')
            while not self.over.wait(0.05):
                connection.sendall(b'X-More: 1\r\n')
        self.serve(drip, timeout=(0.2, 0.3))
        self.assertLess(self.took(), 10)

    def test_an_answer_without_end_is_none(self):
        def flood(connection):
            connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
            while not self.over.is_set():
                connection.sendall(b' ' * 65536)
        self.useFixture(base_fixtures.MockPatchObject(
            limits, 'LARGEST', 1024 * 1024))
        self.serve(flood, timeout=(30, 30))
        self.unavailable()

    def test_large_answers_are_read_whole(self):
        body = b'[' + b'1,' * 500_000 + b'1]'
        self.serve(servers.answer(body))
        for _ in range(2):
            self.assertEqual(body, self.request().content)
        self.assertEqual([0, 0], self.connections)


class TestHung(SlowTestCase):
    """It takes connections and says next to nothing: found out long before
    the end.
    """

    pause = 0.02

    def setUp(self):
        super().setUp()
        self.useFixture(base_fixtures.MockPatchObject(
            limits, 'SILENCE', 0.1))

    def test_all_who_wait_are_released(self):
        self.assert_released(self.silence)

    def test_all_who_wait_for_drops_are_released(self):
        self.assert_released(self.drip)

    def assert_released(self, behave):
        self.serve(behave, timeout=(0.5, 30))
        began = time.monotonic()
        with futures.ThreadPoolExecutor(8) as executor:
            found = [executor.submit(self.request) for _ in range(8)]
        for each in found:
            self.assertIsInstance(each.exception(),
                                  exceptions.ServiceProviderUnavailable)
        self.assertLess(time.monotonic() - began, 10)
        probes = [first for _, first, _ in self.server.requests
                  if first.startswith('GET / ')]
        self.assertEqual(1, len(probes))
        self.assertIn('no answer from', self.health.refusal())

    def test_who_is_only_slow_is_waited_for(self):
        """Its root is served at once, an export of storage takes its time.
        """
        def slow(connection):
            self.over.wait(0.5)
            connection.sendall(OK)
        self.serve(slow, OK, timeout=(10, 30))
        self.assertEqual(200, self.request().status_code)
        self.assertEqual('up', self.health.to_dict()['state'])
        self.assertEqual(2, len(self.server.requests))

    def test_who_has_much_to_say_is_not_probed(self):
        def flow(connection):
            connection.sendall(b'HTTP/1.1 200 OK\r\n'
                               b'Content-Length: 40960\r\n\r\n')
            for _ in range(10):
                connection.sendall(b' ' * 4096)
                self.over.wait(0.05)
        self.serve(flow, OK, timeout=(10, 30))
        self.assertEqual(40960, len(self.request().content))
        self.assertEqual(1, len(self.server.requests))


class TestClosed(WireTestCase):

    def state(self):
        return self.health.to_dict()['state']

    def test_one_connection_blames_nobody(self):
        self.serve(None, OK)
        self.unavailable('POST')
        self.assertEqual(200, self.request().status_code)
        self.assertEqual('up', self.state())

    def test_all_connections_do(self):
        down = threading.Event()
        self.serve(None)
        self.health._changed = down.set
        self.unavailable('POST')
        self.assertTrue(down.wait(10))
        self.assertEqual('down', self.state())
        self.assertIn('connection closed', str(self.unavailable('POST')))


class TestHome(WireTestCase):
    """Requests to home's Keystone bypass breaker and limits."""

    def test_is_known_by_its_url(self):
        home = transport.HomeKeystone('https://home', {})
        for url in ('https://home', 'https://home/v3/auth/tokens'):
            self.assertTrue(home.has(url), url)
        for url in ('https://home.example.org/v3', 'https://home:5000/v3',
                    'http://home/v3'):
            self.assertFalse(home.has(url), url)

    def test_its_failure_puts_no_service_provider_down(self):
        self.serve(servers.answer(status='503 Unavailable'))
        url = self.server.url.rstrip('/')
        self.there = self.session(adapter=limits.Adapter(),
                                  home=transport.HomeKeystone(url, {}))
        for _ in range(2):
            self.assertRaises(exceptions.HomeUnavailable, self.request)
        self.assertEqual(2, len(self.server.requests))
