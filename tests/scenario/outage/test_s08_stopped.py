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


"""S8: services of bu that home does not speak to are stopped."""

from sandbox import client
from tests.scenario import base
from tests.scenario.outage import test_s08_faults


class TestBehindKeystone(test_s08_faults.Partner):
    """Services of bu without which no login can be made."""

    def suffers(self, service):
        before = self.usual()
        self.log_in()
        self.at_home = self.alice.api('block-storage')
        with self.failing(service, None):
            for ask in (self.attach_foreign, self.show_foreign):
                self.assert_says(base.TIMEOUTS, ask())
                self.assert_skipped(ask)
            self.assert_home_unhurt(before)
        self.assert_back()

    def test_keystone(self):
        self.suffers('keystone')

    def test_shibd(self):
        self.suffers('shibd')


class TestBehindCinder(test_s08_faults.Partner):

    def goes_on(self, service):
        """Nothing that an attachment needs."""
        before = self.usual()
        with self.failing(service, None):
            self.log_in()
            self.assertEqual(200, self.show_foreign().status_code)
            self.assertEqual(200, self.attach_foreign().status_code)
            self.reaches(self.at_provider, self.foreign, 'in-use')
            self.detach(self.provider, self.foreign)
            self.assert_home_unhurt(before)
        self.assert_back()

    def test_cinder_scheduler(self):
        self.goes_on('cinder-scheduler')

    def test_glance(self):
        self.goes_on('glance-api')

    def test_memcached(self):
        self.goes_on('memcached')

    def test_cinder_volume(self):
        """Its API accepts the attachment, and nobody exports the volume."""
        before = self.usual()
        with self.failing('cinder-volume', None):
            # NOTE: nova-compute does one thing after the other for a server,
            # so what else this one wants waits as long.
            self.assertEqual(200, self.attach_foreign().status_code)
            client.wait_for('nova-compute to give it up', lambda: (
                self.foreign not in [each['volumeId']
                                     for each in self.mappings()]),
                base.TIMEOUTS)
            self.assert_home_unhurt(before)
        client.wait_for(f'{self.provider} to let go of it', lambda: not (
            self.attachments_at(self.provider, self.foreign)))
        self.assert_back()
