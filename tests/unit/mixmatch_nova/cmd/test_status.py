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

"""The command mixmatch-status, with the options of Nova's attachments."""

from mixmatch.cmd import status as core_status
from mixmatch_nova.cmd import status
from tests.unit.mixmatch import test_cmd_status


class TestStatus(test_cmd_status.StatusTestCase):

    def main(self, argv):
        return status.main(argv)

    def test_all_is_well(self):
        text = self.run_command()
        self.assertIn('mit: ok: logged in to project id-of-service', text)
        self.assertNotIn('does not set', text)
        self.assertEqual(core_status.OK, self.code)

    def test_options_without_which_nothing_is_attached(self):
        self.more = 'connection_types = rbd,iscsi\n'
        text = self.run_command()
        self.assertIn('mit: ok: logged in', text)
        self.assertIn('; but not all of its volumes can be attached: '
                      '[service_provider:mit] does not set storage_names, '
                      'storage_portals', text)
        self.assertEqual(core_status.WARNING, self.code)
