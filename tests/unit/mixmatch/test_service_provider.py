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

"""Adapters for the services of another cloud: endpoint, microversions."""

from keystoneauth1 import exceptions as ksa_exceptions
import requests

from mixmatch import exceptions
from mixmatch import services
from tests.unit import fixtures
from tests.unit.mixmatch import base as mixmatch_base

VOLUME = '2c7cb1fb-5e7e-4a19-a5b8-1a5d4a3d8b5e'
PATH = f'/volumes/{VOLUME}'


class TestServiceProvider(mixmatch_base.ServiceProviderTestCase):

    def test_asks_its_cinder_as_the_user(self):
        self.bu.add_volume(VOLUME)
        there = self.service_provider()
        found = there.adapter(services.VOLUME, self.user).get(PATH).json()
        self.assertEqual(VOLUME, found['volume']['id'])
        sent = self.clouds.mock.last_request
        self.assertEqual(('alice', 'id-of-research'),
                         self.bu.tokens[sent.headers['X-Auth-Token']])

    def test_a_cookie_of_its_cinder_is_forgotten(self):
        url = f'{self.bu.cinder_url}/volumes/{VOLUME}'
        self.clouds.mock.add_matcher(
            lambda request: fixtures.answer_with_cookie(request, 'me=alice')
            if request.url == url else None)
        there = self.service_provider()
        adapter = there.adapter(services.VOLUME, self.user)
        for _ in range(2):
            adapter.get(url, redirect=False)
        self.assertNotIn('Cookie', self.clouds.mock.last_request.headers)

    def test_microversion_is_sent(self):
        self.bu.add_volume(VOLUME)
        there = self.service_provider()
        for microversion, header in (('3.48', 'volume 3.48'), ('3.0', None)):
            there.adapter(services.VOLUME, self.user, microversion).get(PATH)
            self.assertEqual(
                header, self.clouds.mock.last_request.headers.get(
                    'OpenStack-API-Version'))

    def test_request_id_of_home_is_sent(self):
        self.bu.add_volume(VOLUME)
        self.service_provider().adapter(
            services.VOLUME, self.user, global_request_id='req-1').get(PATH)
        self.assertEqual('req-1', self.clouds.mock.last_request.headers[
            'X-OpenStack-Request-ID'])

    def test_microversion_that_it_does_not_have(self):
        self.bu.highest_microversion = '3.43'
        exc = self.assertRaises(
            exceptions.MicroversionNotSupported,
            self.service_provider().adapter, services.VOLUME, self.user,
            '3.44')
        self.assertEqual(('bu', '3.44', '3.43'), (
            exc.service_provider, exc.needed, exc.highest))
        self.assertEqual('The volume API of service provider bu is too old: '
                         'this needs microversion 3.44, it has 3.43.',
                         str(exc))

    def test_microversions_are_numbers_not_text(self):
        self.bu.highest_microversion = '3.100'
        there = self.service_provider()
        there.adapter(services.VOLUME, self.user, '3.44')
        self.assertEqual('3.44', there.negotiate(
            services.VOLUME, self.user, '3.44', '3.5'))

    def test_the_newest_that_both_have(self):
        there = self.service_provider()
        for wanted, found in (('3.9999', '3.71'), ('3.5', '3.5')):
            self.assertEqual(found, there.negotiate(
                services.VOLUME, self.user, wanted, '3.0'))
        self.assertRaises(exceptions.MicroversionNotSupported,
                          there.negotiate, services.VOLUME, self.user,
                          '3.9999', '3.72')

    def test_versions_are_asked_for_once(self):
        there = self.service_provider()
        for _ in range(3):
            there.adapter(services.VOLUME, self.user, '3.44')
        self.assertEqual(1, len(self.clouds.sent_to('bu', port=8776)))

    def test_catalog_without_block_storage(self):
        there = self.service_provider('service_type = no-such-service\n')
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                there.highest_microversion, services.VOLUME,
                                self.user)
        self.assertIn('no-such-service', str(exc))

    def test_catalog_without_the_region(self):
        there = self.service_provider('region_name = mars\n')
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                there.highest_microversion, services.VOLUME,
                                self.user)
        self.assertIn('mars', str(exc))

    def test_its_cinder_is_silent(self):
        for url in ('http://bu:8776/', 'http://bu:8776/v3',
                    'http://bu:8776/v3/'):
            self.clouds.mock.get(url, exc=requests.exceptions.ConnectTimeout)
        there = self.service_provider()
        adapter = there.adapter(services.VOLUME, self.user)
        self.clouds.mock.get(f'{self.bu.cinder_url}/volumes/{VOLUME}',
                             exc=requests.exceptions.ConnectTimeout)
        exc = self.assertRaises(ksa_exceptions.ConnectionError,
                                adapter.get, PATH)
        self.assertIsInstance(exc, exceptions.ServiceProviderUnavailable)

    def test_its_cinder_is_silent_when_asked_for_versions(self):
        for url in ('http://bu:8776/', 'http://bu:8776/v3',
                    'http://bu:8776/v3/'):
            self.clouds.mock.get(url, exc=requests.exceptions.ConnectTimeout)
        self.assertRaises(exceptions.ServiceProviderUnavailable,
                          self.service_provider().adapter, services.VOLUME,
                          self.user, '3.44')

    def test_its_cinder_is_broken_when_asked_for_versions(self):
        self.clouds.mock.get('http://bu:8776/', status_code=503)
        exc = self.assertRaises(
            exceptions.ServiceProviderUnavailable,
            self.service_provider().adapter, services.VOLUME, self.user,
            '3.44')
        self.assertIn('its Cinder answered HTTP 503', str(exc))

    def test_something_else_than_cinder_is_there(self):
        there = self.service_provider()
        version = {'id': 'v3.0', 'status': 'CURRENT', 'version': '3.71',
                   'min_version': '3.0', 'links': [
                       {'rel': 'self', 'href': 'http://bu:8776/v3/'}]}
        for answer in ({'text': '<html>Welcome</html>'}, {'json': {}},
                       {'status_code': 404},
                       *({'json': nonsense} for nonsense in (
                           [], 5, 'v3', None, {'version': 5},
                           {'versions': 5}, {'versions': [5]},
                           {'versions': [{**version, 'links': 5}]},
                           {'versions': [{**version, 'id': 5}]},
                           {'versions': [{**version, 'version': 'x'}]}))):
            self.clouds.mock.get('http://bu:8776/', **answer)
            self.assertRaises(exceptions.ServiceProviderSetupError,
                              there.adapter, services.VOLUME, self.user,
                              '3.44')

    def test_endpoint_that_leads_nowhere(self):
        for url in ('file:///etc/passwd', 'ws://bu:8776', 'bu',
                    'http:///v3', 'http://bu:8776/v3\nERROR forged',
                    'http://bu:8776/\x1b[1m/v3'):
            self.bu.cinder_url = url
            there = self.service_provider()
            for microversion in (None, '3.44'):
                exc = self.assertRaises(
                    exceptions.ServiceProviderSetupError,
                    there.adapter, services.VOLUME, self.user,
                    microversion)
                self.assertNotIn('\n', str(exc))

    def test_certificates(self):
        there = self.service_provider(
            'cafile = /ca.pem\ncertfile = /me.pem\nkeyfile = /me.key\n')
        self.bu.add_volume(VOLUME)
        there.adapter(services.VOLUME, self.user).get(PATH)
        for each in self.clouds.sent_to('bu'):
            self.assertEqual('/ca.pem', each.verify)
            self.assertEqual(('/me.pem', '/me.key'), each.cert)

    def test_certificates_are_verified_unless_told(self):
        self.service_provider()
        for each in self.clouds.sent_to('bu'):
            self.assertIsNot(False, each.verify)

    def test_insecure(self):
        self.service_provider('insecure = true\n')
        for each in self.clouds.sent_to('bu'):
            self.assertIs(False, each.verify)
