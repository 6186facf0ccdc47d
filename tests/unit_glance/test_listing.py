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

"""Merged list of the images of home and of two other clouds."""

import fixtures

from mixmatch import api
from tests.unit_glance import base
from tests.unit_glance import lists

PATH = lists.PATH
AWAY = 503, {}, {}


class TestListing(lists.ListTestCase):

    def setUp(self):
        super().setUp()
        self.mine = self.add_home(2)
        self.theirs = self.add_there(self.bu, 1)

    def test_one_list(self):
        third = self.add_there(self.mit, 3, owner='another')
        body = self.get(PATH)
        self.assertEqual([third, self.mine, self.theirs],
                         [row['id'] for row in body['images']])
        self.assertEqual(['mit', None, 'bu'], [
            row.get(api.ATTRIBUTE) for row in body['images']])
        self.assertEqual(['another', *['home-id-of-research'] * 2], [
            row['owner'] for row in body['images']])
        self.assertEqual((PATH, '/v2/schemas/images', None), (
            body['first'], body['schema'], body.get('next')))
        self.assertEqual([1, 1], [len(each.lists) for each in (self.bu,
                                                               self.mit)])
        self.assertEqual([], self.clouds.leaks())

    def test_row_is_as_shown(self):
        self.bu.add(self.theirs, b'bits', os_distro='debian',
                    visibility='public', direct_url='rbd://x',
                    locations=[], os_glance_x='y',
                    **{'os-mixmatch:service_provider': 'mit'})
        [row] = [each for each in self.get(PATH)['images']
                 if each['id'] == self.theirs]
        self.assertEqual(self.get(f'{PATH}/{self.theirs}'), row)
        self.assertEqual(('shared', 'bu'), (row['visibility'],
                                            row[api.ATTRIBUTE]))

    def test_home_alone_is_as_without_the_filter(self):
        self.bu.delete(self.theirs)
        for query in ('', '?limit=1', '?name=here', '?visibility=shared',
                      f'?marker={self.mine}'):
            self.assertEqual(self.send(PATH + query,
                                       app=self.without_filter).json,
                             self.get(PATH + query))

    def test_what_home_refuses(self):
        for query in ('sort=nothing', 'sort_key=x', 'sort_dir=up',
                      'limit=-1', 'limit=x', 'visibility=x',
                      'member_status=x', 'changes-since=2026-01-01',
                      'sort=name&sort_key=name', 'os_hidden=perhaps',
                      'protected=x', 'size_min=x', 'created_at=x',
                      'name=gt:x', 'marker=nothing',
                      f'marker={lists.new_id()}'):
            plain = self.send(f'{PATH}?{query}', app=self.without_filter)
            for self.bu.answers['GET', PATH] in (None, AWAY, (400, {}, {})):
                response = self.send(f'{PATH}?{query}')
                if 'marker' in query and self.bu.answers['GET', PATH]:
                    # Its row may be there.
                    continue
                self.assertEqual((query, 400, plain.text), (
                    query, response.status_int, response.text))

    def test_marker_may_be_where_nobody_answers(self):
        self.bu.answers['GET', PATH] = AWAY
        self.assertIn('provider bu', self.refused(
            503, f'{PATH}?marker={self.theirs}'))

    def test_filters(self):
        for query, filters in (
                ('name=there', {'name': 'there'}),
                ('name=in:there,x', {'name': 'in:there,x'}),
                ('tag=a', {'tag': 'a'}), ('size_min=5', {'size_min': '5'}),
                (f'id={self.theirs}', {'id': self.theirs}),
                ('os_distro=debian', {'os_distro': 'debian'}),
                ('visibility=private', {'visibility': 'private'}),
                ('member_status=all&name=there',
                 {'member_status': 'all', 'name': 'there'}),
                ('protected=false&name=there',
                 {'protected': 'false', 'name': 'there'}),
                ('owner=home-id-of-research&name=there',
                 {'owner': 'id-of-research', 'name': 'there'})):
            self.bu.add(self.theirs, b'123456', tags=['a'],
                        os_distro='debian')
            self.assertEqual([self.theirs], self.ids(query), query)
            sent = self.bu.lists[-1]
            del sent['limit']
            self.assertEqual(filters, sent)

    def test_owner_of_home_is_not_told(self):
        self.ids('owner=home-id-of-research')
        self.assertEqual('id-of-research', self.bu.lists[-1]['owner'])
        self.assertEqual('id-of-research', self.mit.lists[-1]['owner'])

    def test_hidden(self):
        self.bu.add(self.theirs, os_hidden=True)
        self.assertEqual([self.mine], self.ids())
        self.assertEqual([self.theirs], self.ids('os_hidden=true'))

    def test_visibility(self):
        private = self.theirs
        public = self.add_there(self.bu, 0, visibility='public')
        shared = self.add_there(self.mit, 0, visibility='shared')
        self.assertEqual({self.mine, public, shared},
                         set(self.ids('visibility=shared')))
        self.assertNotIn('visibility', self.bu.lists[-1])
        self.assertEqual([private], self.ids('visibility=private'))
        self.assertEqual({self.mine, private, public, shared},
                         set(self.ids('visibility=all')))
        before = len(self.bu.requests)
        for visibility in ('public', 'community'):
            image_id = self.add_home(visibility=visibility)
            self.assertEqual([image_id], self.ids(f'visibility={visibility}'))
            self.assertEqual([], self.ids(
                f'visibility={visibility}&{api.ATTRIBUTE}=bu'))
        self.assertEqual(before, len(self.bu.requests))

    def test_of_one(self):
        for kwargs in ({'query': f'{api.ATTRIBUTE}=bu'},
                       {'headers': {api.HEADER: 'bu'}}):
            self.assertEqual([self.theirs], self.ids(**kwargs))
        self.assertEqual([], self.mit.requests)
        self.assertEqual([self.mine], self.ids(f'{api.ATTRIBUTE}=none'))

    def test_links_keep_the_choice(self):
        for name in ('none', 'bu'):
            body = self.get(f'{PATH}?limit=1&{api.ATTRIBUTE}={name}')
            self.assertEqual([], self.get(body['next'])['images'])
            self.assertIn('service_provider=' + name, body['first'])

    def test_operator_does_not_merge(self):
        self.options += 'merge_listings = false\n'
        self.restart()
        self.assertEqual([self.mine], self.ids())
        self.assertEqual([self.mine, self.theirs],
                         self.ids(f'{api.ATTRIBUTE}=all'))

    def test_of_an_administrator_is_home_s(self):
        self.assertEqual([self.mine], self.ids(
            user='admin', roles='admin,member'))
        self.assertEqual([], self.bu.requests)

    def test_of_a_service_is_home_s(self):
        self.assertEqual([self.mine], self.ids(roles='member,reader,service'))
        self.assertEqual([], self.bu.requests)

    def test_of_a_stranger(self):
        del self.clouds.bu.projects['alice']
        response = self.send(f'{PATH}?name=here')
        self.assertEqual([self.mine], [row['id'] for row
                                       in response.json['images']])
        self.assertNotIn(api.MISSING_HEADER, response.headers)

    def test_id_that_home_has_or_had(self):
        gone = self.add_home(visibility='private', owner='another')
        self.delete_home(gone)
        for image_id in (gone, self.mine):
            self.bu.add(image_id, name='false')
        self.assertEqual([self.mine, self.theirs], self.ids())
        self.assertEqual([], self.ids('name=false'))

    def test_claimed_by_two(self):
        """Both are listed; who shows it has to choose."""
        self.add_there(self.mit, image_id=self.theirs)
        self.assertEqual(2, self.ids().count(self.theirs))
        self.refused(409, f'{PATH}/{self.theirs}')

    def test_limit(self):
        self.assertEqual([], self.ids('limit=0'))
        base.cfg.CONF.set_override('limit_param_default', 1)
        self.addCleanup(base.cfg.CONF.clear_override, 'limit_param_default')
        body = self.get(f'{PATH}?name=in:here,there&tag=')
        self.assertEqual([], body['images'])
        body = self.get(f'{PATH}?name=in:here,there&sort_key=name'
                        '&sort_key=size&sort_dir=desc')
        self.assertEqual([self.theirs], [row['id'] for row in body['images']])
        self.assertTrue(body['next'].startswith(
            f'{PATH}?name=in%3Ahere%2Cthere&sort_key=name&sort_key=size'
            f'&sort_dir=desc&marker={self.theirs}&'), body['next'])
        self.assertEqual([self.mine], [row['id'] for row in self.get(
            body['next'])['images']])


class TestBelieved(lists.ListTestCase):
    """An answer of another cloud is data."""

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.mine = self.add_home()

    def test_image_that_is_none_is_left_out(self):
        there = [self.add_there(self.bu, second, name=name)
                 for second, name in enumerate(('a', 5, 'c'), start=1)]
        self.assertEqual([there[2], there[0], self.mine], self.ids())
        self.assertIn(f'{there[1]} is left out', self.log.output)
        self.assertEqual([there[0]], self.ids(f'limit=1&marker={there[2]}'))

    def test_list_that_is_none(self):
        for body in ({}, {'images': 5}, {'images': [5]}, {'images': {}},
                     {'images': [{'id': '../x'}]},
                     {'images': [{'id': base.IMAGE}, {'id': base.IMAGE}]}):
            self.bu.answers['GET', PATH] = 200, body, {}
            response = self.send(PATH)
            self.assertEqual([self.mine], [row['id'] for row
                                           in response.json['images']])
            self.assertEqual('bu', response.headers[api.MISSING_HEADER])
