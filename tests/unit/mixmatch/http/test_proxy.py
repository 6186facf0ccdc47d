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

"""HTTP proxy between home and another cloud."""

import pathlib
import threading
import time

import fixtures as base_fixtures

from mixmatch.http import endpoints
from mixmatch.http import transport
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

OK = servers.answer()


class TestEnvironment(test_transport.WireTestCase):

    def test_names_no_proxy(self):
        proxy = self.useFixture(servers.Server(OK))
        for name in ('http_proxy', 'HTTP_PROXY', 'all_proxy'):
            self.useFixture(base_fixtures.EnvironmentVariable(
                name, proxy.url))
        self.serve(OK)
        self.request()
        self.assertEqual([], proxy.requests)

    def test_gives_no_password(self):
        folder = self.useFixture(base_fixtures.TempDir()).path
        path = pathlib.Path(folder, 'netrc')
        path.write_text('machine 127.0.0.1 login me password secret\n')
        path.chmod(0o600)
        self.useFixture(base_fixtures.EnvironmentVariable('NETRC', str(path)))
        self.serve(OK)
        self.request()
        self.assertNotIn('authorization', self.server.requests[0][2])


class TestProxy(test_transport.WireTestCase):
    """All bounds hold behind a proxy, and for it."""

    def setUp(self):
        super().setUp()
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def behind(self, *answers, scheme='http', **kwargs):
        self.proxy = self.useFixture(servers.Server(*answers))
        self.serve(OK, proxy=self.proxy.url.rstrip('/'),
                   allowed=endpoints.Endpoints(
                       'bu', ['bu.example.org'], None, 'http://home'),
                   **kwargs)
        self.server.url = f'{scheme}://bu.example.org/'

    def drip(self, connection):
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n')
        while not self.over.wait(0.05):
            connection.sendall(b' ')

    def drip_headers(self, connection):
        connection.sendall(b'HTTP/1.1 200 OK\r\n')
        while not self.over.wait(0.05):
            connection.sendall(b'X: 1\r\n')

    def test_is_used(self):
        self.behind(OK)
        self.request()
        self.assertEqual('GET http://bu.example.org/v3/volumes HTTP/1.1',
                         self.proxy.requests[0][1])

    def test_size(self):
        self.behind(servers.answer(b' ' * 20_000_000), OK)
        self.assertIn('too large', str(self.unavailable()))

    def test_time(self):
        self.behind(self.drip, timeout=(0.2, 0.3))
        began = time.monotonic()
        self.unavailable()
        self.assertLess(time.monotonic() - began, 8)

    def test_time_of_a_tunnel(self):
        self.behind(self.drip_headers, scheme='https', timeout=(0.2, 0.3))
        began = time.monotonic()
        self.unavailable()
        self.assertLess(time.monotonic() - began, 8)

    def test_home_is_asked_directly(self):
        self.behind(OK)
        home = self.useFixture(servers.Server(OK))
        self.there._home = self.there.session._home = transport.HomeKeystone(
            home.url.rstrip('/'), {})
        self.there.get(home.url + 'v3', authenticated=False)
        self.assertEqual(([], 1), (self.proxy.requests, len(home.requests)))
