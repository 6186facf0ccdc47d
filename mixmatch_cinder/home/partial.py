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

"""Partial results: service providers missing in a response."""

from typing import Any

from oslo_log import log as logging
import webob

from mixmatch import api
from mixmatch import exceptions

LOG = logging.getLogger(__name__)

#: Errors of a user who has no access to a service provider, and so no
#: resources there.
_NO_ACCESS = (exceptions.Refused, exceptions.UnknownServiceProvider)


class MissingParts:
    """Service providers whose part is missing in a response.

    :param collection: of the requested resources, for the log
    :param required: whether to fail instead of returning a partial result
    """

    def __init__(self, collection: str, required: bool) -> None:
        self._collection = collection
        self._required = required
        self._reasons: dict[str, exceptions.MixmatchException] = {}

    def add(self, name: str, exc: exceptions.MixmatchException) -> None:
        """Add the error of a service provider.

        :raises MixmatchException: the error, if the part is required
        """
        if self._required:
            raise exc
        if isinstance(exc, _NO_ACCESS):
            return
        LOG.warning('Partial response without %(collection)s of service '
                    'provider %(sp)s: %(reason)s',
                    {'collection': self._collection, 'sp': name,
                     'reason': exc})
        self._reasons[name] = exc

    def check(self) -> None:
        """Check that no part is missing.

        :raises MixmatchException: the error of a service provider
        """
        if self._reasons:
            raise next(iter(self._reasons.values()))

    def mark(self, response: webob.Response) -> webob.Response:
        """Name the service providers in the header of a response."""
        if self._reasons:
            response.headers[api.MISSING_HEADER] = ', '.join(
                sorted(self._reasons))
        return response


def split(answers: Any, missing: MissingParts) -> dict[str, Any]:
    """Return the answers by service provider, and add the errors to missing.

    :param answers: :class:`mixmatch.fanout.Answers`
    """
    for name, exc in answers.missing.items():
        missing.add(name, exc)
    return answers.answered
