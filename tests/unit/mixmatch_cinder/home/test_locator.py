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

"""Location of a volume that home does not have."""

import threading

import fixtures
import requests
import webob

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import locator as locators
from mixmatch_cinder.home import locator
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import user_request
from tests.unit import fixtures as fixtures_of_clouds
from tests.unit.mixmatch_cinder.home import base


class LocatorTestCase(base.CinderTestCase):

    #: The body of the user's token.
    offered = None

    def setUp(self):
        super().setUp()
        self.locator = locator.Locator(self.federation)

    def find(self, microversion='3.0', names=None, context=None):
        http = webob.Request.blank(f'/volumes/{base.VOLUME}', headers={
            'OpenStack-API-Version': f'volume {microversion}'})
        http.environ['cinder.context'] = context or self.context()
        http.environ['keystone.token_info'] = self.offered
        request = user_request.UserRequest.from_http(http, self.federation)
        return self.locator.find(request, list(names or self.names),
                                 request.route.resource)


class TestLocator(LocatorTestCase):

    def test_found_at_one(self):
        self.mit.add_volume(base.VOLUME, size=7)
        name, volume = self.find()
        self.assertEqual(('mit', 7), (name, volume['size']))
        self.assertEqual(['bu', 'mit'], self.asked())

    def test_found_at_none(self):
        self.assertIsNone(self.find())
        self.assertEqual(['bu', 'mit'], self.asked())

    def test_only_those_named_are_asked(self):
        self.find(names=['mit'])
        self.assertEqual([], self.clouds.sent_to('bu'))

    def test_all_are_asked_at_the_same_time(self):
        together = threading.Barrier(2)
        login = self.federation.user_login

        def wait_for_the_other(*args):
            together.wait(10)
            return login(*args)
        self.useFixture(fixtures.MockPatchObject(
            self.federation, 'user_login', wait_for_the_other))
        self.assertIsNone(self.find())

    def test_asked_as_the_user(self):
        self.find()
        sent = self.clouds.sent_to('bu')[-1]
        self.assertEqual(('alice', 'id-of-research'),
                         self.bu.tokens[sent.headers['X-Auth-Token']])
        self.assertNotIn('X-Service-Token', sent.headers)

    def test_no_token_of_home_leaves_home(self):
        self.find()
        self.assertEqual([], self.clouds.leaks())

    def test_request_id_of_home_is_sent(self):
        context = self.context()
        self.find(context=context)
        self.assertEqual(context.request_id, self.clouds.sent_to('bu')[
            -1].headers['X-OpenStack-Request-ID'])

    def test_microversion_is_passed(self):
        self.find('3.48')
        self.assertEqual('volume 3.48', self.clouds.sent_to('bu')[
            -1].headers['OpenStack-API-Version'])

    def test_an_older_cinder_answers_in_its_newest(self):
        self.bu.highest_microversion = '3.44'
        self.find('3.60')
        sent = {host: self.clouds.sent_to(host)[-1].headers[
            'OpenStack-API-Version'] for host in self.names}
        self.assertEqual({'bu': 'volume 3.44', 'mit': 'volume 3.60'}, sent)

    def test_claimed_by_two(self):
        self.bu.add_volume(base.VOLUME)
        self.mit.add_volume(base.VOLUME)
        exc = self.assertRaises(locators.ClaimedTwice, self.find)
        self.assertIn('bu, mit', str(exc))
        self.assertEqual(409, exc.code)

    def test_one_is_silent(self):
        self.answer(self.bu, exc=requests.exceptions.ConnectTimeout)
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                self.find)
        self.assertEqual('bu', exc.service_provider)

    def test_keystone_of_one_is_silent(self):
        self.clouds.mock.get(self.bu.auth_url,
                             exc=requests.exceptions.ConnectTimeout)
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                self.find)
        self.assertEqual('bu', exc.service_provider)

    def test_one_is_broken(self):
        for status in (401, 403, 500, 503):
            self.answer(self.bu, status_code=status)
            exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                    self.find)
            self.assertIn(str(status), str(exc))

    def test_found_although_another_is_silent(self):
        self.answer(self.bu, exc=requests.exceptions.ConnectTimeout)
        self.mit.add_volume(base.VOLUME)
        self.assertEqual('mit', self.find()[0])

    def test_answer_about_something_else(self):
        for body in ({}, [], {'volume': None}, {'volume': []},
                     {'volume': {'id': 'another'}}, {'volume': {}}):
            self.answer(self.bu, json=body)
            exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                    self.find)
            self.assertIn('its Cinder answered', str(exc))

    def test_answer_that_is_not_json(self):
        self.answer(self.bu, text='<html>Welcome</html>')
        self.assertRaises(exceptions.ServiceProviderUnavailable, self.find)

    def test_user_who_is_not_mapped(self):
        del self.bu.projects['alice'], self.mit.projects['alice']
        self.assertIsNone(self.find())
        self.assertEqual([], self.asked())

    def test_user_without_an_assertion(self):
        self.clouds.mock.post(self.home.ecp_url, status_code=403)
        self.assertIsNone(self.find())


