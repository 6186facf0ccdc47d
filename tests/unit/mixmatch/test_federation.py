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

"""Logins are kept, shared by nobody, and end in time."""

from concurrent import futures
import datetime
import logging
import threading

import fixtures as base_fixtures

from mixmatch import exceptions
from mixmatch import federation
from mixmatch.login import cache
from mixmatch import services
from tests.unit import fixtures
from tests.unit.mixmatch import base


class TestNames(base.FederationTestCase):

    def test_nothing_is_sent_when_a_service_starts(self):
        self.assertEqual(('bu',), self.federation.names)
        self.assertEqual(0, self.count())

    def test_credentials_are_not_needed_when_a_service_starts(self):
        federation.Federation(fixtures.configuration(self, ''))

    def test_without_credentials_a_login_says_what_is_missing(self):
        text = '[mixmatch]\nservice_providers = bu\n'
        self.federation = federation.Federation(
            fixtures.configuration(self, text))
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                self.login, self.home.token('alice'))
        self.assertIn('[service_user]', str(exc))

    def test_offered(self):
        self.assertEqual(('bu',), self.with_body().service_providers)

    def test_offered_by_a_token_without_service_providers(self):
        for body in ({}, {'token': {}}):
            self.assertEqual((), self.with_body(body).service_providers)

    def with_body(self, token_info=None):
        if token_info is None:
            token_info = self.home.token_body('alice')
        return self.requester(token_info=token_info)

    def test_may_be_named(self):
        self.federation.check('bu', self.with_body())

    def check_fails(self, name, token_info=None):
        exc = self.assertRaises(
            exceptions.UnknownServiceProvider, self.federation.check, name,
            self.with_body(token_info))
        return str(exc)

    def test_unknown_name_tells_what_is_allowed(self):
        message = self.check_fails('nowhere')
        self.assertIn('nowhere does not exist', message)
        self.assertIn('use here: bu', message)

    def test_not_in_the_token(self):
        self.home.service_providers = {}
        message = self.check_fails('bu')
        self.assertIn('not in your token', message)
        self.assertIn('use here: none', message)

    def test_not_in_the_configuration(self):
        token_info = self.home.token_body('alice')
        token_info.add_service_provider('third', 'http://a', 'http://b')
        self.assertIn('not configured', self.check_fails('third', token_info))

    def test_login_at_an_unconfigured_one_sends_nothing(self):
        self.assertRaises(exceptions.UnknownServiceProvider,
                          self.federation.user_login, 'third',
                          self.requester())
        self.assertEqual(0, self.count())


class TestKeptLogins(base.FederationTestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())

    def token(self, token):
        """The token at bu of who has a token at home."""
        return self.login(token).get_token(None)

    def test_second_login_sends_nothing(self):
        token = self.home.token('alice')
        first = self.token(token)
        sent = self.count()
        self.assertEqual(first, self.token(token))
        self.assertEqual(sent, self.count())

    def test_another_token_is_another_login(self):
        first = self.token(self.home.token('alice'))
        self.assertNotEqual(first, self.token(self.home.token('alice')))

    def test_another_project_is_another_login(self):
        token = self.home.token('alice')
        first = self.login(token)
        self.home.projects['alice'] = 'hobby'
        self.bu.projects['alice'] = ['hobby']
        second = self.login(token)
        self.assertEqual('id-of-research', first.get_project_id(None))
        self.assertEqual('id-of-hobby', second.get_project_id(None))

    def test_a_refusal_is_kept_for_a_moment_only(self):
        token = self.home.token('alice')
        projects = self.bu.projects.pop('alice')
        self.assertRaises(exceptions.LoginRefused, self.login, token)
        sent = self.count()
        self.bu.projects['alice'] = projects
        self.assertRaises(exceptions.LoginRefused, self.login, token)
        self.assertEqual(sent, self.count())
        self.clock.let_pass(cache.REFUSED)
        self.assertEqual('id-of-research',
                         self.login(token).get_project_id(None))

    def test_any_other_failure_is_not_kept(self):
        token = self.home.token('alice')
        answer = self.clouds.mock.post(self.home.ecp_url, status_code=500)
        self.assertRaises(exceptions.HomeUnavailable, self.login, token)
        self.assertRaises(exceptions.HomeUnavailable, self.login, token)
        self.assertEqual(2, answer.call_count)

    def test_token_itself_is_not_kept_as_a_key(self):
        token = self.home.token('alice')
        self.login(token)
        kept = list(self.federation._process.logins._kept)
        self.assertEqual('bu', kept[0].service_provider)
        self.assertNotIn(token, str(kept))

    def test_dropped_when_the_token_at_home_ends(self):
        self.home.token_life = datetime.timedelta(seconds=60)
        token = self.home.token('alice')
        first = self.token(token)
        self.clock.let_pass(50)
        self.assertEqual(first, self.token(token))
        self.clock.let_pass(11)
        self.assertNotEqual(first, self.token(token))

    def test_dropped_after_login_cache_time(self):
        token = self.home.token('alice')
        first = self.token(token)
        self.clock.let_pass(590)
        self.assertEqual(first, self.token(token))
        self.clock.let_pass(11)
        self.assertNotEqual(first, self.token(token))

    def test_a_client_that_lives_longer_logs_in_again(self):
        user = self.login(self.home.token('alice'))
        first = user.get_token(None)
        self.clock.let_pass(601)
        self.assertNotEqual(first, user.get_token(None))

    def test_a_token_that_has_ended_is_not_kept_at_all(self):
        self.home.token_life = datetime.timedelta(seconds=-1)
        token = self.home.token('alice')
        self.assertNotEqual(self.token(token), self.token(token))


