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

"""A server that has a volume of bu is deleted."""

from sandbox import client
from tests.scenario import servers


class TestDelete(servers.OperationScenario):
    """Each test has a server of its own; S7."""

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)
        self.attach_at_provider(self.volume_id)
        self.addCleanup(self.begin_server)

    def delete(self):
        self.operate('delete', '--wait', self.server)

    def test_volume_is_free(self):
        self.delete()
        self.assert_untouched(self.provider, self.volume_id)

    def test_by_an_administrator(self):
        """The administrator's token is worth nothing at bu."""
        self.operate('delete', '--wait', '--all-projects', self.server,
                     by=self.admin)
        self.wait_for_status(self.provider, self.volume_id, 'available')
        self.assert_untouched(self.provider, self.volume_id)

    def test_delete_on_termination(self):
        self.operate('volume', 'set', '--delete-on-termination', self.server,
                     self.volume_id)
        self.delete()
        client.wait_for(
            f'{self.provider} to delete the volume', lambda: self.alice.api(
                'block-storage', at=self.provider).get(
                    f'/volumes/{self.volume_id}').status_code == 404)

    def test_while_its_host_is_down(self):
        """nova-api then does it alone."""
        with self.host_down():
            self.delete()
            self.assert_untouched(self.provider, self.volume_id)
