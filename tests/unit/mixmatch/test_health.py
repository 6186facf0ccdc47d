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

"""Circuit breaker: calls, waits, probes and log."""

import threading

import fixtures as base_fixtures

from mixmatch import health
from tests.unit import fixtures
from tests.unit.mixmatch import base


class HealthTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        # It would write into the log of the next test.
        self.addCleanup(base.wait_for_probes)
        self.clock = self.useFixture(fixtures.Clock())
        self.log = self.useFixture(base_fixtures.FakeLogger())
        self.changes = []
        self.health = health.Health('bu: volume', pause=1, longest=4,
                                    changed=self._note_change)
        #: What the probe finds; how often it looked.
        self.alive = False
        self.probes = 0

    def _note_change(self):
        self.changes.append(self.health.to_dict()['state'])

    def probe(self):
        self.probes += 1
        return self.alive

    def refusal(self):
        """Return the refusal for a caller that waits for the probe."""
        return self.health.refusal(30)

    def fail(self, reason='connection refused'):
        """A call fails, and what the probe finds is known."""
        self.health.failed(reason, self.probe)
        base.wait_for_probes()


class TestDown(HealthTestCase):

    def test_is_up_until_it_fails(self):
        self.assertIsNone(self.refusal())
        self.assertEqual('up', self.health.to_dict()['state'])

    def test_is_down_when_the_probe_has_confirmed_a_failure(self):
        self.fail()
        self.assertEqual(1, self.probes)
        self.assertIn('connection refused', self.refusal())
        self.assertEqual('down', self.health.to_dict()['state'])

    def test_is_skipped_without_a_question(self):
        self.fail()
        self.clock.let_pass(0.9)
        for _ in range(10):
            self.assertIsNotNone(self.refusal())
        self.assertEqual(1, self.probes)

    def test_the_refusal_says_since_when_and_until_when(self):
        self.fail()
        self.clock.let_pass(1.1)
        self.assertIn('(1 s ago; it is tried again in 2 s)',
                      self.refusal())

    def test_is_up_again_when_a_call_has_succeeded(self):
        self.fail()
        # One that was under way all the time.
        self.health.succeeded()
        self.assertIsNone(self.refusal())
        self.assertEqual(1, self.probes)

    def test_what_is_shown(self):
        self.fail()
        shown = self.health.to_dict()
        self.assertEqual('connection refused', shown['reason'])
        self.assertAlmostEqual(shown['since'] + 1, shown['retry_at'])
        self.health.succeeded()
        shown = self.health.to_dict()
        self.assertEqual(('up', '', None), (
            shown['state'], shown['reason'], shown['retry_at']))


class TestProbe(HealthTestCase):

    def test_after_the_pause_one_looks(self):
        self.fail()
        self.clock.let_pass(1)
        self.assertIsNotNone(self.refusal())
        self.assertEqual(2, self.probes)

    def test_if_it_is_answered_calls_go_through(self):
        self.fail()
        self.alive = True
        self.clock.let_pass(1)
        for _ in range(3):
            self.assertIsNone(self.refusal())
        self.assertEqual(2, self.probes)

    def test_a_probe_that_raises_is_no_answer(self):
        def probe():
            raise OSError('refused again')
        self.health.failed('refused', probe)
        base.wait_for_probes()
        self.assertIn('refused', self.refusal())
        self.clock.let_pass(1)
        self.assertIn('refused', self.refusal())

    def test_one_looks_however_many_ask(self):
        """Nobody waits long for a probe that nobody answers."""
        answer = threading.Event()
        self.addCleanup(answer.set)
        started = []

        def probe():
            started.append(True)
            return answer.wait(30)
        self.fail()
        self.clock.let_pass(1)
        self.health._probe = probe
        refusals = []

        def ask():
            refusals.append(self.health.refusal())
        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            # Much less than the probe takes.
            thread.join(10)
        self.assertEqual(20, len(refusals))
        self.assertNotIn(None, refusals)
        self.assertEqual([True], started)

    def test_a_late_answer_counts_for_the_next_caller(self):
        answer, looked = threading.Event(), threading.Event()
        self.addCleanup(answer.set)
        self.health = health.Health('bu', pause=1, longest=4,
                                    changed=looked.set)
        self.fail('slow')
        self.clock.let_pass(1)
        self.assertIsNotNone(self.health.refusal(
            probe=lambda: answer.wait(30)))
        looked.clear()
        answer.set()
        self.assertTrue(looked.wait(10))
        self.assertIsNone(self.refusal())


