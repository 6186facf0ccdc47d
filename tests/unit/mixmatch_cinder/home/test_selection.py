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

"""Choice of clouds by query and header."""

import webob

from mixmatch import api
from mixmatch import exceptions
from mixmatch import selection
from mixmatch_cinder.home import user_request
from tests.unit.mixmatch_cinder.home import base


class TestSelection(base.CinderTestCase):

    def select(self, query='', header=''):
        self.http = webob.Request.blank(
            '/volumes' + query, headers={api.HEADER: header})
        self.http.environ.update({
            'cinder.context': self.context(),
            'keystone.token_info': self.home.token_body('alice')})
        found = selection.Selection.from_request(
            user_request.UserRequest.from_http(self.http, self.federation),
            self.federation)
        return found.names, found.only

    def test_removed_from_the_query(self):
        self.assertEqual((['bu'], 'bu'), self.select(
            f'?limit=1&{api.ATTRIBUTE}=bu', header='mit'))
        self.assertEqual('limit=1', self.http.query_string)

    def test_header(self):
        self.assertEqual((['mit'], 'mit'), self.select(header=' mit '))

    def test_default(self):
        self.assertEqual((['bu', 'mit'], ''), self.select())

    def test_all(self):
        self.assertEqual((['bu', 'mit'], ''), self.select(header='all'))

    def test_only_those_in_the_token(self):
        self.home.service_providers = {'mit': self.mit}
        self.assertEqual((['mit'], ''), self.select())

    def test_none(self):
        self.assertEqual(([], ''), self.select(header='none'))

    def test_unknown(self):
        self.assertRaises(exceptions.UnknownServiceProvider, self.select,
                          header='nowhere')
