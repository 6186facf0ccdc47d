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

"""Allowed destinations of requests to another cloud."""

import hypothesis
from hypothesis import strategies
import requests
import requests_mock
from urllib3 import util as urllib3_util

from mixmatch import exceptions
from mixmatch.http import endpoints
from mixmatch import services
from tests.unit import base
from tests.unit import fixtures
from tests.unit.mixmatch import base as mixmatch_base
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

OK = servers.answer()
VOLUME = '2c7cb1fb-5e7e-4a19-a5b8-1a5d4a3d8b5e'
PATH = f'/volumes/{VOLUME}'


class TestEndpoints(base.TestCase):

    def endpoints(self, *hosts, override=None, home='http://home:5000',
                  own=('https://bu.example.org/v3/auth',
                       'https://bu.example.org:5000/Shibboleth.sso/ECP')):
        found = endpoints.Endpoints('bu', list(hosts), override, home)
        found.learn(own)
        return found

    def refused(self, word, url, *hosts, **kwargs):
        exc = self.assertRaises(
            exceptions.ServiceProviderSetupError,
            self.endpoints(*hosts, **kwargs).check_endpoint, url, 'volume')
        self.assertIn(word, str(exc))
        self.assertTrue(str(exc).isprintable())

    def test_the_host_of_its_keystone(self):
        for url in ('https://bu.example.org:8776/v3', 'https://bu.example.org',
                    'https://BU.example.org/volume/v3/$(tenant_id)s',
                    'HTTPS://bu.example.org:443/v3'):
            self.endpoints().check_endpoint(url, 'volume')

    def test_any_other(self):
        for url in ('https://moc.example.org:8776/v3', 'https://10.0.0.1/v3',
                    'https://bu.example.org.evil/v3', 'https://evil/v3',
                    'https://evilbu.example.org/v3', 'https://127.0.0.1/v3',
                    'https://[::1]/v3', 'https://169.254.169.254/v3'):
            self.refused('endpoint_hosts in [service_provider:bu]', url)

    def test_what_programs_read_differently(self):
        for url in ('https://moc@bu.example.org/v3', 'https://bu.example.org?',
                    'https://bu.example.org/v3?x=', 'https://bu.example.org#',
                    'https://bu.example.org/v3#', 'https://bu.example.org:0/',
                    'https://bu.example.org:65536/v3', 'https:/bu.example.org',
                    'https://bu.example.org\\v3', 'https://bu.example.org:/',
                    'https://bu.example.org/v3 ', 'https://bu.example.org/\n',
                    'https://b\u00fc.example.org/', 'ftp://bu.example.org/',
                    'https://bu.example.org/' + 'x' * 300, '', 'bu',
                    'https://bu.example.org%2eevil/v3'):
            self.refused('its volume endpoint is not a valid URL', url)

    def test_without_tls_where_its_keystone_has_it(self):
        self.refused('endpoint_override', 'http://bu.example.org:8776/v3')
        self.refused('endpoint_override', 'http://cinder.bu/v3', 'cinder.bu')
        self.endpoints(own=('http://bu/v3',)).check_endpoint(
            'http://bu:1/v3', 'volume')

    def test_hosts_that_are_listed(self):
        for listed in ('cinder.bu', 'cinder.bu:443', 'Cinder.BU'):
            self.endpoints(listed).check_endpoint(
                'https://cinder.bu/v3', 'volume')
        self.refused('endpoint_hosts', 'https://cinder.bu:22/v3',
                     'cinder.bu:443')
        self.endpoints('[2001:db8::1]').check_endpoint(
            'https://[2001:db8::1]:8776/v3', 'volume')

    def test_a_host_that_is_homes_as_well(self):
        """Two clouds behind one address, or on one machine."""
        for host in ('one.example.org', '127.0.0.1', 'localhost'):
            own = {'own': (f'http://{host}:6000/v3/auth',),
                   'home': f'http://{host}:5000'}
            self.refused('endpoint_hosts', f'http://{host}:8776/v3', **own)
            self.endpoints(f'{host}:8777', **own).check_endpoint(
                f'http://{host}:8777/v3', 'volume')
            self.endpoints(**own).check(
                f'http://{host}:6000/v3/auth/tokens', 'identity')
        self.refused('endpoint_hosts', 'http://127.0.0.1:8776/v3',
                     own=('http://127.0.0.1:6000/v3',))

    def test_nothing_is_known_yet(self):
        self.refused('endpoint_hosts', 'https://bu.example.org/v3', own=())

    def test_an_override_is_the_operators(self):
        url = 'http://127.0.0.1:8776/v3/%(project_id)s'
        self.assertTrue(self.endpoints(override=url).check(
            'http://127.0.0.1:8776/v3/x/volumes', 'volume'))
        self.refused('endpoint_hosts', 'http://127.0.0.1:8777/v3',
                     override=url)

    @hypothesis.settings(deadline=None)
    @hypothesis.given(strategies.text(
        alphabet='abu.:/@#?\\[]%0123456789 \t\n', max_size=20))
    def test_what_is_let_through_leads_there(self, rest):
        """All parsers agree: requests, urllib3, the standard library."""
        url = f'https://{rest}'
        try:
            self.endpoints(own=('https://bu/v3',)).check_endpoint(
                url, 'volume')
        except exceptions.ServiceProviderSetupError:
            return
        self.assertEqual('bu', urllib3_util.parse_url(url).host)
        self.assertEqual('bu', requests.compat.urlparse(url).hostname)


