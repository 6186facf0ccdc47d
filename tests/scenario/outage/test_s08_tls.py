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


"""S8: a partner behind TLS, and all that may be wrong with that."""

import contextlib
import pathlib
import socket
import uuid

import fixtures

from sandbox import client
from sandbox.services import common
from sandbox import topology
from tests.scenario import base
from tests.scenario import faults
from tests.scenario import tls

CINDER = topology.port(topology.by_name(topology.PROVIDER), 'cinder')

#: Where something answers in its place.
FRONT = CINDER + 500


def no_tls(connection, over):
    """Passes on what comes, and what is said to that."""
    with socket.create_connection(('127.0.0.1', CINDER)) as inner:
        inner.sendall(connection.recv(65536))
        connection.sendall(inner.recv(65536))


class TlsScenario(base.ServerScenario):
    """moc reaches the Cinder of bu by TLS."""

    certificate: tls.Certificate

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = fixtures.TempDir()
        folder.setUp()
        cls.addClassCleanup(folder.cleanUp)
        cls.certificate = tls.certificate(pathlib.Path(folder.path))

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)

    @classmethod
    def by_tls(cls, port, *more):
        """A line of the configuration, and what stands in its place."""
        lines = (f'region_name = {cls.provider}', 'endpoint_override = '
                 f'https://127.0.0.1:{port}/v3/%(project_id)s', *more, '')
        return (f'service_provider:{cls.provider}', r'region_name\s*=.*',
                '\n'.join(lines))

    def attach_it(self):
        return self.attach({'volumeAttachment': {
            'volumeId': self.volume_id, 'serviceProvider': self.provider}})


class TestTls(TlsScenario):

    @contextlib.contextmanager
    def terminated(self, *more, mutual=False):
        """All of moc's Nova reaches bu's Cinder by TLS for a while."""
        with (tls.terminated(CINDER, self.certificate,
                             mutual=mutual) as terminator,
              self.configured_all(*self.by_tls(
                  terminator.server_port,
                  f'cafile = {self.certificate.cafile}', *more))):
            yield terminator

    def assert_works(self):
        response = self.attach_it()
        self.assertEqual(200, response.status_code, response.text)
        self.wait_for_attached(self.provider, self.volume_id)
        self.detach(self.provider, self.volume_id)

    def test_certificate_of_an_authority_in_cafile(self):
        with self.terminated() as terminator:
            self.assert_works()
            came = {line.split()[0] for line in terminator.requests}
        # The compute updates the attachment, the API creates it.
        self.assertLessEqual({'GET', 'POST', 'PUT', 'DELETE'}, came)
        self.assert_untouched(self.provider, self.volume_id)

    def test_certificate_of_ours_in_certfile(self):
        with self.terminated(f'certfile = {self.certificate.certfile}',
                             f'keyfile = {self.certificate.keyfile}',
                             mutual=True):
            self.assert_works()
        self.assert_untouched(self.provider, self.volume_id)


class TestRefused(TlsScenario):
    """Refusal of servers in place of bu's Cinder that cannot be trusted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(cls.configured(
            'nova-api', 'nova.conf', *cls.by_tls(
                FRONT, f'cafile = {cls.certificate.cafile}')))

    @classmethod
    def tearDownClass(cls):
        """"mixmatch-nova check" is configured as the API is."""
        with tls.terminated(CINDER, cls.certificate, FRONT):
            super().tearDownClass()

    def setUp(self):
        super().setUp()
        with tls.terminated(CINDER, self.certificate, FRONT):
            self.wait_for_nova()

    def wait_for_nova(self):
        """Wait until Nova sends requests to bu after an earlier refusal."""
        nowhere = {'volumeAttachment': {'volumeId': str(uuid.uuid4()),
                                        'serviceProvider': self.provider}}
        client.wait_for(f'Nova to ask {self.provider}', lambda: (
            self.attach(nowhere).status_code == 404
            and not self.sandbox.apis_without(
                self.provider, 'nova')), base.BACK)

    def assert_refused(self, *texts):
        """By name, at once as soon as each process knows; nothing is left."""
        def is_skipped():
            response = self.attach_it()
            self.assertIn(response.status_code, (502, 503), response.text)
            (error,) = response.json().values()
            for text in (f'ervice provider {self.provider}', *texts):
                self.assertIn(text, error['message'])
            self.assertLess(response.elapsed.total_seconds(), base.TIMEOUTS)
            return (base.SKIPPED in error['message'] and
                    response.elapsed.total_seconds() < base.AT_ONCE)
        self.assertFalse(is_skipped())
        # Each process of the API finds out by itself.
        client.wait_for(f'Nova to skip {self.provider}', is_skipped,
                        common.PROCESSES * base.TIMEOUTS)
        self.assert_untouched(self.provider, self.volume_id)
        self.assertEqual([], self.mappings())

    def test_authority_that_nobody_knows(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        with tls.terminated(CINDER, tls.certificate(folder), FRONT):
            self.assert_refused(
                f'cafile in [service_provider:{self.provider}]')

    def test_partner_that_wants_a_certificate_of_ours(self):
        with tls.terminated(CINDER, self.certificate, FRONT, mutual=True):
            self.assert_refused()

    def test_partner_that_speaks_no_tls(self):
        with faults.listening(FRONT, no_tls):
            self.assert_refused()

    def test_partner_that_ends_the_handshake(self):
        with faults.listening(FRONT, faults.garbage):
            self.assert_refused()
