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

import webob

from mixmatch import api
from mixmatch import exceptions
from mixmatch import fanout
from mixmatch.listing import partial
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

    def test_error_of_the_client(self):
        exc = partial.RequestRejected(service_provider='bu', said='no x')
        self.assertIs(exc, self.assertRaises(
            partial.RequestRejected, self.missing.add, 'bu', exc))

    def test_cloud_without_the_service(self):
        """It is named, and nothing of it is missing."""
        exc = partial.NothingThere(service_provider='bu', reason='no Glance')
        self.missing.add('bu', exc)
        self.missing.check()
        self.assertEqual('bu', self.header())
        missing = partial.MissingParts.of_list('images', False, True,
                                               'unfiltered')
        missing.add('bu', exc)
        missing.check_complete(())
        missing = partial.MissingParts('images', required=True)
        self.assertIs(exc, self.assertRaises(
            partial.NothingThere, missing.add, 'bu', exc))

    def allowed(self, option, *parameters):
        missing = partial.MissingParts.allowed('volumes', False, parameters,
                                               option)
        missing.add('mit', AWAY)
        missing.add('bu', AWAY)
        return missing

    def assertIncomplete(self, missing, had_nothing=()):
        return str(self.assertRaises(partial.IncompleteResult,
                                     missing.check_complete, had_nothing))

    def test_where_something_is_looked_for(self):
        for name in ('name', 'name~', 'display_name', 'metadata', 'id',
                     'volume_id', 'status', 'no_such_filter'):
            self.assertIncomplete(self.allowed('unfiltered', name))
            self.allowed('always', name).check_complete(())

    def test_names_the_clouds_and_the_remedy(self):
        text = self.assertIncomplete(self.allowed('unfiltered', 'name'),
                                     ['mit'])
        self.assertIn('provider bu does not answer: away. What', text)
        self.assertIn('query os-mixmatch:service_provider=none', text)
        self.assertNotIn(';', text)

    def test_where_all_is_listed(self):
        names = ('marker', 'limit', 'offset', 'sort', 'sort_key', 'sort_dir',
                 'with_count', 'all_tenants')
        for option in ('unfiltered', 'always'):
            self.allowed(option, *names).check_complete(())
        self.assertIncomplete(self.allowed('never', *names))

    def test_where_nothing_was(self):
        for option in ('unfiltered', 'never'):
            missing = self.allowed(option, 'name')
            missing.check_complete(['bu', 'mit'])
            self.assertIncomplete(missing, ['bu'])

    def test_split(self):
        answers = fanout.Answers({'mit': 5}, {'bu': AWAY})
        self.assertEqual({'mit': 5}, partial.split(answers, self.missing))
        self.assertEqual('bu', self.header())
