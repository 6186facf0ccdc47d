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

"""Changes to images of another cloud."""

import io
import json

from mixmatch import api
from tests.unit_glance import base
from tests.unit_glance import glances

PATH = f'/v2/images/{base.IMAGE}'
PATCH = 'application/openstack-images-v2.1-json-patch'
RENAME = [{'op': 'replace', 'path': '/name', 'value': 'new'}]
MEMBER = {'member_id': 'id-of-teaching', 'image_id': base.IMAGE,
          'status': 'pending', 'created_at': glances.TIMES,
          'updated_at': glances.TIMES, 'schema': 'http://victim/'}


class ProxyTestCase(base.GlanceTestCase):

    def setUp(self):
        super().setUp()
        self.image = self.bu.add(base.IMAGE, b'bits')

    def patch(self, changes=RENAME, **kwargs):
        body = changes if isinstance(changes, bytes) else json.dumps(
            changes).encode()
        return self.send(PATH, 'PATCH', POST=body, **{
            'headers': {'Content-Type': PATCH}, **kwargs})

    def answer(self, method, below, status, body=None, **headers):
        self.bu.answers[method, PATH + below] = status, body, headers


class TestProxy(ProxyTestCase):

    def test_update(self):
        self.answer('PATCH', '', 200, {
            **self.image, 'name': 'new', 'visibility': 'public',
            'direct_url': 'file:///etc/shadow'})
        response = self.patch()
        self.assertEqual(
            (200, 'new', 'shared', 'bu', None),
            (response.status_int, *(response.json.get(name) for name in (
                'name', 'visibility', api.ATTRIBUTE, 'direct_url'))))
        [(_, _, headers, body)] = self.bu.sent('PATCH')
        self.assertEqual((PATCH, RENAME),
                         (headers['Content-Type'], json.loads(body)))
        self.assertEqual([], self.clouds.leaks())

    def test_update_byte_for_byte(self):
        self.answer('PATCH', '', 200, self.image)
        body = (b'[ {"op":"add", "path":"/x", "value":"\xc3\xa9\\u00e9"} ]')
        self.assertEqual(200, self.patch(body).status_int)
        self.assertEqual(body, self.bu.sent('PATCH')[0][3])

    def test_mark_cannot_be_changed(self):
        for change in ({'op': 'remove'}, {'op': 'replace', 'value': 'mit'},
                       {'op': 'add', 'value': 'mit'}):
            response = self.patch([{'path': f'/{api.ATTRIBUTE}', **change}])
            self.assertEqual(400, response.status_int)
            self.assertIn('cannot be changed', response.text)
        self.assertEqual([], self.bu.sent('PATCH'))

    def test_update_that_home_refuses(self):
        response = self.patch(headers={'Content-Type': 'application/json'})
        self.assertEqual(415, response.status_int)
        self.assertEqual(400, self.patch(b'{').status_int)
        self.assertEqual([], self.bu.requests)

    def test_update_with_an_invalid_answer(self):
        self.answer('PATCH', '', 200, {'id': base.IMAGE})
        self.assertEqual(503, self.patch().status_int)

    def test_update_in_chunks(self):
        response = self.send(PATH, 'PATCH', headers={
            'Content-Type': PATCH, 'Transfer-Encoding': 'chunked'},
            environ_more={'wsgi.input': io.BytesIO(
                json.dumps(RENAME).encode()), 'wsgi.input_terminated': True})
        self.assertEqual(411, response.status_int, response.text)
        self.assertEqual([], self.bu.sent('PATCH'))

    def test_update_that_is_too_large(self):
        changes = [{'op': 'add', 'path': '/long', 'value': 'x' * 1048576}]
        self.assertEqual(411, self.patch(changes).status_int)
        self.assertEqual([], self.bu.sent('PATCH'))

    def test_delete(self):
        self.answer('DELETE', '', 204)
        self.assertEqual(204, self.send(PATH, 'DELETE').status_int)
        self.assertEqual(1, len(self.bu.sent('DELETE')))

    def test_tags(self):
        self.answer('PUT', '/tags/a%20b%3Fc', 204)
        self.answer('DELETE', '/tags/old', 204)
        self.assertEqual(204, self.send(f'{PATH}/tags/a%20b%3Fc',
                                        'PUT').status_int)
        self.assertEqual(204, self.send(f'{PATH}/tags/old',
                                        'DELETE').status_int)

    def test_tags_that_are_paths(self):
        for tag in ('.', '..', '%2e%2e'):
            self.refused(404, f'{PATH}/tags/{tag}', 'PUT')
        self.assertEqual([], self.bu.sent('PUT'))

    def test_actions(self):
        for action in ('deactivate', 'reactivate'):
            self.answer('POST', f'/actions/{action}', 204)
            self.assertEqual(204, self.send(f'{PATH}/actions/{action}',
                                            'POST').status_int)

    def test_as_the_user(self):
        self.answer('DELETE', '', 204)
        self.send(PATH, 'DELETE', user='bob')
        token = self.bu.sent('DELETE')[0][2]['X-Auth-Token']
        self.assertEqual(('bob', 'id-of-teaching'),
                         self.clouds.bu.tokens[token])

    def test_errors_name_the_cloud(self):
        self.answer('DELETE', '', 403, {
            'message': 'Image is protected\n and cannot be deleted.<br />'})
        self.assertIn('Service provider bu: Image is protected and cannot be '
                      'deleted.', self.refused(403, PATH, 'DELETE'))

    def test_errors_without_a_message(self):
        for body in (b'', b'<html>', {}, {'message': 5}):
            self.answer('DELETE', '', 409, body)
            self.assertIn('Service provider bu: HTTP 409',
                          self.refused(409, PATH, 'DELETE'))

    def test_unknown_errors(self):
        self.answer('DELETE', '', 499, {})
        self.refused(400, PATH, 'DELETE')
        self.answer('DELETE', '', 500, {})
        self.refused(502, PATH, 'DELETE')
        self.answer('DELETE', '', 503, {})
        self.refused(503, PATH, 'DELETE')

    def test_not_repeated(self):
        """A change whose answer is lost may have been made."""
        def close(handler):
            handler.close_connection = True
        self.bu.answers['DELETE', PATH] = close
        self.refused(503, PATH, 'DELETE')
        self.assertEqual(1, len(self.bu.sent('DELETE')))


