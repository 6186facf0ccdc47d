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

"""Two clouds with the filter that are service providers of each other."""

import itertools
import threading

from cinder import context as cinder_context
import requests_mock
import webob
import webob.dec

from mixmatch import federation
from mixmatch_cinder.home import middleware
from tests.unit import base
from tests.unit import fixtures

VOLUME = '22222222-0000-4000-8000-000000000002'
HEADER = 'OpenStack-Mixmatch-Service-Provider'


class KeystoneOfBu(fixtures.Home):
    """bu's Keystone, where a login of one of its users begins."""

    url = 'http://users-of-bu:5000/v3'
    ecp_url = url + '/auth/OS-FEDERATION/saml2/ecp'


class Cloud:
    """A cinder-api with the filter, and nothing in its database.

    :param keystone: of its own users
    :param conf: of its cinder-api
    """

    def __init__(self, keystone, conf):
        self._keystone = keystone
        self._lock = threading.Lock()
        #: method and path of what has come to its Cinder
        self.asked = []
        self._filter = middleware.Volumes(
            self._cinder, federation.Federation(conf), conf)

    @webob.dec.wsgify
    def _cinder(self, request):
        with self._lock:
            self.asked.append((request.method, request.path_info))
        if request.path_info.endswith(('/volumes', '/volumes/detail')):
            return webob.Response(json_body={'volumes': []}, status=(
                200 if request.method == 'GET' else 400))
        return webob.Response(json_body={'itemNotFound': {}}, status=404)

    def send(self, path, method='GET', headers=(), **kwargs):
        context = cinder_context.RequestContext(
            'home-id-of-alice', 'home-id-of-research', is_admin=False,
            overwrite=False, auth_token=self._keystone.token('alice'))
        return webob.Request.blank(
            path, method=method, headers=dict(headers), environ={
                'cinder.context': context, 'keystone.token_info':
                    self._keystone.token_body('alice')},
            **{'content_type': 'application/json', **kwargs}).get_response(
                self._filter)

    def serve(self, mock, url):
        """Be found at a URL."""
        def answer(request):
            if not request.url.startswith(url + '/') or (
                    request.path == '/v3/'):
                return None
            response = self.send(
                request.url.removeprefix(url), request.method,
                {name: value for name, value in request.headers.items()
                 if name.startswith('OpenStack-')},
                body=(request.text or '').encode(),
                content_type='application/json')
            return requests_mock.create_response(
                request, status_code=response.status_int,
                headers=dict(response.headers), content=response.body)
        mock.add_matcher(answer)


class TestCircles(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.CinderDatabase())
        clouds = self.useFixture(fixtures.TwoClouds('bu'))
        serial = itertools.count(1000)
        moc_for_bu = fixtures.ServiceProvider(clouds.mock, serial, 'moc')
        keystone = KeystoneOfBu(clouds.mock, serial)
        keystone.service_providers = {'moc': moc_for_bu}
        self.moc = Cloud(clouds.home, self.configuration('bu'))
        self.bu = Cloud(keystone, self.configuration(
            'moc', 'http://users-of-bu:5000'))
        self.bu.serve(clouds.mock, clouds.bu.cinder_url)
        self.moc.serve(clouds.mock, moc_for_bu.cinder_url)

    def configuration(self, name, keystone='http://home:5000'):
        return fixtures.configuration(
            self, fixtures.text(name).replace(
                'http://home:5000', keystone).replace(
                    '[mixmatch]\n', '[mixmatch]\nask_timeout = 5\n'
                    'listing_refresh = 0\n'))

    def assertAsked(self, moc, bu):
        self.assertEqual(
            (moc, bu), (len(self.moc.asked), len(self.bu.asked)),
            (self.moc.asked, self.bu.asked))

    def test_volume_of_nowhere(self):
        self.assertEqual(404, self.moc.send(
            f'/volumes/{VOLUME}').status_int)
        self.assertAsked(1, 1)

    def test_change_of_a_volume_of_nowhere(self):
        for number, (method, below) in enumerate((
                ('DELETE', ''), ('PUT', '/metadata'), ('POST', '/action')),
                start=1):
            self.assertEqual(404, self.moc.send(
                f'/volumes/{VOLUME}{below}', method).status_int)
            self.assertAsked(number, number)

    def test_list(self):
        for number, path in enumerate(('', '/detail'), start=1):
            response = self.moc.send(f'/volumes{path}')
            self.assertEqual(200, response.status_int)
            self.assertNotIn('OpenStack-Mixmatch-Missing', response.headers)
            self.assertAsked(number, number)

    def test_volume_that_is_made_at_bu_for_a_zone_that_names_moc(self):
        response = self.moc.send(
            '/volumes', 'POST', json_body={'volume': {
                'size': 1, 'availability_zone': 'bu:moc'}})
        self.assertEqual(400, response.status_int)
        self.assertAsked(0, 1)

    def test_the_one_who_is_asked_for_itself_asks_nobody(self):
        for method, path in (
                ('GET', f'/{VOLUME}'), ('DELETE', f'/{VOLUME}'),
                ('PUT', f'/{VOLUME}/metadata'), ('GET', ''),
                ('POST', f'/{VOLUME}/action'), ('GET', '/detail')):
            self.moc.send(f'/volumes{path}', method, {HEADER: 'none'})
        self.moc.send('/volumes', 'POST', {HEADER: 'none'}, json_body={
            'volume': {'size': 1, 'availability_zone': 'bu'}})
        self.moc.send('/volumes', 'POST', {HEADER: 'none'}, json_body={
            'volume': {'size': 1, 'source_volid': VOLUME}})
        self.moc.send('/snapshots', 'POST', {HEADER: 'none'}, json_body={
            'snapshot': {'volume_id': VOLUME}})
        self.moc.send('/backups', 'POST', {HEADER: 'none'}, json_body={
            'backup': {'volume_id': VOLUME}})
        self.assertAsked(10, 0)
