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

"""Requests about volumes of service providers through home's Cinder."""

import uuid

import requests

from mixmatch_cinder.home import rules
from tests.unit.mixmatch_cinder.home import base
from tests.unit.mixmatch_cinder.home import cinders

MARK = 'os-mixmatch:service_provider'
AWAY = requests.exceptions.ConnectTimeout()
models = cinders.db.models


class ProxyTestCase(base.RealCinderTestCase):

    def setUp(self):
        super().setUp()
        self.volume = self.cinders.bu.add()
        self.path = f'/volumes/{self.volume}'

    def do(self, path, method='POST', body=None, **kwargs):
        response = self.send(path, method, body=body, **kwargs)
        self.assertIn(response.status_int, (200, 202), response.text)
        return response

    def assertRefused(self, code, *words, **kwargs):
        response = self.send(**kwargs)
        self.assertEqual(code, response.status_int, response.text)
        [fault] = response.json.values()
        for word in words:
            self.assertIn(word, fault['message'])

    def at_bu(self, column, resource_id=None, model=None):
        return self.cinders.bu.value(resource_id or self.volume, column,
                                     model)

    def sent(self, name='bu'):
        return [each[1:] for each in self.cinders.asked_of(name)]


class TestVolume(ProxyTestCase):

    def test_delete(self):
        response = self.do(self.path, 'DELETE')
        self.assertEqual((202, b''), (response.status_int, response.body))
        self.assertEqual('deleting', self.at_bu('status'))

    def test_delete_with_snapshots(self):
        snapshot = self.cinders.bu.add_snapshot(self.volume)
        self.do(self.path + '?cascade=True', 'DELETE')
        self.assertEqual('deleting', self.at_bu(
            'status', snapshot, models.Snapshot))

    def test_extend(self):
        self.do(self.path + '/action', body={'os-extend': {'new_size': 2}})
        self.assertEqual('extending', self.at_bu('status'))

    def test_rename(self):
        response = self.do(self.path, 'PUT', {'volume': {'name': 'new'}})
        self.assertEqual('bu', response.json['volume'][MARK])
        self.assertIn('http://home:8776/',
                      response.json['volume']['links'][0]['href'])
        self.assertEqual('new', self.at_bu('display_name'))

    def test_metadata(self):
        path = self.path + '/metadata'
        self.do(path, body={'metadata': {'a': '1', 'b': '2'}})
        self.do(path + '/a', 'DELETE')
        self.assertEqual({'metadata': {'b': '2'}}, self.get(path))

    def test_metadata_whose_key_is_no_path(self):
        self.cinders.bu.add_metadata(self.volume, 'a ?#', '1')
        self.do(self.path + '/metadata/a%20%3f%23', 'DELETE')
        self.assertEqual({'metadata': {}}, self.get(self.path + '/metadata'))

    def test_unmanage_is_for_administrators_there(self):
        response = self.send(self.path + '/action', 'POST',
                             body={'os-unmanage': {}}, roles=['admin'],
                             is_admin=True)
        self.assertEqual(403, response.status_int)
        self.assertIn('Service provider bu: ', response.text)

    def test_bootable(self):
        self.do(self.path + '/action', body={
            'os-set_bootable': {'bootable': True}})
        self.assertTrue(self.at_bu('bootable'))

    def test_id_in_another_way_of_writing(self):
        self.do(f'/volumes/{self.volume.upper()}', 'DELETE')
        self.assertEqual('deleting', self.at_bu('status'))

    def test_path_with_a_project(self):
        self.do(f'/home-id-of-research{self.path}', 'DELETE')
        self.assertIn(('DELETE', self.path), self.sent())

    def test_only_its_own_cloud_is_told(self):
        self.get(self.path)
        before = len(self.sent('mit'))
        self.do(self.path, 'DELETE')
        self.assertEqual(before, len(self.sent('mit')))
        self.assertEqual([], self.clouds.leaks())


class TestSnapshot(ProxyTestCase):

    def create(self):
        return self.do('/snapshots', body={'snapshot': {
            'volume_id': self.volume, 'name': 'yesterday'}}).json['snapshot']

    def test_create(self):
        snapshot = self.create()
        self.assertEqual('bu', snapshot[MARK])
        self.assertEqual(self.volume, self.at_bu(
            'volume_id', snapshot['id'], models.Snapshot))
        self.assertEqual(0, self.cinders.home.count(models.Snapshot))

    def test_show(self):
        snapshot = self.create()['id']
        shown = self.get(f'/snapshots/{snapshot}')['snapshot']
        self.assertEqual(('yesterday', 'bu'), (shown['name'], shown[MARK]))

    def test_rename_and_metadata(self):
        path = f'/snapshots/{self.cinders.bu.add_snapshot(self.volume)}'
        self.do(path, 'PUT', {'snapshot': {'name': 'new'}})
        self.do(path + '/metadata', body={'metadata': {'a': '1'}})
        shown = self.get(path)['snapshot']
        self.assertEqual(('new', {'a': '1'}),
                         (shown['name'], shown['metadata']))

    def test_delete(self):
        snapshot = self.cinders.bu.add_snapshot(self.volume)
        self.do(f'/snapshots/{snapshot}', 'DELETE')
        self.assertEqual('deleting', self.at_bu('status', snapshot,
                                                models.Snapshot))


