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

"""A service forks its workers after it has begun to work."""

import os
import select
import signal
import sys
import threading
import traceback

from oslo_serialization import jsonutils

from mixmatch import services
from tests.unit.mixmatch import base
from tests.unit import servers

#: Seconds until a child that is blocked is ended.
PATIENCE = 30


def in_child(call):
    """Return the result of a call in a fork of this process.

    In 2025.x os.write and os.waitpid are eventlet's: in a child they would
    have the threads of the parent's test servers run on.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        # NOTE: nothing of the test runner may run on in the child.
        signal.alarm(PATIENCE)
        if 'eventlet.hubs' in sys.modules:
            # NOTE: as oslo.service does, or what waits in the parent runs on.
            sys.modules['eventlet.hubs'].use_hub()
        try:
            answer = {'returned': call()}
        except BaseException:  # noqa: BLE001
            answer = {'raised': traceback.format_exc()}
        try:
            with open(write, 'wb') as pipe:
                pipe.write(jsonutils.dump_as_bytes(answer))
        finally:
            os._exit(0)
    os.close(write)
    # NOTE: with eventlet the test's server answers meanwhile.
    select.select([read], [], [], PATIENCE)
    with open(read, 'rb') as pipe:
        text = pipe.read()
    os.waitid(os.P_PID, pid, os.WEXITED)
    if not text:
        raise AssertionError('the child was blocked')
    answer = jsonutils.loads(text)
    if 'raised' in answer:
        raise AssertionError(answer['raised'])
    return answer['returned']


class TestFork(base.FederationTestCase):

    def setUp(self):
        super().setUp()
        self.token = self.home.token('alice')
        self.first = self.there()

    def there(self):
        return self.login(self.token).get_token(None)

    def test_what_a_process_has_is_not_the_child_s(self):
        process = self.federation._process
        self.assertIs(process, self.federation._process)
        self.assertFalse(in_child(
            lambda: self.federation._process is process))

    def test_a_child_logs_in_by_itself(self):
        self.assertNotEqual(self.first, in_child(self.there))
        self.assertEqual(self.first, self.there())

    def test_a_child_of_a_child_as_well(self):
        tokens = in_child(lambda: [self.there(), in_child(self.there)])
        self.assertEqual(2, len({*tokens}))

    def test_locks_that_others_held_do_not_block_it(self):
        """Another thread of the parent was at work at the fork."""
        process = self.federation._process
        locks = [self.federation._lock, process.lock, process.status_lock,
                 process.logins._lock,
                 process.fanout.holdings._lock, process.metrics._lock,
                 *(state._lock for state in
                   self.federation.service_provider('bu').health.values())]
        held, release = threading.Event(), threading.Event()

        def hold():
            for lock in locks:
                lock.acquire()
            held.set()
            release.wait(PATIENCE)
            for lock in locks:
                lock.release()
        thread = threading.Thread(target=hold)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(release.set)
        self.assertTrue(held.wait(10))
        self.assertNotEqual(self.first, in_child(self.there))

    def test_a_child_asks_by_threads_of_its_own(self):
        def ask():
            return self.federation.ask(['bu'], str.upper).answered
        self.assertEqual({'bu': 'BU'}, ask())
        self.assertEqual({'bu': 'BU'}, in_child(ask))
        self.assertEqual({'bu': 'BU'}, ask())

    def test_a_login_that_was_under_way_does_not_block_it(self):
        """Its thread is not there in the child."""
        logins = self.federation._process.logins
        key, = logins._kept
        began, release = threading.Event(), threading.Event()

        def make():
            began.set()
            release.wait(PATIENCE)
            return kept
        kept = logins._kept.pop(key)
        thread = threading.Thread(target=logins.get, args=(key, make))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(release.set)
        self.assertTrue(began.wait(10))
        self.assertNotEqual(self.first, in_child(self.there))


class TestConnections(base.FederationTestCase):
    """Two processes on one connection would read each other's answers."""

    more = 'endpoint_hosts = 127.0.0.1\n'

    def setUp(self):
        super().setUp()
        self.server = self.useFixture(servers.Server(self.tell_port))
        self.clouds.mock.stop()

    @staticmethod
    def tell_port(connection):
        port = connection.getpeername()[1]
        connection.sendall(servers.answer(str(port).encode()))

    def ask(self):
        """Our end of the connection that a process uses."""
        there = self.federation.service_provider('bu')
        return there._api(services.VOLUME)._session.get(
            self.server.url, authenticated=False).text

    def test_are_not_shared(self):
        first = self.ask()
        self.assertEqual(first, self.ask())
        self.assertNotEqual(first, in_child(self.ask))
        self.assertEqual(first, self.ask())
