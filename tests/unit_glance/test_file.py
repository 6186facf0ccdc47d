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

"""Bits of images of another cloud."""

import hashlib
from http import client as http_client
import io
import random
import socket
import threading
import time
from unittest import mock
from wsgiref import simple_server

from mixmatch import exceptions
from tests import clouds
from tests.unit_glance import base
from tests.unit_glance import glances

PATH = f'/v2/images/{base.IMAGE}/file'
BITS = random.Random(17).randbytes(300_000)


def sends(*args, **kwargs):
    """An answer that is sent as it is."""
    return lambda handler: handler.send(*args, **kwargs)


class FileTestCase(base.GlanceTestCase):

    def answer(self, function):
        """Set what another cloud sends as bits."""
        self.bu.answers['GET', PATH] = function

    def broken(self, headers=()):
        """Read a download that breaks off; its bits, and the error."""
        response = self.send(PATH, headers=headers)
        self.assertEqual(200, response.status_int, response.text
                         if response.status_int >= 400 else '')
        found = b''
        try:
            for piece in response.app_iter:
                found += piece
        except exceptions.ServiceProviderUnavailable as exc:
            self.assertLess(len(found), int(
                response.headers['Content-Length']))
            return str(exc)
        finally:
            response.app_iter.close()
        self.fail('the download looks whole')


