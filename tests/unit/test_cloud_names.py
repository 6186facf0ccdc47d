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

"""Only sandbox/topology.py names the clouds."""

import ast
import pathlib
import re

from sandbox import topology
from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]
FOLDERS = ('benchmarks', 'sandbox', 'tests/scenario', 'tests/soak',
           'tests/tempest')

#: Clouds of people; a name of the others is a word of every day.
NAMES = [cloud.name for cloud in topology.CLOUDS if cloud.users]
NAME = re.compile(rf'(?<![a-z])({"|".join(NAMES)})(?![a-z])')

#: Literals that are quoted from elsewhere: (file, literal).
QUOTED = {
    # The commands of the documentation, which are run with other names.
    ('tests/scenario/login/test_rules_documented.py',
     r'https://keystone\.moc\.example/v3/OS-FEDERATION/saml2/idp'),
}


def docstrings(tree):
    """Return the nodes of all docstrings of a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = next(iter(node.body), None)
            if isinstance(first, ast.Expr):
                found.add(first.value)
    return found


def named(path):
    """Yield each literal of a file that has the name of a cloud in it."""
    tree = ast.parse(path.read_text())
    kept = docstrings(tree)
    for node in ast.walk(tree):
        if (isinstance(node, ast.Constant) and isinstance(node.value, str)
                and node not in kept and NAME.search(node.value)):
            yield node.value


class TestCloudNames(base.TestCase):

    def test_no_literal_names_a_cloud(self):
        found = {
            (path.relative_to(ROOT).as_posix(), literal)
            for folder in FOLDERS
            for path in [*(ROOT / folder).rglob('*.py'), ROOT / folder / 'run']
            if path.exists() and path != ROOT / 'sandbox' / 'topology.py'
            for literal in named(path)}
        self.assertEqual(QUOTED, found)

    def test_the_clouds_are_known(self):
        self.assertLessEqual({topology.HOME, topology.PROVIDER}, set(NAMES))
