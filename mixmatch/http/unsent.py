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

from collections.abc import Iterator

import requests
from urllib3 import exceptions as urllib3_exceptions

from mixmatch import exceptions

#: Errors after which the other side may have read the request.
_SENT = (urllib3_exceptions.ProtocolError,
         urllib3_exceptions.ReadTimeoutError)
_UNSENT = (urllib3_exceptions.NewConnectionError,
           urllib3_exceptions.ConnectTimeoutError,
           requests.exceptions.ConnectTimeout)


def was_never_sent(exc: BaseException) -> bool:
    """Return True if a request has not left this cloud, by its error.

    :param exc: what a request by way of :mod:`mixmatch.http.session` raised
    """
    errors = list(chain(exc))
    if any(isinstance(each, _SENT) for each in errors):
        return False
    # NOTE: without a cause it is mixmatch that did not ask, since the
    # service provider is known to be down.
    return any(isinstance(each, _UNSENT)
               or (isinstance(each, exceptions.ConnectionFailure)
                   and each.__cause__ is None)
               for each in errors)


def chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and those that it was raised from or in handling of."""
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
