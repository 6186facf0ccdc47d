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

"""Concurrent calls to several service providers."""

import threading
import time

import fixtures as base_fixtures
from oslo_context import context as oslo_context

from mixmatch import conf as mixmatch_conf
from mixmatch import exceptions
from mixmatch import fanout
from mixmatch import federation
from mixmatch import holdings
from mixmatch import shared_facts
from mixmatch import thread_pools
from tests.unit import fixtures
from tests.unit.mixmatch import base

AWAY = exceptions.ServiceProviderUnavailable(service_provider='mit',
                                             reason='refused')
REFUSED = exceptions.LoginRefused(service_provider='bu', reason='not mapped')

#: Longer than any test takes: who waits for this waits for ever.
HUNG = 30


class FanoutTestCase(base.TestCase):
    options = ''

    def setUp(self):
        super().setUp()
        self.fanout = self.new_fanout()
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        self.asked = []

    def new_fanout(self):
        conf = fixtures.configuration(self, '[mixmatch]\n' + self.options)
        mixmatch_conf.register_opts(conf)
        return fanout.Fanout(conf, shared_facts.SharedFacts(conf))

    def hang(self, name):
        """Simulate a service provider that never answers."""
        self.asked.append(name)
        self.release.wait(HUNG)
        return name


class TestAsk(FanoutTestCase):

    def test_answers_by_name(self):
        answers = self.fanout.ask(['bu', 'mit'], str.upper)
        self.assertEqual({'bu': 'BU', 'mit': 'MIT'}, answers.answered)
        self.assertEqual({}, answers.missing)

    def test_nobody_to_ask(self):
        answers = self.fanout.ask([], self.hang)
        self.assertEqual(({}, {}), (answers.answered, answers.missing))

    def test_who_fails_is_missing_and_says_why(self):
        def ask(name):
            if name == 'bu':
                raise exceptions.ServiceProviderUnavailable(
                    service_provider=name, reason='refused')
            return 'here'
        answers = self.fanout.ask(['bu', 'mit'], ask)
        self.assertEqual({'mit': 'here'}, answers.answered)
        self.assertEqual('Service provider bu does not answer: refused',
                         str(answers.missing['bu']))

    def test_all_are_asked_at_the_same_time(self):
        together = threading.Barrier(8)
        names = [f'sp{number}' for number in range(8)]
        answers = self.fanout.ask(
            names, lambda name: together.wait(HUNG) is not None)
        self.assertEqual(dict.fromkeys(names, True), answers.answered)

    def test_nonsense_of_one_does_not_lose_what_the_others_said(self):
        def ask(name):
            return {'bu': 'here'}[name]
        log = self.useFixture(base_fixtures.FakeLogger())
        answers = self.fanout.ask(['bu', 'mit'], ask)
        self.assertEqual({'bu': 'here'}, answers.answered)
        exc = answers.missing['mit']
        self.assertIsInstance(exc, exceptions.ServiceProviderUnavailable)
        self.assertIn('KeyError', str(exc))
        # It may be a mistake of ours: the log says where.
        self.assertIn("return {'bu': 'here'}[name]", log.output)

    def test_an_answer_may_be_nothing(self):
        answers = self.fanout.ask(['bu'], lambda name: None)
        self.assertEqual({'bu': None}, answers.answered)


class TestDeadline(FanoutTestCase):
    """A hanging service provider costs the others the timeout only."""

    options = 'ask_timeout = 2\n'

    def ask(self, **kwargs):
        def question(name):
            return self.hang(name) if name == 'hung' else 'here'
        began = time.monotonic()
        answers = self.fanout.ask(['bu', 'hung', 'mit'], question, **kwargs)
        self.took = time.monotonic() - began
        return answers

    def test_one_is_hung(self):
        answers = self.ask()
        self.assertEqual({'bu': 'here', 'mit': 'here'}, answers.answered)
        self.assertEqual(['hung'], list(answers.missing))
        self.assertGreaterEqual(self.took, 2)
        self.assertLess(self.took, HUNG / 2)

    def test_it_is_named(self):
        exc = self.ask().missing['hung']
        self.assertIsInstance(exc, exceptions.ServiceProviderUnavailable)
        self.assertEqual(('hung', 503), (exc.service_provider, exc.code))
        self.assertIn('no answer within 2 s', str(exc))

    def test_the_caller_may_have_less_time(self):
        exc = self.ask(timeout=0.1).missing['hung']
        self.assertIn('within 0.1 s', str(exc))


