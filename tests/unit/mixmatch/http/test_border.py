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

"""Answers of another cloud to a process of home, over real connections."""

import gzip
import time

from keystoneauth1 import exceptions as ksa_exceptions

from mixmatch import deadline
from mixmatch.http import limits
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

MIB = 1024 * 1024
OK = servers.answer()
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'


class TestSize(test_transport.WireTestCase):

    def flood(self, begin, more):
        def answer(connection):
            connection.sendall(begin)
            for _ in range(20 * MIB // len(more)):
                connection.sendall(more)
        return answer

    def test_no_compression_is_asked_for(self):
        self.serve(OK)
        self.request()
        self.assertEqual('identity', self.server.requests[0][2][
            'accept-encoding'])

    def test_what_is_compressed_is_refused(self):
        """0.4 MB on the wire were 400 MB in the process."""
        body = gzip.compress(b' ' * 20 * MIB)
        for encoding in ('gzip', 'deflate', 'br', 'identity, gzip', 'GZIP'):
            self.serve(servers.answer(body, Content_Encoding=encoding), OK)
            self.assertIn('compressed', str(self.unavailable()))

    def test_identity_is_no_encoding(self):
        self.serve(servers.answer(b'[1]', Content_Encoding='identity'))
        self.assertEqual([1], self.request().json())

    def test_answers_of_an_api(self):
        self.serve(servers.answer(b' ' * (limits.LARGEST + 1)), OK)
        self.assertIn('too large', str(self.unavailable()))

    def test_a_page_of_a_thousand_volumes_passes(self):
        """Its measured size: the largest page that Cinder gives by default."""
        self.serve(servers.answer(b' ' * 7_000_000))
        self.assertEqual(7_000_000, len(self.request().content))

    def test_answers_of_a_login(self):
        self.serve(servers.answer(b' ' * 2 * MIB), OK,
                   largest=limits.LARGEST_OF_LOGIN)
        self.assertIn('too large', str(self.unavailable()))

    def test_errors(self):
        self.serve(servers.answer(b' ' * 20 * MIB, '400 Bad'), OK)
        self.assertIn('too large', str(self.unavailable()))

    def test_headers(self):
        # NOTE: http.client counts lines only after all of them are read.
        self.serve(self.flood(b'HTTP/1.1 200 OK\r\n',
                              b'X-More: ' + b'x' * 60000 + b'\r\n'), OK,
                   largest=limits.LARGEST_OF_LOGIN)
        self.unavailable()

    def test_one_line(self):
        self.serve(self.flood(CHUNKED, b'0' * 60000), OK)
        self.assertIn('too large', str(self.unavailable()))

    def test_trailers(self):
        self.serve(self.flood(CHUNKED + b'2\r\n{}\r\n0\r\n',
                              b'X-More: ' + b'x' * 60000 + b'\r\n'), OK)
        self.assertIn('too large', str(self.unavailable()))

    def test_chunks_without_much_in_them(self):
        self.serve(self.flood(CHUNKED, b'1;' + b'x' * 6000 + b'\r\n \r\n'),
                   OK)
        self.assertIn('too large', str(self.unavailable()))


class TestHeaders(test_transport.WireTestCase):

    def test_folded_lines(self):
        """A token with a line break would be one in a log, or a header."""
        self.serve(b'HTTP/1.1 201 Created\r\nX-Subject-Token: a\r\n b\r\n'
                   b'Content-Length: 2\r\n\r\n{}', OK)
        self.assertIn('control characters', str(self.unavailable()))

    def test_control_characters(self):
        for wrong in ('a\x1b[1m', 'a\0', 'a\x7f'):
            self.serve(servers.answer(X_OpenStack_Request_ID=wrong), OK)
            self.assertIn('control characters', str(self.unavailable()))

    def test_the_reason_is_not_in_its_words(self):
        self.serve(servers.answer(b'', '400 \x1b[1mforged'))
        exc = self.assertRaises(ksa_exceptions.BadRequest, self.request)
        self.assertNotIn('forged', str(exc))
        self.assertNotIn('forged', exc.response.reason)

    def test_a_location_that_cannot_be_read(self):
        self.serve(servers.answer(status='302 Found', Location='http://[x'))
        self.assertEqual(302, self.request(redirect=False).status_code)


class TestJSON(test_transport.WireTestCase):

    def json(self, body, status='200 OK'):
        self.serve(servers.answer(body, status,
                                  Content_Type='application/json'))
        return self.request(raise_exc=False).json()

    def test_what_no_program_shall_work_with(self):
        for body in (b'[' * 200_000, b'{"a":' * 200_000,
                     b'[' * 40 + b']' * 40, b'NaN', b'[-Infinity]',
                     b'[1e999]', b'9' * 5000, b'9' * 21, b'"\\ud800"',
                     b'["\\udcff\\ud800"]', b'"\xed\xa0\x80"', b'"\xff"',
                     b'', b'{', '{}'.encode('utf-16')):
            exc = self.assertRaises(ValueError, self.json, body)
            self.assertLess(len(str(exc)), 100)

    def test_what_is_json(self):
        for body, value in ((b'[[[[1]]]]', [[[[1]]]]),
                            (b'"\\ud83d\\ude00"', '\U0001f600'),
                            (b'{"a": 1, "a": 2}', {'a': 2}),
                            (b'[1.5, -3]', [1.5, -3])):
            self.assertEqual(value, self.json(body))

    def test_texts_of_errors_are_short_and_printable(self):
        said = self.json(b'{"badRequest": {"message": "a\\nERROR '
                         + b'x' * 3000 + b'", "code": 400}}', '400 Bad')
        self.assertEqual(400, said['badRequest']['code'])
        self.assertTrue(said['badRequest']['message'].isprintable())
        self.assertLess(len(said['badRequest']['message']), 600)

    def test_an_error_of_keystoneauth_is_short_and_printable(self):
        self.serve(servers.answer(
            b'{"error": {"message": "a\\n\\u202eERROR"}}', '404 No',
            Content_Type='application/json'))
        exc = self.assertRaises(ksa_exceptions.NotFound, self.request)
        self.assertTrue(str(exc).isprintable())


class TestRepetition(test_transport.WireTestCase):
    """connect_retries: keystoneauth takes a lost answer for no connection."""

    def test_what_changes_something_is_sent_once(self):
        for method in ('POST', 'PUT', 'DELETE', 'PATCH'):
            self.serve(None, OK)
            self.unavailable(method, connect_retries=2,
                             connect_retry_delay=0.01)
            self.assertEqual(1, len([
                first for _, first, _ in self.server.requests
                if first.startswith(method)]), method)

    def test_sleeps_for_nobody_with_a_deadline(self):
        self.serve(None)
        began = time.monotonic()
        with deadline.limit(began + 1):
            self.unavailable(connect_retries=1, connect_retry_delay=5)
        self.assertLess(time.monotonic() - began, 4)
