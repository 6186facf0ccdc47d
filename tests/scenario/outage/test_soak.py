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


"""The short form of the soak, see tests/soak."""

from oslotest import base
from testtools import content

from sandbox import client
from tests.soak import soak

#: Repeats what was tried: each service of bu is hit at least once.
SEED = 3


class TestSoak(base.BaseTestCase):

    def test_nothing_is_left_after_outages(self):
        lines: list[str] = []
        run = soak.Soak(client.Sandbox(), soak.quick(SEED), lines.append)
        passed = run.run()
        self.addDetail('progress', content.text_content('\n'.join(lines)))
        self.assertTrue(passed, run.failures)
