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

"""Paste filter of home's cinder-api for resources of service providers.

Lists contain the resources of the project at home and at the service
providers. A resource that home does not have is looked up there, and requests
about it are sent on; responses are marked with the name of the service
provider.

Home's Cinder is always asked first about an id, and only ids that it never had
are looked up elsewhere, so requests about local resources need no others.
"""

from collections.abc import Callable
from typing import Any

from cinder.api.openstack import wsgi
from oslo_config import cfg
from oslo_log import log as logging
import webob
import webob.dec
import webob.exc

from mixmatch import api
from mixmatch import exceptions
from mixmatch import federation
from mixmatch import selection as selections
from mixmatch_cinder.home import attachments
from mixmatch_cinder.home import conf as options
from mixmatch_cinder.home import database
from mixmatch_cinder.home import extension
from mixmatch_cinder.home import listing
from mixmatch_cinder.home import locator
from mixmatch_cinder.home import proxy
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import rules
from mixmatch_cinder.home import show
from mixmatch_cinder.home import summary
from mixmatch_cinder.home import user_request
from mixmatch_cinder.home import without_plugin

LOG = logging.getLogger(__name__)


class Volumes:
    """Serves requests about volumes and snapshots of service providers.

    :param application: Cinder's API
    :param clouds: the service providers of this process
    :param conf: Cinder's configuration
    """

    def __init__(self, application: Callable, clouds: federation.Federation,
                 conf: cfg.ConfigOpts) -> None:
        options.register_opts(conf)
        self._application = application
        self._clouds = clouds
        self._options = conf.mixmatch
        self._locator = locator.Locator(
            clouds, self._options.location_cache_size,
            self._options.location_cache_time)
        self._listings = listing.Listings(application, clouds)
        self._summaries = summary.Summaries(application, clouds)
        self._proxy = proxy.Proxy(clouds)
        self._extensions = extension.Extensions(remote.Client(clouds),
                                                clouds.names)
        self._attachments = attachments.Attachments(
            application, clouds, self._locator, self._options.merge_listings)
        self._reports = without_plugin.Reports()

    @webob.dec.wsgify
    def __call__(self, http: webob.Request) -> Any:
        request = user_request.UserRequest.from_http(http, self._clouds)
        if request is None:
            return self._application
        try:
            return self._serve(request)
        except exceptions.MixmatchException as exc:
            kind = webob.exc.status_map[exc.code]
            return wsgi.Fault(kind(explanation=str(exc)))

    def _serve(self, request: user_request.UserRequest) -> Any:
        """Return the response.

        :raises MixmatchException: to return as the response
        """
        # NOTE: one in the header is the client's own to repeat.
        chosen = request.http.GET.get(api.ATTRIBUTE, '')
        selection = selections.Selection.from_request(request, self._clouds)
        method, route = request.http.method, request.route
        if request.is_from_service and route.resource and (
                api.KNOWN_HEADER in request.http.headers):
            return _known_here(request, route.resource)
        if self._attachments.serves(request):
            return self._attachments.answer(request, selection)
        if method == 'GET' and route.collection in routes.KINDS and (
                route.is_listing or route.is_summary):
            return self._list(request, selection, chosen)
        if route.collection == routes.ZONES:
            return self._zones(request, selection)
        if (selection.choice != api.NONE and method == 'POST'
                and (route.collection, route.item) == ('volumes', '')
                and not request.is_from_service):
            target = self._proxy.target(request, selection.only)
            if target:
                return self._proxy.create(request, *target)
        return self._home_or_provider(request, selection.names)

    def _list(self, request: user_request.UserRequest,
              selection: selections.Selection, chosen: str) -> Any:
        """Return a list or a summary.

        :param chosen: the clouds that the query selects
        """
        # NOTE: remove it in any case, Cinder has no such filter.
        position = request.http.GET.pop(api.POSITION, None)
        if request.route.is_listing and not listing.is_home_only(request):
            selection = request.zones.narrow(selection, request.http)
        wanted = selection.choice or self._options.merge_listings
        http, route = request.http, request.route
        if (not selection.names or not wanted
                or listing.is_home_only(request)):
            if not chosen:
                return self._application
            response = http.get_response(self._application)
        else:
            http.path_info = http.path_info.removesuffix(route.format)
            if route.is_summary:
                return self._summaries.answer(request, selection)
            response = self._listings.answer(request, selection, position)
        return (listing.keep_choice(response, route.collection, chosen)
                if chosen else response)

    def _zones(self, request: user_request.UserRequest,
               selection: selections.Selection) -> webob.Response:
        """Return home's availability zones, and those for a new volume."""
        response = request.http.get_response(self._application)
        if (request.http.method == 'GET' and not request.route.item
                and response.status_int == 200 and selection.names
                and not request.is_from_service):
            response.json = request.zones.add_to(response.json,
                                                 selection.names)
        return response

    def _home_or_provider(self, request: user_request.UserRequest,
                          names: list[str]) -> Any:
        route = request.route
        resource = proxy.source(request) or (
            route.resource if route.has(request.http.method) else None)
        if not names or resource is None:
            return self._application
        request.http.make_body_seekable()
        response = request.http.get_response(self._application)
        if response.status_int != 404 or database.ever_had(
                request.context, resource.kind, [resource.id]):
            return response
        found = self._locator.find(request, names, resource)
        if found is None:
            return response
        name, body = found
        LOG.debug('Found %(resource)s at service provider %(sp)s',
                  {'resource': resource, 'sp': name})
        if request.http.method == 'GET' and not request.route.below:
            return show.replace_body(response, {
                resource.kind.member: show.from_provider(request, name, body)})
        response = self._send(request, resource, name)
        self._extensions.after(request, resource, name, body, response)
        return response

    def _send(self, request: user_request.UserRequest,
              resource: routes.Resource, name: str) -> webob.Response:
        """Send a request on to the service provider of a resource.

        :raises MixmatchException: the operation is refused
        """
        route = request.route
        if route.resource:
            return self._proxy.item(request, resource, name)
        if request.is_from_service:
            self._reports.report(request, resource, name)
            raise proxy.NotForServices(resource=resource.title,
                                       service_provider=name)
        if route.collection == 'volumes':
            return self._proxy.create(request, name, None)
        if route.collection == 'snapshots':
            return self._proxy.snapshot(request, name)
        kind = (attachments.AttachedByNova
                if route.collection == 'attachments' else proxy.NotFromHome)
        raise kind(
            resource=resource.title, service_provider=name,
            operation=f'{request.http.method} /{route.collection}'
                      f'{route.below}',
            command=rules.command(
                route.below.strip('/') or route.collection, resource))


def _known_here(request: user_request.UserRequest,
                resource: routes.Resource) -> wsgi.Fault:
    """Tell home's Nova whether an id is, or was, home's own."""
    if database.ever_had(request.context, resource.kind, [resource.id]):
        return wsgi.Fault(webob.exc.HTTPConflict(
            explanation=f'{resource.title} is, or was, of this cloud.'))
    return wsgi.Fault(webob.exc.HTTPNotFound(
        explanation=f'{resource.title} has never been of this cloud.'))


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Volumes]:
    """Create the paste.deploy filter."""
    clouds = federation.Federation(cfg.CONF)
    return lambda application: Volumes(application, clouds, cfg.CONF)
