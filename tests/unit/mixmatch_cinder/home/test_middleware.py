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

"""Look-up of foreign volumes in the filter of home's cinder-api."""

import fixtures as base_fixtures
from oslo_config import cfg
import requests
import webob

from mixmatch_cinder.home import middleware
from tests.unit import fixtures
from tests.unit.mixmatch_cinder.home import base

PATH = '/volumes/'
NOT_FOUND = b'{ "itemNotFound": {"code": 404} }'


class MiddlewareTestCase(base.CinderTestCase):

    def setUp(self):
        super().setUp()
        self.database = self.useFixture(fixtures.CinderDatabase())
        self.response = webob.Response(
            NOT_FOUND, status=404, content_type='application/json',
            headers={'x-openstack-request-id': 'req-1',
                     'OpenStack-API-Version': 'volume 3.60'})
        self.reached = []
        self.filter = middleware.Volumes(self.application, self.federation,
                                         self.conf)

    def application(self, environ, start_response):
        """Home's Cinder."""
        self.reached.append(webob.Request(environ))
        return self.response(environ, start_response)

    def send(self, path=base.VOLUME, method='GET', user='alice',
             headers=(), context=None):
        request = webob.Request.blank(
            PATH.removesuffix('/') + '/' + path, method=method,
            headers=dict(headers), environ={
                'cinder.context': context or self.context(user),
                'keystone.token_info': self.home.token_body(user)})
        return request.get_response(self.filter)

    def assertUntouched(self, response):
        self.assertEqual(NOT_FOUND, response.body)
        self.assertEqual(404, response.status_int)
        self.assertEqual(self.response.headers, response.headers)


class TestFound(MiddlewareTestCase):

    def test_id_in_another_way_of_writing(self):
        self.bu.add_volume(base.VOLUME)
        response = self.send(base.VOLUME.upper())
        self.assertEqual(base.VOLUME, response.json['volume']['id'])

    def test_answer_is_that_of_the_service_provider_and_marked(self):
        self.bu.add_volume(base.VOLUME, size=7)
        response = self.send()
        self.assertEqual(200, response.status_int)
        self.assertEqual(
            {'volume': {**fixtures.volume(base.VOLUME, size=7),
                        'availability_zone': 'bu',
                        'os-mixmatch:service_provider': 'bu'}},
            response.json)

    def test_headers_are_those_of_home(self):
        self.bu.add_volume(base.VOLUME)
        response = self.send()
        self.assertEqual('req-1', response.headers['x-openstack-request-id'])
        self.assertEqual('volume 3.60',
                         response.headers['OpenStack-API-Version'])
        self.assertEqual(len(response.body), response.content_length)

    def test_a_mark_of_the_service_provider_is_not_believed(self):
        self.bu.add_volume(base.VOLUME,
                           **{'os-mixmatch:service_provider': 'mit'})
        self.assertEqual('bu', self.send().json['volume'][
            'os-mixmatch:service_provider'])

    def test_path_with_a_project(self):
        self.bu.add_volume(base.VOLUME)
        request = webob.Request.blank(
            f'/home-id-of-research/volumes/{base.VOLUME}', environ={
                'cinder.context': self.context(),
                'keystone.token_info': self.home.token_body('alice')})
        self.assertEqual(200, request.get_response(self.filter).status_int)

    def microversion(self, header):
        self.send(headers={'OpenStack-API-Version': header})
        return self.clouds.sent_to('bu')[-1].headers.get(
            'OpenStack-API-Version')

    def test_microversion_is_passed(self):
        self.assertEqual('volume 3.48', self.microversion('volume 3.48'))

    def test_microversion_among_those_of_other_services(self):
        self.assertEqual('volume 3.48',
                         self.microversion('compute 2.79, volume 3.48'))

    def test_latest_is_the_newest_there(self):
        self.assertEqual('volume 3.71', self.microversion('volume latest'))

    def test_without_a_microversion(self):
        self.send()
        self.assertNotIn('OpenStack-API-Version',
                         self.clouds.sent_to('bu')[-1].headers)

    def test_no_token_of_home_leaves_home(self):
        self.send()
        self.assertEqual([], self.clouds.leaks())


