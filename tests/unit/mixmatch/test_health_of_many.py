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


"""Circuit breaker: failures of one or many projects."""

import threading
import time

import fixtures as base_fixtures

from mixmatch import health
from tests.unit.mixmatch import base
from tests.unit.mixmatch import test_health


class TestOneUsersFailures(test_health.HealthTestCase):
    """They are nobody else's."""

    def setUp(self):
        super().setUp()
        self.alive = True

    def test_others_go_through_and_probes_are_few(self):
        for _ in range(60 * 5):
            self.health.failed('HTTP 503', self.probe, 'alice')
            base.wait_for_probes()
            self.assertIsNone(self.refusal())
            self.clock.let_pass(0.2)
        self.assertLessEqual(self.probes, 60 / health.SUSPECT_AGAIN + 1)
        self.assertEqual([], self.changes)

    def test_others_go_through_while_a_probe_is_under_way(self):
        look = threading.Event()
        self.addCleanup(look.set)
        self.health.failed('HTTP 503', lambda: look.wait(30))
        self.assertIsNone(self.health.refusal())

    def test_a_way_that_one_project_alone_has_is_dead(self):
        """Its catalog has another endpoint: others ask for their own."""
        self.health.failed('refused', lambda: False, 'alice')
        base.wait_for_probes()
        self.assertIsNotNone(self.refusal())
        self.clock.let_pass(1)
        self.assertIsNone(self.health.refusal(30, self.probe))


class TestUnreached(test_health.HealthTestCase):
    """No connection in all the time that one may take."""

    def unreached(self, since):
        self.health.failed('timed out', self.probe, 'alice', since)

    def test_is_as_good_as_a_probe(self):
        since = time.monotonic()
        self.clock.let_pass(5)
        self.unreached(since)
        self.assertIsNotNone(self.refusal())
        self.assertEqual(0, self.probes)

    def test_not_if_another_was_answered_meanwhile(self):
        self.alive = True
        since = time.monotonic()
        self.clock.let_pass(2)
        self.health.succeeded()
        self.clock.let_pass(3)
        self.unreached(since)
        base.wait_for_probes()
        self.assertIsNone(self.refusal())


class TestEverybody(test_health.HealthTestCase):
    """A load balancer serves the root, and nothing else."""

    def setUp(self):
        super().setUp()
        self.alive = True

    def fail_for(self, *projects, seconds=11, reason='HTTP 503'):
        for _ in range(seconds):
            for project in projects:
                self.health.failed(reason, self.probe, project)
            base.wait_for_probes()
            self.clock.let_pass(1)

    def state(self):
        return self.health.to_dict()['state']

    def test_of_several_projects(self):
        self.fail_for('research', 'teaching', seconds=10)
        self.assertEqual('up', self.state())
        self.fail_for('research', seconds=1)
        self.assertEqual('down', self.state())
        self.assertIn('as are all calls of 2 projects since 10 s',
                      self.health.to_dict()['reason'])

    def test_not_of_one_alone(self):
        self.fail_for('research', seconds=100)
        self.fail_for('teaching', seconds=1)
        self.fail_for('research', seconds=20)
        self.assertEqual('up', self.state())

    def test_not_if_anybody_is_answered(self):
        for _ in range(10):
            self.fail_for('research', 'teaching', seconds=5)
            self.health.succeeded()
        self.assertEqual('up', self.state())

    def test_then_calls_are_tried_again(self):
        self.fail_for('research', 'teaching')
        self.clock.let_pass(60)
        self.assertIsNone(self.refusal())
        # The same project as ever, however often.
        for _ in range(10):
            self.health.failed('HTTP 503', self.probe, 'research')
        self.assertIsNone(self.refusal())
        self.health.succeeded()
        self.assertIn('is up again', self.log.output)

    def test_the_pause_doubles_until_one_is_answered(self):
        self.fail_for('research', 'teaching')
        for pause in (2, 4, 4):
            self.clock.let_pass(60)
            self.assertIsNone(self.refusal())
            for project in ('research', 'teaching') * 2:
                self.health.failed('HTTP 503', self.probe, project)
            self.assertIn(f'tried again in {pause} s', self.refusal())

    def test_a_probe_that_began_before_ends_no_pause(self):
        self.fail_for('research', 'teaching', seconds=10)
        look = threading.Event()

        def probe():
            return look.wait(10)
        for _ in range(2):
            self.clock.let_pass(health.SUSPECT_AGAIN)
            self.health.suspect('slow', probe)
            self.health.failed('HTTP 503', probe, 'research')
        self.assertEqual('down', self.state())
        look.set()
        base.wait_for_probes()
        self.assertEqual('down', self.state())

    def test_who_waits_for_an_answer_is_not_cut_off(self):
        self.fail_for('research', 'teaching')
        self.assertEqual('down', self.state())
        self.assertFalse(self.health.suspect('no answer', self.probe))


class TestThreads(test_health.HealthTestCase):
    """A probe that cannot run leaves nothing down for ever."""

    def no_threads(self):
        def refuse(thread):
            raise RuntimeError("can't start new thread")
        return base_fixtures.MockPatchObject(threading.Thread, 'start',
                                             refuse)

    def test_of_a_suspicion(self):
        with self.no_threads():
            self.health.failed('HTTP 503', self.probe)
        self.assertIsNone(self.refusal())
        self.clock.let_pass(health.SUSPECT_AGAIN)
        self.fail()
        self.assertEqual(1, self.probes)
        self.assertIsNotNone(self.refusal())

    def test_after_a_pause_a_call_looks(self):
        self.fail()
        self.clock.let_pass(1)
        with self.no_threads():
            self.assertIsNone(self.refusal())
            # One in each pause.
            self.assertIsNotNone(self.refusal())
        self.health.succeeded()
        self.assertIsNone(self.refusal())

    def test_a_probe_that_dies(self):
        def die():
            raise SystemExit
        self.fail()
        self.clock.let_pass(1)
        self.assertIsNotNone(self.health.refusal(30, die))
        self.alive = True
        self.clock.let_pass(4)
        self.assertIsNone(self.health.refusal(30, self.probe))

    def test_a_probe_that_never_ends(self):
        """uWSGI makes threads that stand still."""
        stop = threading.Event()
        self.addCleanup(stop.set)
        self.fail()
        self.clock.let_pass(1)
        self.assertIsNotNone(self.health.refusal(0, lambda: stop.wait(30)))
        self.alive = True
        self.clock.let_pass(health.LOST)
        self.assertIsNone(self.health.refusal(30, self.probe))

    def test_whoever_is_told_of_changes_may_fail(self):
        def changed():
            raise ValueError('no space left')
        self.health = health.Health('bu', 1, 4, changed)
        self.fail()
        self.alive = True
        self.clock.let_pass(1)
        self.assertIsNone(self.refusal())
