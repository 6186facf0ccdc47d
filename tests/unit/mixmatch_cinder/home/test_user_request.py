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

"""Bodies, queries and microversions of requests."""

from unittest import mock

from cinder.api.openstack import api_version_request
from oslo_context import context as oslo_context
from oslo_serialization import jsonutils
import webob

from mixmatch_cinder.home import user_request
from tests.unit import base

HEADER = 'OpenStack-API-Version'


def request(path='/volumes', token='token', **kwargs):
    http = webob.Request.blank(path, content_type='application/json',
                               **kwargs)
    http.environ['cinder.context'] = oslo_context.RequestContext(
        auth_token=token, project_id='p', overwrite=False)
    return user_request.UserRequest.from_http(http, None)


class TestUserRequest(base.TestCase):

    def test_concerns_only_home(self):
        self.assertIsNone(request('/types'))
        self.assertIsNone(request(token=None))
        self.assertIsNone(user_request.UserRequest.from_http(
            webob.Request.blank('/volumes'), None))

    def test_path_that_is_no_text(self):
        self.assertIsNone(request('/volumes/%ff'))

    def test_shows_no_token(self):
        self.assertNotIn('secret', repr(request(token='secret').requester))

    def test_changed_query_leaves_the_request(self):
        asked = request('/volumes?a=1&b=2')
        changed = asked.with_query({'a': None, 'c': '3'})
        self.assertEqual({'b': '2', 'c': '3'}, dict(changed.GET))
        self.assertEqual({'a': '1', 'b': '2'}, dict(asked.http.GET))

    def test_body_without_an_object(self):
        for body in (b'', b'[]', b'no json', b'\xff', b'null'):
            self.assertEqual({}, request(method='POST', body=body).body, body)

    def test_member_that_is_no_object(self):
        for body in (b'{}', b'{"volume": []}'):
            asked = request(method='POST', body=body)
            self.assertEqual({}, asked.member('volume'), body)

    def test_body_is_parsed_once(self):
        asked = request(method='POST', body=b'{"volume": {"size": 1}}')
        with mock.patch.object(jsonutils, 'loads',
                               wraps=jsonutils.loads) as loads:
            for _ in range(3):
                self.assertEqual({'size': 1}, asked.member('volume'))
        self.assertEqual(1, loads.call_count)

    def test_microversion(self):
        for headers, version in (
                ({}, '3.0'), ({HEADER: 'volume 3.5'}, '3.5'),
                ({HEADER: 'compute 2.1, volume 3.70'}, '3.70'),
                ({HEADER: 'volume latest'},
                 api_version_request.max_api_version().get_string())):
            self.assertEqual(version, request(
                headers=headers).microversion, headers)

    def test_microversion_that_home_refuses(self):
        for header in ('volume 3.999', 'volume 2.0', 'volume', 'volume 3',
                       'volume 3.x', 'volume 3.0 3.5', 'compute 2.1', ''):
            self.assertIsNone(request(headers={HEADER: header}), header)

    def test_body_that_cinder_would_not_read(self):
        asked = request(method='POST', body=b'{"volume": {"size": 1}}')
        asked.http.content_type = 'text/plain'
        self.assertEqual({}, asked.body)

    def test_project_of_somebody_else(self):
        self.assertIsNotNone(request('/p/volumes'))
        self.assertIsNone(request('/q/volumes'))
