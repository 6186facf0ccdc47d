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

"""Images that users create at a chosen cloud."""

import json
from unittest import mock
import uuid

from glance.common import property_utils

from mixmatch import api
from tests import clouds
from tests.unit_glance import base
from tests.unit_glance import glances
from tests.unit_glance import lists

PATH = '/v2/images'
METHODS = 'OpenStack-image-import-methods'


class CreationTestCase(lists.ListTestCase):

    def setUp(self):
        super().setUp()
        self.bu.answers['POST', PATH] = self.make

    def make(self, handler, /, **more):
        """Answer as a Glance that makes an image."""
        values = json.loads(self.bu.requests[-1][3])
        image_id = values.pop('id')
        made = self.bu.add(image_id, **{
            **values, 'status': 'queued', 'size': None, 'checksum': None,
            'os_hash_algo': None, 'os_hash_value': None, **more})
        handler.send(201, json.dumps(made).encode(), **{
            'Content-Type': 'application/json',
            METHODS: 'glance-direct,web-download,copy-image'})

    def create(self, at='bu', **values):
        user = {key: values.pop(key) for key in (
            'user', 'roles', 'headers', 'app', 'environ_more')
            if key in values}
        return self.send(PATH, 'POST', {
            'name': 'new', 'disk_format': 'raw', 'container_format': 'bare',
            api.CREATE_AT: at, **values}, **user)

    def refuses(self, status, at='bu', **values):
        """Create no image; the text of the error."""
        response = self.create(at, **values)
        self.assertEqual(status, response.status_int, response.text)
        self.assertEqual([], self.clouds.leaks())
        self.assertEqual([], self.ids(headers={api.HEADER: api.NONE}))
        return response.text

    def sent(self):
        [found] = [json.loads(body) for method, path, _, body
                   in self.bu.requests if (method, path) == ('POST', PATH)]
        return found


class TestCreation(CreationTestCase):

    def test_at_the_cloud(self):
        response = self.create(os_distro='debian', visibility='private')
        self.assertEqual(201, response.status_int, response.text)
        image = response.json
        self.assertEqual(
            ('new', 'queued', 'bu', 'home-id-of-research', 'debian'),
            tuple(image[key] for key in ('name', 'status', api.ATTRIBUTE,
                                         'owner', 'os_distro')))
        self.assertEqual({
            'name': 'new', 'disk_format': 'raw', 'container_format': 'bare',
            'os_distro': 'debian', 'visibility': 'private',
            'id': image['id']}, self.sent())
        self.assertEqual(f'http://localhost{PATH}/{image["id"]}',
                         response.headers['Location'])
        self.assertEqual([], self.clouds.leaks())
        self.assertEqual([], self.ids(headers={api.HEADER: api.NONE}))
        shown = self.get(f'{PATH}/{image["id"]}')
        self.assertEqual(image, shown)
        self.assertEqual([image['id']], self.ids())

    def test_answers_as_home_does(self):
        at_home = self.send(PATH, 'POST', {
            'name': 'new', 'disk_format': 'raw', 'container_format': 'bare'})
        foreign = self.create()
        names = ('Content-Type', 'Location')
        for response in (at_home, foreign):
            self.assertEqual(
                ('application/json',
                 f'http://localhost{PATH}/{response.json["id"]}'),
                tuple(response.headers[name] for name in names))
        self.assertEqual(set(at_home.json) | {
            api.ATTRIBUTE, api.PROJECT_ATTRIBUTE}, set(foreign.json))

    def test_as_the_user(self):
        self.create(user='bob')
        [token] = [headers['X-Auth-Token'] for method, _, headers, _
                   in self.bu.requests if method == 'POST']
        self.assertEqual(('bob', 'id-of-teaching'),
                         self.clouds.bu.tokens[token])

    def test_import_methods_of_both(self):
        """By this a client knows whether it can import."""
        home = self.get('/v2/info/import')['import-methods']['value']
        self.assertIn('glance-direct', home)
        self.assertEqual('glance-direct,web-download',
                         self.create().headers[METHODS])
        self.bu.answers['POST', PATH] = lambda handler: self.make_plain(
            handler)
        self.assertNotIn(METHODS, self.create().headers)

    def make_plain(self, handler):
        values = json.loads(self.bu.requests[-1][3])
        handler.send(201, json.dumps(glances.image(values['id'])).encode())

    def test_chosen_id(self):
        image_id = str(uuid.uuid4())
        self.assertEqual(image_id, self.create(id=image_id).json['id'])
        self.assertEqual(image_id, self.sent()['id'])

    def test_owner(self):
        """Home's project is another one there."""
        self.create(owner='home-id-of-research')
        self.assertNotIn('owner', self.sent())

    def test_owner_there(self):
        self.create(owner='id-of-teaching')
        self.assertEqual('id-of-teaching', self.sent()['owner'])

    def test_visibility_is_that_clouds(self):
        self.assertEqual('shared', self.create(
            visibility='public').json['visibility'])
        self.assertEqual('public', self.sent()['visibility'])

    def test_no_mark_is_sent(self):
        self.create(**{api.ATTRIBUTE: 'mit', 'os-mixmatch:x': 'y'})
        self.assertEqual([], [key for key in self.sent()
                              if key.startswith('os-mixmatch')])

    def test_in_chunks(self):
        response = self.create(headers={'Transfer-Encoding': 'chunked'})
        self.assertEqual((201, 'bu'), (response.status_int,
                                       response.json[api.ATTRIBUTE]))

    def test_key_that_is_written_otherwise(self):
        body = json.dumps({api.CREATE_AT: 'bu', 'disk_format': 'raw'}).replace(
            'create_at', 'create\\u005fat')
        response = self.send(PATH, 'POST', POST=body.encode(), headers={
            'Content-Type': 'application/json'})
        self.assertEqual('bu', response.json[api.ATTRIBUTE])

    def test_query_that_is_no_text(self):
        """It does not make it one of home."""
        response = self.send(f'{PATH}?x=%ff', 'POST', {
            'name': 'new', 'disk_format': 'raw', 'container_format': 'bare',
            api.CREATE_AT: 'bu'})
        self.assertEqual((201, 'bu'), (
            response.status_int, response.json[api.ATTRIBUTE]))
        self.assertEqual([], self.ids(headers={api.HEADER: api.NONE}))

    def test_is_listed_at_once(self):
        """Other processes are told that the project has something there."""
        with mock.patch.object(type(self.federation.holdings), 'add',
                               autospec=True) as add:
            self.create()
        [(_, owner, name)] = [each.args for each in add.mock_calls]
        self.assertEqual(('images', 'home-id-of-research', 'bu'),
                         (owner.kind, owner.project_id, name))


