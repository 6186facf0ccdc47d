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

"""Lists of images while the Glance of another cloud is away, or is none."""

from mixmatch import api
from tests.unit_glance import lists

PATH = lists.PATH
AWAY = 503, {}, {}


class TestMissing(lists.ListTestCase):

    def setUp(self):
        super().setUp()
        self.mine = self.add_home(name='disk')

    def assertHome(self, query='', missing='bu'):
        response = self.send(PATH + query)
        self.assertEqual(200, response.status_int, response.text)
        self.assertEqual([self.mine], [row['id'] for row
                                       in response.json['images']])
        self.assertEqual(missing,
                         response.headers.get(api.MISSING_HEADER, ''))

    def test_list_says_so(self):
        for status in (401, 403, 404, 413, 429, 500, 503):
            self.bu.answers['GET', PATH] = status, {}, {}
            self.assertHome()
            self.restart()

    def test_list_with_a_filter_is_none(self):
        """Else a client would make a second image of that name."""
        self.bu.answers['GET', PATH] = AWAY
        for query in ('name=x', 'visibility=shared', 'member_status=pending',
                      'tag=a', 'name=disk&tag=a', 'name=in:disk,x',
                      'name=disk&member_status=all',
                      f'name=disk&marker={self.mine}'):
            self.assertIn('provider bu', self.refused(
                503, f'{PATH}?{query}'))
        self.assertIn('=none', self.refused(503, f'{PATH}?name=x'))
        self.assertHome(f'?name=disk&{api.ATTRIBUTE}=none', '')

    def test_name_of_what_home_has(self):
        """Servers boot from it by its name, whoever else is away."""
        self.bu.answers['GET', PATH] = AWAY
        self.assertHome('?name=disk')
        self.assertHome('?name=disk&limit=1&sort=name:asc')

    def test_what_is_public_is_home_s_own(self):
        self.bu.answers['GET', PATH] = AWAY
        self.assertEqual([], self.ids('visibility=public'))

    def test_operator_allows_parts(self):
        self.options += 'incomplete_lists = always\n'
        self.restart()
        self.bu.answers['GET', PATH] = AWAY
        self.assertHome('?name=disk')

    def test_operator_allows_none(self):
        self.options += 'incomplete_lists = never\n'
        self.restart()
        self.bu.answers['GET', PATH] = AWAY
        self.refused(503, PATH)
        self.refused(503, f'{PATH}?name=disk')

    def test_only_that_one(self):
        self.bu.answers['GET', PATH] = AWAY
        self.refused(503, f'{PATH}?{api.ATTRIBUTE}=bu')

    def test_filter_that_it_does_not_take(self):
        self.bu.answers['GET', PATH] = 400, {'message': 'No such.'}, {}
        self.assertIn('bu does not take this request: No such.',
                      self.refused(400, f'{PATH}?name=disk'))
        self.assertHome()

    def test_without_glance(self):
        """A cloud that lends volumes only: nothing of it is missing."""
        del self.clouds.bu.services['image']
        self.assertHome()
        self.assertHome('?name=disk')
        self.refused(404, f'{PATH}/{lists.new_id()}')
        self.assertIn('no endpoint for service_type image', self.refused(
            502, f'{PATH}?{api.ATTRIBUTE}=bu'))


class TestHoldings(lists.ListTestCase):
    """No memory of clouds where a project has no images.

    Others publish and share images with it at any time.
    """

    options = 'listing_refresh = 60\n'

    def test_what_others_publish(self):
        self.assertEqual([], self.ids())
        made = self.add_there(self.bu, visibility='public')
        self.assertEqual([made], self.ids())

    def test_that_is_away(self):
        self.assertEqual([], self.ids())
        self.bu.answers['GET', PATH] = AWAY
        self.refused(503, f'{PATH}?name=disk')
