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

"""Logins are made once, kept for a while, and made again in time."""

from concurrent import futures
import threading
import time

import fixtures as base_fixtures
from keystoneauth1 import exceptions as ksa_exceptions

from mixmatch import conf as mixmatch_conf
from mixmatch import exceptions
from mixmatch.login import cache
from mixmatch.login import login
from mixmatch.login import shared_cache
from mixmatch import metrics
from mixmatch import services
from tests.unit import fixtures
from tests.unit.mixmatch import base

ALICE = login.Key('bu', 'digest-of-a-token-of-alice', 'research')
THREADS = 50


def in_threads(call, number=THREADS):
    """Return the results of a call in many concurrent threads."""
    together = threading.Barrier(number)

    def run(_):
        together.wait(30)
        try:
            return call()
        except Exception as exc:  # noqa: BLE001
            return exc
    with futures.ThreadPoolExecutor(number) as executor:
        return list(executor.map(run, range(number)))


class LoginsTestCase(base.TestCase):
    #: How many are kept; seconds that each lives.
    size = 10
    life = 600

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())
        conf = fixtures.configuration(self, '')
        mixmatch_conf.register_opts(conf)
        self.logins = cache.LoginCache(self.size,
                                       shared_cache.SharedLoginCache(conf),
                                       metrics.Metrics(conf))
        #: How often somebody has logged in.
        self.made = 0

    def make(self):
        self.made += 1
        now = time.time()
        return login.Login(f'token-{self.made}', b'{}', now, now + self.life)

    def get(self, key=ALICE, **kwargs):
        return self.logins.get(key, self.make, **kwargs).token


class TestKept(LoginsTestCase):
    size = 3

    def test_until_its_end(self):
        self.assertEqual('token-1', self.get())
        self.clock.let_pass(599)
        self.assertEqual('token-1', self.get())
        self.assertTrue(self.logins.keeps(ALICE))
        self.clock.let_pass(2)
        self.assertFalse(self.logins.keeps(ALICE))
        self.assertEqual('token-2', self.get())

    def test_no_more_than_so_many(self):
        keys = [login.Key('bu', f'user{number}', 'p') for number in range(5)]
        for key in keys:
            self.get(key)
        self.assertEqual(3, sum(map(self.logins.keeps, keys)))

    def test_whoever_was_not_seen_for_longest_goes_first(self):
        bob, carol = (login.Key('bu', user, 'p') for user in ('bob', 'carol'))
        for key in (ALICE, bob, carol, ALICE):
            self.get(key)
        self.get(login.Key('bu', 'dave', 'p'))
        self.assertTrue(self.logins.keeps(ALICE))
        self.assertFalse(self.logins.keeps(bob))


