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

import os

import setuptools

# It is setuptools that brings it, from Python 3.12 on.
import distutils.filelist  # noqa: H306


def find_all(folder=os.curdir):
    """Return the files of a folder, without those of hidden folders.

    pbr's LocalManifestMaker.add_defaults has setuptools list the whole tree.
    Clouds and environments come and go in .sandbox and .tox meanwhile, and a
    folder that has gone since it was seen would end the build.
    """
    found = []
    for base, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith('.')]
        found += [os.path.relpath(os.path.join(base, each), folder)
                  if folder == os.curdir else os.path.join(base, each)
                  for each in files]
    return found


# FileList.findall looks it up where it was defined.
distutils.filelist.findall = find_all

setuptools.setup(setup_requires=['pbr>=2.0.0'], pbr=True)
