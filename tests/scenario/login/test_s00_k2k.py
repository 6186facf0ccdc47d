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

"""S0: the clouds are federated, with nothing of mixmatch."""

from sandbox import client
from tests.scenario import base


class TestPlainFederation(base.Scenario):

    def test_alice_gets_a_token_of_her_project_at_provider(self):
        token = client.must(self.alice.openstack_at(
            self.provider, 'token', 'issue', '-f', 'json')).json
        project = client.must(self.sandbox.user(self.provider).openstack(
            'project', 'show', 'research', '-f', 'json')).json
        self.assertEqual(project['id'], token['project_id'])

    def test_a_wrong_service_provider_gives_no_token(self):
        # NOTE: keystoneauth 5.16 asserts where it should say which service
        # provider is missing, so the unmodified command has no message.
        result = self.alice.openstack_at('nowhere', 'token', 'issue')
        self.assertEqual(1, result.code, str(result))
        self.assertEqual('', result.out)

    def test_bob_is_not_mapped_at_provider(self):
        bob = self.sandbox.user(self.home, 'bob')
        result = bob.openstack_at(self.provider, 'token', 'issue')
        self.assertEqual(1, result.code, str(result))

    def test_alice_is_not_mapped_with_her_other_project(self):
        teaching = self.sandbox.user(self.home, 'alice', 'teaching')
        result = teaching.openstack_at(self.provider, 'token', 'issue')
        self.assertEqual(1, result.code, str(result))
