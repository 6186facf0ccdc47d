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

"""Uploads whose client goes away, or takes too long."""

import os
import socket
import threading
import time
import types
from unittest import mock

from glance.common import wsgi

from tests import clouds
from tests.unit_glance import test_upload

BITS = test_upload.BITS
CHUNKED = test_upload.CHUNKED
OCTETS = test_upload.OCTETS
Source = test_upload.Source


class TestBrokenClient(test_upload.UploadTestCase):
    """A short image must not look whole."""

    def test_fewer_than_it_says(self):
        self.assertIn('none of them', self.fails(
            400, Source(BITS), length=len(BITS) + 1))
        self.wait_until_gone()

    def test_connection_is_lost(self):
        for headers in (OCTETS, CHUNKED):
            self.bu.gone.clear()
            self.fails(400, Source(BITS, OSError('lost')), headers,
                       length=1 << 30)
            self.wait_until_gone()

    def test_connection_is_lost_as_if_the_other_had_closed(self):
        """It is not the other cloud that has: nobody waits for an answer."""
        for error in (BrokenPipeError(32, 'x'), ConnectionResetError(),
                      TimeoutError()):
            self.bu.gone.clear()
            self.fails(400, Source(BITS, error), CHUNKED)
            self.wait_until_gone()

    def test_no_chunks(self):
        self.fails(400, Source(BITS, ValueError('no chunk')), CHUNKED)
        self.wait_until_gone()

    def test_at_once(self):
        self.fails(400, Source(b'', OSError('lost')), CHUNKED)
        self.wait_until_gone()

    def test_is_nothing_against_the_cloud(self):
        self.fails(400, Source(BITS, OSError('lost')), CHUNKED)
        self.assertEqual('up', self.federation.health()['bu']['image'][
            'state'])

    def test_drop_by_drop(self):
        self.impatient()

        def read(size):
            time.sleep(0.1)
            return b'.'
        began = time.monotonic()
        self.assertIn('too slow', self.fails(408, Source(read), CHUNKED))
        self.wait_until_gone()
        self.assertLess(time.monotonic() - began, 20)

    def test_real_glance_waits_for_another_upload(self):
        """So does the other cloud."""
        image_id = self.send('/v2/images', 'POST', {
            'disk_format': 'raw', 'container_format': 'bare'}).json['id']
        for headers, length in ((OCTETS, 1 << 30), (CHUNKED, 0)):
            with self.assertRaisesRegex(OSError, 'lost|disconnected'):
                raise self.outcome(f'/v2/images/{image_id}/file', headers,
                                   length)
            self.assertEqual('queued', self.get(
                f'/v2/images/{image_id}')['status'])

    def outcome(self, path, headers, length):
        try:
            response = self.send(
                path, 'PUT', app=self.without_filter,
                headers={**headers, **({'Content-Length': str(length)}
                                       if length else {})},
                environ_more={'wsgi.input': Source(BITS, OSError('lost')),
                              'wsgi.input_terminated': not length})
        except OSError as exc:
            return exc
        self.assertGreaterEqual(response.status_int, 400)
        return OSError('lost')


class TestUwsgi(test_upload.UploadTestCase):
    """There a read ends only when it has all bytes."""

    def setUp(self):
        super().setUp()
        self.is_complete = False
        self.ours, self.theirs = socket.socketpair()
        for each in (self.ours, self.theirs):
            self.addCleanup(each.close)
        self.uwsgi = types.SimpleNamespace(
            opt={b'enable-threads': True}, chunked_read=self.read_chunk,
            connection_fd=lambda: self.ours.fileno())
        # NOTE: Glance before 2026 looks for it when it is imported.
        for patcher in (
                mock.patch.dict('sys.modules', {'uwsgi': self.uwsgi}),
                mock.patch.object(wsgi, 'uwsgi', self.uwsgi, create=True)):
            self.addCleanup(patcher.stop)
            patcher.start()
        self.impatient()

    def read(self, size):
        """Read all of them, however long it takes."""
        found = b''
        while len(found) < size:
            piece = self.ours.recv(size - len(found))
            if not piece:
                raise OSError('error during read() on wsgi.input')
            found += piece
        return found

    def read_chunk(self):
        if self.is_complete:
            return b''
        piece = self.ours.recv(4)
        if len(piece) < 4:
            raise OSError('unable to receive chunked part')
        self.is_complete = piece == bytes(4)
        return self.read(int.from_bytes(piece, 'big'))

    def send_slowly(self):
        ended = threading.Event()

        def send():
            try:
                while not ended.wait(0.1):
                    self.theirs.send(b'\0')
            except OSError:
                pass
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 10)
        self.addCleanup(ended.set)

    def test_drop_by_drop(self):
        self.send_slowly()
        self.assertIn('too slow', self.fails(408, Source(self.read),
                                             length=1 << 30))
        self.wait_until_gone()
        os.fstat(self.ours.fileno())
        self.ours.send(b'the client is answered')

    def test_drop_by_drop_in_a_chunk(self):
        self.theirs.send((1 << 20).to_bytes(4, 'big'))
        self.send_slowly()
        self.assertIn('too slow', self.fails(408, Source(), CHUNKED))
        self.wait_until_gone()

    def test_in_chunks(self):
        for piece in (b'abc', b'de', b''):
            self.theirs.send(len(piece).to_bytes(4, 'big') + piece)
        self.assertEqual(204, self.upload(Source(), CHUNKED).status_int)
        self.assertEqual(5, self.count)

    def test_slow_cloud_is_not_the_clients_time(self):
        """The next connection with this number is not shut down either."""
        self.theirs.sendall(b'abc')

        def take(handler):
            time.sleep(1.5)
            self.take(handler)
        self.answer(take)
        with mock.patch.object(clouds, 'SP_CONF',
                               clouds.SP_CONF + 'read_timeout = 3\n'):
            self.restart()
        self.assertEqual(204, self.upload(
            Source(self.read), length=3).status_int)
        time.sleep(3.5)
        self.theirs.send(b'x')
        self.assertEqual(b'x', self.ours.recv(1))
