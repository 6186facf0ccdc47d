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

"""An administrator of moc, whose token leads to nothing at bu."""

from sandbox import client
from sandbox import rules
from tests.scenario import servers


class TestWithoutGrant(servers.OperationScenario):
    """bu's landlord gives moc's Nova nothing."""

    landlord: rules.Landlord

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.landlord = rules.Landlord(cls.sandbox)

    def setUp(self):
        super().setUp()
        self.volume_id = self.attached_volume()

    def forget_logins(self):
        """Neither a process of moc nor its cache has one of Nova at bu."""
        self.sandbox.control('restart', self.home, 'memcached', 'nova-api',
                             'nova-compute')

    def detach_by_administrator(self):
        return self.admin.api('compute', version='2.89').delete(
            f'{self.url}/{self.volume_id}')

    def test_fails_closed_and_names_what_is_missing(self):
        with self.landlord.ruling({'name': 'not their Nova', 'deny': True,
                                   'users': 'nova', 'projects': 'service'}):
            self.forget_logins()
            response = self.detach_by_administrator()
            self.assertEqual(502, response.status_code, response.text)
            self.assertIn("service's own user", response.text)
            # A reboot goes on without asking.
            self.operate('reboot', '--hard', self.server,
                         by=self.admin)
            self.wait_for_server('ACTIVE')
            self.assert_agreed(self.volume_id)
        # Nova is let in again, a moment later.
        client.wait_for('the administrator to detach it', lambda: (
            self.detach_by_administrator().status_code == 202), 30)
        self.wait_for_detached(self.provider, self.volume_id)
        self.attach_at_provider(self.volume_id)