class TestRefused(CreationTestCase):
    """Nothing is created, and never at home instead."""

    def test_unknown_cloud(self):
        for at in ('nowhere', '', 'all', 'none', None, 5, ['bu'], {},
                   'x' * 3000):
            said = self.refuses(400, at)
            self.assertIn('use here: bu, mit', said)
            self.assertLess(len(said), 2000)
        self.assertEqual([], self.bu.requests)

    def test_cloud_that_is_not_in_the_token(self):
        del self.home.service_providers['bu']
        self.assertIn('not offered to you', self.refuses(400))

    def test_without_providers(self):
        self.home.service_providers.clear()
        self.assertIn('use here: none', self.refuses(400))

    def test_where_home_has_none(self):
        with mock.patch.object(clouds, 'HOME_CONF', clouds.HOME_CONF.replace(
                'service_providers = %s', 'service_providers =\n# %s')):
            self.restart()
        self.assertIn('use here: none', self.refuses(400))

    def test_without_a_user(self):
        for environ in ({'HTTP_X_AUTH_TOKEN': ''},
                        {'HTTP_X_PROJECT_ID': ''}):
            self.assertIn('use here: none', self.refuses(
                400, environ_more=environ))

    def test_no_access(self):
        del self.clouds.bu.projects['alice']
        self.assertIn('provider bu', self.refuses(403))

    def test_without_glance(self):
        del self.clouds.bu.services['image']
        self.restart()
        self.assertIn('provider bu', self.refuses(502))

    def test_by_the_provider(self):
        for status, body in ((403, {'message': 'You may <b>not</b>.<br />'}),
                             (409, {}), (413, {'message': 'quota'})):
            self.bu.answers['POST', PATH] = status, body, {}
            self.assertIn('Service provider bu: ', self.refuses(status))

    def test_provider_fails(self):
        for status, shown in ((500, 502), (503, 503), (401, 503), (302, 503)):
            self.bu.answers['POST', PATH] = status, {}, {}
            self.assertIn('provider bu', self.refuses(shown))
            self.restart()

    def test_lost_answer(self):
        def close(handler):
            handler.close_connection = True
        self.bu.answers['POST', PATH] = close
        said = self.refuses(503)
        self.assertIn('may have been made there', said)
        self.assertIn(self.sent()['id'], said)

    def test_invalid_answers(self):
        for status, body in ((201, {}), (201, glances.image(base.IMAGE)),
                             (200, {'id': 5})):
            self.bu.answers['POST', PATH] = status, body, {}
            self.assertIn('may have been made there', self.refuses(503))

    def test_answer_with_an_image_of_home(self):
        """The client would send its bits there, or delete it."""
        image_id = self.add_home()
        self.bu.answers['POST', PATH] = 201, glances.image(image_id), {}
        response = self.create()
        self.assertEqual(503, response.status_int, response.text)

    def test_id_of_home(self):
        image_id = self.add_home()
        self.assertEqual(409, self.create(id=image_id).status_int)
        self.delete_home(image_id)
        self.assertIn('has existed', self.refuses(409, id=image_id))
        self.assertEqual([], self.bu.requests)

    def test_id_that_nobody_finds(self):
        for image_id in (base.IMAGE.replace('-', ''), 'x', '', None, 5,
                         str(uuid.uuid4()).upper()):
            self.refuses(400, id=image_id)
        self.assertEqual([], self.bu.requests)

    def test_too_large(self):
        self.refuses(413, long='x' * 1048576)
        self.assertEqual([], self.bu.requests)

    def test_provider_that_is_away(self):
        self.clouds.bu.services['image'] = 'http://127.0.0.1:1'
        self.restart()
        self.assertNotIn('may have been', self.refuses(503))


