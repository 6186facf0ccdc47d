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

"""The filter of nova-api: its changes to Nova's answers."""

import webob
import webob.dec
import webob.exc

from mixmatch import exceptions
from mixmatch_nova import state
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import test_middleware

PATH = test_middleware.PATH


class TestAnswer(test_middleware.MiddlewareTestCase):

    def answer(self, body, method='GET', path=PATH):
        self.application.response = webob.Response(json_body=body)
        return self.send(method, path, context=self.foreign_context())

    def test_list_tells_the_service_provider(self):
        response = self.answer({'volumeAttachments': [
            {'volumeId': base.HOME_VOLUME}, {'volumeId': base.VOLUME}]})
        self.assertEqual({'volumeAttachments': [
            {'volumeId': base.HOME_VOLUME},
            {'volumeId': base.VOLUME, 'serviceProvider': 'bu'}]},
            response.json)

    def test_show_tells_the_service_provider(self):
        response = self.answer({'volumeAttachment': {
            'volumeId': base.VOLUME}}, path=f'{PATH}/{base.VOLUME}')
        self.assertEqual('bu', response.json[
            'volumeAttachment']['serviceProvider'])

    def test_attach_tells_the_service_provider(self):
        self.application.response = webob.Response(
            json_body={'volumeAttachment': {'volumeId': base.VOLUME}})
        response = self.attach(volumeId=f'{base.VOLUME}@bu')
        self.assertEqual('bu', response.json[
            'volumeAttachment']['serviceProvider'])

    def test_length_of_the_answer(self):
        response = self.answer({'volumeAttachments': [
            {'volumeId': base.VOLUME}]})
        self.assertEqual(len(response.body), response.content_length)

    def test_local_answer_is_the_same_byte_for_byte(self):
        for body in (b'{ "volumeAttachments":  [{"volumeId":"%s"}] }'
                     % base.HOME_VOLUME.encode(),
                     b'{ "volumeAttachments":  [] }', b'{  }', b'[ ]'):
            self.application.response = webob.Response(
                body, content_type='application/json')
            response = self.send('GET', PATH)
            self.assertEqual(body, response.body)

    def test_an_error_of_nova_stays(self):
        self.application.response = webob.Response(
            b'{"itemNotFound": {}}', status=404)
        response = self.send('GET', PATH)
        self.assertEqual((404, b'{"itemNotFound": {}}'),
                         (response.status_int, response.body))


class TestFailure(test_middleware.MiddlewareTestCase):
    """Nova answers 500 to what it does not expect; we know more."""

    def answer_to(self, failure, status=500, method='DELETE',
                  path=f'{PATH}/{base.VOLUME}'):
        self.application.response = webob.Response(
            b'{"computeFault": {}}', status=status)
        context = self.context()
        if failure:
            state.from_context(context).record_failure(failure)
        return self.send(method, path, context=context)

    def test_code_and_message_are_ours(self):
        bu = {'service_provider': 'bu', 'reason': 'it is night'}
        for failure, code in (
                (exceptions.ServiceProviderUnavailable(**bu), 503),
                (exceptions.ServiceProviderSetupError(**bu), 502),
                (exceptions.LoginRefused(**bu), 403)):
            response = self.answer_to(failure)
            self.assertEqual(code, response.status_int)
            self.assertIn('it is night', response.text)

    def test_whatever_the_request(self):
        failure = exceptions.LoginRefused(service_provider='bu',
                                          reason='it is night')
        action = f'/v2.1/servers/{base.SERVER}/action'
        for status in (400, 500):
            for method, path in (('POST', '/v2.1/servers'), ('POST', action),
                                 ('GET', '/v2.1/os-volumes')):
                response = self.answer_to(failure, status, method, path)
                self.assertEqual(403, response.status_int)
                self.assertIn('it is night', response.text)

    def test_without_a_failure_of_ours_it_stays(self):
        self.assertEqual(b'{"computeFault": {}}', self.answer_to(None).body)

    def test_what_nova_understood_stays(self):
        failure = exceptions.HomeUnavailable(reason='it is night')
        self.assertEqual(409, self.answer_to(failure, 409).status_int)

    def test_refusal_of_ours_says_why(self):
        """Nova would say "failed to get volume", which is 400 as well."""
        failure = exceptions.InvalidTarget(reason='it is night')
        for more in ({}, {'method': 'POST', 'path': '/v2.1/servers'}):
            response = self.answer_to(failure, 400, **more)
            self.assertEqual(400, response.status_int)
            self.assertIn('it is night', response.text)
