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

"""Requests to Nova's own API that meet an error of another cloud."""

import logging

import fixtures as base_fixtures
from nova.api import openstack
from nova.api.openstack import wsgi
from nova.db.main import api as nova_db
from nova import exception
from nova import objects

from mixmatch import exceptions
from mixmatch_nova import middleware
from mixmatch_nova import state
from tests.unit import fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import nova_api

MARK = 'os-mixmatch:service_provider'


class TestVolumesOfNova(nova_api.ApiTestCase):
    """The proxy of Cinder's API that old microversions of Nova have."""

    path = f'/os-volumes/{base.VOLUME}'
    away = {'serviceUnavailable': {
        'code': 503, 'message': 'Service provider bu does not answer: asleep'}}

    def home_says(self, method, path, code, body):
        self.clouds.mock.register_uri(
            method, self.home.cinder_url + path, status_code=code, json=body)

    def test_away(self):
        for method, path, cinder in (
                ('GET', self.path, f'/volumes/{base.VOLUME}'),
                ('DELETE', self.path, f'/volumes/{base.VOLUME}'),
                ('GET', '/os-volumes', '/volumes/detail'),
                ('GET', '/os-volumes/detail', '/volumes/detail'),
                ('GET', '/os-snapshots', '/snapshots/detail'),
                ('GET', f'/os-snapshots/{base.VOLUME}',
                 f'/snapshots/{base.VOLUME}'),
                ('DELETE', f'/os-snapshots/{base.VOLUME}',
                 f'/snapshots/{base.VOLUME}')):
            self.home_says(method, cinder, 503, self.away)
            response = self.call(method, path)
            self.assertFault(503, response, 'Service provider bu', 'asleep')

    def test_created_from_what_is_away(self):
        self.home_says('POST', '/snapshots', 503, self.away)
        for code, body in ((503, self.away), (404, {})):
            self.home_says('GET', f'/volumes/{base.VOLUME}', code, body)
            self.assertFault(503, self.call('POST', '/os-snapshots', {
                'snapshot': {'volume_id': base.VOLUME}}),
                'Service provider bu')
        self.home_says('POST', '/volumes', 502, {'badGateway': {
            'code': 502, 'message': 'Service provider bu cannot be used'}})
        self.assertFault(502, self.call('POST', '/os-volumes', {
            'volume': {'size': 1, 'availability_zone': 'bu'}}),
            'Service provider bu cannot be used')

    def test_at_two_service_providers(self):
        self.home_says('GET', f'/volumes/{base.VOLUME}', 409, {
            'conflictingRequest': {'code': 409, 'message': 'bu and mit'}})
        self.assertFault(409, self.call('GET', self.path), 'bu and mit')

    def test_new_snapshot_of_a_foreign_volume_is_refused(self):
        """Home's Cinder would take this Nova for one without mixmatch."""
        self.home.add_volume(base.VOLUME, **{MARK: 'bu'})
        for more in ({}, {'force': True}):
            response = self.call('POST', '/os-snapshots', {
                'snapshot': {'volume_id': base.VOLUME, **more}})
            self.assertFault(400, response, 'service provider bu',
                             'cannot take a snapshot')
        self.assertNotIn('POST /snapshots', self.asked('home'))

    def test_microversion_stays_in_the_answer(self):
        self.home_says('GET', f'/volumes/{base.VOLUME}', 503, self.away)
        response = self.call('GET', self.path, version='2.35')
        self.assertFault(503, response)
        self.assertEqual('compute 2.35',
                         response.headers[wsgi.API_VERSION_REQUEST_HEADER])

    def test_refused_login(self):
        del self.bu.projects['alice']
        self.home.add_volume(base.VOLUME, **{MARK: 'bu'})
        self.assertFault(403, self.call('GET', self.path),
                         'Service provider bu refused the login')

    def test_an_error_of_home_stays(self):
        self.home_says('GET', f'/volumes/{base.VOLUME}', 500, {})
        self.assertFault(500, self.call('GET', self.path), 'Unexpected API')


