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

"""The summary of a docstring is a verb or a noun phrase, see HACKING.rst."""

import ast
import pathlib
import re

from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]

#: Beginnings of clauses, and of sentences that go on with another one.
CLAUSE = re.compile(r'(As|How|What|When|Where|Whether|Which|Who|Whom|Whose|'
                    r'Why|(As|By|For|From|In|Of|On|To|With) (what|which|whom)'
                    r')\b(?!-)|\.\.\.')


def summaries(path):
    """Yield the name and the summary of each docstring of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef
                      | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, 'name', ''), text.partition('\n')[0]


class TestDocstrings(base.TestCase):

    def test_no_summary_is_a_clause(self):
        packages = [path.parent for path in ROOT.glob('*/__init__.py')]
        self.assertLessEqual(
            {'benchmarks', 'mixmatch', 'mixmatch_nova', 'sandbox', 'tests'},
            {path.name for path in packages})
        paths = [path for package in packages
                 for path in [*package.rglob('*.py'), *package.rglob('run')]
                 if path.is_file()]
        found = {(path.relative_to(ROOT).as_posix(), name): summary
                 for path in paths for name, summary in summaries(path)
                 if CLAUSE.match(summary)}
        self.assertEqual({}, found)
