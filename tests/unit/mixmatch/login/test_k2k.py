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

"""One login: what is sent, and what each failure is called."""

from keystoneauth1 import exceptions as ksa_exceptions
import requests

from mixmatch import exceptions
from tests.unit.mixmatch import base


class LoginTestCase(base.FederationTestCase):

    def login(self, user='alice', **kwargs):
        return super().login(self.home.token(user), user, **kwargs)

    def assertLoginFails(self, kind, *words):
        exc = self.assertRaises(kind, self.login)
        self.assertIs(kind, type(exc))
        for word in words:
            self.assertIn(word, str(exc))
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, str(exc))
        return exc


class TestLogin(LoginTestCase):

    def test_five_requests(self):
        # Home's service has its own token.
        self.login('bob')
        before = len(self.clouds.requests)
        self.login()
        self.assertEqual(
            [('GET', 'home', '/v3/auth/tokens'),
             ('POST', 'home', '/v3/auth/os-federation/saml2/ecp'),
             ('POST', 'bu', '/shibboleth.sso/saml2/ecp'),
             ('GET', 'bu', '/v3/os-federation/identity_providers/home/'
                           'protocols/mapped/auth'),
             ('POST', 'bu', '/v3/auth/tokens')],
            self.clouds.requests[before:])

    def test_what_is_known_of_the_token_is_not_asked_for(self):
        self.login(token_info=self.home.token_body('alice'))
        self.assertEqual(
            ['/v3/auth/os-federation/saml2/ecp'],
            [each.path for each in self.clouds.sent_to('home')])
        self.assertEqual(4, len(self.clouds.requests))

    def test_name_outside_ascii(self):
        for there in (self.home, self.bu):
            there.projects['jürgen'] = there.projects['alice']
        login = self.login('jürgen')
        self.assertEqual('jürgen',
                         self.bu.tokens[login.get_token(None)][0])

    def test_with_what_is_known_it_is_the_same_login(self):
        login = self.login(token_info=self.home.token_body('alice'))
        self.assertEqual(('alice', 'id-of-research'),
                         self.bu.tokens[login.get_token(None)])
        self.assertEqual([], self.clouds.leaks())

    def test_what_is_known_may_not_offer_the_service_provider(self):
        token_info = self.home.token_body('alice')
        del token_info['token']['service_providers']
        self.assertRaises(exceptions.UnknownServiceProvider, self.login,
                          token_info=token_info)
        self.assertEqual([], self.clouds.requests)

    def test_acts_in_the_project_of_the_template(self):
        self.assertEqual('id-of-research', self.login().get_project_id(None))

    def test_uses_the_token_of_the_service_provider(self):
        token = self.login().get_token(None)
        self.assertEqual(('alice', 'id-of-research'), self.bu.tokens[token])

    def test_no_token_of_home_leaves_home(self):
        self.login()
        self.assertEqual([], self.clouds.leaks())

    def test_every_request_ends_in_time(self):
        self.login()
        self.assertEqual({(5.0, 30.0)}, {
            each.timeout for each in self.clouds.mock.request_history})

    def test_a_login_begins_without_a_cookie(self):
        self.login('alice')
        self.login('bob')
        deliveries = [each for each in self.clouds.sent_to('bu')
                      if each.url == self.bu.acs_url]
        self.assertEqual(2, len(deliveries))
        for each in deliveries:
            self.assertNotIn('Cookie', each.headers)

    def test_each_user_is_who_they_are(self):
        for user in ('alice', 'bob', 'alice'):
            token = self.login(user).get_token(None)
            self.assertEqual(user, self.bu.tokens[token][0])


