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

"""S2: the laws that landlords rely on."""

import re

from sandbox import client
from tests.scenario import base

#: A Fernet token, whoever it belongs to.
TOKEN = re.compile(rb'gAAAAA[A-Za-z0-9_-]{60,}')

#: What is written a line to for each request that a service of bu gets.
PROVIDER_REQUESTS = ('apache-access.log', 'cinder-api.log')
REQUEST = re.compile(rb'(?:GET|POST|PUT|PATCH|DELETE|HEAD) (?:/|http://)')


class TestLaws(base.ServerScenario):

    def test_no_token_in_any_log(self):
        volume = self.volume_at(self.provider)
        for target in (f'{volume}@{self.provider}', volume):
            client.must(self.alice.nova('volume-attach', self.server,
                                        target))
            self.wait_for_attached(self.provider, volume)
            self.detach(self.provider, volume)
        logs = self.sandbox.logs()
        names = {path.parent.name + '/' + path.name for path in logs}
        for expected in (f'{self.home}/nova-api.log',
                         f'{self.home}/nova-compute.log',
                         f'{self.home}/cinder-api.log',
                         f'{self.provider}/cinder-api.log'):
            self.assertIn(expected, names)
        leaks = {}
        for path in logs:
            found = set(TOKEN.findall(path.read_bytes()))
            if found:
                leaks[str(path)] = len(found)
        self.assertEqual({}, leaks)

    def test_local_attachment_asks_nothing_of_provider(self):
        self.volume(self.provider, self.volume_at(self.provider))
        volume = self.local_volume()
        before = self.requests_at_provider()
        client.must(self.alice.openstack('server', 'add', 'volume',
                                         self.server, volume))
        self.wait_for_attached(None, volume)
        client.must(self.alice.openstack('server', 'remove', 'volume',
                                         self.server, volume))
        self.wait_for_detached(None, volume)
        self.assertEqual(before, self.requests_at_provider())

    def requests_at_provider(self):
        count = {path.name: len(REQUEST.findall(path.read_bytes()))
                 for path in self.sandbox.logs()
                 if path.parent.name == self.provider
                 and path.name in PROVIDER_REQUESTS}
        # A volume there has been asked for, so each has a line.
        self.assertEqual(set(PROVIDER_REQUESTS), set(count))
        self.assertTrue(all(count.values()), count)
        return count
