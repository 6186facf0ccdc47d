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

"""bu does not know an attachment any more that a server of moc uses."""

import json

from sandbox import client
from tests.scenario import servers


class TestLost(servers.OperationScenario):
    """The landlord has deleted it, by mistake or not."""

    def setUp(self):
        super().setUp()
        self.volume_id = self.attached_volume()
        self.wait_for_disk(self.volume_id)
        self.lost, = self.attachments_at(self.provider, self.volume_id)
        self.forget_at_provider()

    def forget_at_provider(self):
        """Delete the attachment as the operator of bu."""
        client.must(self.sandbox.landlord(self.provider).openstack(
            'volume', 'set', '--state', 'available', '--detached',
            self.volume_id))
        self.assert_untouched(self.provider, self.volume_id)

    def log_of_nova_compute(self):
        return next(log for log in self.sandbox.logs()
                    if log.parent.name == self.home
                    and log.name == 'nova-compute.log')

    def test_server_keeps_the_disk_and_the_operator_is_told(self):
        log = self.log_of_nova_compute()
        known = log.stat().st_size
        self.operate('reboot', '--hard', self.server)
        self.wait_for_server('ACTIVE')
        self.wait_for_disk(self.volume_id)
        mapping, = self.mappings()
        self.assertEqual(self.volume_id, mapping['volumeId'])
        with log.open(errors='replace') as stream:
            stream.seek(known)
            loud = [line for line in stream if ' ERROR ' in line
                    and self.lost['id'] in line]
        self.assertIn('says that it has no attachment', ''.join(loud))
        found = self.sandbox.mixmatch_nova('check', '--json')
        self.assertEqual(1, found.code, found)
        self.assertIn(self.lost['id'], json.dumps(found.json))
        # What the documentation tells him to do.
        self.operate('stop', self.server)
        self.wait_for_server('SHUTOFF')
        self.renew_attachment(self.volume_id)
        self.operate('start', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_agreed(self.volume_id)
        self.wait_for_disk(self.volume_id)
        self.assertEqual(0, self.sandbox.mixmatch_nova('check').code)
