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

from collections.abc import Iterable
from typing import Any

from oslo_log import log as logging
import webob

from mixmatch import api
from mixmatch import exceptions
from mixmatch import fanout
from mixmatch import holdings

LOG = logging.getLogger(__name__)

#: Query parameters of Cinder that do not filter a list.
_NO_FILTERS = frozenset({'marker', 'limit', 'offset', 'sort', 'sort_key',
                         'sort_dir', 'with_count', 'all_tenants'})

#: Remedy for requests that can do without other clouds.
REMEDY = (f'To ask only this cloud, add the query {api.ATTRIBUTE}={api.NONE} '
          f'or the header {api.HEADER}: {api.NONE}.')


class IncompleteResult(exceptions.MixmatchException):
    """Error: a client would take a part of the result for all of it."""

    msg_fmt = ('%(reason)s. What is looked for may be there, so there is no '
               'complete answer now. ' + REMEDY)
    code = 503


class NothingThere(exceptions.ServiceProviderSetupError):
    """Error: a service provider has no service with such resources.

    It is named as missing, but no resource is.
    """


class RequestRejected(exceptions.MixmatchException):
    """Error: a service provider does not take what the client has sent."""

    msg_fmt = ('Service provider %(service_provider)s does not take this '
               'request: %(said)s. ' + REMEDY)
    code = 400


def is_filtered(parameters: Iterable[str]) -> bool:
    """Return True if a list has not all resources of the project."""
    return not _NO_FILTERS.issuperset(parameters)


class MissingParts:
    """Service providers whose part is missing in a response.

    :param collection: of the requested resources, for the log
    :param required: whether to fail instead of returning a partial result
    :param complete: whether to fail unless nothing can be missing
    """

    def __init__(self, collection: str, required: bool,
                 complete: bool = False) -> None:
        self._collection = collection
        self._required = required
        self._complete = complete
        self._reasons: dict[str, exceptions.MixmatchException] = {}
        self._without: dict[str, NothingThere] = {}

    @classmethod
    def allowed(cls, collection: str, required: bool, parameters:
                Iterable[str], option: str) -> 'MissingParts':
        """Return the missing parts of a request, none so far.

        :param parameters: names of its query
        :param option: ``[mixmatch] incomplete_lists``
        """
        return cls.of_list(collection, required, is_filtered(parameters),
                           option)

    @classmethod
    def of_list(cls, collection: str, required: bool, filtered: bool,
                option: str) -> 'MissingParts':
        """Return the missing parts of a list, none so far.

        :param filtered: whether it has not all resources of the project
        :param option: ``[mixmatch] incomplete_lists``
        """
        return cls(collection, required, option == 'never' or (
            option == 'unfiltered' and filtered))

    def add(self, name: str, exc: exceptions.MixmatchException) -> None:
        """Add the error of a service provider.

        :raises MixmatchException: the error, if the part is required, or the
            client has to change its request
        """
        if self._required or isinstance(exc, RequestRejected):
            raise exc
        if isinstance(exc, holdings.NO_ACCESS):
            return
        if isinstance(exc, NothingThere):
            self._without[name] = exc
            return
        LOG.warning('Partial response without %(collection)s of service '
                    'provider %(sp)s: %(reason)s',
                    {'collection': self._collection, 'sp': name,
                     'reason': exc})
        self._reasons[name] = exc

    def check_complete(self, had_nothing: Iterable[str]) -> None:
        """Check that a result without the missing parts may be returned.

        :param had_nothing: service providers of which nothing is missing
        :raises IncompleteResult: names those of which something may be
        """
        reasons = [str(exc).rstrip('.') for name, exc in
                   sorted(self._reasons.items()) if name not in had_nothing]
        if self._complete and reasons:
            raise IncompleteResult(reason='; '.join(reasons))

    def check(self) -> None:
        """Check that no part is missing.

        :raises MixmatchException: the error of a service provider
        """
        if self._reasons:
            raise next(iter(self._reasons.values()))

    def mark(self, response: webob.Response) -> webob.Response:
        """Name the service providers in the header of a response."""
        if self._reasons or self._without:
            response.headers[api.MISSING_HEADER] = ', '.join(
                sorted({*self._reasons, *self._without}))
        return response


def split(answers: fanout.Answers, missing: MissingParts) -> dict[str, Any]:
    """Return the answers by service provider, and add the errors to missing.

    :raises MixmatchException: see :class:`MissingParts`
    """
    for name, exc in answers.missing.items():
        missing.add(name, exc)
    missing.check_complete(answers.had_nothing)
    return answers.answered