class TestFile(FileTestCase):

    def setUp(self):
        super().setUp()
        self.bu.add(base.IMAGE, BITS)

    def test_whole(self):
        response = self.send(PATH)
        self.assertEqual(BITS, response.body)
        self.assertEqual(
            (200, None, 'application/octet-stream', str(len(BITS)),
             hashlib.md5(BITS, usedforsecurity=False).hexdigest()),
            (response.status_int, *(response.headers.get(name) for name in (
                'Connection', 'Content-Type', 'Content-Length',
                'Content-MD5'))))
        self.assertEqual([], self.clouds.leaks())

    def test_connection_is_not_kept_by_uwsgi(self):
        response = self.send(PATH, environ_more={'uwsgi.version': b'2.0'})
        self.assertEqual((BITS, 'close'),
                         (response.body, response.headers['Connection']))

    def test_as_home_answers(self):
        image_id = self.add_home_image(BITS)
        names = ('Content-Type', 'Content-Length', 'Content-MD5',
                 'Content-Range')
        for header in ('', 'bytes=0-', 'bytes=5-9', 'bytes=-7',
                       'bytes=299999-', 'bytes=7-999999', 'bytes=300000-',
                       'bytes=9-5', 'bytes=-999999', 'bytes=0-1,3-4',
                       'bytes', 'lines=1-2'):
            headers = {'Range': header} if header else {}
            at_home = self.send(f'/v2/images/{image_id}/file', user='admin',
                                roles='admin', headers=headers)
            foreign = self.send(PATH, headers=headers)
            self.assertEqual(at_home.status_int, foreign.status_int, header)
            if at_home.status_int < 400:
                self.assertEqual(at_home.body, foreign.body, header)
                self.assertEqual(
                    [at_home.headers.get(name) for name in names],
                    [foreign.headers.get(name) for name in names], header)

    def test_content_range_of_a_request(self):
        """Older clients use this header instead."""
        response = self.send(PATH, headers={
            'Content-Range': 'bytes 10-19/300000'})
        self.assertEqual((206, BITS[10:20]),
                         (response.status_int, response.body))

    def test_each_request_is_authorized_there(self):
        self.send(PATH)
        self.bu.answers['GET', PATH] = 403, {
            'message': 'You are not <b>authorized</b>.<br /><br />\n\n'}, {}
        self.assertIn('Service provider bu: You are not authorized .',
                      self.refused(403, PATH))

    def test_deactivated(self):
        self.bu.add(base.IMAGE, BITS, status='deactivated')
        self.bu.answers['GET', PATH] = 403, {}, {}
        self.assertIn('Service provider bu: HTTP 403',
                      self.refused(403, PATH))

    def test_deleted_meanwhile(self):
        del self.bu.answers['GET', PATH]
        self.assertIn('Service provider bu', self.refused(404, PATH))

    def test_not_uploaded_yet(self):
        self.bu.add(base.IMAGE, status='queued', size=None, checksum=None,
                    os_hash_algo=None, os_hash_value=None)
        self.bu.answers['GET', PATH] = 204, b'', {}
        response = self.send(PATH, headers={'Range': 'bytes=1-'})
        self.assertEqual((204, b''), (response.status_int, response.body))

    def test_success_without_bits(self):
        for status in (201, 204, 205):
            self.answer(sends(status, b''))
            self.assertIn(f'HTTP {status} without bits',
                          self.refused(502, PATH))

    def test_range_of_all_is_checked(self):
        wrong = BITS[:-1] + bytes([BITS[-1] ^ 1])
        self.answer(sends(206, wrong, Content_Range=(
            f'bytes 0-{len(BITS) - 1}/{len(BITS)}')))
        response = self.send(PATH, headers={'Range': 'bytes=0-'})
        self.assertEqual(206, response.status_int)
        self.assertRaises(exceptions.ServiceProviderUnavailable,
                          lambda: response.body)

    def test_encrypted(self):
        self.bu.add(base.IMAGE, BITS, cinder_encryption_key_id='x')
        self.assertIn('encrypted', self.refused(400, PATH))

    def test_without_a_hash(self):
        self.bu.add(base.IMAGE, BITS, os_hash_algo=None, os_hash_value=None,
                    checksum=None)
        self.assertIn('cannot be checked', self.refused(400, PATH))

    def test_not_in_the_cache_of_bits(self):
        """Glance's cache only looks at what home has."""
        self.send(PATH)
        self.send(PATH)
        self.assertEqual(2, len(self.bu.sent(below='/file')))

    def test_locations(self):
        self.assertEqual([], self.get(f'/v2/images/{base.IMAGE}/locations'))
        self.assertEqual([], self.bu.sent(below='/locations'))

    def test_locations_for_cinder(self):
        """Cinder asks for them as a service, which has no login there."""
        path = f'/v2/images/{base.IMAGE}/locations'
        del self.clouds.bu.projects['nova']
        self.refused(404, path, user='nova')
        self.assertEqual([], self.get(path, user='nova',
                                      roles='service,reader'))
        self.assertEqual([], self.bu.requests)

    def test_locations_at_home(self):
        path = f'/v2/images/{self.add_home_image()}/locations'
        plain, filtered = (self.send(path, user='nova', roles='service,admin',
                                     app=app)
                           for app in (self.without_filter, self.filter))
        self.assertEqual((plain.status_int, plain.text),
                         (filtered.status_int, filtered.text))
        self.assertNotEqual('[]', plain.text)


