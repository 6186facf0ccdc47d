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

"""The filter of nova-api: the target that a request names."""

import json
import threading

from nova.api.openstack import wsgi
from nova import exception
from nova.volume import cinder
import requests
import webob
import webob.dec
import webob.exc

from mixmatch_nova import middleware
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit import base as unit_base
from tests.unit.mixmatch_nova import base

PATH = f'/v2.1/servers/{base.SERVER}/os-volume_attachments'


class Application:
    """Application behind the filter; remembers what reached it."""

    def __init__(self):
        self.request = None
        self.response = webob.Response(json_body={'from': 'nova'})

    def __call__(self, environ, start_response):
        self.request = webob.Request(environ)
        # As a server: no more of the body than its length says.
        self.body = self.request.body_file_raw.read(
            self.request.content_length or 0)
        return self.response(environ, start_response)


class Nova:
    """Application behind the filter that asks for the volume first."""

    @webob.dec.wsgify
    def __call__(self, request):
        volume_id = request.json['volumeAttachment']['volumeId']
        try:
            cinder.API().get(request.environ['nova.context'], volume_id)
        except exception.NovaException as exc:
            known = isinstance(exc, (exception.NotFound, exception.Forbidden))
            kind = webob.exc.status_map[exc.code if known else 500]
            return wsgi.Fault(kind(explanation=exc.format_message()))
        return webob.Response()