class TestCreate(ProxyTestCase):

    def create(self, **body):
        return self.do('/volumes', body={
            'volume': {'size': 1, 'name': 'new', **body}}).json['volume']

    def test_by_availability_zone(self):
        volume = self.create(availability_zone='bu')
        self.assertEqual('bu', volume[MARK])
        self.assertEqual('new', self.at_bu('display_name', volume['id']))
        self.assertEqual(0, self.cinders.home.count(models.Volume))
        self.assertEqual([], self.cinders.asked_of(''))

    def test_in_an_availability_zone_there(self):
        self.create(availability_zone='bu:nova')
        self.assertEqual(2, self.cinders.bu.count(models.Volume))
        self.assertRefused(
            400, 'Service provider bu', 'nowhere', path='/volumes',
            method='POST', body={'volume': {
                'size': 1, 'availability_zone': 'bu:nowhere'}})

    def test_by_the_header(self):
        self.do('/volumes', body={'volume': {'size': 1}}, headers={
            'OpenStack-Mixmatch-Service-Provider': 'bu'})
        self.assertEqual(2, self.cinders.bu.count(models.Volume))

    def test_at_home(self):
        self.create()
        self.create(availability_zone=None)
        self.assertEqual(2, self.cinders.home.count(models.Volume))
        self.assertEqual([], self.clouds.requests)

    def test_an_availability_zone_of_home_is_homes(self):
        self.cinders.home.add_zone('bu')
        self.create(availability_zone='bu')
        self.assertEqual(1, self.cinders.home.count(models.Volume))
        self.assertEqual([], self.clouds.requests)

    def test_from_a_snapshot_there(self):
        snapshot = self.cinders.bu.add_snapshot(self.volume)
        volume = self.create(snapshot_id=snapshot)
        self.assertEqual('bu', volume[MARK])
        self.assertEqual(snapshot, self.at_bu('snapshot_id', volume['id']))

    def test_from_a_volume_there(self):
        volume = self.create(source_volid=self.volume)
        self.assertEqual(self.volume,
                         self.at_bu('source_volid', volume['id']))

    def test_of_something_at_home(self):
        """The id is not sent to a service provider."""
        source = self.cinders.home.add()
        self.assertRefused(
            400, source, 'bu', path='/volumes', method='POST',
            body={'volume': {'size': 1, 'source_volid': source,
                             'availability_zone': 'bu'}})
        self.assertEqual([], self.sent())

    def test_service_provider_that_is_not_offered(self):
        self.home.service_providers = {}
        self.assertRefused(400, 'not offered', path='/volumes', method='POST',
                           body={'volume': {'size': 1,
                                            'availability_zone': 'bu'}})

    def test_body_that_is_none(self):
        for body in ([], {}, {'volume': None}, {'volume': []},
                     {'volume': {'availability_zone': 5}}):
            self.assertEqual(400, self.send(
                '/volumes', 'POST', body=body).status_int, body)


class TestService(ProxyTestCase):
    """Requests of home's Nova for a user, with a service token."""

    headers = {'X-Service-Identity-Status': 'Confirmed'}

    def assertMakesNothing(self, path, body):
        before = self.cinders.bu.count(models.Volume)
        self.assertRefused(400, 'service provider bu', 'nova.conf', path=path,
                           method='POST', body=body, headers=self.headers)
        self.assertEqual(before, self.cinders.bu.count(models.Volume))

    def test_volume_of_something_there(self):
        snapshot = self.cinders.bu.add_snapshot(self.volume)
        for source in ({'snapshot_id': snapshot},
                       {'source_volid': self.volume}):
            self.assertMakesNothing('/volumes', {
                'volume': {'size': 1, **source}})

    def test_snapshot_of_something_there(self):
        self.assertMakesNothing('/snapshots', {
            'snapshot': {'volume_id': self.volume}})
        self.assertEqual(0, self.cinders.bu.count(models.Snapshot))

    def test_zone_of_nova_that_is_called_like_a_service_provider(self):
        response = self.send('/volumes', 'POST', headers=self.headers, body={
            'volume': {'size': 1, 'availability_zone': 'bu'}})
        self.assertEqual(400, response.status_int, response.text)
        self.assertIn("zone 'bu' is invalid", response.text)
        self.assertEqual([], self.sent())

    def test_it_may_look_and_delete(self):
        self.get(self.path, headers=self.headers)
        self.do(self.path, 'DELETE', headers=self.headers)
        self.assertEqual('deleting', self.at_bu('status'))


