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


"""S8: what fails for one user fails for nobody else."""

from concurrent import futures
import contextlib
import re
import threading
import time

from sandbox import client
from sandbox import paste
from sandbox.services import common
from sandbox import topology
from tests.scenario import base
from tests.scenario import lossy

#: Seconds that both users work.
LASTS = 60
#: Seconds between two requests of a user.
PAUSE = 0.2
#: The part of the other user's requests that may be refused.
REFUSED = 0.01
#: Seconds after which a dead partner is known: the timeouts of the sandbox,
#: two probes that are too early, and what the machine needs.
KNOWN = base.TIMEOUTS + 2 * 5
#: Answers that are looked at then; some of them probe.
ANSWERS = 20


def unavailable(connection):
    connection.sendall(b'HTTP/1.1 503 Service Unavailable\r\n'
                       b'Content-Length: 2\r\n\r\n{}')


def truncated(connection):
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json'
                       b'\r\nContent-Length: 1000\r\n\r\n{"volume": {')


def garbage(connection):
    connection.sendall(b'\x15\x03\x01\x00\x02\x02\x28\r\n\x00\xff' * 40)


class TestOneUser(base.Scenario):

    def setUp(self):
        super().setUp()
        self.over = threading.Event()
        self.mine = self.volume_at(self.provider)
        self.others = self.volume_at(self.provider)
        self.url = topology.url(topology.by_name(self.provider), 'cinder')

    @contextlib.contextmanager
    def home_through(self, way):
        """Home's Cinder asks bu's by this way."""
        def change(text):
            return paste.with_endpoint(text, self.provider,
                                       f'{way.entry}/v3')
        with paste.changed(self.sandbox, self.home, change, 'cinder.conf'):
            yield

    def silent(self, connection):
        """Nothing comes within the read timeout."""
        self.over.wait(12)

    def works(self, who, volume_id, until):
        """Ask for a volume now and then; the answers."""
        cinder = who.api('block-storage')
        answers = []
        while time.monotonic() < until:
            answers.append(cinder.get(f'/volumes/{volume_id}'))
            self.over.wait(PAUSE)
        return answers

    def fails(self, who, way, until):
        """Ask in vain, for one reason after the other."""
        way.spoiling = re.compile(f'GET /v3/volumes/{self.others}')
        answers = []
        faults = (unavailable, truncated, self.silent, garbage, unavailable)
        for left in reversed(range(len(faults))):
            way.spoil = faults[left]
            answers += self.works(who, self.others,
                                  until - LASTS * left / len(faults))
        return answers

    def test_the_other_notices_nothing(self):
        carol = self.sandbox.user(self.home, 'carol')
        with (contextlib.ExitStack() as ways,
              futures.ThreadPoolExecutor(1) as executor):
            way = ways.enter_context(lossy.way_to(self.url))
            # NOTE: that a test fails must not take longer.
            ways.callback(self.over.set)
            with self.home_through(way):
                for who, volume_id in ((self.alice, self.mine),
                                       (carol, self.others)):
                    self.assertEqual(200, who.api('block-storage').get(
                        f'/volumes/{volume_id}').status_code)
                until = time.monotonic() + LASTS
                bad = executor.submit(self.fails, carol, way, until)
                good = self.works(self.alice, self.mine, until)
                failed = bad.result()
                refused = [each.text for each in good
                           if each.status_code != 200]
                self.assertGreater(len(good), LASTS / 2)
                self.assertGreater(way.spoiled, 20)
                self.assertEqual({503}, {each.status_code
                                         for each in failed})
                self.assertLessEqual(len(refused), REFUSED * len(good),
                                     refused[:3])
                ways.close()
                self.over.clear()
                self.assert_skipped()

    def assert_skipped(self):
        """Now bu is dead for everybody."""
        cinder = self.alice.api('block-storage')

        def is_known():
            answer = cinder.get(f'/volumes/{self.mine}')
            self.assertEqual(503, answer.status_code, answer.text)
            return base.SKIPPED in answer.text
        client.wait_for(f'home to know that {self.provider} is dead',
                        is_known, KNOWN)
        # Each process of the API finds out by itself.
        client.wait_for('the other processes to know', lambda: (
            is_known() and len(self.sandbox.apis_without(
                self.provider, 'cinder')) == common.PROCESSES), KNOWN)
        skipped = 0
        for _ in range(ANSWERS):
            answer = cinder.get(f'/volumes/{self.mine}')
            self.assertEqual(503, answer.status_code)
            self.assertIn(f'ervice provider {self.provider} does not answer',
                          answer.text)
            self.assertLess(answer.elapsed.total_seconds(), base.AT_ONCE)
            skipped += base.SKIPPED in answer.text
        self.assertGreater(skipped, ANSWERS / 4)
