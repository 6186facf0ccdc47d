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

"""The installed Nova uses its volume API where mixmatch knows it does."""

import functools
from importlib import metadata
import inspect
import pathlib
import re
import textwrap

from os_brick import encryptors

from mixmatch_nova.patches import volume_api
from mixmatch_nova import plugin
from tests.unit import base
from tests.unit import fixtures
from tests.unit.mixmatch_nova import novas
from tests.unit.mixmatch_nova.patches import call_sites

KNOWN = pathlib.Path(__file__).with_name('call_sites.txt')
#: By Nova's major version.
RELEASES = {31: '2025.1', 32: '2025.2', 33: '2026.1', 34: '2026.2'}

#: How mixmatch deals with each method.
ROUTES = {
    **dict.fromkeys(volume_api.BY_VOLUME, 'goes to the cloud of the volume'),
    **dict.fromkeys(volume_api.BY_ATTACHMENT,
                    'goes to the cloud of the attachment'),
    **dict.fromkeys(volume_api.BY_SNAPSHOT,
                    'goes to the cloud of the snapshot'),
    **dict.fromkeys(volume_api.REFUSED, 'is refused for a foreign volume'),
    **dict.fromkeys(volume_api.HOME_ONLY, 'always asks home'),
    **dict.fromkeys(volume_api.OF_ALL_CLOUDS,
                    'asks home, whose Cinder asks the others'),
    volume_api.CHECK_AZ.attribute: 'does nothing for a foreign volume'}
#: And with what is not a method.
OTHERWISE = {
    # nova-status asks home's Cinder what it can do.
    'is_microversion_supported',
    # This is patched; what it does itself is for home.
    'cinderclient',
    'cinderclient.client.Client',
    'cinderclient.client.get_volume_api_from_url',
    # These call attach() or refresh_connection_info() of a mapping with it.
    'given to driver_block_device.attach_block_devices',
    'given to driver_block_device.refresh_conn_infos',
    # See test_os_brick_asks_for_the_encryption.
    'given to encryptors.get_encryption_metadata'}

_LINE = re.compile(r'  (?P<function>[\w.<>]+)(?P<what>: .+?|\(.*\))'
                   r'(  \[(?P<releases>[\d. ]+)\])?')

UNKNOWN = """

mixmatch does not know that Nova {release} does this:

{uses}

Read each: which id does it pass, who has sent the context, has the block
device mapping been loaded by then, and what does Nova do if the call fails
or is refused? If it is right as it is, write into {file}, under
the name of the source file:

{lines}
"""
VANISHED = """

Nova {release} does not do this any more, though {file} says so:

{lines}

Has it moved, where does it happen now, and does a patch of mixmatch rely on
it? Name in that file, in brackets, the releases where it still is.
"""


def release():
    """That of the installed Nova, or the newest that is known."""
    major = int(metadata.version('nova').partition('.')[0])
    return RELEASES.get(major, max(RELEASES.values()))


def known():
    """For each site the releases that have it."""
    found, file = {}, ''
    for line in KNOWN.read_text().splitlines():
        match = _LINE.fullmatch(line)
        if match:
            site = call_sites.Site(file, match['function'], match['what'])
            releases = (match['releases'] or '').split()
            # The parameters of a function have a line for each variant.
            found[site] = found.get(site, set()) | set(
                releases or RELEASES.values())
        elif line.strip() and not line.startswith('#'):
            file = line
    return found


def lines(sites):
    return '\n'.join(f'{site.file}\n  {site}' for site in sorted(sites))


@functools.cache
def installed():
    return call_sites.installed()


class TestCallSites(base.TestCase):

    def setUp(self):
        super().setUp()
        self.known = {site for site, releases in known().items()
                      if release() in releases}

    def assertKnown(self, uses):
        uses = [each for each in uses if each.site not in self.known]
        if uses:
            self.fail(UNKNOWN.format(
                release=metadata.version('nova'), file=KNOWN.name,
                uses='\n'.join(f'{use}{self.route(use)}' for use in uses),
                lines=lines({each.site for each in uses})))

    @staticmethod
    def route(use):
        route = ROUTES.get(use.site.what.removeprefix(': '))
        return f' ({route})' if route else ''

    def test_each_use_is_known(self):
        self.assertKnown(installed())

    def test_each_known_use_is_there(self):
        vanished = {site for site in self.known - {
            each.site for each in installed()} if site.what.startswith(':')}
        if vanished:
            self.fail(VANISHED.format(
                release=metadata.version('nova'), file=KNOWN.name,
                lines=lines(vanished)))

    def test_each_use_is_dealt_with(self):
        not_dealt_with = [
            str(each) for each in installed()
            if each.site.what.removeprefix(': ') not in {*ROUTES, *OTHERWISE}]
        self.assertEqual([], not_dealt_with)

    def test_what_goes_elsewhere_is_patched(self):
        patched = {each.symbol.attribute for each in self.patches()
                   if each.symbol.module == call_sites.MODULE}
        self.assertEqual(set(), set(ROUTES) - set(volume_api.HOME_ONLY)
                         - patched)

    def test_parameters_of_what_is_patched_are_known(self):
        self.assertKnown(call_sites.definition(each.symbol)
                         for each in self.patches())

    def patches(self):
        self.useFixture(novas.NovaLeftAlone())
        return plugin.Plugin(fixtures.configuration(
            self, fixtures.text('bu'))).patches()

    def test_os_brick_asks_for_the_encryption(self):
        uses = call_sites.scan({'encryptors.py':
                                inspect.getsource(encryptors)})
        self.assertEqual(
            [('get_encryption_metadata', ': get_volume_encryption_metadata')],
            [(each.site.function, each.site.what) for each in uses])

    def test_file_is_sorted_and_has_known_releases(self):
        self.assertEqual(sorted(known()), list(known()))
        named = {each for releases in known().values() for each in releases}
        self.assertEqual(set(RELEASES.values()), named)

    def test_message(self):
        site = call_sites.Site('nova/news.py', 'API.attach', ': get')
        exc = self.assertRaises(self.failureException, self.assertKnown,
                                [call_sites.Use(site, 7)])
        for words in ('nova/news.py:7: API.attach: get (goes to the cloud '
                      'of the volume)', 'nova/news.py\n  API.attach: get'):
            self.assertIn(words, str(exc))


