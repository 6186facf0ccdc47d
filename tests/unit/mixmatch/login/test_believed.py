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

"""Checks of a token of another Keystone before it is kept."""

import json

import hypothesis
from hypothesis import strategies
from keystoneauth1 import access
from keystoneauth1 import fixture as ksa_fixture

from mixmatch import exceptions
from mixmatch.http import answer
from mixmatch.login import login
from mixmatch import text
from tests.unit.mixmatch import base
from tests.unit.mixmatch.http import test_transport
from tests.unit import servers

WRONG: tuple[object, ...] = ('a:b', 'a/b', 'a\nb', '../x', '', 'x' * 65, 'ä',
                             'a b', 5, None, [])


def token(**values):
    return ksa_fixture.V3Token(project_id='p', **values)


class TestLogin(base.TestCase):

    def login(self, body, auth_token='token-of-bu', **kwargs):
        home = access.AccessInfoV3(token(), 'token-of-home')
        return login.from_tokens(
            access.AccessInfoV3(body, auth_token), home, 600, **kwargs)

    def test_shows_no_token(self):
        said = repr(self.login(token(user_name='alice')))
        self.assertNotIn('token-of-bu', said)
        self.assertNotIn('alice', said)

    def test_an_id_of_a_project_that_is_none(self):
        """It goes into mappings, where a colon or a break means something."""
        for wrong in WRONG:
            body = token()
            body['token']['project']['id'] = wrong
            self.assertRaises(ValueError, self.login, body)

    def test_an_id_of_a_user_that_is_none(self):
        for wrong in WRONG:
            body = token()
            body['token']['user']['id'] = wrong
            self.assertRaises(ValueError, self.login, body)

    def test_a_token_that_is_no_header(self):
        for wrong in ('a\r\n b', 'a b', 'ä', '', 'x' * 9000, None):
            self.assertRaises(ValueError, self.login, token(), wrong)

    def test_only_what_is_used_is_kept(self):
        body = token()
        body.add_service('block-storage').add_standard_endpoints(public='a')
        body.add_service('volumev3').add_standard_endpoints(public='b')
        for number in range(2000):
            body.add_service(f'other-{number}').add_standard_endpoints(
                public='http://bu/' + 'x' * 100)
        body['token']['more'] = 'x' * 100_000
        kept = self.login(body)
        self.assertLess(len(kept.body), 2000)
        self.assertEqual('a', kept.access.service_catalog.url_for(
            'block-storage', interface='public'))
        self.assertEqual({'block-storage', 'volumev3'}, {
            each['type'] for each in kept.access.service_catalog.catalog})
        other = self.login(body, service_types=['other-1', 'other-2'])
        self.assertEqual({'other-1', 'other-2'}, {
            each['type'] for each in other.access.service_catalog.catalog})

    def test_what_is_kept_is_bounded(self):
        body = token()
        body['token']['roles'] = [{'id': 'x' * 50, 'name': 'y'}] * 1000
        self.assertRaises(ValueError, self.login, body)


class TestLoginAtACloud(base.FederationTestCase):

    def test_several_projects_are_named_in_few_words(self):
        self.more = 'project_name =\n'
        self.federation = self.new_federation()
        self.bu.projects['alice'] = [f'a\n{n}' + 'x' * 500
                                     for n in range(500)]
        exc = self.assertRaises(
            exceptions.ServiceProviderSetupError, self.login,
            self.home.token('alice'))
        self.assertTrue(str(exc).isprintable())
        self.assertLess(len(str(exc)), 1500)

    def test_a_project_that_would_be_another_target(self):
        self.bu.project_id = lambda name: 'x:bu'
        exc = self.assertRaises(
            exceptions.ServiceProviderSetupError, self.login,
            self.home.token('alice'))
        self.assertEqual(502, exc.code)

    def test_an_answer_that_is_nested_without_end(self):
        self.clouds.mock.get(self.bu.auth_url, text='[' * 200_000,
                             headers={'X-Subject-Token': 'x'})
        self.assertRaises(exceptions.ServiceProviderSetupError, self.login,
                          self.home.token('alice'))


class TestVersions(test_transport.WireTestCase):

    def test_versions_that_are_nested_without_end(self):
        self.serve(servers.answer(b'{"a":' * 200_000,
                                  Content_Type='application/json'))
        self.assertRaises(ValueError, self.request().json)


JSON = strategies.recursive(
    strategies.none() | strategies.booleans()
    | strategies.integers(-2 ** 63, 2 ** 63) | strategies.text()
    | strategies.floats(allow_nan=False, allow_infinity=False),
    lambda each: strategies.lists(each)
    | strategies.dictionaries(strategies.text(), each), max_leaves=20)


class TestProperties(base.TestCase):

    @hypothesis.settings(deadline=None)
    @hypothesis.given(JSON)
    def test_json_comes_as_it_was_sent(self, data):
        hypothesis.assume(_depth(data) <= answer.DEEPEST)
        self.assertEqual(data, answer.parse(json.dumps(data).encode()))

    @hypothesis.settings(deadline=None)
    @hypothesis.given(strategies.binary() | strategies.text(
        alphabet='[]{}",:\\u0dD8fNaInity-1.e').map(str.encode))
    def test_any_bytes_are_json_or_no_value(self, body):
        try:
            data = answer.parse(body)
        except (ValueError, RecursionError):
            return
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
        self.assertLessEqual(_depth(data), answer.DEEPEST)

    @hypothesis.settings(deadline=None)
    @hypothesis.given(strategies.text(
        alphabet=strategies.characters(), max_size=700))
    def test_a_text_is_printable_and_short(self, said):
        for made, most in ((text.clean(said), 10 * text.LONGEST + 3),
                           (text.quoted(said), 802)):
            self.assertTrue(made.isprintable())
            self.assertLessEqual(len(made), most)
            made.encode()
        if said.isprintable() and len(said) <= text.LONGEST:
            self.assertEqual(said, text.clean(said))

    @hypothesis.settings(deadline=None)
    @hypothesis.given(strategies.none() | strategies.integers()
                      | strategies.text() | strategies.lists(
                          strategies.text()))
    def test_an_id_is_an_id(self, said):
        try:
            text.identifier(said)
        except ValueError:
            return
        self.assertRegex(said, r'\A[A-Za-z0-9_-]{1,64}\Z')


def _depth(data):
    if isinstance(data, dict):
        return 1 + max(map(_depth, data.values()), default=0)
    if isinstance(data, list):
        return 1 + max(map(_depth, data), default=0)
    return 0
