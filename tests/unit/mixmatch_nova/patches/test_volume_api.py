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

"""Each call of Nova's volume API goes to the cloud its volume lives in."""

from cinderclient import exceptions as cinder_exceptions
from nova import exception
from nova import objects
from nova.volume import cinder

from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit import fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_block_device_mapping

MARK = 'os-mixmatch:service_provider'


class VolumeAPITestCase(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.api = cinder.API()

    def add_attachment(self, cloud, attachment_id=base.ATTACHMENT,
                       connection_info=None):
        url = f'{cloud.cinder_url}/attachments'
        body = {'attachment': {
            'id': attachment_id, 'status': 'reserved',
            'instance': base.SERVER, 'volume_id': base.VOLUME,
            'connection_info': (connection_info
                                or fixtures.connection_info())}}
        self.clouds.mock.post(url, json=body)
        self.clouds.mock.get(f'{url}/{attachment_id}', json=body)
        self.clouds.mock.put(f'{url}/{attachment_id}', json=body)
        self.clouds.mock.delete(f'{url}/{attachment_id}', json={})
        self.clouds.mock.post(f'{url}/{attachment_id}/action',
                              status_code=204)

    def assertOnlyAsked(self, host, *requests):
        self.assertEqual(list(requests), self.asked(host))
        for other in {'home', *self.names} - {host}:
            self.assertEqual([], self.clouds.sent_to(other, port=8776))
        self.assertEqual([], self.clouds.leaks())


class TestHome(VolumeAPITestCase):
    """Requests about volumes of home, the same as without the plugin."""

    def test_volume(self):
        self.home.add_volume(base.HOME_VOLUME)
        context = self.foreign_context()
        volume = self.api.get(context, base.HOME_VOLUME)
        self.assertEqual(base.HOME_VOLUME, volume['id'])
        self.assertOnlyAsked('home', f'GET /volumes/{base.HOME_VOLUME}')
        self.assertEqual(
            context.auth_token,
            self.clouds.mock.last_request.headers['X-Auth-Token'])

    def test_no_key_of_ours_is_left_in_the_answer(self):
        self.home.add_volume(base.HOME_VOLUME)
        volume = self.api.get(self.context(), base.HOME_VOLUME)
        self.assertNotIn('mixmatch', str(volume))

    def test_no_request_is_added(self):
        self.home.add_volume(base.HOME_VOLUME)
        self.api.get(self.context(), base.HOME_VOLUME)
        # Nova itself gets a service token.
        self.assertEqual({('home', '/v3'), ('home', '/v3/auth/tokens'),
                          ('home', f'/v3/volumes/{base.HOME_VOLUME}')},
                         {(host, path) for _, host, path
                          in self.clouds.requests} | {('home', '/v3')})

    def test_attachment(self):
        self.add_attachment(self.home)
        self.api.attachment_get(self.context(), base.ATTACHMENT)
        self.assertOnlyAsked('home', f'GET /attachments/{base.ATTACHMENT}')

    def test_new_attachment(self):
        self.add_attachment(self.home)
        context = self.context()
        self.api.attachment_create(context, base.HOME_VOLUME, base.SERVER)
        self.assertEqual(target.HOME,
                         state.from_context(context).get_target(base.ATTACHMENT))

    def test_what_is_refused_for_foreign_volumes_is_allowed(self):
        self.home.add_volume(base.HOME_VOLUME)
        url = f'{self.home.cinder_url}/snapshots'
        self.clouds.mock.post(url, json={'snapshot': {
            'id': 's', 'status': 'creating', 'size': 1, 'created_at': None,
            'name': 'n', 'description': None, 'progress': None,
            'volume_id': base.HOME_VOLUME, 'project_id': 'p'}})
        self.api.create_snapshot(self.context(), base.HOME_VOLUME, 'n', '')
        # It looks first where the volume is.
        self.assertOnlyAsked('home', f'GET /volumes/{base.HOME_VOLUME}',
                             'POST /snapshots')

    def test_cinder_does_not_know_now_where_it_lives(self):
        self.clouds.mock.get(
            f'{self.home.cinder_url}/volumes/{base.VOLUME}', status_code=503,
            json={'serviceUnavailable': {'code': 503,
                                         'message': 'bu is away'}})
        context = self.context()
        self.assertRaises(exception.CinderConnectionFailed, self.api.get,
                          context, base.VOLUME)
        self.assertIn('bu is away', str(state.from_context(context).failure))

    def test_cinder_fails_for_what_it_is_known_to_have(self):
        """It fails as it does without us."""
        self.clouds.mock.get(
            f'{self.home.cinder_url}/volumes/{base.VOLUME}', status_code=503,
            json={})
        context = self.context()
        state.from_context(context).remember_target(base.VOLUME, target.HOME)
        self.assertRaises(cinder_exceptions.ClientException, self.api.get,
                          context, base.VOLUME)
        self.assertIsNone(state.from_context(context).failure)

    def test_volume_seen_at_home_stays_there(self):
        self.home.add_volume(base.VOLUME)
        context = self.context()
        self.api.get(context, base.VOLUME)
        state.from_context(context).remember_target(base.VOLUME, base.AT_BU)
        self.assertRaises(exception.InvalidVolume, self.api.get, context,
                          base.VOLUME)
        self.assertOnlyAsked('home', f'GET /volumes/{base.VOLUME}')


class TestForeign(VolumeAPITestCase):

    def test_volume(self):
        self.bu.add_volume(base.VOLUME)
        volume = self.api.get(self.foreign_context(), base.VOLUME)
        self.assertEqual(base.VOLUME, volume['id'])
        self.assertOnlyAsked('bu', f'GET /volumes/{base.VOLUME}')

    def test_context_of_the_caller_is_not_changed(self):
        self.bu.add_volume(base.VOLUME)
        self.home.add_volume(base.HOME_VOLUME)
        context = self.foreign_context()
        self.api.get(context, base.VOLUME)
        self.api.get(context, base.HOME_VOLUME)
        self.assertEqual([f'GET /volumes/{base.HOME_VOLUME}'],
                         self.asked('home'))

    def test_actions(self):
        self.clouds.mock.post(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}/action',
            status_code=202)
        for action in ('reserve_volume', 'unreserve_volume',
                       'begin_detaching', 'roll_detaching'):
            getattr(self.api, action)(self.foreign_context(), base.VOLUME)
        self.assertOnlyAsked(
            'bu', *4 * [f'POST /volumes/{base.VOLUME}/action'])

    def test_delete(self):
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', status_code=202)
        self.api.delete(self.foreign_context(), base.VOLUME)
        self.assertOnlyAsked('bu', f'DELETE /volumes/{base.VOLUME}')

    def test_new_attachment_is_noted(self):
        self.add_attachment(self.bu)
        context = self.context()
        state.from_context(context).remember_target(base.VOLUME, base.AT_BU)
        self.api.attachment_create(context, base.VOLUME, base.SERVER)
        self.assertEqual(
            base.AT_BU,
            state.from_context(context).get_remote(base.ATTACHMENT))
        self.assertOnlyAsked('bu', 'POST /attachments')

    def test_attachment_is_never_asked_at_home(self):
        self.add_attachment(self.bu)
        context = self.foreign_context()
        self.api.attachment_get(context, base.ATTACHMENT)
        self.api.attachment_update(context, base.ATTACHMENT, {'host': 'h'})
        self.api.attachment_complete(context, base.ATTACHMENT)
        self.api.attachment_delete(context, base.ATTACHMENT)
        path = f'/attachments/{base.ATTACHMENT}'
        self.assertOnlyAsked('bu', f'GET {path}', f'PUT {path}',
                             f'POST {path}/action', f'DELETE {path}')

    def test_connection_with_a_key_of_home_is_refused(self):
        """Nova would open any image of home's Ceph that bu names."""
        for secret in (None, 'secret-of-home'):
            self.add_attachment(self.bu, connection_info=(
                fixtures.connection_info(secret_uuid=secret)))
            for method, arguments in (
                    (self.api.attachment_update, ({'host': 'h'},)),
                    (self.api.attachment_get, ())):
                exc = self.assertRaises(
                    exception.CinderConnectionFailed, method,
                    self.foreign_context(), base.ATTACHMENT, *arguments)
                self.assertIn('rbd_secret_uuid', str(exc))

    def test_another_volume_than_asked_for_is_refused(self):
        """Nova would go on with its id, which may be one of home's."""
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}',
            json={'volume': fixtures.volume(base.HOME_VOLUME)})
        context = self.foreign_context()
        self.assertRaises(exception.CinderConnectionFailed, self.api.get,
                          context, base.VOLUME)
        self.assertIsNone(state.from_context(context).get_target(base.HOME_VOLUME))

    def test_not_found_there_is_not_found(self):
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', status_code=404)
        self.assertRaises(exception.VolumeNotFound, self.api.get,
                          self.foreign_context(), base.VOLUME)

    def test_availability_zone_is_not_compared(self):
        self.conf.set_override('cross_az_attach', False, group='cinder')
        self.addCleanup(self.conf.clear_override, 'cross_az_attach',
                        group='cinder')
        server = objects.Instance(uuid=base.SERVER, host=None,
                                  availability_zone='here')
        volume = {'id': base.VOLUME, 'availability_zone': 'there'}
        self.api.check_availability_zone(self.foreign_context(), volume,
                                         instance=server)
        self.assertRaises(exception.InvalidVolume,
                          self.api.check_availability_zone, self.context(),
                          volume, instance=server)

    def test_encrypted_volume_is_refused(self):
        self.bu.add_volume(base.VOLUME, encrypted=True)
        exc = self.assertRaises(exception.InvalidVolume, self.api.get,
                                self.foreign_context(), base.VOLUME)
        self.assertIn('encrypted', str(exc))

    def test_encrypted_volume_of_home_is_not(self):
        self.home.add_volume(base.HOME_VOLUME, encrypted=True)
        self.api.get(self.context(), base.HOME_VOLUME)

    def test_a_mark_of_the_service_provider_means_nothing(self):
        # It must not send us on to a third cloud.
        self.bu.add_volume(base.VOLUME, **{MARK: 'mit'})
        context = self.foreign_context()
        self.api.get(context, base.VOLUME)
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(base.VOLUME))

    def test_refused(self):
        for call, arguments in (
                (self.api.create_snapshot, ('name', 'why')),
                (self.api.create_snapshot_force, ('name', 'why')),
                (self.api.reimage_volume, ('image',)),
                (self.api.update, ({},))):
            exc = self.assertRaises(exception.InvalidVolume, call,
                                    self.foreign_context(), base.VOLUME,
                                    *arguments)
            self.assertIn('service provider bu', str(exc))
        self.assertEqual([], self.clouds.requests)