class TestScan(base.TestCase):
    """Sources that no Nova has (yet)."""

    def scan(self, text, file='nova/news.py'):
        sources = {file: textwrap.dedent(text)}
        return sorted((each.line, str(each.site))
                      for each in call_sites.scan(sources))

    def test_new_call(self):
        uses = call_sites.scan({'nova/news.py': textwrap.dedent("""\
            class Manager:
                def swap(self):
                    def undo():
                        self._volume_api.roll_detaching(1, 2)
            """)})
        self.assertEqual(['nova/news.py:4: Manager.swap.undo: '
                          'roll_detaching'], [str(each) for each in uses])

    def test_other_api(self):
        self.assertEqual([], self.scan("""\
            from nova.network import neutron
            from nova.share import cinder as volume_api
            neutron.API().get(1)
            self.network_api.get(volume_id)
            volume_api.get(1)
            """))

    def test_made_and_used(self):
        for text in ('from nova.volume import cinder\ncinder.API().get(1)',
                     'import nova.volume.cinder\n'
                     'nova.volume.cinder.API().get(1)',
                     'from nova.volume.cinder import API\nAPI().get(1)'):
            self.assertEqual([(2, '<module>: get')], self.scan(text))

    def test_another_name(self):
        self.assertEqual([(6, 'f: delete'), (7, 'f: get'), (8, 'f: attach'),
                          (10, 'f.g: update')], self.scan("""\
            from nova.volume import cinder
            def f(self, volume_api=None):
                self.storage = volume_api or cinder.API()
                them = self.storage if self else None
                delete = \\
                    them.delete
                self.storage.get(1)
                (x := them).attach(1)
                def g():
                    x.update()
            def h(them, x):
                them.delete()
                x.update()
            """))

    def test_attribute_of_a_class(self):
        self.assertEqual([(5, 'A.f: get')], self.scan("""\
            from nova.volume import cinder
            class A:
                storage = cinder.API()
                def f(self):
                    self.storage.get(1)
            """))

    def test_given_away(self):
        self.assertEqual([(6, 'f: given to news'), (7, 'f: given to news'),
                          (8, 'f: given away'), (9, 'f: given away')],
                         self.scan("""\
            def taker(volume_api): pass
            class Taker:
                def __init__(self, *, volume_api): pass
            def f(volume_api):
                taker(volume_api), Taker(volume_api), x(volume_api=volume_api)
                news(volume_api)
                news(them=volume_api)
                x = [volume_api]
                return volume_api
            """))

    def test_telling_method_of_something_else(self):
        self.assertEqual([(2, '<module>: perhaps attachment_create')],
                         self.scan('them.get(1)\nthem.attachment_create(1)'))

    def test_the_module(self):
        self.assertEqual(
            [(2, '<module>: cinderclient'),
             (3, '<module>: is_microversion_supported'),
             (4, 'API: the class itself'), (5, '<module>: its name as text')],
            self.scan("""\
            from nova.volume import cinder
            cinder.cinderclient(context).volumes.get(1)
            cinder.is_microversion_supported(context, '3.99')
            class API(cinder.API): pass
            x = importutils.import_object('nova.volume.cinder.API')
            """))

    def test_the_library(self):
        self.assertEqual([(3, '<module>: cinderclient.client.Client')],
                         self.scan("""\
            from cinderclient import client, exceptions
            try:
                client.Client(3)
            except exceptions.NotFound: pass
            """))

    def test_methods_that_call_methods(self):
        self.assertEqual([(3, 'API.swap: get'), (6, 'news: cinderclient')],
                         self.scan("""\
            class API:
                def swap(self, context):
                    self.get(context)
                    cinderclient(context).volumes.get(1)
            def news(context):
                cinderclient(context)
            """, 'nova/volume/cinder.py'))
