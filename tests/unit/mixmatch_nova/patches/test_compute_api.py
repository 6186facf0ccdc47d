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


from nova import exception
from nova import objects
import oslo_messaging

from mixmatch import exceptions
from mixmatch_nova.patches import compute_api
from mixmatch_nova import state
from tests.unit.mixmatch_nova import base


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
