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

"""Tempest's tests of the volume API, with and without the filter at home.

They run unmodified, three times on the same clouds: on home's Cinder as it
comes; with the filter, and the protection that a service provider has; and
with both while bu does not answer. What passes on Cinder as it comes has to
pass each time. bu lets the projects in that Tempest makes, so it is asked for
their volumes.

    python -m tests.tempest.volume [REGEX]

One thing cannot be the same: as long as bu does not answer, nobody knows
that an id which nobody ever made is not there. ``volumes_need_all.txt``
has the tests that ask for one; each has to get a 503 that names bu, and
nothing else.
"""

import pathlib
import re
import sys

from sandbox import client
from sandbox import paste
from sandbox import rules
from sandbox import topology
from tests.tempest import workspace

#: They want storage that keeps an image; what is fake keeps nothing.
WANT_AN_IMAGE = (
    'VolumesImageMetadata', 'test_create_from_bootable_volume',
    'test_snapshot_create_delete_with_volume_in_use',
    'test_volume_create_get_update_delete_from_image', 'test_volume_extend',
    'test_volume_upload')
TESTS = rf'^tempest\.api\.volume\.(?!.*\b({"|".join(WANT_AN_IMAGE)})\b)'
NEED_ALL = pathlib.Path(__file__).with_name('volumes_need_all.txt')


def without_filter(text: str) -> str:
    """Pipelines of Cinder as it comes."""
    return re.sub(r'(?m)^(keystone.* =.*) mixmatch\b', r'\1', text)


def main(argv: list[str]) -> int:
    regex = argv[0] if argv else TESTS
    sandbox = client.Sandbox()
    tempest = workspace.Tempest(sandbox)
    tempest.configure()
    with paste.changed(sandbox, topology.HOME, without_filter):
        without = tempest.run('Cinder as it comes', regex)
    with (rules.Landlord(sandbox).ruling(workspace.RULE),
          paste.changed(sandbox, topology.HOME, workspace.into_one_project,
                        'cinder.conf'),
          paste.changed(sandbox, topology.HOME, paste.with_protection)):
        before = sandbox.asked_for(topology.PROVIDER)
        filtered = tempest.run('with the filter', regex)
        asked = sandbox.asked_for(topology.PROVIDER) - before
        with workspace.provider_is_away(sandbox, 'cinder-api'):
            away = tempest.run(
                f'with the filter, {topology.PROVIDER} is away', regex)
    return workspace.report(asked, NEED_ALL, without, filtered, away)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
