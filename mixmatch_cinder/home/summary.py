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

"""Number and size of the volumes of a project in all its clouds."""

from collections.abc import Callable
import functools
from typing import Any

import webob

from mixmatch import federation
from mixmatch.listing import partial
from mixmatch import selection as selections
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import user_request

#: The first microversion with a summary.
NEEDS = '3.12'


class Summaries:
    """Adds up the summaries of home and of service providers.

    :param application: home's Cinder
    :param clouds: the service providers of this process
    """

    def __init__(self, application: Callable,
                 clouds: federation.Federation) -> None:
        self._application = application
        self._clouds = clouds
        self._remote = remote.Client(clouds)

    def answer(self, request: user_request.UserRequest,
               selection: selections.Selection) -> webob.Response:
        """Return the sum of the summaries."""
        response = request.http.get_response(self._application)
        if response.status_int != 200:
            return response
        # NOTE: Cinder has no filters for sums.
        missing = partial.MissingParts.allowed(
            'volumes', bool(selection.only), (),
            self._clouds.options.incomplete_lists)
        answers = self._clouds.ask_for_listing(
            request.owner('volumes'), selection.names,
            functools.partial(self._ask, request))
        found = [each for each in partial.split(answers, missing).values()
                 if each]
        total = response.json['volume-summary']
        if selection.only:
            total = {**total, 'total_count': 0, 'total_size': 0}
            if 'metadata' in total:
                total['metadata'] = {}
        if found or selection.only:
            for each in found:
                _add(total, each)
            response.json = {'volume-summary': total}
        return missing.mark(response)

    def _ask(self, request: user_request.UserRequest, name: str
             ) -> dict[str, Any] | None:
        reply = self._remote.send(name, request, 'GET', '/volumes/summary',
                                  needs=NEEDS)
        found = reply.body.get('volume-summary')
        remote.check_list(name, reply, has_choice=False)
        if not isinstance(found, dict) or not all(
                isinstance(found.get(field), int)
                for field in ('total_count', 'total_size')) or not isinstance(
                    found.get('metadata', {}), dict):
            raise remote.unusable(
                name, 'its Cinder answered with an invalid summary')
        return found if found['total_count'] else None


def _add(total: dict[str, Any], other: dict[str, Any]) -> None:
    """Add a summary to another, in place.

    Only newer microversions have metadata.
    """
    for field in ('total_count', 'total_size'):
        total[field] += other[field]
    for key, values in other.get('metadata', {}).items():
        if 'metadata' in total and isinstance(values, list):
            known = total['metadata'].setdefault(key, [])
            known += [value for value in values if value not in known]