class TestBrokenFile(FileTestCase):
    """The client must see that the bits are not those of the image."""

    def setUp(self):
        super().setUp()
        self.bu.add(base.IMAGE, BITS)

    def test_fewer(self):
        for size in (0, 1, 299_999):
            self.answer(sends(200, BITS[:size]))
            self.assertIn('another number', self.refused(502, PATH))

    def test_fewer_in_chunks(self):
        self.answer(lambda handler: handler.send_chunks(BITS[:-1]))
        self.assertIn('only 299999 of 300000', self.broken())

    def test_none(self):
        self.answer(lambda handler: handler.send_chunks())
        self.assertIn('only 0 of', self.broken())

    def test_more(self):
        self.answer(lambda handler: handler.send(200, BITS + b'.'))
        self.assertIn('another number', self.refused(502, PATH))

    def test_more_in_chunks(self):
        self.answer(lambda handler: handler.send_chunks(BITS, b'.'))
        self.assertIn('more than 300000', self.broken())

    def test_endless(self):
        def answer(handler):
            handler.send_chunks(BITS, end=False)
            while True:
                handler.wfile.write(b'5\r\nagain\r\n')
        self.answer(answer)
        self.assertIn('more than 300000', self.broken())

    def test_others(self):
        for place in (0, 150_000, 299_999):
            wrong = bytearray(BITS)
            wrong[place] ^= 1
            self.answer(sends(200, bytes(wrong)))
            self.assertIn('their sha512 is another one', self.broken())

    def test_cut(self):
        self.answer(lambda handler: (
            handler.send(200, BITS[:200_000], length=len(BITS)),
            handler.connection.shutdown(socket.SHUT_RDWR)))
        self.assertIn('broke off', self.broken())

    def test_silent(self):
        self.options = ''
        with mock.patch.object(clouds, 'SP_CONF',
                               clouds.SP_CONF + 'read_timeout = 1\n'):
            self.restart()
        released = threading.Event()
        self.addCleanup(released.set)
        self.answer(lambda handler: (
            handler.send(200, BITS[:200_000], length=len(BITS)),
            released.wait(60)))
        self.assertIn('broke off', self.broken())

    def test_other_range(self):
        for status, headers in (
                (200, {}), (206, {}),
                (206, {'Content_Range': 'bytes 0-4/300000'}),
                (206, {'Content_Range': 'bytes 5-9/300001'})):
            self.answer(sends(status, BITS[:5], **headers))
            self.refused(502, PATH, headers={'Range': 'bytes=5-9'})

    def test_range_nobody_asked_for(self):
        self.answer(lambda handler: handler.send(
            206, BITS[:5], Content_Range='bytes 0-4/300000'))
        self.assertIn('206', self.refused(502, PATH))

    def test_elsewhere(self):
        self.answer(lambda handler: handler.send(
            302, Location=f'{self.mit.url}{PATH}'))
        self.assertIn('302', self.refused(503, PATH))
        self.assertEqual([], self.mit.sent(below='/file'))

    def test_client_goes_away(self):
        def answer(handler):
            handler.send(200, BITS, length=1 << 40)
            while True:
                handler.wfile.write(BITS)
        self.bu.answers['GET', f'/v2/images/{base.IMAGE}'] = (
            200, glances.image(base.IMAGE, size=1 << 40), {})
        self.answer(answer)
        response = self.send(PATH)
        next(iter(response.app_iter))
        response.app_iter.close()
        for _ in range(200):
            if self.bu.gone[PATH]:
                break
            time.sleep(0.05)
        self.assertEqual(1, self.bu.gone[PATH])


class _Quiet(simple_server.WSGIRequestHandler):

    def log_message(self, *args):
        pass

    def get_stderr(self):
        return io.StringIO()


class TestThroughServer(FileTestCase):
    """A client over HTTP."""

    def setUp(self):
        super().setUp()
        self.bu.add(base.IMAGE, BITS)
        served = simple_server.make_server(
            '127.0.0.1', 0, lambda environ, start: self.filter(
                {**environ, **self.environ()}, start), handler_class=_Quiet)
        self.port = served.server_port
        thread = threading.Thread(target=served.serve_forever, args=(0.05,),
                                  daemon=True)
        thread.start()
        self.addCleanup(thread.join, 10)
        self.addCleanup(served.server_close)
        self.addCleanup(served.shutdown)

    def download(self):
        connection = http_client.HTTPConnection('127.0.0.1', self.port, 60)
        self.addCleanup(connection.close)
        connection.request('GET', PATH)
        response = connection.getresponse()
        self.assertEqual((200, str(len(BITS))), (
            response.status, response.headers['Content-Length']))
        return response.read()

    def test_right(self):
        self.assertEqual(BITS, self.download())

    def test_wrong(self):
        wrong = BITS[:-1] + bytes([BITS[-1] ^ 1])
        for answer in (
                sends(200, wrong),
                lambda handler: handler.send_chunks(BITS[:-1]),
                lambda handler: handler.send_chunks(BITS, b'.'),
                lambda handler: (
                    handler.send(200, BITS[:200_000], length=len(BITS)),
                    handler.connection.shutdown(socket.SHUT_RDWR))):
            self.answer(answer)
            self.assertRaises(http_client.IncompleteRead, self.download)
