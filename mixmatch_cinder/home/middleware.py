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
from mixmatch_cinder.home import conf as options
from mixmatch_cinder.home import database
from mixmatch_cinder.home import listing
from mixmatch_cinder.home import locator
from mixmatch_cinder.home import proxy
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import show
from mixmatch_cinder.home import summary

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

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> Any:
        route = routes.from_request(request)
        requester = remote.Requester.from_request(request)
        if route is None or requester is None:
            return self._application
        choice = routes.take_choice(request)
        try:
            return self._serve(request, route, requester, choice)
        except exceptions.MixmatchException as exc:
            kind = webob.exc.status_map[exc.code]
            return wsgi.Fault(kind(explanation=str(exc)))

    def _serve(self, request: webob.Request, route: routes.Route,
               requester: remote.Requester, choice: str) -> Any:
        """Return the response.

        :raises MixmatchException: to return as the response
        """
        only = choice not in ('', routes.ALL, routes.NONE)
        if only:
            self._clouds.check(choice, requester.user)
            names = [choice]
        elif choice == routes.NONE:
            names = []
        else:
            names = requester.usable_providers(self._clouds)
        if request.method == 'GET' and route.collection in routes.KINDS and (
                route.is_listing or route.is_summary):
            # NOTE: remove it in any case, Cinder has no such filter.
            position = request.GET.pop(api.POSITION, None)
            if (not names or not (choice or self._options.merge_listings)
                    or listing.is_home_only(request, requester.context)):
                return self._application
            if route.is_summary:
                return self._summaries.answer(request, requester, names, only)
            return self._listings.answer(request, route, requester, names,
                                         only, position)
        if (choice != routes.NONE and request.method == 'POST'
                and (route.collection, route.item) == ('volumes', '')
                and not proxy.is_from_service(request)):
            target = self._proxy.target(request, requester,
                                            choice if only else '')
            if target:
                return self._proxy.create(request, requester, *target)
        return self._home_or_provider(request, route, requester, names)

    def _home_or_provider(self, request: webob.Request, route: routes.Route,
                          requester: remote.Requester, names: list[str]
                          ) -> Any:
        about = proxy.source(request, route)
        if about is None and route.collection in routes.KINDS and route.id:
            about = route.kind, route.id
        if not names or about is None:
            return self._application
        request.make_body_seekable()
        response = request.get_response(self._application)
        if response.status_int != 404 or database.ever_had(
                requester.context, about[0], [about[1]]):
            return response
        found = self._locator.find(requester, names, *about)
        if found is None:
            return response
        name, body = found
        LOG.debug('Found %(resource)s %(id)s at service provider %(sp)s',
                  {'resource': about[0].member, 'id': about[1], 'sp': name})
        if request.method == 'GET' and not route.below:
            # NOTE: keep the headers of home: microversion, request id.
            response.status_int = 200
            response.json = {route.kind.member: show.from_provider(
                request, route.kind, name, body)}
            return response
        if route.item:
            return self._proxy.item(request, route, requester, name)
        if proxy.is_from_service(request):
            raise proxy.NotForServices(
                resource=f'{about[0].member.capitalize()} {about[1]}',
                service_provider=name)
        if route.collection == 'volumes':
            return self._proxy.create(request, requester, name, None)
        if route.collection == 'snapshots':
            return self._proxy.snapshot(request, requester, name)
        raise proxy.NotFromHome(
            resource=f'Volume {about[1]}', service_provider=name,
            operation=f'{request.method} /{route.collection}')


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Volumes]:
    """Create the paste.deploy filter."""
    clouds = federation.Federation(cfg.CONF)
    return lambda application: Volumes(application, clouds, cfg.CONF)
