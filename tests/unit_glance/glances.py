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

"""The Glance of a service provider, over HTTP on loopback."""

import collections
import hashlib
from http import server
import json
import threading
from urllib import parse

import fixtures

TIMES = '2026-01-02T03:04:05Z'


def image(image_id, bits=b'', /, **values):
    """The body of an image as Glance sends it."""
    path = f'/v2/images/{image_id}'
    return {
        'id': image_id, 'name': 'there', 'status': 'active',
        'visibility': 'private', 'protected': False, 'os_hidden': False,
        'owner': 'id-of-research', 'tags': [], 'min_disk': 0, 'min_ram': 0,
        'size': len(bits), 'virtual_size': None, 'disk_format': 'raw',
        'container_format': 'bare',
        'checksum': hashlib.md5(bits, usedforsecurity=False).hexdigest(),
        'os_hash_algo': 'sha512',
        'os_hash_value': hashlib.sha512(bits).hexdigest(),
        'created_at': TIMES, 'updated_at': TIMES, 'self': path,
        'file': f'{path}/file', 'schema': '/v2/schemas/image', **values}


class Glance(fixtures.Fixture):
    """Answers requests by their method and path.

    An answer is a function of the request, or a tuple of status, body and
    headers; what has none is not found.
    """

    def _setUp(self):
        self.answers = {}
        #: (method, path, headers, body) of each request
        self.requests = []
        #: paths of downloads whose client has gone
        self.gone = collections.Counter()
        #: id -> body of the images in the list
        self.images = {}
        #: largest number of images in an answer
        self.most = 1000
        self._server = _Server(('127.0.0.1', 0), _Handler)
        self._server.glance = self
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        thread = threading.Thread(target=self._server.serve_forever,
                                  args=(0.05,), daemon=True)
        thread.start()
        self.addCleanup(thread.join, 10)
        self.addCleanup(self._server.server_close)
        self.addCleanup(self._server.shutdown)

    def add(self, image_id, bits=b'', /, **values):
        """Make an image; its body."""
        body = image(image_id, bits, **values)
        self.images[image_id] = body
        self.answers['GET', f'/v2/images/{image_id}'] = 200, body, {}
        self.answers['GET', f'/v2/images/{image_id}/file'] = (
            lambda handler: handler.send_bits(bits))
        return body

    def delete(self, image_id):
        """Delete an image."""
        del self.images[image_id]
        del self.answers['GET', f'/v2/images/{image_id}']

    def list(self, query):
        """Answer a request for a list, as Glance does."""
        pairs = parse.parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        keys, descending = _order(pairs, given)
        rows = [each for each in self.images.values() if _matches(
            each, pairs, given)]
        for key, is_descending in reversed([*zip(keys, descending)]):
            rows.sort(key=lambda row: (row[key] is not None, row[key] or 0),
                      reverse=is_descending)
        if 'marker' in given:
            ids = [row['id'] for row in rows]
            if given['marker'] not in self.images:
                return 400, {'message': 'No image found with ID'}, {}
            rows = rows[ids.index(given['marker']) + 1:]
        size = min(self.most, int(given['limit']))
        body = {'images': rows[:size], 'first': '/v2/images',
                'schema': '/v2/schemas/images'}
        if size and len(rows[:size]) == size:
            body['next'] = '/v2/images?marker=' + rows[size - 1]['id']
        return 200, body, {}

    @property
    def lists(self):
        """The queries of all requests for a list."""
        return [dict(parse.parse_qsl(path.partition('?')[2],
                                     keep_blank_values=True))
                for method, path, _, _ in self.requests
                if path.startswith('/v2/images?')]

    def sent(self, method='GET', below=''):
        """Return the requests about images, without their ids."""
        return [each for each in self.requests if each[0] == method
                and each[1].partition('/v2/images/')[2][36:] == below]


def _order(pairs, given):
    if 'sort' in given:
        pairs = [each for key in given['sort'].split(',') for each in zip(
            ('sort_key', 'sort_dir'), key.partition(':')[::2])]
    keys = [value for key, value in pairs if key == 'sort_key'] or [
        'created_at']
    directions = [value for key, value in pairs if key == 'sort_dir']
    descending = [each != 'asc' for each in directions] or [True]
    rest = descending[0] if len(descending) == 1 else True
    descending *= len(keys) if len(descending) == 1 else 1
    for key in ('created_at', 'id'):
        if key not in keys:
            keys.append(key)
            descending.append(rest)
    return keys, descending


def _matches(row, pairs, given):
    visibility = given.get('visibility', 'all')
    if visibility not in ('all', row['visibility']):
        return False
    if row['os_hidden'] != (given.get('os_hidden') == 'true'):
        return False
    return all(
        value in row['tags'] if key == 'tag' else
        row['size'] >= int(value) if key == 'size_min' else
        str(row.get(key)) in value.removeprefix('in:').split(',')
        for key, value in pairs if key not in (
            'limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'visibility',
            'os_hidden', 'member_status', 'protected'))


class _Server(server.ThreadingHTTPServer):
    daemon_threads = True
    glance: Glance

    def handle_error(self, *args):
        """Say nothing of clients that have gone."""


class _Handler(server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server: _Server

    def _answer(self):
        glance = self.server.glance
        size = int(self.headers.get('Content-Length', 0))
        # NOTE: what takes bits reads them itself.
        takes = self.command == 'PUT' and callable(
            glance.answers.get((self.command, self.path)))
        body = b'' if takes else self.rfile.read(size)
        glance.requests.append((self.command, self.path, self.headers, body))
        path, _, query = self.path.partition('?')
        found = glance.answers.get((self.command, self.path))
        if found is None and (self.command, path) == ('GET', '/v2/images'):
            found = glance.answers.get(('GET', path)) or glance.list(query)
        found = found or (404, {}, {})
        if callable(found):
            try:
                found(self)
            except OSError:
                glance.gone[self.path] += 1
                self.close_connection = True
            return
        status, body, headers = found
        self.send(status, b'' if body is None else
                  body if isinstance(body, bytes) else
                  json.dumps(body).encode(), **headers)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer

    def send(self, status, body=b'', length=None, **headers):
        """Send a response.

        :param length: value of Content-Length; that of the body if it is None
        """
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        if status != 204:
            self.send_header('Content-Length', str(
                len(body) if length is None else length))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def send_bits(self, bits):
        """Send the bits of an image, or the range that is asked for."""
        asked = self.headers.get('Range')
        if not asked:
            self.send(200, bits, Content_Type='application/octet-stream')
            return
        start, _, last = asked.removeprefix('bytes=').partition('-')
        part = bits[int(start):int(last) + 1]
        self.send(206, part, Content_Range=(
            f'bytes {start}-{last}/{len(bits)}'))

    def pieces(self):
        """Yield the bits that come, as a server does.

        :raises OSError: the client has gone before all of them had come
        """
        size = self.headers.get('Content-Length')
        left = int(size or 0)
        while left:
            piece = self.rfile.read(min(left, 1 << 16))
            if not piece:
                raise OSError('gone')
            left -= len(piece)
            yield piece
        while size is None:
            line = self.rfile.readline()
            count = int(line or b'-1', 16)
            piece = self.rfile.read(count + 2)
            if len(piece) < count + 2 or count < 0:
                raise OSError('gone')
            if not count:
                return
            yield piece[:-2]

    def send_chunks(self, *chunks, end=True):
        """Send a response of unknown length."""
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b'%x\r\n%s\r\n' % (len(chunk), chunk))
        if end:
            self.wfile.write(b'0\r\n\r\n')
        self.close_connection = True

    def log_message(self, *args):
        pass
