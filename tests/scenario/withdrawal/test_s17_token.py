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

"""S17: an operation that goes on after the user's token has ended."""

from sandbox import client
from tests.scenario import servers


class TestToken(servers.OperationScenario):
    """nova-compute begins when the token is no longer valid."""

    one_login = False

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)

    def late(self, request):
        """Ask, end the token, and only then let nova-compute work.

        Nobody has a login of alice's at bu in memory by then.
        """
        self.log_in()
        self.sandbox.control('stop', self.home, 'nova-compute')
        try:
            response = request()
            token = self.nova.get_token()
            ended = self.admin.api('identity').delete(
                '/auth/tokens', headers={'X-Subject-Token': token})
            self.assertEqual(204, ended.status_code)
            self.sandbox.control('restart', self.home, 'memcached')
        finally:
            self.sandbox.control('start', self.home, 'nova-compute')
        self.log_in()
        return response

    def test_detach(self):
        self.attach_at_provider(self.volume_id)
        response = self.late(lambda: self.nova.delete(
            f'{self.url}/{self.volume_id}'))
        self.assertEqual(202, response.status_code, response.text)
        self.wait_for_detached(self.provider, self.volume_id)
        self.assert_untouched(self.provider, self.volume_id)

    def test_delete_of_the_server(self):
        self.attach_at_provider(self.volume_id)
        self.addCleanup(self.begin_server)
        self.assertEqual(204, self.late(lambda: self.nova.delete(
            f'/servers/{self.server}')).status_code)
        client.wait_for('the server to be gone', lambda: self.nova.get(
            f'/servers/{self.server}').status_code == 404)
        self.wait_for_status(self.provider, self.volume_id, 'available')
        self.assert_untouched(self.provider, self.volume_id)
