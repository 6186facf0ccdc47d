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
import webob

from mixmatch import api
from mixmatch_cinder.home import user_request

#: Fields with the project that owns a volume or a snapshot.
_PROJECT = ('os-vol-tenant-attr:tenant_id',
            'os-extended-snapshot-attributes:project_id')
_ZONE = 'availability_zone'
_USER = 'user_id'


def replace_body(response: webob.Response, body: dict[str, Any]
                 ) -> webob.Response:
    """Return home's response with the body of another one.

    Its headers stay: microversion, request id.
    """
    response.status_int = 200
    response.json = body
    return response


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

    Its zone has the name that users give it here. Where it belongs to what
    the user is there, project and user are those of home, by which clients
    decide what may be done with it; those of the service provider stand
    beside. A resource of another project there, as an administrator may see,
    keeps its project, and one that a colleague has made keeps its user: whose
    user that is here is not known.

    :param found: body from the service provider
    """
    shown = {**found, api.ATTRIBUTE: name}
    if isinstance(found.get(_ZONE), str):
        shown[_ZONE] = request.zones.show(name, found[_ZONE])
    for field in (*_PROJECT, _USER):
        if field in found:
            _show_owner(request, name, field, shown)
    if 'links' in found:
        # NOTE: a client that follows a link sends home's token.
        view = common.ViewBuilder()
        view._collection_name = request.route.collection
        shown['links'] = view._get_links(request.http, found['id'])
    return shown


def _show_owner(request: user_request.UserRequest, name: str, field: str,
                shown: dict[str, Any]) -> None:
    """Show an owner as home knows it, in place."""
    project, user = request.identity(name)
    if field == _USER:
        beside, there, here = api.USER_ATTRIBUTE, user, request.context.user_id
    else:
        beside, there, here = (api.PROJECT_ATTRIBUTE, project,
                               request.project_id)
    shown[beside] = shown[field]
    if there and shown[field] == there:
        shown[field] = here
