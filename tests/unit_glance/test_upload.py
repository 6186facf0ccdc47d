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

"""Bits of an image that are sent on to its cloud."""

import hashlib
import io
import json
import random
import socket
import threading
import time
import tracemalloc
from unittest import mock

from glance.common import exception
from glance.quota import keystone as quota

from tests import clouds
from tests.unit_glance import base

PATH = f'/v2/images/{base.IMAGE}'
BITS = random.Random(17).randbytes(300_000)
OCTETS = {'Content-Type': 'application/octet-stream'}
CHUNKED = {**OCTETS, 'Transfer-Encoding': 'chunked'}
MIB = 1 << 20


class Source(io.RawIOBase):
    """Bits as a server gives them.

    :param bits: or a function of the number of bytes
    :param end: error at the end; it has a regular one without
    """

    def __init__(self, bits=b'', end=None):
        self._bits = bits if callable(bits) else io.BytesIO(bits).read
        self._end = end
        self.has_been_read = False

    def read(self, size=-1):
        self.has_been_read = True
        piece = self._bits(size)
        if not piece and self._end:
            raise self._end
        return piece


class UploadTestCase(base.GlanceTestCase):

    below = '/file'

    def setUp(self):
        super().setUp()
        self.bu.add(base.IMAGE, status='queued', size=None, checksum=None,
                    os_hash_algo=None, os_hash_value=None)
        self.taken = hashlib.sha256()
        self.count = 0
        self.done = threading.Event()
        self.answer(self.take)

    def answer(self, function):
        """Set how the other cloud takes bits."""
        self.bu.answers['PUT', PATH + self.below] = function

    def take(self, handler):
        self.count = 0
        for piece in handler.pieces():
            self.taken.update(piece)
            self.count += len(piece)
        self.done.set()
        handler.send(204)

    def upload(self, bits=BITS, headers=OCTETS, length=None, **kwargs):
        """Upload bits; the response.

        :param length: value of Content-Length; that of bytes if it is None
        """
        source = bits if isinstance(bits, io.RawIOBase) else Source(bits)
        headers = {'Accept': 'application/json', **headers}
        more = {'wsgi.input': source}
        if 'Transfer-Encoding' in headers:
            more['wsgi.input_terminated'] = True
        else:
            headers['Content-Length'] = str(
                len(bits) if length is None else length)
        response = self.send(PATH + self.below, 'PUT', headers=headers,
                             environ_more=more, **kwargs)
        self.assertEqual([], self.clouds.leaks())
        return response

    def fails(self, status, *args, **kwargs):
        """Return the text of the error of an upload."""
        response = self.upload(*args, **kwargs)
        self.assertEqual(status, response.status_int, response.text)
        return response.text

    def wait_until_gone(self):
        """Wait until the other cloud has seen that the upload broke off."""
        for _ in range(400):
            if self.bu.gone[PATH + self.below]:
                break
            time.sleep(0.05)
        self.assertEqual(1, self.bu.gone[PATH + self.below])
        self.assertFalse(self.done.is_set())

    def impatient(self):
        with mock.patch.object(clouds, 'SP_CONF',
                               clouds.SP_CONF + 'read_timeout = 1\n'):
            self.restart()

    def head(self):
        [(_, _, headers, _)] = self.bu.sent('PUT', self.below)
        return headers


class TestUpload(UploadTestCase):

    def test_of_known_length(self):
        response = self.upload()
        self.assertEqual((204, b''), (response.status_int, response.body))
        self.assertEqual(hashlib.sha256(BITS).digest(), self.taken.digest())
        headers = self.head()
        self.assertEqual(
            (str(len(BITS)), None, 'application/octet-stream'),
            tuple(headers[name] for name in (
                'Content-Length', 'Transfer-Encoding', 'Content-Type')))

    def test_in_chunks(self):
        self.assertEqual(204, self.upload(headers=CHUNKED).status_int)
        self.assertEqual(hashlib.sha256(BITS).digest(), self.taken.digest())
        self.assertIsNone(self.head()['Content-Length'])

    def test_nothing(self):
        for headers in (OCTETS, CHUNKED):
            self.assertEqual(204, self.upload(
                b'', headers=headers).status_int)
            self.assertEqual(0, self.count)

    def test_one_byte(self):
        for headers in (OCTETS, CHUNKED):
            self.assertEqual(204, self.upload(
                b'x', headers=headers).status_int)
            self.assertEqual(1, self.count)

    def test_as_the_user(self):
        self.upload(user='bob')
        token = self.head()['X-Auth-Token']
        self.assertEqual(('bob', 'id-of-teaching'),
                         self.clouds.bu.tokens[token])

    def test_headers_about_bits(self):
        self.upload(headers={**OCTETS, 'X-OpenStack-Image-Size': '300000',
                             'X-Other': 'x'})
        headers = self.head()
        self.assertEqual(('300000', None), (
            headers['X-OpenStack-Image-Size'], headers['X-Other']))

    def test_headers_that_are_none(self):
        for name, value in (('X-Image-Meta-Store', 'a b'),
                            ('X-Image-Meta-Store', 'x' * 300)):
            self.fails(400, headers={**OCTETS, name: value})
        self.assertEqual([], self.bu.sent('PUT', self.below))

    def test_other_types(self):
        for content_type in ('application/json', 'text/plain', ''):
            source = Source(BITS)
            self.fails(415, source, {'Content-Type': content_type},
                       len(BITS))
            self.assertFalse(source.has_been_read)
        self.assertEqual([], self.bu.requests)

    def test_stays_out_of_memory(self):
        size = 64 * MIB
        left = [size]

        def bits(count):
            count = min(count, left[0])
            left[0] -= count
            return bytes(count)
        for headers in (OCTETS, CHUNKED):
            left[0] = size
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            response = self.upload(Source(bits), headers, size)
            self.assertEqual((204, size), (response.status_int, self.count))
            self.assertLess(tracemalloc.get_traced_memory()[1], 8 * MIB)
            tracemalloc.stop()

    def test_home_does_not_read_them(self):
        """Though it is asked first."""
        source = Source(BITS)
        response = self.send(
            PATH + self.below, 'PUT', app=self.without_filter,
            headers={**OCTETS, 'Content-Length': '300000'},
            environ_more={'wsgi.input': source})
        self.assertEqual((404, False),
                         (response.status_int, source.has_been_read))

    def test_quota_of_home_is_not_theirs(self):
        with mock.patch.object(
                quota, 'enforce_image_size_total', autospec=True,
                side_effect=exception.LimitExceeded('no')), mock.patch.object(
                quota, 'enforce_image_staging_total', autospec=True,
                side_effect=exception.LimitExceeded('no')):
            self.assertEqual(204, self.upload().status_int)

    def test_image_of_nobody(self):
        self.bu.delete(base.IMAGE)
        source = Source(BITS)
        self.fails(404, source, length=len(BITS))
        self.assertFalse(source.has_been_read)

    def test_slow_client_is_not_made_to_wait(self):
        """A server there waits some seconds for each byte, no longer."""
        pieces = [b'a', b'b', b'c', b'']
        sizes = []

        def read(size):
            sizes.append(size)
            time.sleep(0.6)
            return pieces.pop(0)
        self.assertEqual(204, self.upload(Source(read), CHUNKED).status_int)
        self.assertEqual(3, self.count)
        self.assertEqual({4096}, set(sizes[1:]))


