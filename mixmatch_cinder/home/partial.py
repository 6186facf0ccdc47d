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

"""Whose part an answer lacks."""

from typing import Any

from oslo_log import log as logging
import webob

from mixmatch import api
from mixmatch import exceptions

LOG = logging.getLogger(__name__)

#: Why a service provider has nothing of somebody.
_NOT_LET_IN = (exceptions.Refused, exceptions.UnknownServiceProvider)


class Missing:
    """The service providers that did not answer.

    :param what: for the log
    :param only: whether the answer is worth nothing without them
    """

    def __init__(self, what: str, only: bool) -> None:
        self._what = what
        self._only = only
        self._reasons: dict[str, exceptions.MixmatchException] = {}

    def note(self, name: str, exc: exceptions.MixmatchException) -> None:
        """Learn why a service provider has not answered.

        :raises MixmatchException: it, if nothing else is wanted
        """
        if self._only:
            raise exc
        if isinstance(exc, _NOT_LET_IN):
            return
        LOG.warning('%(what)s of service provider %(sp)s are missing in an '
                    'answer: %(reason)s',
                    {'what': self._what.capitalize(), 'sp': name,
                     'reason': exc})
        self._reasons[name] = exc

    def check(self) -> None:
        """Insist that all have answered.

        :raises MixmatchException: why one has not
        """
        if self._reasons:
            raise next(iter(self._reasons.values()))

    def told(self, response: webob.Response) -> webob.Response:
        """A response that names them."""
        if self._reasons:
            response.headers[api.MISSING_HEADER] = ', '.join(
                sorted(self._reasons))
        return response


def split(answers: Any, missing: Missing) -> dict[str, Any]:
    """What was answered; what was not is noted.

    :param answers: :class:`mixmatch.fanout.Answers`
    """
    for name, exc in answers.missing.items():
        missing.note(name, exc)
    return answers.answered
