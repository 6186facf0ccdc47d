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

"""Auth plugins of Nova's requests to a service provider."""

from mixmatch import exceptions
from mixmatch_nova import auth
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base


class TestRoute(base.NovaTestCase):

    def test_only_the_copy_is_routed(self):
        context = self.context()
        routed = auth.routed(context, base.AT_BU)
        self.assertEqual(base.AT_BU, auth.get_route(routed))
        self.assertIsNone(auth.get_route(context))

    def test_routed_copy_belongs_to_the_request(self):
        context = self.foreign_context()
        routed = auth.routed(context, base.AT_BU)
        self.assertIs(state.from_context(context),
                      state.from_context(routed))


class TestEnter(base.NovaTestCase):

    def enter(self, user='alice'):
        return auth.enter(self.federation, self.context(user), 'bu')

    def test_tells_the_project_there(self):
        self.assertEqual(base.AT_BU, self.enter())

    def test_nova_enters_too(self):
        self.enter()
        self.assertEqual({'alice', 'nova'},
                         {user for user, _ in self.bu.tokens.values()})

    def test_the_error_of_the_user_comes_first(self):
        del self.bu.projects['alice'], self.bu.projects['nova']
        self.assertRaises(exceptions.LoginRefused, self.enter)

    def test_nova_is_not_let_in(self):
        del self.bu.projects['nova']
        self.assertRaises(exceptions.ServiceProviderSetupError, self.enter)


class TestAuth(base.NovaTestCase):

    def acts(self, user='alice', where=base.AT_BU, **kwargs):
        found = auth.get_auth(self.federation,
                              self.context(user, **kwargs), where)
        headers = found.get_headers(None)
        self.assertEqual(('nova', 'id-of-service'),
                         self.bu.tokens[headers['X-Service-Token']])
        return self.bu.tokens[headers['X-Auth-Token']]

    def test_user_in_the_project_of_the_volume(self):
        self.assertEqual(('alice', 'id-of-research'), self.acts())

    def test_user_before_the_project_is_known(self):
        self.assertEqual(('alice', 'id-of-research'),
                         self.acts(where=target.Target('bu')))

    def test_administrator_in_another_project(self):
        self.bu.projects['admin'] = ['admin']
        self.assertEqual(('nova', 'id-of-research'), self.acts('admin'))

    def test_administrator_who_is_not_let_in(self):
        del self.bu.projects['admin']
        self.assertEqual(('nova', 'id-of-research'), self.acts('admin'))

    def test_administrator_whose_token_gives_no_assertion(self):
        self.assertEqual(
            ('nova', 'id-of-research'),
            self.acts('admin', auth_token='home-token-that-has-ended'))

    def test_nobody_waits_for_the_work(self):
        self.assertEqual(('nova', 'id-of-research'),
                         self.acts(auth_token=None))

    def test_without_user_and_project_nobody_can_act(self):
        self.assertRaises(exceptions.InvalidTarget, self.acts,
                          auth_token=None, where=target.Target('bu'))

    def test_refused_user_without_a_project_is_told(self):
        del self.bu.projects['alice']
        self.assertRaises(exceptions.LoginRefused, self.acts,
                          where=target.Target('bu'))

    def test_silence_is_no_reason_to_act_as_another(self):
        self.clouds.mock.get(self.bu.auth_url, status_code=503)
        self.assertRaises(exceptions.ServiceProviderUnavailable, self.acts)
