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

"""The paste filter of home's cinder-api: all clouds in one place.

Lists hold what the project has at home and at the service providers. What
home does not have is looked for there, and what a user does to it is sent on;
answers are marked with the name of the service provider.

Home's Cinder is always asked first about an id, and only what it never had is
looked for elsewhere: local work costs no request more.
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
from mixmatch_cinder.home import database as home
from mixmatch_cinder.home import listing
from mixmatch_cinder.home import locator
from mixmatch_cinder.home import proxy as forward
from mixmatch_cinder.home import remote as partner
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import summary

LOG = logging.getLogger(__name__)


class Volumes:
    """Serves what concerns volumes and snapshots of other clouds.

    :param application: Cinder's API
    :param clouds: the service providers of this process
    """

    def __init__(self, application: Callable,
                 clouds: federation.Federation) -> None:
        self._application = application
        self._clouds = clouds
        self._locator = locator.Locator(
            clouds, clouds.options.location_cache_size,
            clouds.options.location_cache_time)
        self._listings = listing.Listings(application, clouds)
        self._summaries = summary.Summaries(application, clouds)
        self._forwarder = forward.Forwarder(clouds)

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> Any:
        route = routes.of(request)
        who = partner.Who.of(request)
        if route is None or who is None:
            return self._application
        choice = routes.take_choice(request)
        try:
            return self._serve(request, route, who, choice)
        except exceptions.MixmatchException as exc:
            kind = webob.exc.status_map[exc.code]
            return wsgi.Fault(kind(explanation=str(exc)))

    def _serve(self, request: webob.Request, route: routes.Route,
               who: partner.Who, choice: str) -> Any:
        """The answer.

        :raises MixmatchException: is the answer
        """
        only = choice not in ('', routes.ALL, routes.NONE)
        if only:
            self._clouds.check(choice, who.token_info or {})
            names = [choice]
        elif choice == routes.NONE:
            names = []
        else:
            names = who.may_use(self._clouds)
        if request.method == 'GET' and route.collection in routes.KINDS and (
                route.is_listing or route.is_summary):
            # NOTE: whatever the link was for, Cinder knows no such filter.
            position = request.GET.pop(api.POSITION, None)
            if (not names or not (choice or self._merges)
                    or listing.is_of_home(request, who.context)):
                return self._application
            if route.is_summary:
                return self._summaries.answer(request, who, names, only)
            return self._listings.answer(request, route, who, names, only,
                                         position)
        if (choice != routes.NONE and request.method == 'POST'
                and (route.collection, route.item) == ('volumes', '')
                and not forward.is_by_a_service(request)):
            target = self._forwarder.target(request, who,
                                            choice if only else '')
            if target:
                return self._forwarder.create(request, who, *target)
        return self._at_home_or_foreign(request, route, who, names)

    @property
    def _merges(self) -> bool:
        return self._clouds.options.merge_listings

    def _at_home_or_foreign(self, request: webob.Request, route: routes.Route,
                            who: partner.Who, names: list[str]) -> Any:
        about = forward.source(request, route)
        if about is None and route.collection in routes.KINDS and route.id:
            about = route.kind, route.id
        if not names or about is None:
            return self._application
        request.make_body_seekable()
        response = request.get_response(self._application)
        if response.status_int != 404 or home.ever_had(
                who.context, about[0], [about[1]]):
            return response
        found = self._locator.find(who, names, *about)
        if found is None:
            return response
        name, body = found
        LOG.debug('%(what)s %(id)s lives at %(sp)s',
                  {'what': about[0].member, 'id': about[1], 'sp': name})
        if request.method == 'GET' and not route.below:
            # NOTE: the headers stay: version of the API, request id.
            response.status_int = 200
            response.json = {route.kind.member: listing.foreign(
                request, route.kind, name, body)}
            return response
        if route.item:
            return self._forwarder.item(request, route, who, name)
        if forward.is_by_a_service(request):
            raise forward.NotForServices(
                what=f'{about[0].member.capitalize()} {about[1]}',
                service_provider=name)
        if route.collection == 'volumes':
            return self._forwarder.create(request, who, name, None)
        if route.collection == 'snapshots':
            return self._forwarder.snapshot(request, who, name)
        raise forward.NotFromHome.of(name, f'Volume {about[1]}',
                                     f'{request.method} /{route.collection}')


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Volumes]:
    """The filter factory of paste.deploy."""
    clouds = federation.Federation(cfg.CONF)
    return lambda application: Volumes(application, clouds)
