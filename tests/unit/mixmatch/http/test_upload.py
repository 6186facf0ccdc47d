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

"""Bodies that are sent piece by piece, over real connections."""

import socket
import threading
import time
import tracemalloc

import fixtures

from mixmatch import exceptions
from mixmatch.http import limits
from mixmatch.http import upload
from tests.unit.mixmatch import base
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

PIECE = 64 * 1024
MIB = 1024 * 1024
DONE = servers.answer(status='204 No Content')


class Receiver(servers.Server):
    """Reads the head of each request, and leaves the body to the answer.

    :ivar heads: of requests, but for those of probes
    """

    def __init__(self, answer):
        super().__init__(None)
        self.answer = answer
        self.heads = []
        self.connections = 0

    def _answer(self, connection, number, stream):
        head = b''
        while (line := stream.readline()).strip():
            head += line
        if head.startswith(b'GET '):
            connection.sendall(servers.answer())
            return True
        if head:
            self.heads.append(head)
            self.connections = max(self.connections, number + 1)
            self.answer(connection, stream)
        return bool(head)


class Gone(Exception):
    """Error of whatever the pieces come from."""


class UploadTestCase(test_transport.WireTestCase):

    def receive(self, answer, timeout=(1.5, 20)):
        self.ended = threading.Event()
        self.server = self.useFixture(Receiver(answer))
        # NOTE: before the server waits for its threads.
        self.addCleanup(self.ended.set)
        self.there = self.session(adapter=limits.Adapter(), timeout=timeout)

    def send(self, pieces, length=None, **kwargs):
        return self.request('PUT', data=upload.Upload(pieces, length),
                            raise_exc=False, **kwargs)

    def broken(self, pieces, length=None):
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                self.send, pieces, length)
        self.assertEqual('bu', exc.service_provider)
        return str(exc)


def chunks(stream):
    """Read chunks until the last one, as a server does; their bytes."""
    found = b''
    while True:
        line = stream.readline()
        if not line.endswith(b'\r\n'):
            raise EOFError
        size = int(line, 16)
        chunk = stream.read(size + 2)
        if len(chunk) < size + 2:
            raise EOFError
        if not size:
            return found
        found += chunk[:-2]


class TestUpload(UploadTestCase):

    def take(self, connection, stream):
        head = self.server.heads[-1].lower()
        if b'transfer-encoding: chunked' in head:
            self.body = chunks(stream)
        else:
            size = int(head.partition(b'content-length:')[2].split()[0])
            self.body = stream.read(size)
        connection.sendall(DONE)

    def setUp(self):
        super().setUp()
        self.receive(self.take)

    def test_of_known_length(self):
        body = bytes(range(256)) * 1000
        response = self.send([body[:100_000], body[100_000:]], len(body))
        self.assertEqual((204, body), (response.status_code, self.body))
        self.assertIn(b'Content-Length: 256000', self.server.heads[0])
        self.assertNotIn(b'Transfer-Encoding', self.server.heads[0])

    def test_in_chunks(self):
        response = self.send(iter([b'abc', b'', b'de']))
        self.assertEqual((204, b'abcde'), (response.status_code, self.body))
        self.assertNotIn(b'Content-Length', self.server.heads[0])

    def test_connection_is_used_again(self):
        self.send([b'abc'], 3)
        self.send([b'abc'])
        self.assertEqual((2, 1), (len(self.server.heads),
                                  self.server.connections))

    def test_takes_longer_than_an_answer_may(self):
        self.receive(self.take, timeout=(0.2, 0.6))

        def pieces():
            for _ in range(4):
                time.sleep(0.3)
                yield b'abc'
        self.assertEqual(204, self.send(pieces(), 12).status_code)

    def test_stays_out_of_memory(self):
        def take(connection, stream):
            for _ in range(64):
                stream.read(MIB)
            connection.sendall(DONE)
        self.receive(take)
        piece = bytes(PIECE)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.send((piece for _ in range(64 * 16)), 64 * MIB)
        self.assertLess(tracemalloc.get_traced_memory()[1], 8 * MIB)


