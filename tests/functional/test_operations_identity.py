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

from tests.functional import clouds
from tests.functional import federation
from tests.functional import operations


class TestWithoutGrant(operations.OperationScenario):
    """bu's landlord gives moc's Nova nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(cls.two_hosts())
        cls.landlord = federation.Landlord(cls.sandbox)

    def setUp(self):
        super().setUp()
        self.volume_id = self.attached_volume()

    def migrate(self):
        self.operate('migrate', self.server, by=self.admin)

    def test_fails_closed_and_names_what_is_missing(self):
        with self.landlord.ruling({'name': 'not their Nova', 'deny': True,
                                   'users': 'nova', 'projects': 'service'}):
            clouds.must(self.landlord.command('revoke', '--user', 'nova'))
            # What nova-compute has in memory ends with it.
            self.sandbox.control('restart', 'moc', 'nova-compute')
            self.sandbox.control('restart', 'moc', 'nova-compute-2')
            self.migrate()
            clouds.wait_for('the migration to fail', lambda: (
                self.last_action()['message']))
            self.assert_mapped()
            self.assertTrue(any(
                'own user could not log in' in log.read_text(errors='replace')
                for log in self.sandbox.logs()
                if log.stem.startswith('nova-compute')))
        self.act('os-resetState', {'state': 'active'}, by=self.admin)
        clouds.wait_for('Nova to be let in', lambda: self.act(
            'reboot', {'type': 'HARD'}, by=self.admin).status_code == 202)
        self.wait_for_server('ACTIVE')
        self.assert_agreed(self.volume_id)

    def assert_mapped(self):
        self.assertEqual([self.volume_id], [
            each['volumeId'] for each in self.mappings()])
        attachments = self.attachments_at('bu', self.volume_id)
        self.assertEqual({self.server}, {
            each['instance'] for each in attachments})
