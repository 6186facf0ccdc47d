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

"""The rules of imports between packages, see architecture.rst."""

import ast
import pathlib

from oslotest import base

ROOT = pathlib.Path(__file__).parents[2]

#: Services, and clients of their APIs. (keystoneauth and keystonemiddleware
#: are libraries that every service has.)
SERVICES = frozenset({
    'cinder', 'cinderclient', 'glance', 'glanceclient', 'keystone',
    'keystoneclient', 'nova', 'novaclient', 'openstack', 'os_brick',
    'os_vif'})

#: The services and clients that a package may import; others may none. (A
#: Cinder asks its Nova; home's asks other Cinders without a client.)
OWN_SERVICES = {
    'mixmatch_cinder.home': {'cinder'},
    'mixmatch_cinder.provider': {'cinder', 'novaclient'},
    'mixmatch_glance': {'glance'},
    'mixmatch_keystone': {'keystone'},
    'mixmatch_nova': {'nova', 'cinderclient', 'glanceclient'},
}

#: Modules that also run where there is no Nova.
WITHOUT_NOVA = frozenset({
    'mixmatch_nova', 'mixmatch_nova.cmd', 'mixmatch_nova.cmd.status',
    'mixmatch_nova.conf', 'mixmatch_nova.connection'})

#: A service provider reaches no other cloud, so it needs nothing that does.
#: Its checks are wrappers around functions of Cinder.
PROVIDER_MAY_IMPORT = frozenset({'mixmatch.patch'})


def modules(package):
    """Yield the name and the syntax tree of each module of a package."""
    for path in sorted((ROOT / package.replace('.', '/')).rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        name = '.'.join(parts).removesuffix('.__init__')
        yield name, ast.parse(path.read_text())


def imported(tree):
    """Return the absolute names that a module imports, in any scope."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, 'hacking forbids relative imports'
            found.update(f'{node.module}.{each.name}' for each in node.names)
    return found


def is_in(name, package):
    return name == package or name.startswith(package + '.')


#: The modules of mixmatch_nova: each imports only from those before it.
#: (The loader imports the plugin when nova.conf has been read.)
NOVA_LAYERS = ('conf', 'connection', 'volume_client', 'target', 'state',
               'errors', 'auth', 'block_device', 'reconcile', 'patches',
               'plugin', 'loader', 'middleware', 'cmd')


class TestImports(base.BaseTestCase):

    packages = sorted(path.parent.name
                      for path in ROOT.glob('mixmatch*/__init__.py'))

    def assertImports(self, package, allowed):
        """Check each import of mixmatch or mixmatch_* in a package."""
        wrong = {
            (name, each) for name, tree in modules(package)
            for each in imported(tree)
            if each.startswith('mixmatch') and not any(
                is_in(each, one) for one in allowed)}
        self.assertEqual(set(), wrong)

    def test_all_packages_are_found(self):
        self.assertLessEqual(
            {'mixmatch', 'mixmatch_cinder', 'mixmatch_glance',
             'mixmatch_keystone', 'mixmatch_nova'}, set(self.packages))

    def test_core_imports_no_extension(self):
        self.assertImports('mixmatch', ['mixmatch'])

    def test_only_own_services_are_imported(self):
        """The core imports none, nor a client of one."""
        for package in self.packages:
            for name, tree in modules(package):
                refused = SERVICES.difference(*(
                    own for room, own in OWN_SERVICES.items()
                    if is_in(name, room)))
                self.assertEqual(set(), refused & {
                    each.partition('.')[0] for each in imported(tree)}, name)

    def test_status_runs_without_nova(self):
        found = {name: imported(tree) for name, tree in modules(
            'mixmatch_nova') if name in WITHOUT_NOVA}
        self.assertEqual(WITHOUT_NOVA, set(found))
        for name, those in found.items():
            for each in those:
                # NOTE: "from package import module" names the module.
                self.assertFalse(is_in(each, 'nova'), (name, each))
                if is_in(each, 'mixmatch_nova'):
                    self.assertIn(each, WITHOUT_NOVA, name)

    def test_extensions_import_no_other_extension(self):
        for package in self.packages:
            if package != 'mixmatch':
                self.assertImports(package, ['mixmatch', package])

    def test_keystone_imports_no_core(self):
        self.assertImports('mixmatch_keystone', ['mixmatch_keystone'])

    def test_home_imports_no_provider(self):
        self.assertImports('mixmatch_cinder.home',
                           ['mixmatch', 'mixmatch_cinder.home'])

    def test_provider_imports_only_patch(self):
        self.assertImports('mixmatch_cinder.provider', [
            *PROVIDER_MAY_IMPORT, 'mixmatch_cinder.provider'])

    def test_nova_imports_never_run_back_up(self):
        for name, tree in modules('mixmatch_nova'):
            layer = name.removeprefix('mixmatch_nova').split('.')
            allowed = NOVA_LAYERS[:NOVA_LAYERS.index(layer[1]) + 1] if (
                len(layer) > 1) else ()
            wrong = {each for each in imported(tree)
                     if is_in(each, 'mixmatch_nova') and not any(
                         is_in(each, f'mixmatch_nova.{one}')
                         for one in allowed)}
            self.assertEqual(set(), wrong, name)

    def test_each_module_of_nova_has_a_layer(self):
        self.assertEqual(
            {'mixmatch_nova', *(f'mixmatch_nova.{each}'
                                for each in NOVA_LAYERS)},
            {'.'.join(name.split('.')[:2])
             for name, _ in modules('mixmatch_nova')})

    def test_nothing_imports_tests(self):
        for package in self.packages:
            for name, tree in modules(package):
                for each in imported(tree):
                    self.assertNotIn(each.partition('.')[0], (
                        'benchmarks', 'sandbox', 'tests'), name)