class TestConcurrentUsers(base.FederationTestCase):
    """Apache knows a user by a cookie: it must never be another's."""

    USERS = 8

    def test_no_login_carries_the_cookie_of_another(self):
        for number in range(self.USERS):
            user = f'user{number}'
            self.home.projects[user] = f'project{number}'
            self.bu.projects[user] = [f'project{number}']
        self.federation.service_provider('bu')
        together = threading.Barrier(self.USERS)

        def login(user):
            together.wait(30)
            token = self.login(self.home.token(user), user).get_token(None)
            return self.bu.tokens[token][0]
        users = [f'user{number}' for number in range(self.USERS)]
        with futures.ThreadPoolExecutor(self.USERS) as executor:
            self.assertEqual(users, list(executor.map(login, users)))
        for each in self.clouds.sent_to('bu'):
            if each.url == self.bu.acs_url:
                self.assertNotIn('Cookie', each.headers)
            else:
                self.assertEqual(1, each.headers['Cookie'].count('saml'))


class TestServiceLogin(base.FederationTestCase):

    def test_in_its_own_project(self):
        login = self.federation.service_login('bu')
        self.assertEqual(('nova', 'id-of-service'),
                         self.bu.tokens[login.get_token(None)])

    def test_in_a_project_of_a_user(self):
        login = self.federation.service_login('bu', 'id-of-research')
        self.assertEqual(('nova', 'id-of-research'),
                         self.bu.tokens[login.get_token(None)])

    def test_is_kept_for_each_project(self):
        first = self.federation.service_login('bu')
        other = self.federation.service_login('bu', 'id-of-research')
        sent = self.count()
        for before, project_id in ((first, None), (other, 'id-of-research')):
            again = self.federation.service_login('bu', project_id)
            self.assertEqual(before.get_token(None), again.get_token(None))
        self.assertNotEqual(first.get_token(None), other.get_token(None))
        self.assertEqual(sent, self.count())

    def assertSetupError(self):
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                self.federation.service_login, 'bu')
        self.assertIn("this service's own user", str(exc))

    def test_refused_there_is_an_error_of_the_setup(self):
        del self.bu.projects['nova']
        self.assertSetupError()

    def test_no_assertion_is_an_error_of_the_setup(self):
        self.clouds.mock.post(self.home.ecp_url, status_code=403)
        self.assertSetupError()

    def test_not_offered_is_an_error_of_the_setup(self):
        self.home.service_providers = {}
        self.assertSetupError()

    def test_both_logins(self):
        user, service = self.federation.user_and_service_login(
            'bu', self.requester())
        self.assertEqual('alice', self.bu.tokens[user.get_token(None)][0])
        self.assertEqual('nova', self.bu.tokens[service.get_token(None)][0])

    def both_fail_with(self, kind):
        self.assertRaises(kind, self.federation.user_and_service_login, 'bu',
                          self.requester())

    def test_failure_of_the_user_comes_first(self):
        del self.bu.projects['nova'], self.bu.projects['alice']
        self.both_fail_with(exceptions.LoginRefused)

    def test_failure_of_the_service_is_told(self):
        del self.bu.projects['nova']
        self.both_fail_with(exceptions.ServiceProviderSetupError)

    def test_service_token_is_one_of_the_service_provider(self):
        user = self.login(self.home.token('alice'))
        both = self.federation.with_service_token('bu', user)
        headers = both.get_headers(None)
        self.assertEqual(('alice', 'id-of-research'),
                         self.bu.tokens[headers['X-Auth-Token']])
        self.assertEqual(('nova', 'id-of-service'),
                         self.bu.tokens[headers['X-Service-Token']])


class TestTwoServiceProviders(base.FederationTestCase):
    names = ('bu', 'mit')

    def test_each_has_its_own_login(self):
        user = self.requester()
        for name in self.names:
            login = self.federation.user_login(name, user)
            self.assertTrue(login.get_token(None).startswith(name))

    def test_no_token_of_one_goes_to_the_other(self):
        user = self.requester()
        for name in self.names:
            self.federation.user_login(name, user)
        for one, other in (('bu', 'mit'), ('mit', 'bu')):
            for each in self.clouds.sent_to(one):
                self.assertNotIn(f'{other}-token', str(each.headers))
                self.assertNotIn(f'{other}-token', each.text or '')


class TestLogs(base.FederationTestCase):

    def all_logs(self):
        """Everything that any logger says, at DEBUG."""
        for name in list(logging.root.manager.loggerDict):
            logger = logging.getLogger(name)
            self.addCleanup(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
        return self.useFixture(base_fixtures.FakeLogger(
            level=logging.DEBUG, format='%(name)s %(message)s'))

    def test_no_secret_is_logged(self):
        # What keystoneauth has never logged before it has no logger for.
        self.login(self.home.token('alice'))
        log = self.all_logs()
        self.login(self.home.token('alice'))
        self.federation.service_login('bu')
        self.bu.add_volume('v')
        auth = self.federation.with_service_token(
            'bu', self.login(self.home.token('bob'), 'bob'))
        adapter = self.federation.service_provider('bu').adapter(
            services.VOLUME, auth, '3.44')
        found = adapter.get('/volumes/v').json()
        self.assertEqual('v', found['volume']['id'])
        logging.getLogger('mixmatch').debug('the log works')
        self.assertIn('the log works', log.output)
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, log.output)

    def test_no_secret_is_logged_when_a_login_fails(self):
        log = self.all_logs()
        for user in ('nova', 'alice'):
            del self.bu.projects[user]
        self.assertRaises(exceptions.LoginRefused, self.login,
                          self.home.token('alice'))
        self.assertRaises(exceptions.ServiceProviderSetupError,
                          self.federation.service_login, 'bu')
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, log.output)
