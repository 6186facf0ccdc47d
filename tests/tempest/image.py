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
Glance as it comes has to pass each time.

As long as bu does not answer, nobody knows that an id which nobody ever made
is not there, and a list of what has some property may lack an image.
``images_need_all.txt`` has the tests that ask so; each has to get a 503 that
names bu, and nothing else.

    python -m tests.tempest.image [REGEX]
"""

import pathlib
import re
import sys

from sandbox import client
from sandbox import paste
from sandbox import rules
from sandbox.services import common
from sandbox import state
from sandbox import topology
from tests.tempest import workspace

#: They want a second store, and an image of the Internet.
WANT_MORE = ('ImportCopyImagesTest', 'test_image_web_download_import')
TESTS = rf'^tempest\.api\.image\.(?!.*\b({"|".join(WANT_MORE)})\b)'
NEED_ALL = pathlib.Path(__file__).with_name('images_need_all.txt')


def asked(sandbox: client.Sandbox) -> int:
    """Return how often home's Glance has asked bu's for images."""
    log, = (path for path in sandbox.logs()
            if path.parent.name == topology.HOME
            and path.name == 'glance-api.log')
    address = topology.url(topology.by_name(topology.PROVIDER), 'glance')
    return len(re.findall(f'GET {address}/v2/images',
                          log.read_text(errors='replace')))


def load_metadefs(site: state.Site) -> None:
    """Load what the tests of metadata definitions want there to be."""
    etc = site.etc(topology.by_name(topology.HOME), 'glance')
    client.must(client.run(
        site.tool('glance-manage'), '--config-file',
        str(etc / 'glance-api.conf'), 'db', 'load_metadefs', '--path',
        str(common.installed(site, 'glance/metadefs'))))


def main(argv: list[str]) -> int:
    regex = argv[0] if argv else TESTS
    sandbox = client.Sandbox()
    tempest = workspace.Tempest(sandbox)
    tempest.configure()
    load_metadefs(sandbox.site)
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
    return workspace.report(after - before, NEED_ALL, without, filtered,
                            away)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