class TestDelegated(LoginTestCase):
    """Application credentials and trusts get no token for a token."""

    def login_with(self, **more):
        token = self.home.token('alice')
        self.home.delegated[token] = more
        return super(LoginTestCase, self).login(token)

    def assertIsAlice(self, login):
        self.assertEqual(('alice', 'id-of-research'),
                         self.bu.tokens[login.get_token(None)])

    def test_no_other_token_is_asked_for(self):
        self.assertIsAlice(self.login_with())

    def test_a_service_that_may_not_validate(self):
        self.home.may_not_validate.add('nova')
        self.assertIsAlice(self.login_with())

    def test_a_service_whose_token_was_revoked(self):
        self.login()
        for token in [token for token, user in self.home.tokens.items()
                      if user == 'nova']:
            del self.home.tokens[token]
        self.assertIsAlice(self.login_with())

    def test_a_service_that_cannot_log_in_at_home(self):
        self.clouds.mock.post(self.home.url + '/auth/tokens', status_code=401)
        self.assertIsAlice(self.login_with())

    def test_access_rules_get_no_assertion(self):
        exc = self.assertRaises(
            exceptions.AccessRules, self.login_with,
            application_credential={'id': 'a', 'access_rules': [
                {'service': 'compute', 'method': 'GET', 'path': '/**'}]})
        self.assertIn('without access rules', str(exc))
        self.assertEqual([], self.home.assertions)


class TestRefusedAtHome(LoginTestCase):

    def test_token_is_no_longer_valid(self):
        self.clouds.mock.get(self.home.url + '/auth/tokens', status_code=404)
        self.assertLoginFails(exceptions.AssertionRefused, 'HTTP 404')

    def test_no_assertion_for_this_token(self):
        self.clouds.mock.post(self.home.ecp_url, status_code=403)
        self.assertLoginFails(exceptions.AssertionRefused, '403')

    def test_service_provider_is_not_in_the_token(self):
        self.home.service_providers = {}
        self.assertLoginFails(exceptions.UnknownServiceProvider, 'bu',
                              'not in your token')
        self.assertEqual([], self.clouds.sent_to('bu'))

    def test_home_does_not_answer(self):
        for failure in (requests.exceptions.ConnectTimeout,
                        requests.exceptions.ReadTimeout,
                        requests.exceptions.ConnectionError):
            self.clouds.mock.post(self.home.url + '/auth/tokens', exc=failure)
            self.assertLoginFails(exceptions.HomeUnavailable)

    def test_home_does_not_answer_when_asked_for_the_assertion(self):
        self.clouds.mock.post(self.home.ecp_url,
                              exc=requests.exceptions.ReadTimeout)
        self.assertLoginFails(exceptions.HomeUnavailable)

    def test_keystone_of_home_is_broken(self):
        self.clouds.mock.post(self.home.url + '/auth/tokens', status_code=503)
        self.assertLoginFails(exceptions.HomeUnavailable, '503')

    def test_keystone_of_home_is_broken_when_asked_for_the_assertion(self):
        self.clouds.mock.post(self.home.ecp_url, status_code=500)
        self.assertLoginFails(exceptions.HomeUnavailable, '500')


