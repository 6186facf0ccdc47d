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

import pathlib

import fixtures

from sandbox import topology
from tests.functional import base
from tests.functional import faults
from tests.functional import tls

#: How long an answer may take, in seconds.
BOUND = 15

CINDER = topology.port(topology.by_name('bu'), 'cinder')


class TestTls(base.ServerScenario):

    def setUp(self):
        super().setUp()
        self.certificate = tls.certificate(pathlib.Path(
            self.useFixture(fixtures.TempDir()).path))
        self.volume_id = self.volume_at('bu')

    def by_tls(self, port, *more, by_all=False):
        """moc reaches the Cinder of bu by TLS for a while.

        :param more: lines of the configuration
        :param by_all: not only the API does
        """
        change = ('service_provider:bu', r'region_name\s*=.*', '\n'.join((
            'region_name = bu', 'endpoint_override = '
            f'https://127.0.0.1:{port}/v3/%(project_id)s', *more, '')))
        if by_all:
            return self.configured_all(*change)
        return self.configured('nova-api', 'nova.conf', *change)

    def attach_it(self):
        return self.attach({'volumeAttachment': {
            'volumeId': self.volume_id, 'serviceProvider': 'bu'}})

    def assert_refused(self, *texts):
        """Two times, the second one at once; and nothing is left."""
        for bound in (BOUND, 1):
            response = self.attach_it()
            self.assertIn(response.status_code, (502, 503), response.text)
            (error,) = response.json().values()
            for text in ('ervice provider bu', *texts):
                self.assertIn(text, error['message'])
            self.assertLess(response.elapsed.total_seconds(), bound)
        self.assert_untouched('bu', self.volume_id)
        self.assertEqual([], self.mappings())

    def test_certificate_of_an_authority_in_cafile(self):
        with (tls.terminated(CINDER, self.certificate) as terminator,
              self.by_tls(terminator.server_port,
                          f'cafile = {self.certificate.cafile}',
                          by_all=True)):
            response = self.attach_it()
            self.assertEqual(200, response.status_code, response.text)
            self.wait_for_attached('bu', self.volume_id)
            self.detach('bu', self.volume_id)
            came = {line.split()[0] for line in terminator.requests}
        # The compute updates the attachment, the API creates it.
        self.assertLessEqual({'GET', 'POST', 'PUT', 'DELETE'}, came)
        self.assert_untouched('bu', self.volume_id)

    def test_authority_that_nobody_knows(self):
        with (tls.terminated(CINDER, self.certificate) as terminator,
              self.by_tls(terminator.server_port)):
            self.assert_refused('cafile in [service_provider:bu]')

    def test_partner_that_wants_a_certificate_of_ours(self):
        with (tls.terminated(CINDER, self.certificate,
                             mutual=True) as terminator,
              self.by_tls(terminator.server_port,
                          f'cafile = {self.certificate.cafile}')):
            self.assert_refused()

    def test_certificate_of_ours_in_certfile(self):
        with (tls.terminated(CINDER, self.certificate,
                             mutual=True) as terminator,
              self.by_tls(terminator.server_port,
                          f'cafile = {self.certificate.cafile}',
                          f'certfile = {self.certificate.certfile}',
                          f'keyfile = {self.certificate.keyfile}',
                          by_all=True)):
            response = self.attach_it()
            self.assertEqual(200, response.status_code, response.text)
            self.wait_for_attached('bu', self.volume_id)
            self.detach('bu', self.volume_id)
        self.assert_untouched('bu', self.volume_id)

    def test_partner_that_speaks_no_tls(self):
        with self.by_tls(CINDER):
            self.assert_refused()

    def test_partner_that_ends_the_handshake(self):
        port = CINDER + 500
        with faults.listening(port, faults.garbage), self.by_tls(port):
            self.assert_refused()