class TestProtected(CreationTestCase):

    def setUp(self):
        super().setUp()
        self.patch(property_utils, 'is_property_protection_enabled', True)
        allowed = self.patch(property_utils.PropertyRules,
                             'check_property_rules', None)
        allowed.side_effect = lambda _, key, action, context: (
            key != 'billing')
        self.patch(property_utils.PropertyRules, '__init__', None)
        self.restart()

    def patch(self, owner, name, value):
        patcher = mock.patch.object(owner, name, autospec=True,
                                    return_value=value)
        self.addCleanup(patcher.stop)
        return patcher.start()

    def test_cannot_be_set(self):
        self.assertIn('Property billing is protected', self.refuses(
            403, billing='x'))
        self.assertEqual([], self.bu.requests)

    def test_others_can(self):
        self.assertEqual('y', self.create(other='y').json['other'])


class TestAtHome(CreationTestCase):
    """An image is home's, unless the request chooses a cloud."""

    def test_snapshot_of_a_server(self):
        """Nova copies the mark of the server's image."""
        response = self.send(PATH, 'POST', {
            'name': 'snapshot', 'disk_format': 'raw',
            'container_format': 'bare', api.ATTRIBUTE: 'bu',
            api.PROJECT_ATTRIBUTE: 'id-of-research',
            'base_image_ref': base.IMAGE})
        self.assertEqual(201, response.status_int, response.text)
        self.assertNotIn(api.ATTRIBUTE, response.json)
        self.assertEqual([response.json['id']],
                         self.ids(headers={api.HEADER: api.NONE}))
        self.assertNotIn('POST', [each[0] for each in self.bu.requests])

    def test_no_image_has_the_choice(self):
        """Or a copy of it would choose as well."""
        self.create(os_distro='debian')
        for _, body, _ in (each for each in self.bu.answers.values()
                           if isinstance(each, tuple)):
            body[api.CREATE_AT] = 'bu'
        [image] = self.get(PATH)['images']
        self.assertNotIn(api.CREATE_AT, image)
        self.assertNotIn(api.CREATE_AT, self.get(f'{PATH}/{image["id"]}'))

    def test_other_bodies(self):
        for body in (b'{', b'[]', b'"os-mixmatch:create_at"', b'\xff', b'{}'):
            plain, filtered = (self.send(PATH, 'POST', POST=body, headers={
                'Content-Type': 'application/json'}, app=app)
                for app in (self.without_filter, self.filter))
            self.assertEqual(plain.status_int, filtered.status_int, body)

    def test_value_is_no_choice(self):
        response = self.send(PATH, 'POST', {
            'disk_format': 'raw', 'container_format': 'bare',
            'x': api.CREATE_AT})
        self.assertEqual(api.CREATE_AT, response.json['x'])