class TestRefusedThere(LoginTestCase):

    def test_assertion_is_refused(self):
        for status in (401, 403, 404):
            self.clouds.mock.get(self.bu.auth_url, status_code=status)
            self.assertLoginFails(exceptions.LoginRefused, 'bu', str(status))

    def test_user_is_not_mapped(self):
        del self.bu.projects['alice']
        self.assertLoginFails(exceptions.LoginRefused, 'bu')

    def test_user_has_no_role_in_the_project(self):
        self.bu.projects['alice'] = ['another']
        self.assertLoginFails(exceptions.LoginRefused, 'bu', '401')

    def test_keystone_cannot_read_the_assertion(self):
        for status in (400, 500):
            self.clouds.mock.get(self.bu.auth_url, status_code=status)
            self.assertLoginFails(exceptions.ServiceProviderSetupError,
                                  str(status))

    def test_keystone_is_down(self):
        for status in (502, 503, 504):
            # One that has not yet seen that it is down.
            self.federation = self.new_federation()
            self.clouds.mock.get(self.bu.auth_url, status_code=status)
            exc = self.assertLoginFails(
                exceptions.ServiceProviderUnavailable, 'bu', str(status))
            self.assertEqual('bu', exc.service_provider)

    def test_answer_is_no_token(self):
        for body in ('{"token": ', '[]', '{}', '{"token": {}}', '',
                     '<html>Welcome!</html>'):
            # One that does not remember what was refused before.
            self.federation = self.new_federation()
            self.clouds.mock.get(self.bu.auth_url, text=body,
                                 headers={'X-Subject-Token': 'any'})
            self.assertLoginFails(exceptions.ServiceProviderSetupError,
                                  'without a valid token')

    def scoped(self, **values):
        """Let its Keystone say this of the scoped token."""
        self.federation = self.new_federation()
        self.clouds.mock.post(
            self.bu.url + '/auth/tokens', status_code=201,
            json={'token': {'expires_at': '2099-01-01T00:00:00Z',
                            'user': {'id': 'u', 'name': 'alice'},
                            'project': {'id': 'p'}, 'catalog': [], **values}},
            headers={'X-Subject-Token': 'any'})

    def test_scoped_token_is_nonsense(self):
        for values in ({'expires_at': None}, {'expires_at': 5},
                       {'expires_at': 'tomorrow'}, {'user': 5},
                       {'project': 5}, {'project': []}, {'catalog': 5},
                       {'catalog': [5]}, {'catalog': [{}]},
                       {'catalog': [{'type': 'x', 'endpoints': 5}]},
                       {'catalog': [{'type': 'x', 'endpoints': [5]}]},
                       {'catalog': [{'type': 'x', 'endpoints': [
                           {'interface': 'public', 'url': 5}]}]}):
            self.scoped(**values)
            self.assertLoginFails(exceptions.ServiceProviderSetupError,
                                  'without a valid token')

    def test_endpoints_of_other_services_may_be_anything(self):
        self.scoped(catalog=[{'type': 'messaging-websocket', 'endpoints': [
            {'interface': 'public', 'url': url}
            for url in ('ws://bu:9000', '', 'http://[')]}])
        self.assertEqual('p', self.login().get_project_id(None))

    def test_html_of_a_stranger_is_not_shown(self):
        self.clouds.mock.get(self.bu.auth_url, status_code=500,
                             text='<html>secret stack trace</html>',
                             headers={'Content-Type': 'text/html'})
        exc = self.assertLoginFails(exceptions.ServiceProviderSetupError)
        self.assertNotIn('html', str(exc))

    def test_it_does_not_answer(self):
        for failure in (requests.exceptions.ConnectTimeout,
                        requests.exceptions.ReadTimeout,
                        requests.exceptions.ConnectionError,
                        requests.exceptions.SSLError,
                        requests.exceptions.ChunkedEncodingError):
            self.clouds.mock.get(self.bu.auth_url, exc=failure)
            exc = self.assertLoginFails(
                exceptions.ServiceProviderUnavailable, 'bu')
            self.assertIsInstance(exc, ksa_exceptions.ConnectionError)

    def test_it_does_not_answer_when_the_token_is_scoped(self):
        self.clouds.mock.post(self.bu.url + '/auth/tokens',
                              exc=requests.exceptions.ReadTimeout)
        self.assertLoginFails(exceptions.ServiceProviderUnavailable, 'bu')


class TestProject(LoginTestCase):
    """Without project_name the mapping of the service provider decides."""

    more = 'project_name =\n'

    def test_exactly_one(self):
        self.assertEqual('id-of-research', self.login().get_project_id(None))
        self.assertIn(('GET', 'bu', '/v3/auth/projects'),
                      self.clouds.requests)
        self.assertEqual(1 + 6, len([
            each for each in self.clouds.requests if each[2] != '/v3']))

    def test_several_are_an_error(self):
        self.bu.projects['alice'] = ['research', 'hobby']
        self.assertLoginFails(exceptions.ServiceProviderSetupError,
                              "'hobby', 'research'", 'project_name')

    def test_a_name_of_a_stranger_forges_no_line_of_a_log(self):
        self.bu.projects['alice'] = ['research', 'x\nERROR forged']
        self.assertLoginFails(exceptions.ServiceProviderSetupError,
                              r"'x\nERROR forged'")

    def test_none_is_a_refusal(self):
        self.bu.projects['alice'] = []
        self.assertLoginFails(exceptions.LoginRefused, 'no project')


class TestTemplate(LoginTestCase):
    more = 'project_name = home-{project_name}\n'

    def test_is_filled(self):
        self.bu.projects['alice'] = ['home-research']
        self.assertEqual('id-of-home-research',
                         self.login().get_project_id(None))


class TestTemplateWithUnknownField(LoginTestCase):
    more = 'project_name = {project}\n'

    def test_is_an_error_of_the_setup(self):
        self.assertLoginFails(exceptions.ServiceProviderSetupError,
                              'project_name = {project}')
        self.assertEqual([], self.clouds.sent_to('bu'))
