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

"""The marker that a block device mapping carries."""

from mixmatch_nova import block_device
from mixmatch_nova import target
from tests.unit import base

Target = target.Target


class TestMarker(base.TestCase):

    def test_marker(self):
        self.assertEqual('mixmatch:bu:p1',
                         block_device.marker(Target('bu', 'p1')))

    def test_marker_and_back(self):
        for each in (Target('bu', 'p1'), Target('bu'),
                     Target('urn:eu:bu', 'p1'), Target('urn:eu:bu')):
            self.assertEqual(each, block_device.from_marker(
                block_device.marker(each)))

    def test_marker_of_a_later_version_is_no_cloud_and_not_home(self):
        for text in ('mixmatch/2:bu:p1', 'mixmatch/10:{"sp": "bu"}'):
            self.assertTrue(block_device.is_marker(text))
            read = block_device.from_marker(text)
            self.assertEqual(text, read.service_provider)
            self.assertEqual(read, Target.parse(str(read)))

    def test_what_is_no_marker(self):
        for text in (None, '', 'ssd', 'mixmatch', 'mixmatch:',
                     'mixmatch-bu:p1', 'ssd:bu:p1', 'mixmatch/x:bu',
                     'mixmatch/2'):
            self.assertIsNone(block_device.from_marker(text))
