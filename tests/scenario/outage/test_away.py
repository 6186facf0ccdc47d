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

"""bu is away while servers of moc that use its volumes live on."""

import contextlib
import json

from sandbox import client
from tests.scenario import servers


class TestAway(servers.OperationScenario):

    one_login = False

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)
        self.attach_at_provider(self.volume_id)

    @contextlib.contextmanager
    def provider_away(self):
        """Its Cinder and its Keystone are stopped."""
        services = ('cinder-api', 'apache')
        self.sandbox.control('stop', self.provider, *services)
        try:
            yield
        finally:
            self.sandbox.control('start', self.provider, *services)
        self.wait_for_provider()

    def findings(self):
        """Run the operator's command."""
        return self.sandbox.mixmatch_nova('check', '--json')

    def test_server_lives_on(self):
        with self.provider_away():
            self.operate('show', self.server)
            self.operate('list')
            for kind in ('--soft', '--hard'):
                self.operate('reboot', kind, self.server)
                self.wait_for_server('ACTIVE')
            self.operate('stop', self.server)
            self.wait_for_server('SHUTOFF')
            self.operate('start', self.server)
            self.wait_for_server('ACTIVE')
            self.assertTrue(
                self.sandbox.watched(self.provider, self.volume_id))
            response = self.nova.delete(f'{self.url}/{self.volume_id}')
            self.assertEqual(503, response.status_code, response.text)
            self.assertIn(f'service provider {self.provider}',
                          response.text.lower())
        self.assert_agreed(self.volume_id)
        self.detach_at_provider(self.volume_id)

    def test_what_a_deleted_server_leaves_is_on_record(self):
        """The record survives a restart; bu is told when it is back."""
        self.addCleanup(self.begin_server)
        with self.provider_away():
            self.operate('delete', '--wait', self.server)
            self.sandbox.control('restart', self.home, 'nova-compute')
            self.purge()
            result = self.findings()
            self.assertEqual(1, result.code, result)
            self.assertIn(self.volume_id, json.dumps(result.json))
        client.wait_for(
            f'{self.home} to tell {self.provider}',
            lambda: not self.attachments_at(self.provider, self.volume_id),
            120)
        self.assert_untouched(self.provider, self.volume_id)
        client.wait_for('nothing to be on record', lambda: (
            self.findings().code == 0), 60)

    def purge(self):
        """The rows of deleted servers are gone, too."""
        result = self.sandbox.nova_manage(
            'db', 'archive_deleted_rows', '--until-complete', '--purge',
            '--all-cells')
        # 1 says that there was something to do.
        self.assertEqual(1, result.code, result)