class TestThreads(FanoutTestCase):
    options = 'ask_threads = 2\nask_timeout = 0.5\n'

    def test_are_bounded(self):
        def count():
            return sum(thread.name.startswith('mixmatch-ask')
                       for thread in threading.enumerate())
        before = count()
        together = threading.Semaphore(0)
        most = []

        def question(name):
            most.append(count() - before)
            together.release()
            return name
        for _ in range(10):
            self.fanout.begin('bu', question)
        for _ in range(10):
            self.assertTrue(together.acquire(timeout=10))
        self.assertLessEqual(max(most), 2)

    def test_whose_turn_does_not_come_in_time_is_never_asked(self):
        for _ in range(2):
            self.fanout.begin('bu', self.hang)
        answers = self.fanout.ask(['bu'], lambda name: self.asked.append(
            'late'))
        self.assertEqual(['bu'], list(answers.missing))
        self.release.set()
        self.fanout.ask(['bu'], lambda name: self.asked.append('next'), 10)
        self.assertEqual(['bu', 'bu', 'next'], self.asked)


class TestSlow(FanoutTestCase):
    """One slow cloud holds its own threads only."""

    options = ('service_providers = slow, bu\nask_threads = 8\n'
               'ask_timeout = 0.5\n')

    def question(self, name):
        return self.hang(name) if name == 'slow' else 'here'

    def test_others_answer_however_many_wait_for_it(self):
        for _ in range(50):
            self.fanout.begin('slow', self.question)
        answers = self.fanout.ask(['slow', 'bu'], self.question)
        self.assertEqual({'bu': 'here'}, answers.answered)
        self.assertEqual(['slow'], list(answers.missing))

    def test_its_queue_ends(self):
        share = 8 // 2
        for _ in range(1000):
            self.fanout.begin('slow', self.question)
        began = time.monotonic()
        exc = self.fanout.ask(['slow'], self.question, 30).missing['slow']
        # At once, not after thirty seconds.
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn('calls wait for it already', str(exc))
        self.release.set()
        while time.monotonic() - began < 10:
            answers = self.fanout.ask(['slow'], str.upper, 30)
            if answers.answered:
                break
            time.sleep(0.01)
        self.assertEqual({'slow': 'SLOW'}, answers.answered)
        self.assertEqual(share * (1 + thread_pools.WAITING), len(self.asked))

    def test_no_thread_can_be_started(self):
        def refuse(thread):
            raise RuntimeError("can't start new thread")
        with base_fixtures.MockPatchObject(threading.Thread, 'start', refuse):
            answers = self.fanout.ask(['bu'], self.question)
            self.fanout.begin('bu', self.question)
        self.assertIn('cannot start more threads', str(answers.missing['bu']))
        self.assertEqual({'bu': 'here'},
                         self.fanout.ask(['bu'], self.question, 10).answered)


class TestContext(FanoutTestCase):
    """Log lines and requests carry the id of the request that asks."""

    # One thread, which serves one request after the other.
    options = 'ask_threads = 1\n'

    def ask(self):
        def question(name):
            context = oslo_context.get_current()
            return context and context.global_id, context.project_id
        return self.fanout.ask(['bu'], question).answered['bu']

    def context(self, **kwargs):
        context = oslo_context.RequestContext(overwrite=False, **kwargs)
        base.set_context(self, context)
        return context

    def test_is_that_of_the_caller(self):
        context = self.context(global_request_id='req-1', project_id='p1')
        self.assertEqual((context.global_id, 'p1'), self.ask())

    def test_is_not_that_of_the_caller_before(self):
        before = self.context(project_id='p1').global_id
        self.assertEqual((before, 'p1'), self.ask())
        base.set_context(self, None)
        after, project_id = self.ask()
        self.assertIsNone(project_id)
        self.assertNotEqual(before, after)

    def test_the_caller_keeps_its_own(self):
        context = self.context(project_id='p1')
        self.ask()
        self.assertIs(context, oslo_context.get_current())


class TestFederation(base.TestCase):
    """The same through the front door."""

    def test_asks(self):
        clouds = federation.Federation(fixtures.configuration(
            self, fixtures.text('bu', 'mit')))
        answers = clouds.ask(clouds.names, str.upper)
        self.assertEqual({'bu': 'BU', 'mit': 'MIT'}, answers.answered)
        answers = clouds.ask_for_listing(
            holdings.Owner('volumes', 'p'), clouds.names, lambda name: [])
        self.assertEqual({'bu': [], 'mit': []}, answers.answered)