class TestRefused(ProxyTestCase):
    """The message names the cloud."""

    def test_what_makes_sense_only_there(self):
        for action, body in (
                ('os-volume_upload_image', {'image_name': 'copy'}),
                ('os-reserve', {}),
                ('os-attach', {'instance_uuid': str(uuid.uuid4()),
                               'mountpoint': '/dev/vdb'}),
                ('os-initialize_connection', {'connector': {}})):
            self.assertRefused(
                400, action, 'service provider bu', path=self.path + '/action',
                method='POST', body={action: body})
        for method, below in (('DELETE', '/metadata/..'),
                              ('GET', '/encryption/cipher')):
            self.assertRefused(400, 'bu', path=self.path + below,
                               method=method)
        self.assertEqual('available', self.at_bu('status'))

    def test_upload(self):
        """Only where home's Glance can show the image."""
        self.options += 'upload_images = true\n'
        self.restart()
        # NOTE: these clouds have no Glance.
        self.assertRefused(
            400, 'Service provider bu: ', path=self.path + '/action',
            method='POST', body={rules.UPLOAD: {'image_name': 'copy'}})
        self.assertTrue([each for each in self.sent()
                         if f'{self.path}/action' in str(each)])

    def test_what_is_made_of_a_volume(self):
        for collection, body in (
                ('backups', {'backup': {'volume_id': self.volume}}),
                ('volume-transfers', {'transfer': {
                    'volume_id': self.volume}}),
                ('os-volume-transfer', {'transfer': {
                    'volume_id': self.volume}}),
                ('attachments', {'attachment': {
                    'volume_uuid': self.volume,
                    'instance_uuid': str(uuid.uuid4())}})):
            self.assertRefused(400, collection, 'service provider bu',
                               path=f'/{collection}', method='POST',
                               body=body)

    def test_the_command_that_works_is_named(self):
        backup = self.cinders.home.add_backup()
        for path, body, command in (
                ('/backups', {'backup': {'volume_id': self.volume}},
                 f'volume backup create {self.volume}'),
                (self.path + '/action', {'os-volume_upload_image': {
                    'image_name': 'copy'}},
                 f'image create --volume {self.volume}'),
                (f'/backups/{backup}/restore', {'restore': {
                    'volume_id': self.volume}}, '...')):
            self.assertRefused(
                400, f'Volume {self.volume} lives at service provider bu',
                '--os-service-provider bu', command, path=path, method='POST',
                body=body)

    def test_what_it_refuses_itself(self):
        self.assertRefused(400, 'Service provider bu: ', 'New size',
                           path=self.path + '/action', method='POST',
                           body={'os-extend': {'new_size': 1}})

    def test_its_words_are_not_trusted(self):
        self.get(self.path)
        for said in ('two\nlines', 'x' * 10_000, None, ['list']):
            self.cinders.delete_answers['bu'] = {
                'status_code': 409, 'json': {'conflict': {'message': said}}}
            response = self.send(self.path, 'DELETE')
            self.assertEqual(409, response.status_int)
            message = response.json['conflictingRequest']['message']
            self.assertIn('Service provider bu: ', message)
            self.assertNotIn('\n', message)
            self.assertLess(len(message), 600)

    def test_away(self):
        self.cinders.broken['bu'] = AWAY
        for _ in range(2):
            self.assertRefused(503, 'bu does not answer', path=self.path,
                               method='DELETE')
            self.assertRefused(503, 'bu', path='/snapshots', method='POST',
                               body={'snapshot': {'volume_id': self.volume}})

    def test_its_error_is_no_outage(self):
        """A name with half a surrogate pair is a 500 of any Cinder."""
        self.get(self.path)
        self.cinders.delete_answers['bu'] = {'status_code': 500}
        self.assertRefused(502, 'bu could not do this: its Cinder answered '
                           'HTTP 500', path=self.path, method='DELETE')

    def test_nobody_has_it(self):
        for method in ('GET', 'DELETE'):
            response = self.send(f'/volumes/{uuid.uuid4()}', method)
            self.assertEqual(404, response.status_int)


class TestHomesOwn(ProxyTestCase):
    """Requests about local resources stay local."""

    def test_all_of_it(self):
        volume = self.cinders.home.add()
        snapshot = self.do('/snapshots', body={'snapshot': {
            'volume_id': volume}}).json['snapshot']['id']
        path = f'/volumes/{volume}'
        self.do(path + '/metadata', body={'metadata': {'a': '1'}})
        self.do(path, 'PUT', {'volume': {'name': 'new'}})
        self.get(path)
        self.get(f'/snapshots/{snapshot}')
        self.assertEqual(404, self.send(path + '/metadata/no',
                                        'DELETE').status_int)
        self.cinders.home.delete(volume)
        for method in ('GET', 'DELETE'):
            self.assertEqual(404, self.send(path, method).status_int)
        self.assertEqual([], self.clouds.requests)

    def test_body_reaches_home_as_it_was_sent(self):
        response = self.send('/volumes/x/metadata', 'POST', body={'a': 1})
        self.assertEqual(400, response.status_int)

    def test_choice_is_not_homes_business(self):
        volume = self.cinders.home.add()
        self.get(f'/volumes/{volume}?{MARK}=bu')
        self.assertEqual(('', 'GET', f'/v3/volumes/{volume}'),
                         self.cinders.asked[0])
