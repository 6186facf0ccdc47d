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

"""One image of another cloud, found by its id."""

import logging

import fixtures

from mixmatch import api
from tests.unit_glance import base
from tests.unit_glance import glances

PATH = f'/v2/images/{base.IMAGE}'


class TestShow(base.GlanceTestCase):

    def test_found_at_one(self):
        self.bu.add(base.IMAGE, b'bits', name='disk', os_distro='cirros')
        shown = self.show()
        self.assertEqual({
            **glances.image(base.IMAGE, b'bits', name='disk'),
            'os_distro': 'cirros', 'owner': 'home-id-of-research',
            api.ATTRIBUTE: 'bu',
            api.PROJECT_ATTRIBUTE: 'id-of-research'}, shown)
        self.assertEqual([], self.clouds.leaks())

    def test_as_the_user(self):
        self.bu.add(base.IMAGE)
        self.show()
        tokens = self.clouds.bu.tokens
        self.assertEqual(
            [('alice', 'id-of-research')],
            [tokens[headers['X-Auth-Token']]
             for _, _, headers, _ in self.bu.requests])

    def test_with_the_request_id_of_home(self):
        self.bu.add(base.IMAGE)
        response = self.send(PATH)
        sent = self.bu.requests[0][2]['X-OpenStack-Request-ID']
        self.assertEqual(response.headers['X-OpenStack-Request-ID'], sent)

    def test_not_in_circles(self):
        self.bu.add(base.IMAGE)
        self.show()
        self.assertEqual(api.NONE, self.bu.requests[0][2][api.HEADER])
        self.refused(404, headers={api.HEADER: api.NONE})
        self.assertEqual(1, len(self.bu.requests))

    def test_found_nowhere(self):
        plain = self.send(PATH, app=self.without_filter)
        response = self.send(PATH)
        self.assertEqual((404, plain.text),
                         (response.status_int, response.text))
        self.assertEqual(1, len(self.bu.requests))
        self.assertEqual(1, len(self.mit.requests))

    def test_of_home(self):
        image_id = self.add_home_image(user='alice')
        shown = self.get(f'/v2/images/{image_id}')
        self.assertNotIn(api.ATTRIBUTE, shown)
        self.assertEqual([], self.bu.requests)

    def test_of_home_for_others(self):
        """Home has the id, so it is looked for nowhere else."""
        image_id = self.add_home_image(user='alice', visibility='private')
        self.bu.add(image_id)
        self.refused(404, f'/v2/images/{image_id}', user='bob')
        self.assertEqual([], self.bu.requests)

    def test_deleted_at_home(self):
        image_id = self.add_home_image(user='alice')
        self.bu.add(image_id)
        self.assertEqual(204, self.send(f'/v2/images/{image_id}',
                                        'DELETE').status_int)
        self.refused(404, f'/v2/images/{image_id}')
        self.refused(404, f'/v2/images/{image_id}/file')
        self.assertEqual([], self.bu.requests)

    def test_claimed_by_two(self):
        self.bu.add(base.IMAGE)
        self.mit.add(base.IMAGE)
        self.assertIn('bu, mit', self.refused(409))

    def test_first_to_have_it_keeps_it(self):
        self.bu.add(base.IMAGE)
        self.show()
        self.mit.add(base.IMAGE)
        self.assertEqual('bu', self.show()[api.ATTRIBUTE])

    def test_one_is_chosen(self):
        self.bu.add(base.IMAGE)
        self.mit.add(base.IMAGE)
        for name in self.names:
            shown = self.get(f'{PATH}?{api.ATTRIBUTE}={name}')
            self.assertEqual(name, shown[api.ATTRIBUTE])

    def test_one_is_away(self):
        self.mit.answers['GET', PATH] = 503, {}, {}
        self.assertIn('Service provider mit', self.refused(503))

    def test_one_is_away_and_another_has_it(self):
        self.mit.answers['GET', PATH] = 503, {}, {}
        self.bu.add(base.IMAGE)
        self.assertEqual('bu', self.show()[api.ATTRIBUTE])

    def test_one_fails(self):
        self.mit.answers['GET', PATH] = 500, {}, {}
        self.assertIn('HTTP 500', self.refused(502))

    def test_one_leads_elsewhere(self):
        self.mit.answers['GET', PATH] = 302, {}, {
            'Location': f'{self.bu.url}/v2/images'}
        self.assertIn('HTTP 302', self.refused(503))

    def test_one_has_no_glance(self):
        """A cloud that lends volumes only."""
        del self.clouds.mit.services['image']
        self.bu.add(base.IMAGE)
        self.assertEqual('bu', self.show()[api.ATTRIBUTE])

    def test_not_mapped(self):
        self.bu.add(base.IMAGE)
        del self.clouds.bu.projects['bob']
        self.refused(404, user='bob')
        self.assertEqual([], self.bu.requests)

    def test_not_offered(self):
        self.bu.add(base.IMAGE)
        self.home.service_providers = {}
        self.refused(404)
        self.assertEqual([], self.bu.requests)

    def test_only_ids_as_glance_makes_them(self):
        for image_id in (base.IMAGE.replace('-', ''), f'{base.IMAGE}%0a',
                         f'{base.IMAGE}.json', 'nothing', '..',
                         f'{base.IMAGE}/other',
                         '%ff', 'ABCDEF00-0000-4000-8000-000000000000'):
            self.refused(404, f'/v2/images/{image_id}')
        self.assertEqual([], self.bu.requests)

    def test_head_is_as_at_home(self):
        """Glance has no HEAD of an image."""
        plain = self.send(PATH, 'HEAD', app=self.without_filter)
        self.bu.add(base.IMAGE)
        response = self.send(PATH, 'HEAD')
        self.assertEqual((405, plain.headers['Allow']),
                         (response.status_int, response.headers['Allow']))
        self.assertEqual([], self.bu.requests)

    def test_without_a_token(self):
        request = base.webob.Request.blank(PATH)
        self.assertEqual(401, request.get_response(self.filter).status_int)

    def test_no_token_is_logged(self):
        self.bu.add(base.IMAGE)
        self.show()
        said = self.log.output
        self.assertIn(base.IMAGE, said)
        self.assertEqual([], [each for each in self.clouds.secrets()
                              if each in said])

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger(
            level=logging.DEBUG))
