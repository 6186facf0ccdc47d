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


from cinderclient import exceptions as cinder_exceptions
from nova import exception
import requests
from urllib3 import exceptions as urllib3_exceptions

from mixmatch import exceptions
from mixmatch_nova.reconcile import outcome
from tests.unit import base


def chained(*errors):
    """Errors, each raised while the one before was handled."""
    for before, after in zip(errors, errors[1:]):
        after.__context__ = before
    return errors[-1]


def unavailable(*before):
    found = exceptions.ServiceProviderUnavailable(service_provider='bu',
                                                  reason='nobody there')
    found.__cause__ = chained(*before) if before else None
    return chained(found, exception.CinderConnectionFailed(reason=found))


class TestDoubt(base.TestCase):

    def test_decided(self):
        for exc in (exception.Forbidden(), exception.InvalidInput(reason='x'),
                    exception.VolumeNotFound(volume_id='v'),
                    exception.VolumeAttachmentNotFound(attachment_id='a'),
                    exception.OverQuota(overs='volumes'),
                    cinder_exceptions.ClientException(409)):
            self.assertFalse(outcome.is_unanswered(exc), exc)
            self.assertFalse(outcome.may_have_succeeded(exc), exc)

    def test_undecided(self):
        for exc in (cinder_exceptions.ClientException(500),
                    cinder_exceptions.ClientException(503),
                    cinder_exceptions.ClientException(401),
                    ValueError('no JSON')):
            self.assertTrue(outcome.is_unanswered(exc), exc)
            self.assertTrue(outcome.may_have_succeeded(exc), exc)

    def test_refused_connection_has_done_nothing(self):
        for cause in (urllib3_exceptions.NewConnectionError(None, 'refused'),
                      urllib3_exceptions.ConnectTimeoutError()):
            exc = unavailable(cause, requests.exceptions.ConnectionError())
            self.assertTrue(outcome.is_unanswered(exc))
            self.assertFalse(outcome.may_have_succeeded(exc))

    def test_known_to_be_down_has_done_nothing(self):
        self.assertFalse(outcome.may_have_succeeded(unavailable()))

    def test_lost_answer_may_have_done_it(self):
        for cause in (urllib3_exceptions.ProtocolError(),
                      urllib3_exceptions.ReadTimeoutError(None, '', '')):
            exc = unavailable(cause, requests.exceptions.ConnectionError())
            self.assertTrue(outcome.may_have_succeeded(exc))

    def test_lost_answer_and_then_refused(self):
        exc = unavailable(
            urllib3_exceptions.ProtocolError(),
            urllib3_exceptions.NewConnectionError(None, 'refused'),
            requests.exceptions.ConnectionError())
        self.assertTrue(outcome.may_have_succeeded(exc))

    def test_reason_has_no_word_of_a_stranger(self):
        self.assertEqual('Service provider bu does not answer: nobody there',
                         outcome.reason(unavailable()))
        self.assertEqual(
            'its Cinder answered HTTP 500', outcome.reason(
                cinder_exceptions.ClientException(500, 'of a stranger')))
        self.assertEqual('ValueError', outcome.reason(ValueError('stranger')))