class TestMadeOnce(LoginsTestCase):
    """One thread logs in for all concurrent ones."""

    def setUp(self):
        super().setUp()
        # Whoever waits for the login of another waits for a future.
        self.waiting = threading.Semaphore(0)
        result = futures.Future.result

        def wait(future, timeout=None):
            self.waiting.release()
            return result(future, timeout)
        self.useFixture(base_fixtures.MockPatchObject(
            futures.Future, 'result', wait))

    def all_get(self, outcome):
        """Let all ask, and answer when all but one are waiting."""
        def make():
            self.made += 1
            for _ in range(THREADS - 1):
                self.waiting.acquire(timeout=10)
            return outcome()
        found = []

        def ask():
            try:
                found.append(self.logins.get(ALICE, make).token)
            except exceptions.MixmatchException as exc:
                found.append(type(exc))
        threads = [threading.Thread(target=ask) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return found

    def fail(self):
        raise exceptions.ServiceProviderUnavailable(service_provider='bu',
                                                    reason='refused')

    def test_one_login_for_fifty_threads(self):
        alice = super().make()
        self.assertEqual([alice.token] * THREADS,
                         self.all_get(lambda: alice))
        self.assertEqual(1 + 1, self.made)

    def test_all_who_waited_get_the_failure(self):
        self.assertEqual([exceptions.ServiceProviderUnavailable] * THREADS,
                         self.all_get(self.fail))
        self.assertEqual(1, self.made)

    def test_who_comes_after_a_failure_tries_again(self):
        self.all_get(self.fail)
        self.assertEqual('token-2', self.get())

    def test_one_user_does_not_wait_for_another(self):
        bob = login.Key('bu', 'bob', 'p')
        login_of_alice = threading.Event()

        def make():
            # Ends when Bob is in.
            self.assertTrue(login_of_alice.wait(10))
            return self.make()
        with futures.ThreadPoolExecutor(1) as executor:
            alice = executor.submit(self.logins.get, ALICE, make)
            self.get(bob)
            login_of_alice.set()
            alice.exception(10)
        self.assertTrue(self.logins.keeps(ALICE))


class TestRefused(LoginsTestCase):
    """A refused user does not log in with each request."""

    def refuse(self):
        self.made += 1
        raise exceptions.LoginRefused(service_provider='bu', reason='HTTP 401')

    def refused(self, key=ALICE):
        return self.assertRaises(exceptions.LoginRefused, self.logins.get,
                                 key, self.refuse)

    def test_is_told_so_without_asking_again(self):
        for _ in range(5):
            self.assertIn('HTTP 401', str(self.refused()))
        self.assertEqual(1, self.made)

    def test_for_some_seconds_only(self):
        self.refused()
        self.clock.let_pass(cache.REFUSED)
        self.assertEqual('token-2', self.get())

    def test_another_user_is_asked_for(self):
        self.refused()
        self.refused(login.Key('bu', 'bob', 'p'))
        self.assertEqual(2, self.made)

    def test_errors_do_not_grow(self):
        """Each is new: an error holds the frames that it went through."""
        self.refused()
        first, second = self.refused(), self.refused()
        self.assertIsNot(first, second)
        self.assertEqual(str(first), str(second))

    def test_whoever_is_not_reached_is_tried_again(self):
        def fail():
            self.made += 1
            raise exceptions.HomeUnavailable(reason='refused')
        for _ in range(2):
            self.assertRaises(exceptions.HomeUnavailable, self.logins.get,
                              ALICE, fail)
        self.assertEqual(2, self.made)


class TestRenewed(LoginsTestCase):
    """The service's own login is made anew before it ends."""

    life = 100

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(base_fixtures.FakeLogger())
        self.began, self.go_on = threading.Event(), threading.Event()
        self.addCleanup(self.go_on.set)
        self.failure = None

    def make(self):
        if self.made:
            self.began.set()
            self.go_on.wait(30)
        if self.made and self.failure:
            self.made += 1
            raise self.failure
        return super().make()

    def get(self):
        return super().get(renew=True)

    def finish(self):
        """Let the renewal that is under way end."""
        self.assertTrue(self.began.wait(10))
        self.go_on.set()
        for thread in threading.enumerate():
            if thread.daemon and thread.name.endswith('(renew)'):
                thread.join(10)

    def test_not_while_it_is_young(self):
        self.get()
        self.clock.let_pass(74)
        self.assertEqual('token-1', self.get())
        self.assertEqual(1, self.made)

    def test_the_old_one_serves_meanwhile(self):
        self.get()
        self.clock.let_pass(76)
        for _ in range(5):
            self.assertEqual('token-1', self.get())
        self.finish()
        self.assertEqual('token-2', self.get())
        self.assertEqual(2, self.made)

    def test_that_of_a_user_is_not(self):
        super().get()
        self.clock.let_pass(99)
        super().get()
        self.assertFalse(self.began.is_set())

    def fail(self):
        self.failure = exceptions.HomeUnavailable(reason='refused')
        self.get()
        self.clock.let_pass(76)
        self.get()
        self.finish()

    def test_if_that_fails_the_old_one_serves_on(self):
        self.fail()
        self.assertEqual('token-1', self.get())

    def test_a_failure_is_logged_and_tried_again_later(self):
        self.fail()
        for _ in range(5):
            self.assertEqual('token-1', self.get())
        self.assertEqual(2, self.made)
        line, = self.log.output.splitlines()
        self.assertIn('bu could not be renewed', line)
        self.assertIn('refused', line)
        self.began.clear()
        self.failure = None
        self.clock.let_pass(cache.REFUSED)
        self.get()
        self.finish()
        self.assertEqual('token-3', self.get())


def volume_id(adapter):
    return adapter.get('/volumes/v').json()['volume']['id']


class TestNotAccepted(base.FederationTestCase):
    """Its Cinder refuses a token: Keystone there has forgotten it."""

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())
        #: Tokens that Keystone at bu has forgotten.
        self.forgotten = set()
        self.clouds.mock.get(f'{self.bu.cinder_url}/volumes/v',
                             json=self._show)
        self.token = self.home.token('alice')

    def _show(self, request, context):
        sent = {request.headers[name]
                for name in ('X-Auth-Token', 'X-Service-Token')
                if name in request.headers}
        if sent & self.forgotten:
            context.status_code = 401
            return {}
        return {'volume': fixtures.volume('v')}

    def adapter(self):
        auth = self.federation.with_service_token(
            'bu', self.login(self.token))
        return self.federation.service_provider('bu').adapter(
            services.VOLUME, auth)

    def show(self):
        return volume_id(self.adapter())

    def logins_of(self, user):
        """Return the number of tokens issued for a project."""
        return len([token for token, (who, project) in self.bu.tokens.items()
                    if who == user and project])

    def forget(self, *users):
        self.forgotten |= {token for token, (user, _)
                           in self.bu.tokens.items() if user in users}

    def test_the_user_logs_in_once_more(self):
        self.show()
        self.clock.let_pass(cache.FRESH)
        self.forget('alice')
        self.assertEqual('v', self.show())
        self.assertEqual(2, self.logins_of('alice'))

    def test_the_service_logs_in_once_more(self):
        self.show()
        self.clock.let_pass(cache.FRESH)
        self.forget('nova')
        self.assertEqual('v', self.show())
        self.assertEqual(2, self.logins_of('nova'))

    def test_once_however_many_threads(self):
        self.show()
        self.clock.let_pass(cache.FRESH)
        self.forget('alice', 'nova')
        self.assertEqual(['v'] * 20, in_threads(self.show, 20))
        self.assertEqual((2, 2), (self.logins_of('alice'),
                                  self.logins_of('nova')))

    def test_threads_may_share_an_adapter(self):
        adapter = self.adapter()
        self.clock.let_pass(cache.FRESH)
        self.forget('alice', 'nova')
        found = in_threads(lambda: volume_id(adapter), 20)
        self.assertEqual(['v'] * 20, found)
        self.assertEqual((2, 2), (self.logins_of('alice'),
                                  self.logins_of('nova')))

    def test_who_finds_it_dropped_tries_again_as_well(self):
        user = self.login(self.token)
        first = user.get_token(None)
        self.clock.let_pass(cache.FRESH)
        # Two threads come back with the same refusal.
        self.assertTrue(user.invalidate())
        self.assertTrue(user.invalidate())
        self.assertNotEqual(first, user.get_token(None))
        self.assertEqual(2, self.logins_of('alice'))

    def test_a_fresh_login_is_not_made_again(self):
        """Nothing would change, and each call would cost a login."""
        self.show()
        self.forget('alice', 'nova')
        for _ in range(3):
            self.assertRaises(ksa_exceptions.Unauthorized, self.show)
        self.assertEqual((1, 1), (self.logins_of('alice'),
                                  self.logins_of('nova')))
