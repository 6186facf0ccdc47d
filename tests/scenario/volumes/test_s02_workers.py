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

"""S2: what one process of home's Cinder has done, the others know."""

from concurrent import futures

from sandbox import client
from sandbox.services import common
from tests.scenario import base

#: So many requests at once, so that each process has some.
REQUESTS = 8


class TestWorkers(base.Scenario):

    def everywhere(self, ask):
        """Ask all processes of home's Cinder; their answers."""
        with futures.ThreadPoolExecutor(REQUESTS) as executor:
            return [each.result() for each in [
                executor.submit(ask) for _ in range(REQUESTS)]]

    def listed(self):
        response = self.cinder.get('/volumes/detail')
        self.assertEqual(200, response.status_code, response.text)
        return {each['id'] for each in response.json()['volumes']}

    def shown(self, volume):
        return self.cinder.get(f'/volumes/{volume}').status_code

    def test_a_volume_made_and_deleted_from_home(self):
        self.assertGreater(common.PROCESSES, 1)
        self.cinder = self.alice.api('block-storage')
        # NOTE: now each process may know that alice has nothing at bu.
        self.everywhere(self.listed)
        volume = client.must(self.alice.openstack(
            'volume', 'create', '--size', '1', '--availability-zone',
            self.provider, '-f', 'value', '-c', 'id', 'workers')).out.strip()
        self.addCleanup(self.delete_volume, self.provider, volume)
        for found in self.everywhere(self.listed):
            self.assertIn(volume, found)
        self.assertEqual({200}, set(self.everywhere(
            lambda: self.shown(volume))))

        self.wait_for_status(None, volume, 'available')
        client.must(self.alice.openstack('volume', 'delete', volume))
        client.wait_for('the volume to be gone',
                        lambda: self.shown(volume) == 404)
        self.assertEqual({404}, set(self.everywhere(
            lambda: self.shown(volume))))
        for found in self.everywhere(self.listed):
            self.assertNotIn(volume, found)
