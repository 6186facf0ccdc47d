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

"""S2: bu fails in one way or another; Nova says so, and nothing is lost."""

import time
import uuid

from sandbox import client
from tests.scenario import base


class TestPartnerFails(base.ServerScenario):

    def target(self, volume):
        return {'volumeAttachment': {'volumeId': volume,
                                     'serviceProvider': self.provider}}

    def assert_says(self, code, text, response):
        self.assertEqual(code, response.status_code, response.text)
        (error,) = response.json().values()
        self.assertIn(f'ervice provider {self.provider}', error['message'])
        self.assertIn(text, error['message'])
        self.assertLess(response.elapsed.total_seconds(), base.TIMEOUTS)

    def test_keystone_of_provider_is_stopped(self):
        volume = self.volume_at(self.provider)
        with self.stopped('apache'):
            self.assert_says(503, 'does not answer',
                             self.attach(self.target(volume)))
            # Nobody named bu: home's Cinder cannot say that there is no
            # such volume.
            result = self.alice.openstack('server', 'add', 'volume',
                                          self.server, volume)
            self.assertEqual(1, result.code, str(result))
            self.assertIn(f'ervice provider {self.provider} does not answer',
                          result.err)
            self.assert_home_works()
        self.assert_untouched(self.provider, volume)
        self.assertEqual([], self.mappings())

    def test_cinder_of_provider_is_stopped(self):
        volume = self.volume_at(self.provider)
        with self.stopped('cinder-api'):
            self.assert_says(503, 'does not answer',
                             self.attach(self.target(volume)))
            self.assertEqual([], self.mappings())
            self.assert_nothing_untrue()
        self.assert_untouched(self.provider, volume)

        self.assertEqual(
            200, self.attach(self.target(volume)).status_code)
        self.wait_for_attached(self.provider, volume)
        with self.stopped('cinder-api'):
            self.assert_says(503, 'does not answer',
                             self.nova.delete(f'{self.url}/{volume}'))
            self.assertEqual(1, len(self.mappings()))
            self.assert_says(503, 'does not answer', self.nova.post(
                f'/servers/{self.server}/action', json={'rescue': {}}))
            self.assert_says(503, 'does not answer', self.alice.api(
                'compute', version='2.35').get(f'/os-volumes/{volume}'))
        self.assertEqual('in-use',
                         self.volume(self.provider, volume)['status'])
        self.detach(self.provider, volume)
        self.assert_untouched(self.provider, volume)

    def test_nova_itself_has_no_place_at_provider(self):
        """The two operators have not finished; users cannot mend it."""
        volume = self.volume_at(self.provider)
        with self.configured('nova-api', 'nova.conf',
                             f'service_provider:{self.provider}',
                             r'service_project_name\s*=.*',
                             'service_project_name = nowhere\n'):
            self.assert_says(502, "this service's own user",
                             self.attach(self.target(volume)))
            self.assertEqual([], self.mappings())
        self.assert_untouched(self.provider, volume)

    def test_provider_names_a_key_that_is_not_its_own(self):
        """Nova opens nothing with it; to the user the attach fails."""
        volume = self.volume_at(self.provider)
        secret = str(uuid.uuid4())
        with self.configured('nova-compute', 'nova-cpu.conf',
                             f'service_provider:{self.provider}',
                             r'rbd_secret_uuid\s*=.*',
                             f'rbd_secret_uuid = {secret}\n'):
            self.attach(self.target(volume))
            self.wait_for_detached(self.provider, volume)
            client.wait_for('nova-compute to say why', lambda: any(
                b'not the one that rbd_secret_uuid names' in log.read_bytes()
                for log in self.sandbox.logs() if log.stem == 'nova-compute'))
        self.assertNotIn(f'serial={volume[:20]}', self.console())
        self.assert_untouched(self.provider, volume)

    def assert_nothing_untrue(self):
        """A client that looks for a volume does not make a second one."""
        cinder = self.alice.api('block-storage')
        for path in ('/volumes/detail?name=x', '/volumes?name=x',
                     '/snapshots/detail?name=x'):
            self.assert_says(503, 'does not answer', cinder.get(path))
        for path in ('/volumes/detail', '/volumes', '/snapshots/detail'):
            response = cinder.get(path)
            self.assertEqual(200, response.status_code, response.text)
            self.assertEqual(self.provider,
                             response.headers['OpenStack-Mixmatch-Missing'])

    def assert_found_by_name(self, volume_id):
        """Look for it as a command does that is given a name."""
        response = self.alice.api('block-storage').get(
            '/volumes', params={'name': self.volume(None, volume_id)['name']})
        self.assertEqual(200, response.status_code, response.text)
        self.assertIn(volume_id, [each['id'] for each
                                  in response.json()['volumes']])

    def assert_home_works(self):
        volume = self.local_volume()
        self.assert_found_by_name(volume)
        began = time.monotonic()
        client.must(self.alice.openstack('server', 'add', 'volume',
                                         self.server, volume))
        self.wait_for_attached(None, volume)
        self.assertLess(time.monotonic() - began, base.TIMEOUTS)
        self.detach(None, volume)