class TestBrokenPieces(UploadTestCase):
    """The source breaks off, and the other side must see it."""

    def take(self, connection, stream):
        try:
            chunks(stream)
        except EOFError:
            self.saw.set()

    def pieces(self):
        yield b'abc'
        raise Gone

    def setUp(self):
        super().setUp()
        self.saw = threading.Event()
        self.receive(self.take)

    def test_in_chunks(self):
        self.assertRaises(Gone, self.send, self.pieces())
        self.assertTrue(self.saw.wait(10))
        self.assertIsNone(self.health.refusal(0))

    def test_of_known_length(self):
        def take(connection, stream):
            if len(stream.read(9)) < 9:
                self.saw.set()
        self.receive(take)
        self.assertRaises(Gone, self.send, self.pieces(), 9)
        self.assertTrue(self.saw.wait(10))

    def test_not_sent_again(self):
        self.assertRaises(Gone, self.send, self.pieces())
        self.assertTrue(self.saw.wait(10))
        self.assertEqual(1, len(self.server.heads))


class TestEarlyAnswer(UploadTestCase):

    def endless(self):
        """Pieces until the answer has come, or for a while."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            yield bytes(PIECE)
        raise Gone

    def answered(self, answer, status=409):
        self.receive(answer)
        response = self.send(self.endless())
        self.assertEqual((status, {'message': 'no'}),
                         (response.status_code, response.json()))

    def test_is_the_answer(self):
        self.answered(lambda connection, stream: (
            connection.sendall(servers.answer(
                b'{"message": "no"}', '409 Conflict')),
            stream.read()))

    def test_and_nothing_more_is_read(self):
        self.answered(lambda connection, stream: (
            connection.sendall(servers.answer(
                b'{"message": "no"}', '409 Conflict')),
            self.ended.wait(30)))

    def test_and_the_connection_is_closed(self):
        self.answered(lambda connection, stream: (
            connection.sendall(servers.answer(
                b'{"message": "no"}', '409 Conflict')),
            connection.shutdown(socket.SHUT_RDWR)))

    def test_its_connection_is_not_used_again(self):
        """The next request would be taken for the rest of this one."""
        def answer(connection, stream):
            connection.sendall(servers.answer(
                b'{"message": "no"}', '409 Conflict'))
            time.sleep(0.5)
        self.answered(answer)
        self.send([b'abc'], 3)
        self.assertEqual(2, self.server.connections)

    def test_success_is_none(self):
        self.receive(lambda connection, stream: (
            connection.sendall(DONE), stream.read()))
        self.assertIn('before it had all bytes', self.broken(self.endless()))

    def test_closed_without_an_answer(self):
        self.receive(lambda connection, stream: connection.shutdown(
            socket.SHUT_RDWR))
        self.broken(self.endless())

    def test_reset_without_an_answer(self):
        self.receive(lambda connection, stream: servers.reset(connection))
        self.broken(self.endless())


class TestSlowReader(UploadTestCase):

    def endless(self):
        while True:
            yield bytes(PIECE)

    def test_reads_nothing(self):
        self.receive(lambda connection, stream: self.ended.wait(30),
                     timeout=(0.2, 0.6))
        began = time.monotonic()
        self.assertIn('not taken in time', self.broken(self.endless()))
        self.assertLess(time.monotonic() - began, 10)
        base.wait_for_probes()

    def test_reads_drop_by_drop(self):
        """Each byte is taken in time, a piece is not."""

        def answer(connection, stream):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            while not self.ended.wait(0.05):
                connection.recv(512)
        self.receive(answer, timeout=(0.2, 0.6))
        self.assertIn('not taken in time', self.broken(self.endless()))
        base.wait_for_probes()

    def test_silence_is_reported(self):
        self.useFixture(fixtures.MonkeyPatch(
            'mixmatch.http.upload.SILENCE', 0.1))
        self.receive(lambda connection, stream: self.ended.wait(30),
                     timeout=(0.2, 0.6))
        suspect = self.useFixture(fixtures.MockPatchObject(
            self.health, 'suspect', autospec=True, return_value=False)).mock
        self.broken(self.endless())
        self.assertIn('no answer from', suspect.mock_calls[0].args[0])
        self.assertGreater(len(suspect.mock_calls), 1)

    def test_does_not_answer(self):
        """The time for the answer begins after the last piece."""
        self.receive(lambda connection, stream: (
            stream.read(3), self.ended.wait(30)), timeout=(0.2, 0.6))
        began = time.monotonic()
        self.broken([b'abc'])
        self.assertLess(time.monotonic() - began, 10)
        base.wait_for_probes()