class TestLinks(test_transport.WireTestCase):
    """Links in answers are followed by libraries, with the token."""

    def test_elsewhere_is_not_asked(self):
        elsewhere = self.useFixture(servers.Server(OK))
        self.serve(OK, allowed=endpoints.Endpoints(
            'bu', [], None, 'http://home:5000'))
        self.there.session._allowed.learn((self.server.url,))
        self.request()
        exc = self.assertRaises(exceptions.ServiceProviderSetupError,
                                self.there.get, elsewhere.url,
                                authenticated=False)
        self.assertIn('endpoint_hosts', str(exc))
        self.assertEqual([], elsewhere.requests)

    def test_what_requests_makes_of_a_url_counts(self):
        elsewhere = self.useFixture(servers.Server(OK))
        self.serve(OK, allowed=endpoints.Endpoints(
            'bu', ['bu'], None, 'http://home:5000'))
        for url in (f'http://bu@127.0.0.1:{elsewhere.port}/',
                    f'http://bu\\@127.0.0.1:{elsewhere.port}/',
                    f'http://127.0.0.1:{elsewhere.port}#@bu/',
                    f'http://127.0.0.1:{elsewhere.port}?@bu/',
                    f' http://127.0.0.1:{elsewhere.port}/',
                    f'HTTP://127.0.0.1:{elsewhere.port}/'):
            self.assertRaises(
                (exceptions.ServiceProviderSetupError,
                 requests.exceptions.RequestException),
                self.there.session.request, 'GET', url, timeout=(5, 5))
        self.assertEqual([], elsewhere.requests)


class TestServiceProvider(mixmatch_base.ServiceProviderTestCase):
    """With keystoneauth, which reads catalogs and versions."""

    def sent_elsewhere(self):
        return [each.url for each in self.clouds.mock.request_history
                if each.hostname not in ('home', 'bu')]

    def test_a_catalog_that_leads_elsewhere(self):
        self.bu.cinder_url = 'http://victim:8776/v3'
        there = self.service_provider()
        for microversion in (None, '3.44'):
            exc = self.assertRaises(
                exceptions.ServiceProviderSetupError, there.adapter,
                services.VOLUME, self.user, microversion)
            self.assertIn("'victim:8776'", str(exc))
            self.assertIn('endpoint_hosts in [service_provider:bu]', str(exc))
        self.assertEqual([], self.sent_elsewhere())

    def test_another_process_has_logged_in(self):
        """The allowed destinations come with the login."""
        there = self.service_provider()
        self.assertEqual((self.bu.auth_url, self.bu.acs_url), self.user.urls)
        there.endpoints.learn(())
        self.assertRaises(exceptions.ServiceProviderSetupError,
                          there.highest_microversion, services.VOLUME,
                          self.user)
        there.endpoints.learn(self.user.urls)
        there.highest_microversion(services.VOLUME, self.user)

    def test_a_document_of_versions_that_leads_elsewhere(self):
        self.clouds.mock.get('http://bu:8776/', json={'versions': [{
            'id': 'v3.0', 'status': 'CURRENT', 'version': '3.71',
            'min_version': '3.0', 'links': [
                {'rel': 'self', 'href': 'http://victim/v3/'},
                {'rel': 'collection', 'href': 'http://victim/'}]}]})
        self.bu.add_volume(VOLUME)
        self.service_provider().adapter(
            services.VOLUME, self.user, '3.44').get(PATH)
        self.assertEqual([], self.sent_elsewhere())

    def test_an_override_is_a_template(self):
        there = self.service_provider('endpoint_override = '
                                      'http://bu:8776/v3/%(project_id)s\n')
        asked = self.clouds.mock.get(
            f'http://bu:8776/v3/id-of-research/volumes/{VOLUME}',
            json={'volume': fixtures.volume(VOLUME)})
        there.adapter(services.VOLUME, self.user, '3.44').get(PATH)
        self.assertTrue(asked.called)

    def test_a_catalog_is_no_template(self):
        url = 'http://bu:8776/v3/%(project_id)s'
        self.bu.cinder_url = url
        there = self.service_provider()
        self.clouds.mock.get(requests_mock.ANY, json={
            'volume': fixtures.volume(VOLUME)})
        there.adapter(services.VOLUME, self.user).get(PATH)
        self.assertNotIn('id-of-research', self.clouds.mock.last_request.url)