class TestNotFound(MiddlewareTestCase):

    def test_at_none(self):
        self.assertUntouched(self.send())
        self.assertEqual(['bu', 'mit'], self.asked())

    def test_user_who_is_not_mapped(self):
        del self.bu.projects['alice'], self.mit.projects['alice']
        self.assertUntouched(self.send())

    def test_user_to_whom_no_service_provider_is_offered(self):
        self.home.service_providers = {}
        self.bu.add_volume(base.VOLUME)
        self.assertUntouched(self.send())
        self.assertEqual([], self.clouds.requests)

    def test_only_those_in_the_token_are_asked(self):
        self.home.service_providers = {'bu': self.bu}
        self.assertUntouched(self.send())
        self.assertEqual(['bu'], self.asked())


class TestFailure(MiddlewareTestCase):

    def assertFault(self, code, *words):
        response = self.send()
        self.assertEqual(code, response.status_int)
        [fault] = response.json.values()
        for word in words:
            self.assertIn(word, fault['message'])
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, response.text)

    def test_one_is_silent(self):
        self.answer(self.bu, exc=requests.exceptions.ConnectTimeout)
        self.assertFault(503, 'bu does not answer')

    def test_two_claim_it(self):
        self.bu.add_volume(base.VOLUME)
        self.mit.add_volume(base.VOLUME)
        self.assertFault(409, 'bu, mit')

    def test_another_volume_is_answered(self):
        self.answer(self.bu, json={'volume': {'id': 'another'}})
        self.assertFault(503, 'bu')

    def test_one_is_badly_set_up(self):
        self.clouds.mock.get(self.bu.auth_url, status_code=500)
        self.assertFault(502, 'bu')


class TestNotAsked(MiddlewareTestCase):
    """Ids of home are not sent to service providers."""

    def assertNotAsked(self, **kwargs):
        self.assertUntouched(self.send(**kwargs))
        self.assertEqual([], self.clouds.requests)

    def test_deleted_volume_of_home(self):
        self.database.add_volume(base.VOLUME, 'home-id-of-research',
                                 deleted=True)
        self.assertNotAsked()

    def test_volume_of_another_project_of_home(self):
        self.database.add_volume(base.VOLUME, 'home-id-of-teaching')
        self.assertNotAsked()

    def test_id_that_is_no_uuid(self):
        for path in ('no-uuid', base.VOLUME[:-1], 'detail/x'):
            self.assertNotAsked(path=path)

    def test_what_is_done_to_a_volume_of_home(self):
        self.database.add_volume(base.VOLUME, 'home-id-of-teaching')
        for method in ('PUT', 'POST', 'DELETE'):
            self.assertNotAsked(method=method)
            self.assertNotAsked(method=method,
                                path=base.VOLUME + '/metadata')

    def test_without_a_token(self):
        self.assertNotAsked(context=self.context(auth_token=None))

    def test_what_home_has(self):
        self.response = webob.Response(b'{ "volume": {} }')
        response = self.send()
        self.assertEqual(b'{ "volume": {} }', response.body)
        self.assertEqual([], self.clouds.requests)

    def test_what_home_fails_at(self):
        for status in (400, 403, 500, 503):
            self.response.status_int = status
            self.assertEqual(status, self.send().status_int)
        self.assertEqual([], self.clouds.requests)

    def test_unauthenticated_request(self):
        response = webob.Request.blank(PATH + base.VOLUME).get_response(
            self.filter)
        self.assertUntouched(response)
        self.assertEqual([], self.clouds.requests)


class TestFactory(MiddlewareTestCase):

    def test_nothing_is_sent_when_the_service_starts(self):
        conf = fixtures.configuration(self, fixtures.text('bu'))
        self.useFixture(base_fixtures.MockPatchObject(cfg, 'CONF', conf))
        app = middleware.factory({})(self.application)
        self.assertIsInstance(app, middleware.Volumes)
        self.assertEqual([], self.clouds.requests)
