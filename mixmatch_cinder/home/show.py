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

"""Resources of service providers as home's Cinder shows them."""

from typing import Any

from cinder.api import common

from mixmatch import api
from mixmatch_cinder.home import user_request


def row(request: user_request.UserRequest, name: str, found: dict[str, Any],
        brief: tuple[str, ...]) -> dict[str, Any]:
    """Return a row of a merged list.

    :param name: of the service provider; empty for home
    :param brief: the only fields to show; empty for all
    """
    shown = from_provider(request, name, found) if name else found
    if not brief:
        return shown
    return {field: shown[field] for field in (*brief, api.ATTRIBUTE)
            if field in shown}


def from_provider(request: user_request.UserRequest, name: str,
                  found: dict[str, Any]) -> dict[str, Any]:
    """Return a resource of a service provider, marked with its name.

    :param found: body from the service provider
    """
    shown = {**found, api.ATTRIBUTE: name}
    if 'links' in found:
        # NOTE: a client that follows a link sends home's token.
        view = common.ViewBuilder()
        view._collection_name = request.route.collection
        shown['links'] = view._get_links(request.http, found['id'])
    return shown