class TestRemembered(LocatorTestCase):
    """Only the known location is asked again."""

    def asked_again(self, **kwargs):
        before = len(self.asked())
        try:
            return self.find(**kwargs)
        finally:
            self.again = self.asked_since(before)

    def test_only_the_one_that_has_it_is_asked_again(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.assertEqual('mit', self.asked_again()[0])
        self.assertEqual(['mit'], self.again)

    def test_its_outage_is_no_reason_to_ask_others(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.answer(self.mit, exc=requests.exceptions.ConnectTimeout)
        exc = self.assertRaises(exceptions.ServiceProviderUnavailable,
                                self.asked_again)
        self.assertEqual('mit', exc.service_provider)
        self.assertEqual(['mit'], self.again)

    def test_another_project_finds_out_for_itself(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.asked_again(context=self.context('bob'))
        self.assertEqual(['bu', 'mit'], self.again)

    def test_what_is_gone_needs_no_other_cloud(self):
        """Its cloud is the only one that knows."""
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.answer(self.mit, status_code=404, json={})
        self.answer(self.bu, exc=requests.exceptions.ConnectTimeout)
        for _ in range(3):
            self.assertIsNone(self.asked_again())
            self.assertEqual(['mit'], self.again)

    def test_what_is_gone_where_the_user_is_no_longer_let_in(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        del self.mit.projects['alice']
        context = self.context()
        self.answer(self.bu, exc=requests.exceptions.ConnectTimeout)
        self.assertRaises(exceptions.ServiceProviderUnavailable,
                          self.asked_again, context=context)

    def test_what_is_gone_while_another_cloud_was_never_there(self):
        self.answer(self.bu, exc=requests.exceptions.ReadTimeout)
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.answer(self.mit, status_code=404, json={})
        self.assertIsNone(self.asked_again())
        # It is asked all the same, and may say that it has it.
        self.bu.add_volume(base.VOLUME)
        self.assertEqual('bu', self.asked_again()[0])

    def test_what_was_never_seen(self):
        self.answer(self.bu, exc=requests.exceptions.ConnectTimeout)
        self.assertRaises(exceptions.ServiceProviderUnavailable, self.find)

    def test_a_choice_proves_nothing_of_the_others(self):
        self.mit.add_volume(base.VOLUME)
        context = self.context()
        self.offered = self.home.token_body('alice')
        self.find(names=['mit'], context=context)
        self.asked_again(context=context)
        self.assertEqual(['bu', 'mit'], self.again)

    def test_a_claim_that_one_could_not_contradict_is_not_kept(self):
        self.answer(self.bu, exc=requests.exceptions.ReadTimeout)
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.answer(self.bu, status_code=404, json={})
        self.asked_again()
        self.assertEqual(['bu', 'mit'], self.again)

    def test_who_may_no_longer_be_asked_is_not(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.assertIsNone(self.asked_again(names=['bu']))
        self.assertEqual(['bu'], self.again)

    def test_bounded_in_number(self):
        self.locator = locator.Locator(self.federation, size=1)
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.asked_again(context=self.context('bob'))
        self.asked_again()
        self.assertEqual(['bu', 'mit'], self.again)


class TestOtherProcess(LocatorTestCase):
    """All processes know a volume that one has found."""

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixtures_of_clouds.Clock())
        self.cache = self.useFixture(fixtures_of_clouds.SharedCache())
        self.conf = fixtures_of_clouds.configuration(
            self, fixtures_of_clouds.text(*self.names).replace(
                '[mixmatch]\n', '[mixmatch]\n' + base.PATIENT
                + fixtures_of_clouds.shared_cache()))
        self.process()

    def process(self):
        self.federation = federation.Federation(self.conf)
        self.locator = locator.Locator(self.federation)

    def find_again(self, **kwargs):
        before = len(self.asked())
        try:
            return self.find(**kwargs)
        finally:
            self.again = self.asked_since(before)

    def test_asks_only_the_one_that_has_it(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.process()
        self.assertEqual('mit', self.find_again()[0])
        self.assertEqual(['mit'], self.again)

    def test_believes_it_that_it_is_gone(self):
        for reason in (None, requests.exceptions.ReadTimeout):
            if reason:
                self.answer(self.bu, exc=reason)
            self.mit.add_volume(base.VOLUME)
            self.find()
            self.answer(self.mit, status_code=404, json={})
            self.answer(self.bu, exc=requests.exceptions.ConnectTimeout)
            self.process()
            self.assertIsNone(self.find())
            self.cache.stored.clear()
            self.process()

    def test_another_project_finds_out_for_itself(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.process()
        self.find_again(context=self.context('bob'))
        self.assertEqual(['bu', 'mit'], self.again)

    def test_is_not_known_for_ever(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        self.clock.let_pass(3601)
        self.process()
        self.find_again()
        self.assertEqual(['bu', 'mit'], self.again)

    def test_facts_of_another_release(self):
        self.mit.add_volume(base.VOLUME)
        self.find()
        key = ('home-id-of-research', routes.Resource(
            routes.VOLUMES, base.VOLUME))
        for fact in (5, 'x', [], ['mit'], ['mit', True, 'x'], {},
                     ['gone', True, 1e12]):
            self.federation.facts.set(locators._fact(key), fact)
            self.process()
            self.find_again()
            self.assertEqual(['bu', 'mit'], self.again, fact)
