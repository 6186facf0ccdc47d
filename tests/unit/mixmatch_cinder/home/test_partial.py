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

"""Responses without the part of a service provider."""

import types

import webob

from mixmatch import api
from mixmatch import exceptions
from mixmatch_cinder.home import partial
from tests.unit import base

AWAY = exceptions.ServiceProviderUnavailable(service_provider='bu',
                                             reason='away')


class TestMissingParts(base.TestCase):

    def setUp(self):
        super().setUp()
        self.missing = partial.MissingParts('volumes', required=False)

    def header(self):
        response = self.missing.mark(webob.Response())
        return response.headers.get(api.MISSING_HEADER)

    def test_named_in_the_header(self):
        self.missing.add('mit', AWAY)
        self.missing.add('bu', AWAY)
        self.assertEqual('bu, mit', self.header())
        self.assertRaises(exceptions.ServiceProviderUnavailable,
                          self.missing.check)

    def test_nothing_is_missing(self):
        self.missing.check()
        self.assertIsNone(self.header())

    def test_user_without_access_has_nothing_there(self):
        self.missing.add('bu', exceptions.UnknownServiceProvider.not_one_of(
            'bu', (), ()))
        self.missing.check()
        self.assertIsNone(self.header())

    def test_required(self):
        missing = partial.MissingParts('volumes', required=True)
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                missing.add, 'bu', AWAY)
        self.assertIs(AWAY, exc)

    def test_split(self):
        answers = types.SimpleNamespace(answered={'mit': 5},
                                        missing={'bu': AWAY})
        self.assertEqual({'mit': 5}, partial.split(answers, self.missing))
        self.assertEqual('bu', self.header())
