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

"""APIs of services other than that of volumes."""

import requests

from mixmatch import exceptions
from mixmatch import services
from tests.unit.mixmatch import base


class TestOtherService(base.FederationTestCase):
    more = ('endpoint_override = http://bu:8776/v3\n'
            'service_name = cinderv3\n')

    def setUp(self):
        super().setUp()
        self.bu.services['image'] = 'http://bu:9292'
        self.images = self.clouds.mock.get('http://bu:9292/v2/images',
                                           json={'images': []})
        self.there = self.federation.service_provider('bu')

    def adapter(self, *args):
        return self.there.adapter(services.IMAGE,
                                  self.login(self.home.token('alice')),
                                  *args)

    def test_options_of_the_volume_api_do_not_count(self):
        self.assertEqual({'images': []},
                         self.adapter().get('/v2/images').json())
        sent = self.images.last_request.headers
        self.assertEqual('alice', self.bu.tokens[sent['X-Auth-Token']][0])
        self.assertNotIn('OpenStack-API-Version', sent)
        self.assertEqual('mixmatch', sent['User-Agent'].split()[0])

    def test_its_catalog_may_have_the_version(self):
        for url in ('http://bu:9292/', 'http://bu:9292/v2',
                    'http://bu:9292/v2/'):
            self.bu.services['image'] = url
            self.assertEqual({'images': []},
                             self.adapter().get('/v2/images').json())

    def test_its_catalog_may_have_a_path(self):
        for url in ('http://bu/image', 'http://bu/image/v2'):
            self.bu.services['image'] = url
            self.clouds.mock.get('http://bu/image/v2/images', json=[url])
            self.assertEqual([url], self.adapter().get('/v2/images').json())

    def test_it_has_a_state_of_its_own_once_it_is_used(self):
        self.assertEqual({'identity', 'volume'},
                         set(self.federation.health()['bu']))
        self.adapter()
        self.assertEqual({'identity', 'volume', 'image'},
                         set(self.federation.health()['bu']))

    def test_it_is_silent(self):
        self.clouds.mock.get('http://bu:9292/v2/images',
                             exc=requests.exceptions.ConnectTimeout)
        self.assertRaises(exceptions.ServiceProviderUnavailable,
                          self.adapter().get, '/v2/images')

    def test_its_catalog_leads_elsewhere(self):
        self.bu.services['image'] = 'http://victim:9292'
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                self.adapter)
        self.assertIn("'victim:9292'", str(exc))

    def test_errors_name_it(self):
        self.clouds.mock.get('http://bu:9292/', text='Welcome')
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                self.adapter, '2.1')
        self.assertIn('http://bu:9292 is not an image API', str(exc))
        self.clouds.mock.get('http://bu:9292/', status_code=503)
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                self.adapter, '2.1')
        self.assertIn('its Glance answered HTTP 503', str(exc))
        self.bu.services['image'] = 'http://bu:9292/\n'
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                self.adapter)
        self.assertIn('its image endpoint is not a valid URL', str(exc))
