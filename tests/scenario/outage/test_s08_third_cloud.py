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

"""S8: what a client may conclude while a cloud is away.

That cloud has nothing to do with the volume: it lives at another one.
"""

import contextlib
import uuid

from sandbox import client
from sandbox import paste
from tests.scenario import base

MISSING = 'OpenStack-Mixmatch-Missing'

#: A service provider that does not answer.
GONE = 'gone'


class TestThirdCloud(base.Scenario):

    @contextlib.contextmanager
    def third_cloud(self):
        """Home has one more service provider for a while, which is away."""
        keystone = self.sandbox.landlord(self.home).api('identity')
        path = f'/OS-FEDERATION/service_providers/{GONE}'
        response = keystone.put(path, json={'service_provider': {
            'enabled': True, 'auth_url': 'http://127.0.0.1:1/v3',
            'sp_url': 'http://127.0.0.1:1/ECP'}})
        self.assertEqual(201, response.status_code, response.text)

        def change(text):
            before, header, after = text.partition(
                f'[service_provider:{self.provider}]')
            options, end, rest = after.partition('\n[')
            return (before.replace(f'service_providers = {self.provider}',
                                   f'service_providers = {self.provider},'
                                   f'{GONE}')
                    + header + options
                    + f'\n[service_provider:{GONE}]' + options + end + rest)
        try:
            with paste.changed(self.sandbox, self.home, change,
                               'cinder.conf'):
                # The new token offers it.
                self.log_in()
                yield self.alice.api('block-storage')
        finally:
            keystone.delete(path)

    def assert_names_it(self, response):
        self.assertEqual(503, response.status_code, response.text)
        self.assertIn(f'ervice provider {GONE}', response.text)

    def test_what_is_said_of_volumes_elsewhere(self):
        volume = self.volume_at(self.provider)
        kept = self.volume_at(self.provider, name='kept')
        with self.third_cloud() as cinder:
            # Nobody can say that there is no such volume.
            self.assert_names_it(cinder.get(f'/volumes/{uuid.uuid4()}'))
            self.assert_names_it(cinder.get('/volumes/detail?name=nothing'))

            whole = cinder.get('/volumes/detail')
            self.assertEqual(200, whole.status_code, whole.text)
            self.assertEqual(GONE, whole.headers[MISSING])
            self.assertLessEqual({volume, kept}, {
                each['id'] for each in whole.json()['volumes']})
            self.assertEqual(200,
                             cinder.get(f'/volumes/{kept}').status_code)

            # Who had the volume says that it is gone.
            client.must(self.alice.openstack('volume', 'delete', volume))
            client.wait_for('the volume to be gone', lambda: cinder.get(
                f'/volumes/{volume}').status_code == 404, 30)
            for _ in range(4):
                self.assertEqual(
                    404, cinder.get(f'/volumes/{volume}').status_code)
