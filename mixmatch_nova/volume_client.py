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

"""Client of the Cinder of a service provider."""

from collections.abc import Callable
import functools
from typing import Any

from cinderclient import client as cinder_client
from keystoneauth1 import plugin

from mixmatch import service_provider
from mixmatch import services


def make(provider: service_provider.ServiceProvider,
         auth: plugin.BaseAuthPlugin, microversion: str | None = None,
         global_request_id: str | None = None) -> Any:
    """Make a client, as Nova's own code uses it.

    :param auth: auth plugin of the requester
    :param microversion: the version of the API that the caller needs
    :param global_request_id: joins the logs of both clouds
    :returns: ``cinderclient.v3.client.Client``
    :raises ServiceProviderSetupError: the catalog has no Cinder, or leads
        elsewhere
    :raises MicroversionNotSupported: the Cinder there is too old
    :raises ServiceProviderUnavailable: it does not answer
    """
    at = provider.adapter(services.VOLUME, auth, microversion,
                          global_request_id)
    client = cinder_client.Client(
        microversion or '3.0', session=at.session, auth=at.auth,
        service_type=at.service_type, service_name=at.service_name,
        interface=at.interface, region_name=at.region_name,
        endpoint_override=at.endpoint_override,
        connect_retries=at.connect_retries,
        global_request_id=at.global_request_id)
    client.client.get = functools.partial(_one_page, client.client.get)
    return client


def _one_page(get: Callable[..., tuple[Any, Any]], url: str,
              **kwargs: Any) -> tuple[Any, Any]:
    """GET without the links to further pages.

    python-cinderclient follows them as long as there are any, each page one
    call deeper, and keeps them all.
    """
    response, body = get(url, **kwargs)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items()
                if not name.endswith('_links')}
    return response, body
