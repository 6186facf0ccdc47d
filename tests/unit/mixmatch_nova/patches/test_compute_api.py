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


import fixtures as base_fixtures
from nova import availability_zones
from nova.compute import api as nova_api
import nova.conf
from nova import exception
from nova import objects
from nova.volume import cinder
from oslo_config import fixture as config_fixture
import oslo_messaging

from mixmatch import exceptions
from mixmatch_nova.patches import compute_api
from mixmatch_nova import state
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas


class TestAttachVolume(base.NovaTestCase):

    def attach(self, context, failure):
        def original(*args):
            raise failure
        self.assertRaises(type(failure), compute_api._attach_volume, original,
                          None, context, objects.Instance(), base.VOLUME)
        return state.from_context(context).failure

    def test_failure_in_the_conductor_is_noted(self):
        for failure in (exception.CinderConnectionFailed(reason='x'),
                        oslo_messaging.RemoteError('ClientException', 'x'),
                        oslo_messaging.RemoteError('ConnectFailure', 'x'),
                        oslo_messaging.RemoteError(
                            'ServiceProviderUnavailable', 'x')):
            noted = self.attach(self.foreign_context(), failure)
            self.assertIsInstance(noted,
                                  exceptions.ServiceProviderUnavailable)
            self.assertIn('provider bu', str(noted))

    def test_what_is_known_better_stays(self):
        context = self.foreign_context()
        known = exceptions.InvalidTarget(reason='known')
        state.from_context(context).record_failure(known)
        self.assertIs(known, self.attach(
            context, exception.CinderConnectionFailed(reason='x')))

    def test_volume_of_home(self):
        self.assertIsNone(self.attach(
            self.context(), exception.CinderConnectionFailed(reason='x')))

    def test_other_errors(self):
        self.assertIsNone(self.attach(
            self.foreign_context(), exception.InvalidVolume(reason='x')))

    def test_failure_of_home_is_not_blamed_on_the_service_provider(self):
        for kind in ('DBConnectionError', 'MessagingTimeout', 'KeyError',
                     None):
            self.assertIsNone(self.attach(
                self.foreign_context(), oslo_messaging.RemoteError(kind, 'x')))


class TestZonesOfNewServer(base.NovaTestCase):
    """With ``[cinder] cross_az_attach = false``."""

    def setUp(self):
        super().setUp()
        self.useFixture(config_fixture.Config(nova.conf.CONF)).config(
            cross_az_attach=False, group='cinder')
        self.home.add_volume(base.HOME_VOLUME)
        self.bu.add_volume(base.VOLUME)

    def validate(self, zone, *volumes):
        api, context = cinder.API(), self.foreign_context()
        return nova_api.API._validate_vol_az_for_create(
            zone, [api.get(context, each) for each in volumes])

    def test_zone_of_another_cloud_says_nothing(self):
        self.assertIsNone(self.validate('rack1', base.VOLUME))
        self.assertIsNone(self.validate(None, base.VOLUME))

    def test_zone_of_a_volume_of_home_does(self):
        for volumes in ([base.HOME_VOLUME],
                        [base.VOLUME, base.HOME_VOLUME]):
            self.assertRaises(exception.MismatchVolumeAZException,
                              self.validate, 'rack1', *volumes)


class TestZoneOfUnshelvedServer(base.NovaTestCase):
    """With ``[cinder] cross_az_attach = false``."""

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        self.useFixture(config_fixture.Config(nova.conf.CONF)).config(
            cross_az_attach=False, group='cinder')
        self.useFixture(base_fixtures.MockPatchObject(
            availability_zones, 'get_availability_zones',
            return_value=['rack1']))
        self.home.add_volume(base.HOME_VOLUME)
        self.bu.add_volume(base.VOLUME)

    def unshelve(self, context, volume_id):
        objects.BlockDeviceMapping(
            context, instance_uuid=base.SERVER, volume_id=volume_id,
            source_type='volume', destination_type='volume',
            boot_index=0).create()
        api = object.__new__(nova_api.API)
        api.host_api, api.volume_api = None, cinder.API()
        api._validate_unshelve_az(
            context, objects.Instance(uuid=base.SERVER), 'rack1')

    def test_zone_of_another_cloud_says_nothing(self):
        self.unshelve(self.foreign_context(), base.VOLUME)

    def test_zone_of_a_volume_of_home_does(self):
        self.assertRaises(exception.MismatchVolumeAZException, self.unshelve,
                          self.context(), base.HOME_VOLUME)