class TestMarkOfHome(VolumeAPITestCase):
    """Home's Cinder has found the volume and says where."""

    def setUp(self):
        super().setUp()
        self.home.add_volume(base.VOLUME, **{MARK: 'bu'})

    def test_makes_the_volume_foreign(self):
        context = self.context()
        self.api.get(context, base.VOLUME)
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(base.VOLUME))

    def test_logs_in_the_user_and_nova(self):
        self.api.get(self.context(), base.VOLUME)
        self.assertEqual({'alice', 'nova'},
                         {user for user, _ in self.bu.tokens.values()})

    def test_refused_login_is_told_before_anything_is_reserved(self):
        del self.bu.projects['alice']
        self.assertRaises(exception.Forbidden, self.api.get, self.context(),
                          base.VOLUME)

    def test_unconfigured_service_provider(self):
        self.home.add_volume(base.VOLUME, **{MARK: 'nowhere'})
        exc = self.assertRaises(exception.InvalidVolume, self.api.get,
                                self.context(), base.VOLUME)
        self.assertIn('nowhere', str(exc))

    def test_encrypted_volume_is_refused(self):
        self.home.add_volume(base.VOLUME, encrypted=True, **{MARK: 'bu'})
        self.assertRaises(exception.InvalidVolume, self.api.get,
                          self.context(), base.VOLUME)

    def test_no_key_of_ours_is_left_in_the_answer(self):
        volume = self.api.get(self.context(), base.VOLUME)
        self.assertNotIn('mixmatch_service_provider', volume)

    def test_volume_that_a_mapping_has_at_home_is_not_moved(self):
        context = self.context()
        state.from_context(context).remember_target(base.VOLUME, target.HOME)
        self.assertRaises(exception.InvalidVolume, self.get_twice, context)

    def get_twice(self, context):
        for _ in range(2):
            self.api.get(context, base.VOLUME)


