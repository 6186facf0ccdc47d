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

"""The client of another cloud's Cinder."""

from keystoneauth1 import exceptions as ksa_exceptions
import requests

from mixmatch import exceptions
from mixmatch_nova import volume_client
from tests.unit import fixtures
from tests.unit.mixmatch import base

VOLUME = '2c7cb1fb-5e7e-4a19-a5b8-1a5d4a3d8b5e'


class TestVolumeClient(base.FederationTestCase):

    def client(self, *args, **kwargs):
        there = self.federation.service_provider('bu')
        user = self.login(self.home.token('alice'))
        return volume_client.make(there, user, *args, **kwargs)

    def test_asks_its_cinder_as_the_user(self):
        self.bu.add_volume(VOLUME)
        self.assertEqual(VOLUME, self.client().volumes.get(VOLUME).id)
        sent = self.clouds.mock.last_request
        self.assertEqual(('alice', 'id-of-research'),
                         self.bu.tokens[sent.headers['X-Auth-Token']])
        self.assertEqual('python-cinderclient',
                         sent.headers['User-Agent'].split()[0])

    def test_a_cookie_of_its_cinder_is_forgotten(self):
        url = f'{self.bu.cinder_url}/volumes/{VOLUME}'
        self.clouds.mock.add_matcher(
            lambda request: fixtures.answer_with_cookie(request, 'me=alice')
            if request.url == url else None)
        client = self.client()
        for _ in range(2):
            client.client.request(url, 'GET', redirect=False)
        self.assertNotIn('Cookie', self.clouds.mock.last_request.headers)

    def test_microversion_is_sent(self):
        self.bu.add_volume(VOLUME)
        for microversion, header in (('3.48', 'volume 3.48'), ('3.0', None),
                                     (None, None)):
            self.client(microversion).volumes.get(VOLUME)
            self.assertEqual(
                header, self.clouds.mock.last_request.headers.get(
                    'OpenStack-API-Version'))

    def test_request_id_of_home_is_sent(self):
        self.bu.add_volume(VOLUME)
        client = self.client(global_request_id='req-1')
        for _ in range(2):
            client.volumes.get(VOLUME)
            self.assertEqual('req-1', self.clouds.mock.last_request.headers[
                'X-OpenStack-Request-ID'])

    def test_microversion_that_it_does_not_have(self):
        self.bu.highest_microversion = '3.43'
        self.assertRaises(exceptions.MicroversionNotSupported, self.client,
                          '3.44')

    def test_its_cinder_is_silent(self):
        client = self.client()
        self.clouds.mock.get(f'{self.bu.cinder_url}/volumes/{VOLUME}',
                             exc=requests.exceptions.ConnectTimeout)
        exc = self.assertRaises(ksa_exceptions.ConnectionError,
                                client.volumes.get, VOLUME)
        self.assertIsInstance(exc, exceptions.ServiceProviderUnavailable)

    def test_a_list_without_end(self):
        """python-cinderclient follows each link, and keeps each page."""
        url = f'{self.bu.cinder_url}/volumes/detail'
        for link in (url, 'http://victim/v3/volumes'):
            asked = self.clouds.mock.get(url, json={
                'volumes': [fixtures.volume(VOLUME)], 'volumes_links': [
                    {'rel': 'next', 'href': link}]})
            client = self.client()
            self.assertEqual(1, len(client.volumes.list()))
            self.assertEqual(1, asked.call_count)
        self.assertEqual([], [
            each.url for each in self.clouds.mock.request_history
            if each.hostname not in ('home', 'bu')])


class TestOptions(TestVolumeClient):
    """All of this by an endpoint that the configuration names."""

    more = ('endpoint_override = http://bu:8776/v3\n'
            'connect_retries = 1\nregion_name = mars\n')

    def test_retries(self):
        self.assertEqual(1, self.client().client.connect_retries)
