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

"""Translation of mixmatch's errors to those of Nova."""

from cinderclient import exceptions as cinder_exceptions
from nova import exception

from mixmatch import exceptions
from mixmatch_nova import errors
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base

BU = {'service_provider': 'bu', 'reason': 'it is night'}


class TestForNova(base.NovaTestCase):

    def assertBecomes(self, kind, original):
        context = self.context()

        def work():
            with errors.for_nova(context):
                raise original
        exc = self.assertRaises(kind, work)
        self.assertIs(original, state.from_context(context).failure)
        self.assertNotIsInstance(exc, exception.NotFound)
        return str(exc)

    def assertNotIsInstance(self, thing, kind):
        self.assertFalse(isinstance(thing, kind), thing)

    def test_refused(self):
        for kind in (exceptions.LoginRefused, exceptions.AssertionRefused):
            message = self.assertBecomes(exception.Forbidden, kind(**BU))
            self.assertIn('it is night', message)

    def test_silent(self):
        self.assertBecomes(exception.CinderConnectionFailed,
                           exceptions.ServiceProviderUnavailable(**BU))
        self.assertBecomes(exception.CinderConnectionFailed,
                           exceptions.HomeUnavailable(reason='it is night'))

    def test_badly_set_up(self):
        self.assertBecomes(exception.CinderConnectionFailed,
                           exceptions.ServiceProviderSetupError(**BU))

    def test_wrong_target(self):
        self.assertBecomes(exception.InvalidVolume,
                           exceptions.InvalidTarget(reason='it is night'))
        self.assertBecomes(exception.InvalidVolume,
                           target.ConflictingTargets(resource_id='v'))

    def test_too_old(self):
        self.assertBecomes(
            exception.CinderAPIVersionNotAvailable,
            exceptions.MicroversionNotSupported(
                service_provider='bu', service='volume', needed='3.44',
                highest='3.43'))

    def test_an_error_of_nova_is_none_of_ours(self):
        context = self.context()

        def work():
            with errors.for_nova(context):
                raise exception.VolumeNotFound(volume_id='v')
        self.assertRaises(exception.VolumeNotFound, work)
        self.assertIsNone(state.from_context(context).failure)


class TestTranslations(base.NovaTestCase):

    def kinds(self, base_kind=exceptions.MixmatchException):
        """Yield the classes of errors of the core and of the plugin."""
        yield base_kind
        for each in base_kind.__subclasses__():
            if each.__module__.startswith(('mixmatch.', 'mixmatch_nova.')):
                yield from self.kinds(each)

    def test_each_error_has_a_translation(self):
        kinds = set(self.kinds())
        self.assertLessEqual({errors.SnapshotNotLocated,
                              target.ConflictingTargets}, kinds)
        for each in kinds:
            self.assertIn(each.code, errors.TRANSLATIONS, each)

    def test_http_status_is_that_of_the_error(self):
        for each in self.kinds():
            row = errors.TRANSLATIONS.get(each, errors.TRANSLATIONS[each.code])
            self.assertEqual(each.code, row.http.code)

    def test_answer_says_why(self):
        answer = errors.to_http(exceptions.LoginRefused(**BU))
        self.assertEqual(403, answer.code)
        self.assertIn('it is night', answer.explanation)


class TestNoted(base.NovaTestCase):

    def failure(self, original):
        context = self.context()

        def work():
            with errors.remember_failure(context, 'bu'):
                raise original
        self.assertIs(original, self.assertRaises(type(original), work))
        return state.from_context(context).failure

    def test_server_error(self):
        failure = self.failure(cinder_exceptions.ClientException(504))
        self.assertIsInstance(failure, exceptions.ServiceProviderUnavailable)
        self.assertIn('504', str(failure))
        self.assertEqual(503, failure.code)

    def test_an_error_is_no_outage(self):
        failure = self.failure(cinder_exceptions.ClientException(500))
        self.assertIsInstance(failure, exceptions.ServiceProviderFailed)
        self.assertNotIn('does not answer', str(failure))
        self.assertEqual(502, failure.code)

    def test_service_token_that_is_not_accepted(self):
        failure = self.failure(cinder_exceptions.Unauthorized(401))
        self.assertIsInstance(failure, exceptions.ServiceProviderSetupError)

    def test_an_answer_is_no_failure(self):
        for kind, code in ((cinder_exceptions.NotFound, 404),
                           (cinder_exceptions.Forbidden, 403),
                           (cinder_exceptions.BadRequest, 400)):
            self.assertIsNone(self.failure(kind(code)))
