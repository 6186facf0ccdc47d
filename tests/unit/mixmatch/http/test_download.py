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

"""Bodies that are read piece by piece, over real connections."""

import socket
import threading
import time
import tracemalloc

import fixtures

from mixmatch import exceptions
from mixmatch.http import download
from mixmatch.http import limits
from tests.unit.mixmatch import base
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

MIB = 1024 * 1024
HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'


class DownloadTestCase(test_transport.WireTestCase):

    def download(self, *answers, timeout=(1.5, 20)):
        self.serve(*answers, timeout=timeout)
        return self.request(stream=True).pieces

    def broken(self, found):
        """Read until the download breaks off; the number of bytes."""
        self.addCleanup(found.close)
        size = 0

        def read():
            nonlocal size
            for piece in found:
                size += len(piece)
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable, read)
        self.assertEqual('bu', exc.service_provider)
        self.assertIn('the answer broke off', str(exc))
        return size


class TestDownload(DownloadTestCase):

    def test_comes_in_pieces(self):
        body = bytes(range(256)) * 1000
        found = list(self.download(servers.answer(body)))
        self.assertEqual(body, b''.join(found))
        self.assertEqual({download.PIECE}, {len(each) for each in found[:-1]})

    def test_chunked(self):
        found = self.download(CHUNKED + b'3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
        self.assertEqual(b'abcde', b''.join(found))

    def test_empty(self):
        self.assertEqual([], list(self.download(servers.answer(b''))))

    def test_connection_is_used_again(self):
        found = self.download(servers.answer(b'abc'))
        self.assertEqual([b'abc'], list(found))
        found.close()
        self.request()
        self.assertEqual([0, 0], self.connections)

    def test_is_larger_than_any_answer_and_stays_out_of_memory(self):
        size = 8 * limits.LARGEST

        def answer(connection):
            connection.sendall(HEAD % size)
            for _ in range(size // MIB):
                connection.sendall(bytes(MIB))
        found = self.download(answer)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.assertEqual(size, sum(map(len, found)))
        self.assertLess(tracemalloc.get_traced_memory()[1], 8 * MIB)

    def test_is_longer_than_an_answer_may_take(self):
        def answer(connection):
            connection.sendall(HEAD % (4 * download.PIECE))
            for _ in range(4):
                time.sleep(0.3)
                connection.sendall(bytes(download.PIECE))
        found = self.download(answer, timeout=(0.2, 0.8))
        self.assertEqual(4 * download.PIECE, sum(map(len, found)))

    def test_error_is_read_at_once(self):
        self.serve(servers.answer(b'{"message": "no"}', '403 Forbidden'))
        response = self.request(stream=True, raise_exc=False)
        self.assertIsNone(response.pieces)
        self.assertEqual({'message': 'no'}, response.json())
        self.request(raise_exc=False)
        self.assertEqual([0, 0], self.connections)

    def test_answers_of_an_api_are_none(self):
        self.serve(servers.answer(b'{}'))
        self.assertIsNone(self.request().pieces)


class TestBrokenDownload(DownloadTestCase):

    def test_closed_in_the_middle(self):
        found = self.download(lambda connection: (
            connection.sendall(HEAD % MIB + bytes(100_000)),
            connection.shutdown(socket.SHUT_RDWR)))
        self.assertLess(self.broken(found), 100_001)

    def test_closed_within_a_chunk(self):
        self.broken(self.download(lambda connection: (
            connection.sendall(CHUNKED + b'ffff\r\nabc'),
            connection.shutdown(socket.SHUT_RDWR))))

    def test_closed_between_chunks(self):
        self.broken(self.download(lambda connection: (
            connection.sendall(CHUNKED + b'3\r\nabc\r\n'),
            connection.shutdown(socket.SHUT_RDWR))))

    def test_reset(self):
        self.broken(self.download(lambda connection: (
            connection.sendall(HEAD % MIB + bytes(100_000)),
            servers.reset(connection))))

    def test_no_chunks(self):
        self.broken(self.download(CHUNKED + b'nonsense\r\n'))

    def test_hangs(self):
        ended = threading.Event()
        self.addCleanup(ended.set)
        found = self.download(lambda connection: (
            connection.sendall(HEAD % MIB + bytes(100_000)),
            ended.wait(30)), timeout=(0.2, 0.5))
        began = time.monotonic()
        self.assertLess(self.broken(found), 100_001)
        self.assertLess(time.monotonic() - began, 5)
        base.wait_for_probes()

    def test_drips(self):
        """Each byte comes in time, a piece does not."""
        ended = threading.Event()
        self.addCleanup(ended.set)

        def answer(connection):
            connection.sendall(HEAD % MIB)
            while not ended.wait(0.05):
                connection.sendall(b'.')
        found = self.download(answer, timeout=(0.2, 0.5))
        self.assertEqual(0, self.broken(found))

    def test_is_closed_with_its_connection(self):
        gone = threading.Event()

        def answer(connection):
            try:
                connection.sendall(HEAD % (1 << 40))
                while True:
                    connection.sendall(bytes(MIB))
            except OSError:
                gone.set()
                raise
        found = self.download(answer)
        next(found)
        found.close()
        self.assertTrue(gone.wait(10))

    def test_slow_reader_is_no_silence_of_the_sender(self):
        """Its connection is full, so the answer waits for the reader."""
        size = 64 * MIB

        def answer(connection):
            connection.sendall(HEAD % size)
            for _ in range(size // MIB):
                connection.sendall(bytes(MIB))
        found = self.download(answer)
        self.addCleanup(found.close)
        next(found)
        self.useFixture(fixtures.MonkeyPatch(
            'mixmatch.http.limits.SILENCE', 0.1))
        for _ in range(3):
            time.sleep(0.5)
            next(found)
        base.wait_for_probes()
        self.assertEqual([], [each for each in self.server.requests
                              if each[1].startswith('GET / ')])
