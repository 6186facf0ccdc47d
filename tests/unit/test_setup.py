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

"""The project is built while clouds and environments come and go in its tree.

Setuptools lists the tree as it is at that moment, and what has gone since it
was seen would end the build.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import fixtures

from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]

#: A folder that is there when it is listed, and gone when it is looked into.
GOES_AWAY = '''
import os, setuptools
stat = os.stat
def gone(path, *arguments, **values):
    if os.path.basename(str(path)) == 'goes':
        raise FileNotFoundError(path)
    return stat(path, *arguments, **values)
os.stat = gone
import sys
sys.argv = ['setup.py', '-q', 'egg_info']
with open('setup.py') as file:
    exec(compile(file.read(), 'setup.py', 'exec'))
'''


class TestBuild(base.TestCase):

    def test_folder_goes_away(self):
        for name in ('.sandbox', '.tox'):
            with self.subTest(name):
                tree = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
                for file in ('setup.py', 'setup.cfg', 'README.rst'):
                    shutil.copy(ROOT / file, tree)
                (tree / 'mixmatch').mkdir()
                (tree / name / 'goes').mkdir(parents=True)
                built = subprocess.run(
                    [sys.executable, '-c', GOES_AWAY], cwd=tree,
                    env={**os.environ, 'PBR_VERSION': '1.0.0'},
                    capture_output=True, text=True)
                self.assertEqual(0, built.returncode, built.stderr)
