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


"""One request that fails is not yet an outage; a probe looks at the root."""

from concurrent import futures
import socket
import time

import fixtures as base_fixtures
from keystoneauth1 import exceptions as ksa_exceptions
from oslo_context import context as oslo_context

from mixmatch import exceptions
from mixmatch.http import limits
from mixmatch.http import transport
from tests.unit import fixtures
from tests.unit.mixmatch import base
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

OK = servers.answer()


class TestOneRequest(test_transport.SlowTestCase):

    def took(self):
        began = time.monotonic()
        self.unavailable()
        return time.monotonic() - began

    def test_whose_root_is_served_is_not_down(self):
        for status in ('502 Bad', '503 Unavailable', '504 Timeout'):
            self.serve(servers.answer(status=status), OK)
            self.fail(ksa_exceptions.HttpError)
            self.assertEqual(200, self.request().status_code)

    def test_a_late_answer_blames_nobody_whose_root_is_served(self):
        self.serve(self.silence, OK, timeout=(5, 0.3))
        self.assertLess(self.took(), 5)
        base.wait_for_probes()
        self.assertEqual(200, self.request().status_code)

    def test_a_handshake_that_is_late_is_no_connection(self):
        """Nothing of a user has been sent: no probe is needed."""
        self.serve(OK, timeout=(0.3, 30))
        silent = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(silent.close)
        url = f'https://127.0.0.1:{silent.getsockname()[1]}/v3/volumes'
        for _ in range(2):
            exc = self.assertRaises(
                exceptions.ServiceProviderUnavailable, self.there.request,
                url, 'GET', authenticated=False)
        self.assertIn('tried again in', str(exc))

    def test_a_truncated_answer_is_the_same(self):
        def truncate(connection):
            connection.sendall(b'HTTP/1.1 200 OK\r\n'
                               b'Content-Length: 999\r\n\r\n{')
            raise OSError('end')
        self.serve(truncate, OK)
        self.unavailable()
        base.wait_for_probes()
        self.assertEqual(200, self.request().status_code)

    def test_a_stuck_post_cuts_off_no_other(self):
        """It ends late; what else is under way is answered."""
        def slow(connection):
            self.over.wait(3)
            connection.sendall(OK)
        self.useFixture(base_fixtures.MockPatchObject(
            limits, 'SILENCE', 0.5))
        self.serve(self.silence, slow, OK, timeout=(5, 1.5))
        with futures.ThreadPoolExecutor(1) as executor:
            stuck = executor.submit(self.unavailable, 'POST', json={})
            while not self.server.requests:
                time.sleep(0.01)
            self.assertEqual(200, self.request(
                'POST', json={}, timeout=(5, 30)).status_code)
            stuck.result(30)
        base.wait_for_probes()
        self.assertEqual('up', self.health.to_dict()['state'])

    def test_a_reset_is_the_same(self):
        self.serve(servers.reset, OK)
        self.unavailable('POST')
        base.wait_for_probes()
        self.assertEqual(200, self.request().status_code)

    def test_garbage_is_the_same(self):
        self.serve(b'\x15\x03\x01\r\n' * 40, OK)
        self.unavailable()
        base.wait_for_probes()
        self.assertEqual(200, self.request().status_code)

    def test_projects_are_told_apart_by_the_context(self):
        """Two projects make an outage if only the root is served."""
        def answer(connection):
            connection.sendall(OK if self.server.requests[-1][1].startswith(
                'GET / ') else servers.answer(status='503 Unavailable'))
        clock = self.useFixture(fixtures.Clock())
        for projects, state in ((['p1', 'p1'], 'up'), (['p1', 'p2'], 'down')):
            self.serve(answer)
            for project in projects * 7:
                base.set_context(self, oslo_context.RequestContext(
                    overwrite=False, project_id=project))
                if self.health.to_dict()['state'] == 'up':
                    self.fail()
                clock.let_pass(1)
            self.assertEqual(state, self.health.to_dict()['state'])


class TestRoot(base.TestCase):
    """URL of the probe, which depends on the path only."""

    def test_root(self):
        for url, root in {
                'http://bu:8776/v3/volumes': 'http://bu:8776/',
                'http://bu/volume/v3': 'http://bu/volume/',
                'http://bu/volume/v3/v?more=/v3/': 'http://bu/volume/',
                'http://bu/Shibboleth.sso/SAML2/ECP': 'http://bu/',
                'http://v3:8776/v3/volumes': 'http://v3:8776/',
                'https://v3.bu.org/volume/v3/x': 'https://v3.bu.org/volume/',
                'https://v3/x': 'https://v3/',
                'http://bu/v3-cloud/volume/v3/x':
                    'http://bu/v3-cloud/volume/',
                'http://[::1]:8776/v3/x': 'http://[::1]:8776/',
                'http://bu//elsewhere/v3/x': 'http://bu//elsewhere/',
        }.items():
            self.assertEqual(root, transport._root(url), url)