class TestForeignRows(nova_api.ApiTestCase):
    """A volume of another cloud that Nova cannot use is shown, if it can."""

    values = {'created_at': '2026-01-01T00:00:00.000000', MARK: 'bu'}

    def home_lists(self, *volumes):
        self.clouds.mock.get(f'{self.home.cinder_url}/volumes/detail',
                             json={'volumes': list(volumes)})

    def listed(self, path='/os-volumes'):
        response = self.call('GET', path)
        self.assertEqual(200, response.status_int, response.text)
        return [row['id'] for row in next(iter(response.json.values()))]

    def test_encrypted(self):
        self.home_lists(
            fixtures.volume(base.VOLUME, encrypted=True, **self.values),
            fixtures.volume(base.HOME_VOLUME, encrypted=True))
        for path in ('/os-volumes', '/os-volumes/detail'):
            self.assertEqual([base.VOLUME, base.HOME_VOLUME],
                             self.listed(path))

    def test_malformed(self):
        foreign = fixtures.volume(base.VOLUME, **self.values)
        for broken in ({**foreign, 'metadata': None},
                       {**foreign, 'attachments': [{}]},
                       {'id': base.VOLUME, MARK: 'bu'}):
            self.home_lists(broken, fixtures.volume(base.HOME_VOLUME))
            self.assertEqual([base.HOME_VOLUME], self.listed())
        self.assertEqual([], self.asked('bu'))

    def test_malformed_snapshot(self):
        good = {'id': base.HOME_VOLUME, 'status': 'available', 'size': 1,
                'created_at': None, 'name': 'daily', 'description': None,
                'volume_id': base.VOLUME}
        self.clouds.mock.get(
            f'{self.home.cinder_url}/snapshots/detail',
            json={'snapshots': [{'id': base.VOLUME, MARK: 'bu'}, good]})
        self.assertEqual([base.HOME_VOLUME], self.listed('/os-snapshots'))

    def test_show_encrypted(self):
        self.home.add_volume(base.VOLUME, encrypted=True, **self.values)
        response = self.call('GET', f'/os-volumes/{base.VOLUME}')
        self.assertEqual(200, response.status_int, response.text)

    def test_show_malformed(self):
        self.home.add_volume(base.VOLUME, attachments=[{}], **self.values)
        self.assertFault(503, self.call('GET', f'/os-volumes/{base.VOLUME}'),
                         'Service provider bu', 'malformed')


class TestServers(nova_api.ApiTestCase):

    def setUp(self):
        super().setUp()
        objects.register_all()
        context = self.foreign_context()
        mapping = objects.BlockDeviceMapping(
            context, instance_uuid=base.SERVER, volume_id=base.VOLUME,
            attachment_id=base.ATTACHMENT, source_type='volume',
            destination_type='volume', boot_index=None)
        mapping.create()
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', status_code=503)

    def test_rescue(self):
        self.use_server()
        self.assertFault(503, self.call(
            'POST', f'/servers/{base.SERVER}/action', {'rescue': {}}),
            'Service provider bu')

    def test_detach(self):
        self.use_server()
        self.assertFault(503, self.call(
            'DELETE', f'/servers/{base.SERVER}/os-volume_attachments/'
            f'{base.VOLUME}'), 'Service provider bu')


class TestMarkOfALaterVersion(TestServers):
    """A newer mixmatch has attached the volume; this one does nothing."""

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(base_fixtures.FakeLogger(
            level=logging.ERROR))
        with nova_db.context_manager.writer.using(self.context()) as session:
            session.query(nova_db.models.BlockDeviceMapping).update(
                {'volume_type': 'mixmatch/2:bu:p1'})

    def assertNothingIsDone(self, code, method, path, body=None):
        self.use_server()
        self.assertFault(code, self.call(
            method, f'/servers/{base.SERVER}/{path}', body),
            'Service provider mixmatch/2:bu:p1')
        for host in ('home', 'bu'):
            self.assertEqual([], self.asked(host))
        self.assertIn('has the mark of a later mixmatch', self.log.output)

    def test_rescue(self):
        self.assertNothingIsDone(409, 'POST', 'action', {'rescue': {}})

    def test_detach(self):
        self.assertNothingIsDone(
            400, 'DELETE', f'os-volume_attachments/{base.VOLUME}')


class TestWithoutAnAnswer(nova_api.ApiTestCase):
    """Not all that Nova raises becomes an answer within Nova."""

    def test_failure_of_another_cloud(self):
        context = self.context()

        def nova(environ, start_response):
            state.from_context(context).record_failure(
                exceptions.ServiceProviderUnavailable(
                    service_provider='bu', reason='it is night'))
            raise exception.CinderConnectionFailed(reason='somewhere')
        self.api = openstack.FaultWrapper(middleware.factory({})(nova))
        self.assertFault(503, self.call('GET', '/any', context=context),
                         'Service provider bu', 'it is night')

    def test_failure_of_nova(self):
        def nova(environ, start_response):
            raise exception.CinderConnectionFailed(reason='somewhere')
        self.api = openstack.FaultWrapper(middleware.factory({})(nova))
        self.assertEqual(500, self.call('GET', '/any').status_int)
