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

"""S8: what moc's operator sees of a partner that fails."""

from collections.abc import Iterator
import contextlib
import re
import socket
import threading

from sandbox import client
from sandbox import topology
from tests.scenario import base
from tests.scenario import faults


class TestOperator(base.ServerScenario):

    def status(self):
        """The command mixmatch-status, as Nova is configured."""
        config = self.sandbox.site.etc(topology.by_name(self.home), 'nova')
        return client.run(self.sandbox.site.tool('mixmatch-status'),
                          '--config-file', str(config / 'nova.conf'))

    def attach_foreign(self, volume):
        return self.attach({'volumeAttachment': {
            'volumeId': volume, 'serviceProvider': self.provider}})

    def log(self, cloud, name):
        return '\n'.join(
            path.read_text(errors='replace') for path in self.sandbox.logs()
            if path.parent.name == cloud and path.stem == name)

    def test_a_partner_goes_and_comes_back(self):
        volume = self.volume_at(self.provider)
        self.wait_for_provider()
        # NOTE: one that saw a failure of an earlier test says so until it is
        # asked again, and its logins may be in the cache.
        self.sandbox.control('restart', self.home, 'nova-compute',
                             'nova-compute-2')
        client.wait_for(f'{self.provider} to be used again',
                        lambda: self.status().code == 0)
        before = self.log(self.home, 'nova-api').count('volume is down')
        with self.stopped('cinder-api'):
            for _ in range(5):
                self.assertEqual(503,
                                 self.attach_foreign(volume).status_code)
            result = self.status()
            self.assertEqual(2, result.code, str(result))
            self.assertIn(
                f'{self.provider}: FAILED: Service provider {self.provider} '
                'does not answer', result.out)
            self.assertRegex(
                result.out,
                rf'{self.provider} volume: down since .*; tried again from ')
            # Once per change and process, not per request.
            said = self.log(self.home, 'nova-api').count('volume is down')
            processes = len(re.findall(f'{self.provider} volume: down',
                                       result.out))
            self.assertLessEqual(1, said - before)
            self.assertLessEqual(said - before, processes)
        client.wait_for('an attachment', lambda: (
            self.attach_foreign(volume).status_code == 200))
        self.wait_for_attached(self.provider, volume)
        result = self.status()
        self.assertIn(f'{self.provider}: ok', result.out)
        self.assertIn(f'{self.provider} volume: up since', result.out)
        self.assertIn('volume is up again', self.log(self.home, 'nova-api'))
        self.detach(self.provider, volume)

    def test_one_request_in_the_logs_of_both_clouds(self):
        volume = self.volume_at(self.provider)
        response = self.attach_foreign(volume)
        self.assertEqual(200, response.status_code, response.text)
        self.wait_for_attached(self.provider, volume)
        request_id = response.headers['x-openstack-request-id']
        self.assertIn(request_id, self.log(self.provider, 'cinder-api'))
        line = re.search(
            rf'mixmatch\.http\.transport .*{self.provider} volume: POST '
            r'http://\S+/attachments 200 in '
            rf'[\d.]+ ms \(request {request_id}, there .(req-[0-9a-f-]+)',
            self.log(self.home, 'nova-api')
            + self.log(self.home, 'nova-conductor'))
        assert line is not None, request_id
        self.assertIn(line[1], self.log(self.provider, 'cinder-api'))
        self.detach(self.provider, volume)

    @contextlib.contextmanager
    def catalog_of_provider(self, url: str) -> Iterator[None]:
        """The catalog of bu has another URL for volumes for a while."""
        landlord = self.sandbox.landlord(self.provider)
        keystone = landlord.api('identity')
        services = {each['id'] for each in keystone.get(
            '/services').json()['services']
            if each['type'] in ('volumev3', 'block-storage')}
        endpoints = [each for each in keystone.get(
            '/endpoints').json()['endpoints']
            if each['service_id'] in services
            and each['interface'] == 'public']
        try:
            for each in endpoints:
                client.must(landlord.openstack('endpoint', 'set', '--url',
                                               url, each['id']))
            yield
        finally:
            for each in endpoints:
                client.must(landlord.openstack('endpoint', 'set', '--url',
                                               each['url'], each['id']))

    def test_a_catalog_leads_to_something_of_this_cloud(self):
        volume = self.volume_at(self.provider)
        asked: list[str] = []

        def count(connection: socket.socket, over: threading.Event) -> None:
            asked.append('once')
            faults.nonsense(connection, over)
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        with (faults.listening(port, count),
              self.catalog_of_provider(f'http://127.0.0.1:{port}/v3')):
            # NOTE: who has logged in keeps the catalog of that login.
            self.log_in()
            response = self.attach_foreign(volume)
            self.assertEqual(502, response.status_code, response.text)
            (error,) = response.json().values()
            said = error['message']
            self.assertIn(f"leads to '127.0.0.1:{port}'", said)
            option = f'endpoint_hosts in [service_provider:{self.provider}]'
            self.assertIn(option, said)
            found = self.alice.api('block-storage').get(f'/volumes/{volume}')
            self.assertEqual(502, found.status_code, found.text)
            self.assertIn('endpoint_hosts', found.text)
            result = self.status()
            self.assertEqual(2, result.code, str(result))
            self.assertIn(option, result.out)
            self.assertEqual([], self.mappings())
        self.assertEqual([], asked)
        self.log_in()
        self.assertEqual(200, self.attach_foreign(volume).status_code)
        self.wait_for_attached(self.provider, volume)
        self.detach(self.provider, volume)