class TestSuspected(HealthTestCase):
    """Something is odd: a probe finds out, and nobody waits for it."""

    def setUp(self):
        super().setUp()
        self.look, self.found = threading.Event(), threading.Event()
        self.addCleanup(self.look.set)
        self.began = threading.Semaphore(0)

    def probe(self):
        self.began.release()
        self.look.wait(30)
        return self.alive

    def assertProbes(self, number):
        """So many have begun since this was asked."""
        for _ in range(number):
            self.assertTrue(self.began.acquire(timeout=10))
        self.assertFalse(self.began.acquire(timeout=0.1))

    def _note_change(self):
        super()._note_change()
        self.found.set()

    def suspect(self):
        return self.health.suspect('no answer', self.probe)

    def test_it_is_used_until_the_probe_has_failed(self):
        self.assertFalse(self.suspect())
        self.assertIsNone(self.refusal())
        self.look.set()
        self.assertTrue(self.found.wait(10))
        self.assertIn('no answer', self.refusal())
        self.assertTrue(self.suspect())
        self.assertEqual(['bu: volume is down: no answer'],
                         self.log.output.splitlines())

    def test_one_probe_however_many_wonder(self):
        for _ in range(10):
            self.suspect()
        self.assertProbes(1)

    def test_not_again_for_a_while(self):
        self.alive = True
        self.look.set()
        self.suspect()
        self.assertProbes(1)
        self.clock.let_pass(health.SUSPECT_AGAIN - 1)
        self.suspect()
        self.assertProbes(0)
        self.clock.let_pass(1)
        self.suspect()
        self.assertProbes(1)

    def test_if_it_is_alive_nothing_happens(self):
        self.alive = True
        self.look.set()
        self.suspect()
        self.assertFalse(self.found.wait(0.1))
        self.assertIsNone(self.refusal())
        self.assertNotIn('is down:', self.log.output)


class TestPause(HealthTestCase):

    def assertPause(self, seconds):
        """The next probe comes after so long, not earlier."""
        before = self.probes
        self.clock.let_pass(seconds - 0.1)
        self.refusal()
        self.assertEqual(before, self.probes)
        self.clock.let_pass(0.1)
        self.refusal()
        self.assertEqual(before + 1, self.probes)

    def test_doubles_up_to_the_bound(self):
        self.fail()
        for pause in (1, 2, 4, 4):
            self.assertPause(pause)

    def test_an_answer_to_the_probe_resets_it(self):
        self.fail()
        for self.alive in (False, True):
            self.assertPause(1 if not self.alive else 2)
        self.clock.let_pass(health.SUSPECT_AGAIN)
        self.alive = False
        self.fail()
        self.assertPause(1)

    def test_success_resets_it(self):
        self.fail()
        self.assertPause(1)
        self.health.succeeded()
        self.clock.let_pass(health.SUSPECT_AGAIN)
        self.fail()
        self.assertPause(1)

    def test_failures_of_calls_under_way_do_not_lengthen_it(self):
        for _ in range(5):
            self.fail()
        self.assertPause(1)


class TestLog(HealthTestCase):
    """One line for each change, however many calls."""

    def lines(self):
        return self.log.output.splitlines()

    def test_a_line_when_it_goes_down(self):
        for _ in range(5):
            self.fail()
            self.refusal()
        self.assertEqual(['bu: volume is down: connection refused'],
                         self.lines())

    def test_no_line_while_it_stays_down(self):
        self.fail()
        for _ in range(3):
            self.clock.let_pass(5)
            self.refusal()
            self.fail()
        self.assertEqual(1, len(self.lines()))

    def test_no_warning_of_what_is_not_confirmed(self):
        self.alive = True
        for _ in range(5):
            self.fail('HTTP 503')
        line, = self.lines()
        self.assertIn('answers a probe, so it is not down', line)
        self.assertIn('HTTP 503', line)
        self.assertEqual([], self.changes)

    def test_a_line_when_it_is_up_again(self):
        self.fail()
        self.alive = True
        self.clock.let_pass(7)
        self.assertIsNone(self.refusal())
        base.wait_for_probes()
        for _ in range(5):
            self.health.succeeded()
        self.assertEqual('bu: volume is up again after 7 s',
                         self.lines()[-1])
        self.assertEqual(2, len(self.lines()))

    def test_no_line_while_all_is_well(self):
        self.health.succeeded()
        self.assertEqual([], self.lines())
        self.assertEqual([], self.changes)

    def test_who_wants_to_know_is_told(self):
        self.fail()
        self.alive = True
        self.clock.let_pass(1)
        self.refusal()
        # NOTE: callers go on before the log and the status file are written.
        base.wait_for_probes()
        self.health.succeeded()
        self.assertEqual('down', self.changes[0])
        self.assertEqual('up', self.changes[-1])
