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

"""Tempest's tests of the image API, with and without the filter at home.

They run unmodified, three times on the same clouds: on home's Glance as it
comes; with the filter; and with it while bu does not answer. What passes on
Glance as it comes has to pass each time, but for tests that ask for an id
which nobody ever made (``unknown_image_ids.txt``); see
:mod:`tests.tempest.volume`.

    python -m tests.tempest.image [REGEX]
"""

import pathlib
import re
import sys

from sandbox import client
from sandbox import paste
from sandbox import rules
from sandbox import topology
from tests.tempest import workspace

TESTS = r'^tempest\.api\.image\.'
UNKNOWN_IDS = pathlib.Path(__file__).with_name('unknown_image_ids.txt')


def asked(sandbox: client.Sandbox) -> int:
    """Return how often home's Glance has asked bu's for images."""
    log, = (path for path in sandbox.logs()
            if path.parent.name == topology.HOME
            and path.name == 'glance-api.log')
    address = topology.url(topology.by_name(topology.PROVIDER), 'glance')
    return len(re.findall(f'GET {address}/v2/images',
                          log.read_text(errors='replace')))


def main(argv: list[str]) -> int:
    regex = argv[0] if argv else TESTS
    sandbox = client.Sandbox()
    tempest = workspace.Tempest(sandbox)
    tempest.configure()
    without = tempest.run('Glance as it comes', regex)
    with (rules.Landlord(sandbox).ruling(workspace.RULE),
          paste.changed(sandbox, topology.HOME, workspace.into_one_project,
                        'glance-api.conf', 'glance'),
          paste.changed(sandbox, topology.HOME, paste.with_images,
                        'glance-api-paste.ini', 'glance')):
        before = asked(sandbox)
        filtered = tempest.run('with the filter', regex)
        after = asked(sandbox)
        with workspace.provider_is_away(sandbox, 'glance-api'):
            away = tempest.run(
                f'with the filter, {topology.PROVIDER} is away', regex)
    return workspace.report(after - before, UNKNOWN_IDS, without, filtered,
                            away)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
