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

import pathlib
import re

from mixmatch import api
from tests.unit import base

ROOT = pathlib.Path(api.__file__).parents[1]


class ContractTestCase(base.TestCase):

    def test_no_name_is_written_down_twice(self):
        names = [value for value in vars(api).values()
                 if isinstance(value, str) and (
                     'mixmatch:' in value or 'Mixmatch' in value
                     or value == api.NOVA_FIELD)
                 and '\n' not in value]
        self.assertEqual(10, len(names))
        for package in ('mixmatch', 'mixmatch_cinder', 'mixmatch_glance',
                        'mixmatch_nova'):
            for path in (ROOT / package).rglob('*.py'):
                if path == pathlib.Path(api.__file__):
                    continue
                for name in names:
                    self.assertIsNone(
                        re.search(f"""['"]{name}['"]""", path.read_text()),
                        f'{path} has {name}')