class TestAttachmentOfTheURL(VolumeAPITestCase,
                             test_block_device_mapping.MappingTestCase):
    """A detach asks for the volume before it reads its mapping."""

    def test_mapping_is_read_first(self):
        self.created(self.foreign_context())
        self.bu.add_volume(base.VOLUME)
        context = self.context()
        state.from_context(context).remember_attachment_in_url(
            base.SERVER, base.VOLUME)
        self.api.get(context, base.VOLUME)
        self.assertOnlyAsked('bu', f'GET /volumes/{base.VOLUME}')

    def test_without_a_mapping_home_is_asked(self):
        self.home.add_volume(base.HOME_VOLUME)
        context = self.context()
        state.from_context(context).remember_attachment_in_url(
            base.SERVER, base.HOME_VOLUME)
        self.api.get(context, base.HOME_VOLUME)
        self.assertOnlyAsked('home', f'GET /volumes/{base.HOME_VOLUME}')

    def test_another_volume_is_not_looked_up(self):
        self.home.add_volume(base.HOME_VOLUME)
        context = self.context()
        state.from_context(context).remember_attachment_in_url(
            base.SERVER, base.VOLUME)
        self.api.get(context, base.HOME_VOLUME)
        self.assertEqual(base.SERVER, state.from_context(
            context).pop_server_in_url(base.VOLUME))


class TestUserConfiguration(VolumeAPITestCase):
    """Nova's own service token is for home's Cinder alone."""

    def test_home_gets_the_token_of_home(self):
        self.home.add_volume(base.HOME_VOLUME)
        self.api.get(self.context(), base.HOME_VOLUME)
        token = self.clouds.mock.last_request.headers['X-Service-Token']
        self.assertEqual('nova', self.home.tokens[token])

    def test_service_provider_gets_its_own(self):
        self.bu.add_volume(base.VOLUME)
        self.api.get(self.foreign_context(), base.VOLUME)
        token = self.clouds.mock.last_request.headers['X-Service-Token']
        self.assertEqual(('nova', fixtures.ServiceProvider.project_id(
            'service')), self.bu.tokens[token])
