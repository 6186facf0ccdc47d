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

"""The table of scenarios names each module of tests/scenario."""

import pathlib
import re

from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]
TABLE = ROOT / 'doc' / 'source' / 'contributor' / 'scenarios.rst'
MODULES = ROOT / 'tests' / 'scenario'


class TestScenarios(base.TestCase):

    def test_table_names_each_module_once(self):
        named = re.findall(r'``(\w+/test_\w+)``', TABLE.read_text())
        found = [path.relative_to(MODULES).with_suffix('').as_posix()
                 for path in MODULES.rglob('test_*.py')]
        self.assertEqual(sorted(found), sorted(named))

    def test_module_stands_at_its_number(self):
        rows = re.split(r'(?m)^   \* - ', TABLE.read_text())
        for row in rows:
            number = re.match(r'S(\d+)\n', row)
            for each in re.findall(r'/test_s(\d\d)_', row):
                self.assertIsNotNone(number, row)
                self.assertEqual(int(number[1]), int(each), row)
