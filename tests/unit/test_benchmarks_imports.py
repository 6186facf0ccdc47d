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

"""Packages that tests use import no tests."""

import ast
import pathlib

from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]


def imported(path):
    """Yield the names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


class TestImports(base.TestCase):

    def found_in(self, *folders):
        """Yield each file of the folders and what of tests it imports."""
        for folder in folders:
            paths = [*(ROOT / folder).rglob('*.py'), ROOT / folder / 'run']
            self.assertGreater(len(paths), 1, folder)
            for path in paths:
                if path.exists():
                    for name in imported(path):
                        if name.partition('.')[0] == 'tests':
                            yield str(path.relative_to(ROOT)), name

    def test_benchmarks_and_sandbox_import_no_tests(self):
        self.assertEqual([], [*self.found_in('benchmarks', 'sandbox')])

    def test_soak_and_tempest_import_no_scenarios(self):
        self.assertEqual([], [
            each for each in self.found_in('tests/soak', 'tests/tempest')
            if not each[1].startswith(('tests.soak', 'tests.tempest'))])
