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

"""The whole plugin, in the Nova that is installed."""

import ast
import pathlib
import re

import fixtures as base_fixtures
from nova.volume import cinder

from mixmatch import patch
from mixmatch_nova.patches import volume_api
from mixmatch_nova import plugin
from tests.unit import base
from tests.unit import fixtures
from tests.unit.mixmatch_nova import novas

METHOD = 'nova.volume.cinder.API.attachment_get'


class TestPlugin(base.TestCase):

    def setUp(self):
        super().setUp()
        self.conf = fixtures.configuration(self, fixtures.text('bu'))
        self.useFixture(novas.NovaLeftAlone())
        self.patches = plugin.Plugin(self.conf).patches()

    def symbols(self):
        return {str(each.symbol): each.symbol.raw() for each in self.patches}

    def test_each_symbol_fits(self):
        for each in self.patches:
            each.symbol.check()

    def test_each_symbol_is_patched_once(self):
        self.assertEqual(len(self.patches), len(self.symbols()))

    def test_load(self):
        self.assertIsNone(plugin.loaded())
        plugin.load(self.conf)
        self.assertEqual(('bu',), plugin.loaded().clouds.names)
        for each in self.patches:
            self.assertIs(plugin.loaded(), patch.owner_of(each.symbol))

    def test_loading_twice_is_harmless(self):
        plugin.load(self.conf)
        first, patched = plugin.loaded(), self.symbols()
        plugin.load(self.conf)
        self.assertIs(first, plugin.loaded())
        self.assertEqual(patched, self.symbols())

    def test_unpatched_after_a_test(self):
        before = self.symbols()
        with novas.PatchedNova(self.conf):
            self.assertNotEqual(before, self.symbols())
        self.assertEqual(before, self.symbols())
        self.assertIsNone(plugin.loaded())

    def assertRefused(self, *words):
        before = {str(each.symbol): each.symbol.raw()
                  for each in self.patches if str(each.symbol) != METHOD}
        exc = self.assertRaises(patch.DoesNotFit, plugin.load, self.conf)
        for word in words:
            self.assertIn(word, str(exc))
        self.assertIsNone(plugin.loaded())
        for each in self.patches:
            if str(each.symbol) != METHOD:
                self.assertIs(before[str(each.symbol)], each.symbol.raw())

    def test_a_missing_symbol_is_refused(self):
        self.useFixture(base_fixtures.MonkeyPatch(
            METHOD, base_fixtures.MonkeyPatch.delete))
        self.assertRefused(METHOD, 'does not exist')

    def test_a_missing_function_that_is_called_is_refused(self):
        for each in plugin.Plugin.called():
            with base_fixtures.MonkeyPatch(str(each),
                                           base_fixtures.MonkeyPatch.delete):
                self.assertRefused(str(each), 'does not exist')

    def test_every_private_function_that_is_called_is_checked(self):
        """Those are functions of Nova that the package does not define."""
        trees = [ast.parse(path.read_text()) for path in pathlib.Path(
            plugin.__file__).parent.rglob('*.py')]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        own = {node.name for node in nodes
               if isinstance(node, ast.FunctionDef)}
        called = {node.func.attr for node in nodes
                  if isinstance(node, ast.Call)
                  and isinstance(node.func, ast.Attribute)
                  and re.match('_[^_]', node.func.attr)}
        self.assertEqual({each.attribute for each in plugin.Plugin.called()},
                         called - own)

    def test_other_parameters_are_refused(self):
        def attachment_get(self, context, volume_id, attachment_id):
            raise NotImplementedError
        self.useFixture(base_fixtures.MockPatch(METHOD, attachment_get))
        self.assertRefused(METHOD, 'volume_id')

    def test_a_new_method_of_the_volume_api_is_refused(self):
        def attachment_swap(self, context, attachment_id):
            raise NotImplementedError
        self.useFixture(base_fixtures.MockPatchObject(
            cinder.API, 'attachment_swap', attachment_swap, create=True))
        self.assertRefused('attachment_swap')

    def test_every_method_of_the_volume_api_is_known_once(self):
        known = [*volume_api.BY_VOLUME, *volume_api.BY_ATTACHMENT,
                 *volume_api.REFUSED, *volume_api.HOME_ONLY,
                 *volume_api.OF_ALL_CLOUDS]
        self.assertEqual(len(known), len(set(known)))
        for name in known:
            self.assertTrue(callable(getattr(cinder.API, name)), name)
