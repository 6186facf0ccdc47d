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

"""S8: what home's Cinder says when an answer is lost, or not true."""

from concurrent import futures
import re
import socket
import time

from sandbox import client
from sandbox import paste
from sandbox.services import common
from sandbox import topology
from tests.scenario import base
from tests.scenario import lossy
from tests.scenario import memcached

MISSING = 'OpenStack-Mixmatch-Missing'

#: Seconds for which home believes that a project has nothing at a cloud.
REFRESH = 4

#: So many requests at once, so that each process of home's Cinder has some.
REQUESTS = 4 * common.PROCESSES


def empty(connection: socket.socket) -> None:
    """Answer that there is no volume."""
    body = b'{"volumes": []}'
    connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
        b'Connection: close\r\nContent-Length: %d\r\n\r\n' % len(body) + body)


class TestLostChanges(base.Scenario):
    """Home's Cinder asks by a way that loses answers."""

    one_login = True

    way: lossy.Way
    volume_id: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.volume_id = cls.class_volume(cls.provider)
        cls.way = cls.enterClassContext(lossy.way_to(topology.url(
            topology.by_name(cls.provider), 'cinder')))

        def change(text):
            return paste.with_endpoint(text, cls.provider, (
                f'{cls.way.entry}/v3')).replace(
                    '[mixmatch]\n', '[mixmatch]\n'
                    f'listing_refresh = {REFRESH}\n')
        cls.enterClassContext(paste.changed(cls.sandbox, cls.home, change,
                                            'cinder.conf'))

    def setUp(self):
        super().setUp()
        self.name = self.id().rpartition('.')[2]
        self.cinder = self.alice.api('block-storage', version='3.66')
        self.at_provider = self.alice.api('block-storage', at=self.provider)
        self.way.lost.clear()

    def assert_says(self, said, command):
        for words in (f'ervice provider {self.provider}', 'may have been',
                      f'"openstack {command}"', 'before you repeat it'):
            self.assertIn(words, said)
        self.assertEqual(1, len(self.way.lost), self.way.lost)

    def lose(self, command, method, path, **request):
        """Send a request whose answer is lost.

        :param command: that shows what has become of it
        """
        self.way.lost.clear()
        self.way.lose(f'{method} /v3{path} ')
        response = self.cinder.request(path, method, **request)
        self.assertEqual(503, response.status_code, response.text)
        (error,) = response.json().values()
        self.assert_says(error['message'], command)

    def repeat(self, method, path, **request):
        """Send it again; its status."""
        return self.cinder.request(path, method, **request).status_code

    def rows(self, path):
        response = self.cinder.get(path)
        self.assertEqual(200, response.status_code, response.text)
        self.assertNotIn(MISSING, response.headers)
        return [each['id'] for each in next(
            value for name, value in response.json().items()
            if not name.endswith('_links'))]

    def everywhere(self, path):
        """The rows that each process of home's Cinder lists."""
        with futures.ThreadPoolExecutor(REQUESTS) as executor:
            return [*executor.map(self.rows, [path] * REQUESTS)]

    def wait_until_gone(self, path):
        client.wait_for(f'{path} to be gone', lambda: self.cinder.get(
            path).status_code == 404)

    def test_new_volume(self):
        """The command makes one, and names what looks for it."""
        self.way.lose('POST /v3/volumes ')
        result = self.alice.openstack(
            'volume', 'create', '--size', '1', '--availability-zone',
            self.provider, self.name)
        self.assertEqual(1, result.code, str(result))
        self.assert_says(result.err, 'volume list')
        made, = self.rows(f'/volumes?name={self.name}')
        self.addCleanup(self.delete_volume, self.provider, made)
        for found in self.everywhere('/volumes'):
            self.assertEqual(1, found.count(made))
        self.wait_for_status(self.provider, made, 'available')

    def test_volume_that_changes(self):
        volume_id = self.volume_at(self.provider)
        path = f'/volumes/{volume_id}'
        rename = {'json': {'volume': {'name': f'{self.name}-new'}}}
        extend = {'json': {'os-extend': {'new_size': 2}}}
        show = f'volume show {volume_id}'

        self.lose(show, 'PUT', path, **rename)
        self.assertEqual(f'{self.name}-new',
                         self.volume(None, volume_id)['name'])
        self.assertEqual(200, self.repeat('PUT', path, **rename))

        self.lose(show, 'POST', f'{path}/action', **extend)
        self.wait_for_status(None, volume_id, 'available')
        self.assertEqual(400, self.repeat('POST', f'{path}/action', **extend))
        self.assertEqual(2, self.volume(None, volume_id)['size'])

        self.lose(show, 'DELETE', path)
        # NOTE: it may be gone, or be just going.
        self.assertIn(self.repeat('DELETE', path), (202, 400, 404))
        self.wait_until_gone(path)

    def test_snapshot(self):
        self.lose('volume snapshot list', 'POST', '/snapshots', json={
            'snapshot': {'volume_id': self.volume_id, 'name': self.name}})
        made, = self.rows(f'/snapshots?name={self.name}')
        path = f'/snapshots/{made}'
        client.wait_for('the snapshot', lambda: self.cinder.get(path).json()[
            'snapshot']['status'] == 'available')
        self.lose(f'volume snapshot show {made}', 'DELETE', path)
        self.assertIn(self.repeat('DELETE', path), (202, 400, 404))
        self.wait_until_gone(path)

    def test_one_wrong_empty_list(self):
        """It hides the volumes once."""
        self.assertIn(self.volume_id, self.rows('/volumes'))
        before = self.way.spoiled
        self.way.spoiling = re.compile('GET /v3/volumes/detail')
        self.way.spoil = empty
        try:
            self.assertNotIn(self.volume_id, self.rows('/volumes'))
        finally:
            self.way.spoil = None
        self.assertEqual(before + 1, self.way.spoiled)
        for found in self.everywhere('/volumes'):
            self.assertIn(self.volume_id, found)

    def test_first_one_is_made_by_another_way(self):
        """It is listed as soon as the documentation says."""
        memcached.flush(topology.port(topology.by_name(self.home),
                                      'memcached'))
        self.assertEqual([], self.rows('/snapshots'))
        asked = self.sandbox.asked_for(self.provider, 'snapshots')
        began = time.monotonic()
        self.assertEqual([], self.rows('/snapshots'))
        if time.monotonic() - began < REFRESH / 2:
            self.assertEqual(asked, self.sandbox.asked_for(
                self.provider, 'snapshots'))
        path = '/snapshots/' + self.at_provider.post('/snapshots', json={
            'snapshot': {'volume_id': self.volume_id}}).json()[
                'snapshot']['id']
        self.addCleanup(self.delete_snapshot, path)
        client.wait_for('the snapshot to be listed',
                        lambda: self.rows('/snapshots'), REFRESH)

    def delete_snapshot(self, path):
        client.wait_for('the snapshot', lambda: self.at_provider.get(
            path).json()['snapshot']['status'] == 'available')
        self.at_provider.delete(path)
        client.wait_for('the snapshot to be gone', lambda: (
            self.at_provider.get(path).status_code == 404))
