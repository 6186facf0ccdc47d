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

"""The filter of nova-api: no other cloud is meant."""

from mixmatch_nova import middleware
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import test_middleware


class TestThisCloudOnly(test_middleware.MiddlewareTestCase):

    def send(self, *args, **kwargs):
        return super().send(*args, headers={
            'OpenStack-Mixmatch-Service-Provider': 'none'}, **kwargs)

    def test_home_is_asked_for_its_own(self):
        self.filter = middleware.factory({})(test_middleware.Nova())
        sent = self.home.add_volume(base.VOLUME)
        self.assertEqual(200, self.attach(volumeId=base.VOLUME).status_int)
        self.assertEqual('none', sent.last_request.headers[
            'OpenStack-Mixmatch-Service-Provider'])

    def test_another_one_that_is_named(self):
        for attachment in ({'volumeId': base.VOLUME, 'serviceProvider': 'bu'},
                           {'volumeId': f'{base.VOLUME}@bu'}):
            self.assertRefused(400, self.attach(**attachment), 'none')
        self.assertRefused(400, self.send(
            'DELETE', f'{test_middleware.PATH}/{base.VOLUME}@bu'), 'none')
