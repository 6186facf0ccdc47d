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

"""The client that a foreign volume call gets."""

from nova import exception
from nova.volume import cinder

from mixmatch import exceptions
from mixmatch_nova import auth
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base


class TestCinderclient(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.bu.add_volume(base.VOLUME)

    def ask(self, where=base.AT_BU, context=None, **kwargs):
        """Return the user and the service of a request to the provider."""
        context = auth.routed(context or self.context(), where)
        cinder.cinderclient(context, **kwargs).volumes.get(base.VOLUME)
        headers = self.clouds.mock.last_request.headers
        return [self.bu.tokens[headers[name]]
                for name in ('X-Auth-Token', 'X-Service-Token')]

    def test_user_and_service_of_the_service_provider(self):
        self.assertEqual([('alice', 'id-of-research'),
                          ('nova', 'id-of-service')], self.ask())
        self.assertEqual([], self.clouds.leaks())

    def test_request_id_of_home_is_sent(self):
        context = self.context()
        self.ask(context=context)
        self.assertEqual(
            context.global_id, self.clouds.mock.last_request.headers[
                'X-OpenStack-Request-ID'])

    def test_microversion_is_sent(self):
        self.ask(microversion='3.48')
        self.assertEqual(
            'volume 3.48', self.clouds.mock.last_request.headers[
                'OpenStack-API-Version'])

    def test_microversion_is_checked_though_nova_has_checked_home(self):
        self.bu.highest_microversion = '3.43'
        exc = self.assertRaises(
            exception.CinderAPIVersionNotAvailable, self.ask,
            microversion='3.44', skip_version_check=True)
        self.assertIn('3.44', str(exc))

    def test_without_a_route_home_is_asked(self):
        self.home.add_volume(base.HOME_VOLUME)
        client = cinder.cinderclient(self.foreign_context())
        client.volumes.get(base.HOME_VOLUME)
        self.assertEqual([], self.clouds.sent_to('bu'))

    def test_home_is_told_that_no_other_cloud_is_meant(self):
        self.home.add_volume(base.HOME_VOLUME)
        context = self.context()
        for only, sent in ((False, None), (True, 'none')):
            if only:
                state.from_context(context).restrict_to_this_cloud()
            cinder.cinderclient(context).volumes.get(base.HOME_VOLUME)
            self.assertEqual(sent, self.clouds.mock.last_request.headers.get(
                'OpenStack-Mixmatch-Service-Provider'))

    def test_service_provider_is_told_to_ask_nobody_else(self):
        self.ask()
        for each in self.clouds.sent_to('bu', port=8776):
            self.assertEqual('none', each.headers[
                'OpenStack-Mixmatch-Service-Provider'], each)

    def fails(self, kind, where=base.AT_BU, **kwargs):
        context = self.context(**kwargs)
        self.assertRaises(kind, cinder.cinderclient,
                          auth.routed(context, where))
        return state.from_context(context).failure

    def test_failure_of_the_service_is_noted(self):
        del self.bu.projects['nova']
        failure = self.fails(exception.CinderConnectionFailed)
        self.assertIsInstance(failure, exceptions.ServiceProviderSetupError)

    def test_nobody_has_told_the_project(self):
        self.fails(exception.InvalidVolume, target.Target('bu'),
                   auth_token=None)

    def test_unconfigured_service_provider(self):
        failure = self.fails(exception.InvalidVolume, target.Target('mit'))
        self.assertIn('mit', str(failure))
