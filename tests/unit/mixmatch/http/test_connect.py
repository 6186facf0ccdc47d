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

"""Connections to another cloud are made in time, or not at all."""

import os
import socket
import sys
import tempfile
import textwrap
import threading
import time

import fixtures as base_fixtures

from mixmatch import deadline
from mixmatch.http import connect
from mixmatch.http import endpoints
from tests.unit import base
from tests.unit.mixmatch import base as mixmatch_base
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

OK = servers.answer()


class TestConnect(base.TestCase):

    def setUp(self):
        super().setUp()
        # NOTE: Nova up to 2025.2 brings eventlet into the process, with which
        # it is not socket.getaddrinfo() that is called.
        self.useFixture(base_fixtures.MockPatchObject(
            connect, '_getaddrinfo', lambda host, *args: self.name(host)))

    @staticmethod
    def address(host, port):
        return socket.AF_INET, socket.SOCK_STREAM, 6, '', (host, port)

    def full(self):
        """A port that takes no connection, and refuses none."""
        listener = socket.create_server(('127.0.0.1', 0), backlog=0)
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        for _ in range(8):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(('127.0.0.1', port))
            self.addCleanup(waiting.close)
        return port

    def test_all_addresses_share_the_time(self):
        port = self.full()
        self.name = lambda host: [self.address('127.0.0.1', port)] * 6
        began = time.monotonic()
        self.assertRaises(OSError, connect.connect, 'bu', port, began + 0.5)
        self.assertLess(time.monotonic() - began, 2)

    def test_the_last_address_is_tried(self):
        port = self.full()
        server = self.useFixture(servers.Server(OK))
        self.name = lambda host: [*[self.address('127.0.0.1', port)] * 3,
                                  self.address('127.0.0.1', server.port)]
        with connect.connect('bu', port, time.monotonic() + 2) as made:
            self.assertEqual(server.port, made.getpeername()[1])

    def test_a_name_is_looked_up_in_time_and_once(self):
        over, asked = threading.Event(), []
        self.addCleanup(over.set)

        def name(host):
            asked.append(host)
            over.wait(30)
            return []
        self.name = name
        began = time.monotonic()
        for _ in range(3):
            self.assertRaises(TimeoutError, connect.connect, 'slow', 80,
                              time.monotonic() + 0.2)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(['slow'], asked)

    def test_a_name_without_an_address(self):
        def name(host):
            raise socket.gaierror(-2, 'Name or service not known')
        self.name = name
        for _ in range(2):
            self.assertRaises(socket.gaierror, connect.connect, 'bu', 80,
                              time.monotonic() + 5)

    def test_a_child_asks_anew(self):
        """The thread that looks a name up does not survive a fork."""
        over = threading.Event()
        self.addCleanup(over.set)
        self.name = lambda host: over.wait(30)
        self.assertRaises(TimeoutError, connect.connect, 'forked', 80,
                          time.monotonic() + 0.1)
        pid = os.fork()
        if not pid:
            os._exit(len(connect._RESOLVER._under_way))
        self.assertEqual(0, os.waitpid(pid, 0)[1])

    def test_a_thread_that_cannot_be_started(self):
        def start(thread):
            raise RuntimeError("can't start new thread")
        self.name = lambda host: []
        with base_fixtures.MockPatchObject(threading.Thread, 'start', start):
            self.assertRaises(OSError, connect.connect, 'threadless', 80,
                              time.monotonic() + 1)
        # NOTE: what another test has looked up may not have ended yet.
        self.assertNotIn(('threadless', 80), connect._RESOLVER._under_way)

    def test_a_name_leads_to_no_service_of_this_machine(self):
        server = self.useFixture(servers.Server(OK))
        for address in ('127.0.0.1', '169.254.169.254', '0.0.0.0', '::1',
                        'fe80::1%lo', '::ffff:127.0.0.1', '224.0.0.1'):
            self.name = lambda host, address=address: [
                self.address(address, server.port)]
            exc = self.assertRaises(
                OSError, connect.connect, 'bu', server.port,
                time.monotonic() + 5, local=False)
            self.assertIn('this machine', str(exc))
        self.assertEqual([], server.requests)


class TestConnectTimeout(test_transport.WireTestCase):

    def test_is_for_all_of_it(self):
        over = threading.Event()
        self.addCleanup(over.set)

        def getaddrinfo(host, *args, flags=0, **kwargs):
            if flags & socket.AI_NUMERICHOST:
                raise socket.gaierror('a name')
            over.wait(30)
            return []
        for owner, name in ((socket, 'getaddrinfo'),
                            (connect, '_getaddrinfo')):
            self.useFixture(base_fixtures.MockPatchObject(
                owner, name, getaddrinfo))
        self.serve(OK, timeout=(0.3, 20))
        self.server.url = 'http://bu:5000/'
        began = time.monotonic()
        self.unavailable()
        with deadline.limit(time.monotonic() + 0.2):
            self.unavailable()
        self.assertLess(time.monotonic() - began, 5)

    def test_a_name_that_leads_here(self):
        self.serve(OK, allowed=endpoints.Endpoints('bu', [], None, 'http://h'))
        self.there.session._allowed.learn(('http://localhost.bu:5000/v3',))
        self.useFixture(base_fixtures.MockPatchObject(
            connect._RESOLVER, 'addresses', lambda host, port, until: [
                TestConnect.address('127.0.0.1', self.server.port)]))
        self.server.url = 'http://localhost.bu:5000/'
        self.assertIn('this machine', str(self.unavailable()))
        # The probe that a failure begins does not go there either.
        mixmatch_base.wait_for_probes()
        self.assertEqual([], self.server.requests)


class TestEventlet(base.TestCase):
    """Nova and Cinder up to 2025.2 run on green threads."""

    PROGRAM = textwrap.dedent("""
        import os
        os.environ['EVENTLET_NO_GREENDNS'] = 'yes'
        import eventlet
        eventlet.monkey_patch()
        import time
        from eventlet import patcher
        from mixmatch.http import connect
        real = patcher.original('socket')
        sleep = patcher.original('time').sleep
        def slow(*args, **kwargs):
            sleep(60)
            raise real.gaierror('gone')
        real.getaddrinfo = slow
        import socket
        numeric = socket.getaddrinfo
        def getaddrinfo(*args, flags=0, **kwargs):
            return (numeric if flags else slow)(*args, flags=flags, **kwargs)
        socket.getaddrinfo = getaddrinfo
        ticks = []
        def tick():
            while True:
                ticks.append(1)
                eventlet.sleep(0.01)
        eventlet.spawn(tick)
        began = time.monotonic()
        try:
            connect.connect('bu', 80, began + 3)
        except TimeoutError:
            # NOTE: on a busy machine each of them may take its time.
            print('late', len(ticks) > 10, time.monotonic() - began < 30,
                  flush=True)
        os._exit(0)
        """)

    def test_a_slow_name_stops_nobody_else(self):
        # NOTE: in 2025.x subprocess is eventlet's, and shares a hub with the
        # servers of other tests.
        with tempfile.TemporaryFile() as out:
            child = os.posix_spawn(
                sys.executable,
                [sys.executable, '-W', 'ignore', '-c', self.PROGRAM],
                os.environ, file_actions=[
                    (os.POSIX_SPAWN_DUP2, out.fileno(), number)
                    for number in (1, 2)])
            os.waitid(os.P_PID, child, os.WEXITED)
            out.seek(0)
            self.assertEqual('late True True\n', out.read().decode())