class TestMembers(ProxyTestCase):

    def test_list(self):
        self.answer('GET', '/members', 200, {
            'members': [MEMBER, {**MEMBER, 'member_id': 'id-of-research'}],
            'schema': 'http://victim/'})
        self.assertEqual({
            'members': [
                {**MEMBER, 'schema': '/v2/schemas/member'},
                {**MEMBER, 'schema': '/v2/schemas/member',
                 'member_id': 'home-id-of-research'}],
            'schema': '/v2/schemas/members'}, self.get(f'{PATH}/members'))

    def test_add(self):
        self.answer('POST', '/members', 200, MEMBER)
        response = self.send(f'{PATH}/members', 'POST',
                             {'member': 'id-of-teaching'})
        self.assertEqual((200, 'id-of-teaching'),
                         (response.status_int, response.json['member_id']))
        self.assertEqual({'member': 'id-of-teaching'}, json.loads(
            self.bu.sent('POST', '/members')[0][3]))

    def test_accept(self):
        """A client names the project of its token."""
        self.answer('PUT', '/members/id-of-research', 200, {
            **MEMBER, 'member_id': 'id-of-research', 'status': 'accepted'})
        response = self.send(f'{PATH}/members/home-id-of-research', 'PUT',
                             {'status': 'accepted'})
        self.assertEqual(
            (200, 'home-id-of-research', 'accepted'),
            (response.status_int, response.json['member_id'],
             response.json['status']))

    def test_show_and_remove(self):
        self.answer('GET', '/members/id-of-teaching', 200, MEMBER)
        self.answer('DELETE', '/members/id-of-teaching', 204)
        path = f'{PATH}/members/id-of-teaching'
        self.assertEqual('pending', self.get(path)['status'])
        self.assertEqual(204, self.send(path, 'DELETE').status_int)

    def test_invalid_answers(self):
        for body in ({}, {'members': 5}, {'members': [5]},
                     {'members': [{**MEMBER, 'image_id': 'other'}]},
                     {'members': [{**MEMBER, 'status': None}]}):
            self.answer('GET', '/members', 200, body)
            self.refused(503, f'{PATH}/members')


class TestRefused(ProxyTestCase):

    def test_tasks(self):
        said = self.refused(400, f'{PATH}/tasks')
        self.assertIn('lives at service provider bu; GET tasks is not '
                      'possible', said)
        self.assertIn('openstack --os-service-provider bu image task list',
                      said)

    def test_copies_of_stores(self):
        said = self.refused(400, f'{PATH}/import', 'POST', body={
            'method': {'name': 'copy-image'}, 'all_stores': True})
        self.assertIn('service provider bu; import by copy-image is not '
                      'possible', said)
        self.assertEqual([], self.bu.sent('POST', '/import'))

    def test_from_a_store(self):
        self.refused(400, f'/v2/stores/fast/{base.IMAGE}', 'DELETE')
        self.assertEqual([], self.bu.sent('DELETE'))

    def test_what_home_does_not_know_either(self):
        for path in (f'{PATH}/reimport', f'{PATH}/members/a/b'):
            self.refused(404, path)
        self.assertEqual([], self.bu.requests)