class MiddlewareTestCase(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.application = Application()
        self.filter = middleware.factory({})(self.application)

    def send(self, method, path, body=None, user='alice', context=None,
             headers=()):
        self.user_context = context or self.context(user)
        request = webob.Request.blank(path, method=method, headers=dict(
            headers), environ={
            'nova.context': self.user_context,
            'keystone.token_info': self.home.token_body(user)})
        if body is not None:
            request.content_type = 'application/json'
            request.body = (body if isinstance(body, bytes)
                            else json.dumps(body).encode())
        return request.get_response(self.filter)

    def attach(self, user='alice', **attachment):
        return self.send('POST', PATH, {'volumeAttachment': attachment},
                         user=user)

    def target(self, volume_id=base.VOLUME):
        return state.from_context(self.user_context).get_remote(volume_id)

    def assertReached(self, **attachment):
        self.assertEqual({'volumeAttachment': attachment},
                         json.loads(self.application.body))

    def assertRefused(self, code, response, *words):
        self.assertEqual(code, response.status_int, response.text)
        self.assertIsNone(self.application.request)
        self.assertEqual('application/json', response.content_type)
        [fault] = response.json.values()
        self.assertEqual(code, fault['code'])
        for word in words:
            self.assertIn(word, fault['message'])
        for secret in self.clouds.secrets():
            self.assertNotIn(secret, response.text)


class TestAttach(MiddlewareTestCase):

    def test_option(self):
        self.attach(volumeId=base.VOLUME, serviceProvider='bu')
        self.assertReached(volumeId=base.VOLUME)
        self.assertEqual(target.Target('bu'), self.target())

    def test_volume_at_service_provider(self):
        self.attach(volumeId=f'{base.VOLUME}@bu')
        self.assertReached(volumeId=base.VOLUME)
        self.assertEqual(target.Target('bu'), self.target())

    def test_both_the_same(self):
        self.attach(volumeId=f'{base.VOLUME}@bu', serviceProvider='bu')
        self.assertReached(volumeId=base.VOLUME)
        self.assertEqual(target.Target('bu'), self.target())

    def test_what_else_is_asked_for_stays(self):
        self.attach(volumeId=f'{base.VOLUME}@bu', device='/dev/vdb',
                    tag='data', delete_on_termination=True)
        self.assertReached(volumeId=base.VOLUME, device='/dev/vdb',
                           tag='data', delete_on_termination=True)

    def test_length_of_the_body_is_that_of_the_new_one(self):
        self.attach(volumeId=f'{base.VOLUME}@bu')
        self.assertEqual(self.application.request.content_length,
                         len(self.application.body))

    def test_path_with_a_project(self):
        path = PATH.replace('/v2.1', '/v2.1/research')
        request = {'volumeAttachment': {'volumeId': f'{base.VOLUME}@bu'}}
        for each in (path.removeprefix('/v2.1'), PATH.removeprefix('/v2.1')):
            self.send('POST', each, request)
            self.assertReached(volumeId=base.VOLUME)

    def test_no_token_of_home_leaves_home(self):
        self.bu.add_volume(base.VOLUME)
        self.filter = middleware.factory({})(Nova())
        self.attach(volumeId=base.VOLUME, serviceProvider='bu')
        self.assertNotEqual([], self.clouds.sent_to('bu'))
        self.assertEqual([], self.clouds.leaks())

    def test_the_login_is_under_way_when_nova_begins(self):
        began = threading.Event()
        self.clouds.mock.post(self.bu.acs_url, text=lambda *_: began.set())

        def application(environ, start_response):
            self.assertTrue(began.wait(30))
            return self.application(environ, start_response)
        self.filter = middleware.factory({})(application)
        self.attach(volumeId=base.VOLUME, serviceProvider='bu')
        self.assertIsNotNone(self.application.request)


class TestLocalAttach(MiddlewareTestCase):

    def assertUntouched(self, body):
        self.send('POST', PATH, body)
        self.assertEqual(body, self.application.body)
        self.assertEqual([], self.clouds.requests)
        self.assertEqual({}, state.from_context(self.user_context).to_dict())

    def test_reaches_nova_byte_for_byte(self):
        self.assertUntouched(b'{ "volumeAttachment":{"volumeId" : "%s"}}'
                             % base.HOME_VOLUME.encode())

    def test_what_nova_complains_of_reaches_nova(self):
        for body in (b'{"volumeAttachment": ', b'', b'[]', b'"text"', b'null',
                     b'{}', b'{"volumeAttachment": null}', b'\xff\xfe',
                     b'{"volumeAttachment": ["serviceProvider"]}',
                     b'{"volumeAttachment": {}}',
                     b'{"volumeAttachment": {"volumeId": 1}}'):
            self.assertUntouched(body)

    def test_path_that_is_no_text_reaches_nova(self):
        self.send('GET', '/v2.1/servers/%ff')
        self.assertIsNotNone(self.application.request)

    def test_other_requests_pass(self):
        for method, path in (('GET', '/v2.1/servers'), ('POST', '/v2.1'),
                             ('GET', '/'), ('POST', PATH + '/a/b')):
            response = self.send(method, path, b'any')
            self.assertEqual(b'any', self.application.body)
            self.assertEqual({'from': 'nova'}, response.json)


class TestWrongTarget(MiddlewareTestCase):

    def test_both_different(self):
        self.assertRefused(400, self.attach(
            volumeId=f'{base.VOLUME}@bu', serviceProvider='mit'),
            'serviceProvider says mit, volumeId says bu')

    def test_not_a_name(self):
        for wrong in (None, '', 1, True, [], ['bu'], {}):
            self.assertRefused(400, self.attach(
                volumeId=base.VOLUME, serviceProvider=wrong),
                'serviceProvider must be')

    def test_nothing_after_the_at(self):
        self.assertRefused(400, self.attach(volumeId=f'{base.VOLUME}@'))

    def test_two_at(self):
        self.assertRefused(400, self.attach(volumeId=f'{base.VOLUME}@bu@bu'),
                           'does not exist')

    def test_unknown(self):
        self.assertRefused(400, self.attach(
            volumeId=base.VOLUME, serviceProvider='nowhere'),
            'nowhere does not exist', 'you can use here: bu')

    def test_not_in_the_token(self):
        self.home.service_providers = {}
        self.assertRefused(400, self.attach(
            volumeId=base.VOLUME, serviceProvider='bu'), 'not in your token')

    def test_nothing_is_sent_for_a_wrong_target(self):
        self.attach(volumeId=base.VOLUME, serviceProvider='nowhere')
        self.assertEqual([], self.clouds.requests)

    def test_volume_id_reaches_nova_in_one_way_of_writing(self):
        self.attach(volumeId=base.VOLUME.upper(), serviceProvider='bu')
        self.assertReached(volumeId=base.VOLUME)
        self.assertIsNotNone(self.target())

    def test_volume_id_that_is_none_reaches_nova_without_a_login(self):
        self.attach(volumeId='not-a-uuid@bu')
        self.assertReached(volumeId='not-a-uuid')
        self.assertEqual([], self.clouds.requests)


class TestUnconfigured(MiddlewareTestCase):
    names = ('bu', 'mit')

    def test_not_in_the_configuration(self):
        self.conf.set_override('service_providers', ['mit'], 'mixmatch')
        self.addCleanup(self.conf.clear_override, 'service_providers',
                        'mixmatch')
        self.assertRefused(400, self.attach(
            volumeId=base.VOLUME, serviceProvider='bu'), 'not configured')


class TestLoginFails(MiddlewareTestCase):
    """Nova has reserved nothing yet."""

    def setUp(self):
        super().setUp()
        self.filter = middleware.factory({})(Nova())

    def attach_fails(self, code, *words):
        self.assertRefused(code, self.attach(
            volumeId=base.VOLUME, serviceProvider='bu'), *words)

    def test_user_without_a_project_there_learns_nothing(self):
        del self.bu.projects['alice']
        self.attach_fails(404, f'Volume {base.VOLUME} could not be found.')

    def test_it_is_down(self):
        self.clouds.mock.get(self.bu.auth_url, status_code=503)
        self.attach_fails(503, 'bu does not answer')

    def test_nova_itself_is_not_let_in(self):
        del self.bu.projects['nova']
        self.attach_fails(502, 'operator of this cloud')

    def test_no_assertion(self):
        self.clouds.mock.post(self.home.ecp_url, status_code=403)
        self.attach_fails(403, 'no assertion')


class TestAlsoAtHome(MiddlewareTestCase):
    """A user names a cloud for an id that home has as well."""

    def setUp(self):
        super().setUp()
        self.filter = middleware.factory({})(Nova())
        self.bu.add_volume(base.VOLUME)
        self.url = f'{self.home.cinder_url}/volumes/{base.VOLUME}'

    def attach_fails(self, code, *words):
        self.assertRefused(code, self.attach(
            volumeId=base.VOLUME, serviceProvider='bu'), *words)
        self.assertEqual([], self.asked('bu'))

    def test_home_has_had_it(self):
        """Its Cinder knows the volumes of all projects, and deleted ones."""
        self.clouds.mock.get(
            self.url, status_code=409, json={'conflictingRequest': {
                'code': 409, 'message': 'it was'}},
            request_headers={'OpenStack-Mixmatch-Known-Here': 'true'})
        self.attach_fails(409, 'a volume of this cloud',
                          'service provider bu')

    def test_home_without_the_filter_has_it(self):
        self.home.add_volume(base.VOLUME)
        self.attach_fails(409, 'a volume of this cloud',
                          'service provider bu')

    def test_home_does_not_answer(self):
        for answer in ({'status_code': 503},
                       {'exc': requests.exceptions.ConnectionError}):
            self.clouds.mock.get(self.url, **answer)
            self.attach_fails(503, 'Cinder of this cloud does not answer')

    def test_home_does_not_have_it(self):
        self.assertEqual(200, self.attach(
            volumeId=base.VOLUME, serviceProvider='bu').status_int)
        self.assertEqual([f'GET /volumes/{base.VOLUME}'], self.asked('home'))
        self.assertEqual([f'GET /volumes/{base.VOLUME}'], self.asked('bu'))


class TestOneAttachment(MiddlewareTestCase):

    def test_detach_at_a_service_provider(self):
        self.send('DELETE', f'{PATH}/{base.VOLUME}@bu')
        self.assertEqual(f'{PATH}/{base.VOLUME}',
                         self.application.request.path_info)
        self.assertEqual('bu', self.target().service_provider)

    def test_show_at_a_service_provider(self):
        self.send('GET', f'{PATH}/{base.VOLUME}@bu')
        self.assertEqual(f'{PATH}/{base.VOLUME}',
                         self.application.request.path_info)

    def test_at_an_unknown_one(self):
        self.assertRefused(
            400, self.send('DELETE', f'{PATH}/{base.VOLUME}@nowhere'),
            'nowhere does not exist')

    def test_the_mapping_may_be_looked_up_by_the_url(self):
        self.send('DELETE', f'{PATH}/{base.VOLUME}')
        self.assertEqual(
            base.SERVER, state.from_context(
                self.user_context).pop_server_in_url(base.VOLUME))

    def test_nothing_is_sent(self):
        self.send('DELETE', f'{PATH}/{base.VOLUME}@bu')
        self.assertEqual([], self.clouds.requests)


class TestWithoutPlugin(unit_base.TestCase):
    """The filter is in api-paste.ini, nova.conf does not load the plugin."""

    def send(self, **attachment):
        self.application = Application()
        app = middleware.factory({})(self.application)
        request = webob.Request.blank(PATH, method='POST')
        request.json = {'volumeAttachment': attachment}
        request.environ['nova.context'] = object()
        return request.get_response(app)

    def test_a_request_that_names_a_cloud_is_refused(self):
        for attachment in ({'volumeId': f'{base.VOLUME}@bu'},
                           {'volumeId': base.VOLUME,
                            'serviceProvider': 'bu'}):
            response = self.send(**attachment)
            self.assertEqual(400, response.status_int)
            self.assertIn('has not enabled mixmatch', response.text)

    def test_a_local_request_passes(self):
        response = self.send(volumeId=base.HOME_VOLUME)
        self.assertEqual({'from': 'nova'}, response.json)
