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

"""Images for home's Nova, where an administrator works on a user's server."""

from mixmatch import api
from tests.unit_glance import base

PATH = f'/v2/images/{base.IMAGE}'
AT = 'bu/id-of-research'
ADMIN = 'admin,member,reader'

#: As Keystone's middleware passes a confirmed service token on.
SERVICE = {'HTTP_X_SERVICE_IDENTITY_STATUS': 'Confirmed',
           'HTTP_X_SERVICE_ROLES': 'admin,service'}


class TestWithoutUser(base.GlanceTestCase):

    def setUp(self):
        super().setUp()
        self.bu.add(base.IMAGE, b'bits')
        for name in self.names:
            # NOTE: nobody there knows them.
            for user in ('admin', 'bob'):
                del self.clouds.service_providers[name].projects[user]

    def ask(self, path=PATH, method='GET', user='admin', roles=ADMIN, at=AT,
            service=SERVICE, **kwargs):
        """Ask as Nova does when an administrator works on a server."""
        return self.send(path, method, user=user, roles=roles,
                         headers={api.IMAGE_HEADER: at},
                         environ_more=service, **kwargs)

    def askers(self):
        """Return the users that bu was asked as, and their projects."""
        tokens = self.clouds.bu.tokens
        return {tokens[headers['X-Auth-Token']]
                for _, _, headers, _ in self.bu.requests}

    def test_image_tells_its_project(self):
        self.assertEqual('id-of-research', self.show()[api.PROJECT_ATTRIBUTE])

    def test_shown(self):
        response = self.ask()
        self.assertEqual(200, response.status_int, response.text)
        self.assertEqual(('bu', 'id-of-research'), (
            response.json[api.ATTRIBUTE],
            response.json[api.PROJECT_ATTRIBUTE]))
        (user, project), = self.askers()
        self.assertNotIn(user, ('admin', 'alice'))
        self.assertEqual('id-of-research', project)
        self.assertEqual([], self.mit.requests)

    def test_bits(self):
        response = self.ask(f'{PATH}/file')
        self.assertEqual((200, b'bits'), (response.status_int, response.body))

    def test_not_there(self):
        self.bu.delete(base.IMAGE)
        self.assertEqual(404, self.ask().status_int)

    def test_provider_is_away(self):
        self.bu.answers['GET', PATH] = 503, {}, {}
        response = self.ask()
        self.assertEqual(503, response.status_int)
        self.assertIn('bu', response.text)

    def test_glance_is_not_let_in(self):
        del self.clouds.bu.projects['nova']
        response = self.ask()
        self.assertEqual(502, response.status_int)
        self.assertIn('Service provider bu', response.text)
        self.assertEqual([], self.bu.requests)

    def test_policy_does_not_let_it_read(self):
        self.bu.answers['GET', PATH] = 403, {}, {}
        self.assertEqual(404, self.ask().status_int)

    def test_who_may_not_say_so(self):
        for name, kwargs in {
                'a user': {'user': 'bob', 'roles': 'member'},
                'no service': {'service': {}},
                'not confirmed': {'service': {
                    **SERVICE, 'HTTP_X_SERVICE_IDENTITY_STATUS': 'Invalid'}},
                'another role': {'service': {
                    **SERVICE, 'HTTP_X_SERVICE_ROLES': 'admin'}},
                'unknown provider': {'at': 'nowhere/id-of-research'},
                'no project': {'at': 'bu/'},
                'no name': {'at': 'id-of-research'},
        }.items():
            with self.subTest(name):
                self.assertEqual(404, self.ask(**kwargs).status_int)
                self.assertEqual([], self.bu.requests)

    def test_only_to_read(self):
        for method, path in (('DELETE', PATH), ('PUT', f'{PATH}/tags/x'),
                             ('GET', f'{PATH}/members')):
            with self.subTest(method):
                self.ask(path, method)
                self.assertEqual([], [each for each in self.bu.requests
                                      if each[1] != PATH])
                self.assertEqual([], self.bu.sent('DELETE'))

    def test_image_of_home(self):
        image_id = self.add_home_image(user='alice', visibility='private')
        self.bu.add(image_id)
        self.assertEqual(200, self.ask(f'/v2/images/{image_id}').status_int)
        self.assertEqual([], self.bu.requests)

    def test_no_token_leaves(self):
        self.ask(f'{PATH}/file')
        self.assertEqual([], self.clouds.leaks())
