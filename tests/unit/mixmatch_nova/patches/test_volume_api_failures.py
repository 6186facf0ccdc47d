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

"""Failures of a service provider that Nova's volume API meets."""

from nova import exception
import requests

from mixmatch import exceptions
from mixmatch.login import cache
from mixmatch_nova import state
from tests.unit import fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_volume_api


class TestFailures(test_volume_api.VolumeAPITestCase):

    def get_fails(self, kind, context=None):
        context = context or self.foreign_context()
        exc = self.assertRaises(kind, self.api.get, context, base.VOLUME)
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, str(exc))
        return state.from_context(context).failure

    def cinder_answers(self, **kwargs):
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', **kwargs)

    def test_silence_is_a_connection_failure(self):
        for silence in (requests.exceptions.ConnectTimeout,
                        requests.exceptions.ReadTimeout,
                        requests.exceptions.ConnectionError):
            self.cinder_answers(exc=silence)
            failure = self.get_fails(exception.CinderConnectionFailed)
            self.assertIsInstance(failure,
                                  exceptions.ServiceProviderUnavailable)

    def test_silence_about_an_attachment_is_not_not_found(self):
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            exc=requests.exceptions.ConnectTimeout)
        self.assertRaises(exception.CinderConnectionFailed,
                          self.api.attachment_get, self.foreign_context(),
                          base.ATTACHMENT)

    def test_silence_of_keystone_is_a_connection_failure(self):
        self.clouds.mock.get(self.bu.auth_url,
                             exc=requests.exceptions.ConnectTimeout)
        failure = self.get_fails(exception.CinderConnectionFailed)
        self.assertIsInstance(failure, exceptions.ServiceProviderUnavailable)

    def test_server_error_is_noted(self):
        self.cinder_answers(status_code=503)
        failure = self.get_fails(Exception)
        self.assertIsInstance(failure, exceptions.ServiceProviderUnavailable)
        self.assertIn('503', str(failure))

    def test_service_token_that_is_not_accepted_is_noted(self):
        self.cinder_answers(status_code=401)
        failure = self.get_fails(Exception)
        self.assertIsInstance(failure, exceptions.ServiceProviderSetupError)

    def test_forbidden_there_is_forbidden(self):
        self.cinder_answers(status_code=403)
        self.assertIsNone(self.get_fails(exception.Forbidden))

    def test_catalog_without_cinder_is_noted(self):
        self.bu.has_cinder = False
        failure = self.get_fails(exception.CinderConnectionFailed)
        self.assertIsInstance(failure, exceptions.ServiceProviderSetupError)

    def test_user_whom_it_lets_in_no_longer(self):
        # Its Cinder refuses the token, a new login is refused as well.
        clock = self.useFixture(fixtures.Clock())
        self.bu.add_volume(base.VOLUME)
        context = self.foreign_context()
        self.api.get(context, base.VOLUME)
        clock.let_pass(cache.FRESH)
        self.cinder_answers(status_code=401)
        del self.bu.projects['alice']
        failure = self.get_fails(exception.Forbidden, context)
        self.assertIsInstance(failure, exceptions.LoginRefused)