class TestStage(TestUpload):

    below = '/stage'

    def test_where_home_does_not_stage(self):
        with mock.patch.object(base.cfg.CONF, 'enabled_import_methods',
                               ['web-download'], create=True):
            self.assertEqual(204, self.upload().status_int)


class TestProvider(UploadTestCase):

    def endless(self):
        until = time.monotonic() + 30

        def read(size):
            if time.monotonic() > until:
                raise AssertionError('the client still sends')
            return bytes(size)
        return Source(read)

    @staticmethod
    def sends_and_closes(*answer):
        def send(handler):
            handler.send(*answer)
            handler.close_connection = True
        return send

    def test_refuses_early(self):
        for status, message in ((409, 'not queued'), (413, 'quota'),
                                (403, 'no'), (415, 'no raw image'),
                                (410, 'deleted')):
            body = json.dumps({'message': message}).encode()
            self.answer(self.sends_and_closes(status, body))
            for headers in (OCTETS, CHUNKED):
                self.assertIn(f'Service provider bu: {message}', self.fails(
                    status, self.endless(), headers, length=1 << 40))

    def test_refuses_late(self):
        self.answer(lambda handler: (
            [*handler.pieces()],
            handler.send(413, b'{"message": "too large"}')))
        self.assertIn('Service provider bu: too large', self.fails(413))

    def test_fails(self):
        for status, shown in ((500, 502), (503, 503), (302, 503)):
            self.answer(lambda handler, status=status: (
                [*handler.pieces()], handler.send(status)))
            self.assertIn('provider bu', self.fails(shown))
            self.restart()

    def test_login_is_refused(self):
        """The bits have been read, so nothing is sent again."""
        self.answer(lambda handler: ([*handler.pieces()], handler.send(401)))
        self.assertIn('provider bu', self.fails(503))
        self.assertEqual(1, len(self.bu.sent('PUT', self.below)))

    def test_goes_away(self):
        def take(handler):
            next(handler.pieces())
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        self.answer(take)
        for headers in (OCTETS, CHUNKED):
            self.assertIn('provider bu does not answer', self.fails(
                503, self.endless(), headers, length=1 << 40))
        self.assertEqual(2, len(self.bu.sent('PUT', self.below)))

    def test_does_not_read(self):
        self.impatient()
        ended = threading.Event()
        self.addCleanup(ended.set)
        self.answer(lambda handler: ended.wait(60))
        began = time.monotonic()
        self.assertIn('not taken in time', self.fails(
            503, self.endless(), length=1 << 40))
        self.assertLess(time.monotonic() - began, 20)

    def test_says_it_is_done_too_early(self):
        self.answer(self.sends_and_closes(204))
        self.assertIn('before it had all bytes', self.fails(
            503, self.endless(), length=1 << 40))


class TestImport(UploadTestCase):

    def answer_import(self, status=202, body=None):
        self.bu.answers['POST', f'{PATH}/import'] = status, body, {}

    def test_import(self):
        self.answer_import()
        for method in ({'name': 'glance-direct'}, {
                'name': 'web-download', 'uri': 'http://elsewhere/x'}):
            body = {'method': method, 'all_stores': True,
                    'all_stores_must_succeed': True}
            response = self.send(f'{PATH}/import', 'POST', body)
            self.assertEqual((202, b''), (response.status_int, response.body))
            sent = self.bu.sent('POST', '/import')[-1]
            self.assertEqual(('application/json', body), (
                sent[2]['Content-Type'], json.loads(sent[3])))

    def test_refused(self):
        self.answer_import(409, {'message': 'not staged'})
        self.assertIn('Service provider bu: not staged', self.refused(
            409, f'{PATH}/import', 'POST', body={
                'method': {'name': 'glance-direct'}}))

    def test_quota_of_home_is_not_theirs(self):
        self.answer_import()
        with mock.patch.object(
                quota, 'enforce_image_size_total', autospec=True,
                side_effect=exception.LimitExceeded('no')):
            response = self.send(f'{PATH}/import', 'POST', {
                'method': {'name': 'glance-direct'}})
        self.assertEqual(202, response.status_int)
