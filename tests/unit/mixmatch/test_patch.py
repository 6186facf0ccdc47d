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

"""A patch is put only where it fits."""

import types

import fixtures

from mixmatch import patch
from tests.unit import base

MODULE = 'tests.unit.mixmatch.test_patch'


class Parent:
    @classmethod
    def inherited(cls, value):
        return (cls, value)


class Example(Parent):
    number = 1

    def method(self, value):
        """Say what the value was."""
        return ('method', value)

    @classmethod
    def class_method(cls, value):
        return (cls, value)

    @staticmethod
    def static_method(value):
        return ('static', value)


def function(value, more=None):
    return ('function', value, more)


def wrapper(original, *args, **kwargs):
    return ('patched', original(*args, **kwargs))


class TestPatch(base.TestCase):

    def setUp(self):
        super().setUp()
        for name in ('method', 'class_method', 'static_method'):
            self.useFixture(fixtures.MonkeyPatch(
                f'{MODULE}.Example.{name}', vars(Example)[name]))
        self.useFixture(fixtures.MonkeyPatch(f'{MODULE}.function', function))

    def patch(self, name, *parameters):
        return patch.Patch(patch.Symbol(MODULE, name, parameters), wrapper)

    def apply(self, *args):
        patch.apply('the owner', [self.patch(*args)])

    def test_function(self):
        self.apply('function', 'value')
        self.assertEqual(('patched', ('function', 1, 2)),
                         function(1, more=2))

    def test_method(self):
        self.apply('Example.method', 'self', 'value')
        self.assertEqual(('patched', ('method', 1)), Example().method(1))

    def test_class_method(self):
        self.apply('Example.class_method', 'cls', 'value')
        self.assertEqual(('patched', (Example, 1)), Example.class_method(1))
        self.assertEqual(('patched', (Example, 1)),
                         Example().class_method(1))

    def test_static_method(self):
        self.apply('Example.static_method', 'value')
        self.assertEqual(('patched', ('static', 1)),
                         Example.static_method(1))

    def test_inherited_method_is_patched_for_the_child_alone(self):
        self.addCleanup(delattr, Example, 'inherited')
        self.apply('Example.inherited', 'cls', 'value')
        self.assertEqual(('patched', (Example, 1)), Example.inherited(1))
        self.assertEqual((Parent, 1), Parent.inherited(1))

    def test_a_patched_function_looks_as_before(self):
        self.apply('Example.method', 'self', 'value')
        self.assertEqual('method', Example.method.__name__)
        self.assertEqual('Say what the value was.', Example.method.__doc__)

    def test_owner(self):
        symbol = patch.Symbol(MODULE, 'function', ('value',))
        self.assertIsNone(patch.owner_of(symbol))
        self.apply('function', 'value')
        self.assertEqual('the owner', patch.owner_of(symbol))

    def assertDoesNotFit(self, text, *args):
        exc = self.assertRaises(patch.DoesNotFit,
                                self.patch(*args).symbol.check)
        self.assertIn(text, str(exc))

    def test_missing_method(self):
        self.assertDoesNotFit('Example.gone does not exist', 'Example.gone')

    def test_missing_class(self):
        self.assertDoesNotFit('Gone.method does not exist', 'Gone.method')

    def test_missing_module(self):
        each = patch.Patch(patch.Symbol('nova.gone', 'f', ()), wrapper)
        exc = self.assertRaises(patch.DoesNotFit, each.symbol.check)
        self.assertIn('nova.gone.f does not exist', str(exc))

    def test_other_parameters(self):
        self.assertDoesNotFit("takes ('value', 'more')", 'function', 'other')

    def test_fewer_parameters(self):
        self.assertDoesNotFit('static_method takes', 'Example.static_method',
                              'value', 'more')

    def test_more_parameters_at_the_end_are_harmless(self):
        self.patch('function', 'value').symbol.check()

    def test_not_a_function(self):
        self.assertDoesNotFit('number is not a function', 'Example.number')

    def test_all_or_nothing(self):
        before = types.SimpleNamespace(function=function)
        self.assertRaises(patch.DoesNotFit, patch.apply, 'the owner', [
            self.patch('function', 'value'), self.patch('Example.gone')])
        self.assertIs(before.function, function)
