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

"""Requests that have certainly not reached the other cloud."""

import requests
from urllib3 import exceptions as urllib3_exceptions

from mixmatch import exceptions
from mixmatch.http import unsent
from tests.unit import base


def unavailable(*before):
    """The error of a session, raised from others."""
    found = exceptions.ServiceProviderUnavailable(service_provider='bu',
                                                  reason='nobody there')
    cause = None
    for each in before:
        each.__context__ = cause
        cause = each
    found.__cause__ = cause
    return found


class TestUnsent(base.TestCase):

    def test_no_connection(self):
        for cause in (urllib3_exceptions.NewConnectionError(None, 'refused'),
                      urllib3_exceptions.ConnectTimeoutError()):
            self.assertTrue(unsent.was_never_sent(unavailable(
                cause, requests.exceptions.ConnectionError())))
        self.assertTrue(unsent.was_never_sent(unavailable(
            requests.exceptions.ConnectTimeout())))

    def test_known_to_be_down(self):
        self.assertTrue(unsent.was_never_sent(unavailable()))

    def test_lost_answer(self):
        for cause in (urllib3_exceptions.ProtocolError(),
                      urllib3_exceptions.ReadTimeoutError(None, '', ''),
                      ValueError('something new')):
            self.assertFalse(unsent.was_never_sent(unavailable(
                cause, requests.exceptions.ConnectionError())))

    def test_lost_answer_and_then_refused(self):
        self.assertFalse(unsent.was_never_sent(unavailable(
            urllib3_exceptions.ProtocolError(),
            urllib3_exceptions.NewConnectionError(None, 'refused'))))
