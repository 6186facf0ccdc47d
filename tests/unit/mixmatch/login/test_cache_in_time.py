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


"""Nobody waits for a login longer than it may, whatever happens to it."""

from concurrent import futures
import threading
import time
from unittest import mock

import fixtures as base_fixtures

from mixmatch import deadline
from mixmatch import exceptions
from tests.unit.mixmatch.login import test_cache


class TestDeadline(test_cache.LoginsTestCase):
    """Nobody waits longer than it may, and nobody's haste is another's."""

    def setUp(self):
        super().setUp()
        self.began, self.end = threading.Event(), threading.Event()
        self.addCleanup(self.end.set)

    def slow(self):
        """Log in at a slow Keystone, as long as the deadline allows."""
        self.began.set()
        left = min(deadline.get() - time.monotonic(), 30)
        if not self.end.wait(left):
            self.clock.let_pass(left)
            raise exceptions.ServiceProviderUnavailable(
                service_provider='bu', reason='it did not answer in time')
        return self.make()

    def lead(self, executor, seconds):
        def run():
            with deadline.limit(time.monotonic() + seconds):
                return self.logins.get(test_cache.ALICE, self.slow)
        leader = executor.submit(run)
        self.assertTrue(self.began.wait(10))
        return leader

    def test_the_login_has_the_deadline_of_who_makes_it(self):
        with futures.ThreadPoolExecutor(1) as executor:
            leader = self.lead(executor, 0.1)
            self.assertIsInstance(leader.exception(10),
                                  exceptions.ServiceProviderUnavailable)
        self.assertEqual({}, self.logins._under_way)

    def test_whoever_waits_for_it_has_its_own(self):
        with futures.ThreadPoolExecutor(1) as executor:
            leader = self.lead(executor, 30)
            with deadline.limit(time.monotonic() + 0.1):
                exc = self.assertRaises(
                    exceptions.ServiceProviderUnavailable, self.get)
            self.assertIn('did not finish in time', str(exc))
            self.end.set()
            self.assertEqual('token-1', leader.result(10).token)

    def test_whoever_has_more_time_tries_again(self):
        with futures.ThreadPoolExecutor(1) as executor:
            leader = self.lead(executor, 0.2)
            with deadline.limit(time.monotonic() + 30):
                self.assertEqual('token-1', self.get())
            self.assertIsNotNone(leader.exception(10))


class TestBrokenOnTheWay(test_cache.LoginsTestCase):
    """No thread waits for ever when something beside the login fails."""

    def assert_ends(self):
        self.assertEqual({}, self.logins._under_way)

    def test_the_metrics(self):
        def fail(*args):
            raise UnicodeEncodeError('ascii', 'ü', 0, 1, 'not ASCII')
        self.logins._metrics._client = client = mock.Mock()
        client.incr.side_effect = fail
        self.assertEqual('token-1', self.get())
        self.assert_ends()

    def test_a_thread_that_cannot_be_started(self):
        log = self.useFixture(base_fixtures.FakeLogger())
        self.get(renew=True)
        self.clock.let_pass(0.8 * self.life)

        def refuse(thread):
            raise RuntimeError("can't start new thread")
        with base_fixtures.MockPatchObject(threading.Thread, 'start', refuse):
            for _ in range(3):
                self.assertEqual('token-1', self.get(renew=True))
        self.assert_ends()
        self.assertEqual(1, log.output.count('No thread can be started'))
        self.clock.let_pass(0.3 * self.life)
        self.assertEqual('token-2', self.get(renew=True))
