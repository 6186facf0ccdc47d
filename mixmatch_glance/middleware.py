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

"""Paste filter of home's glance-api for images of service providers.

Lists contain the images of home and of the service providers. An image that
home does not have is looked up there, and requests about it are sent on; it is
marked with the name of its service provider. The filter comes right after
Glance's filter ``context``, so that Glance's cache of bits is below it.

Home's Glance is always asked first, and only ids that it never had are looked
up elsewhere, so requests about local images need no others.
"""

from collections.abc import Callable
import re
from typing import Any
from urllib import parse

from oslo_config import cfg
from oslo_log import log as logging
import webob
import webob.dec
import webob.exc

from mixmatch import api
from mixmatch import exceptions
from mixmatch import federation
from mixmatch import selection as selections
from mixmatch_glance import bits_cache
from mixmatch_glance import conf as options
from mixmatch_glance import creation as creations
from mixmatch_glance import database
from mixmatch_glance import foreign_image
from mixmatch_glance import image_file
from mixmatch_glance import listing
from mixmatch_glance import locator
from mixmatch_glance import marks
from mixmatch_glance import proxy
from mixmatch_glance import show
from mixmatch_glance import upload
from mixmatch_glance import user_request

LOG = logging.getLogger(__name__)


class Images:
    """Serves requests about images of service providers.

    :param application: Glance's API
    :param clouds: the service providers of this process
    :param conf: Glance's configuration
    """

    def __init__(self, application: Callable, clouds: federation.Federation,
                 conf: cfg.ConfigOpts) -> None:
        options.register_opts(conf)
        self._application = marks.Unmarked(
            application, conf.mixmatch.chosen_image_ids)
        self._clouds = clouds
        self._options = conf.mixmatch
        self._service_roles = user_request.service_token_roles(conf)
        self._locator = locator.Locator(
            clouds, conf.mixmatch.location_cache_size,
            conf.mixmatch.location_cache_time)
        self._view = show.View(conf.mixmatch.image_property_roles)
        self._files = image_file.Files(
            clouds, bits_cache.Cache() if conf.mixmatch.cache_images
            else None)
        self._proxy = proxy.Proxy(clouds, self._view)
        self._uploads = upload.Uploads(clouds)
        self._creations = creations.Creations(self._application, clouds,
                                              self._view)
        self._listings = listing.Listings(self._application, clouds,
                                          self._view)

    @webob.dec.wsgify
    def __call__(self, http: webob.Request) -> Any:
        legible = _is_legible(http)
        # NOTE: what names a cloud is never home's, whatever its query is.
        creation = user_request.CreateRequest.from_http(http)
        if not legible and not creation:
            return self._application
        of_list = user_request.ListRequest.from_http(http)
        request = user_request.UserRequest.from_http(http)
        try:
            if of_list:
                return self._list(of_list)
            if creation:
                return self._creations.answer(creation)
            if request:
                return self._serve(request)
            return self._application
        except exceptions.MixmatchException as exc:
            return webob.exc.status_map[exc.code](explanation=str(exc))

    def _list(self, request: user_request.ListRequest) -> webob.Response:
        """Return the list of images.

        :raises MixmatchException: to return as the response
        """
        http = request.http
        # NOTE: remove it in any case, Glance would filter by it.
        position = http.GET.pop(api.POSITION, None)
        chosen = http.GET.get(api.ATTRIBUTE)
        selection = selections.Selection.from_request(request, self._clouds)
        # NOTE: an administrator's list has the images of all projects.
        wanted = selection.choice or (self._options.merge_listings
                                      and not request.context.is_admin)
        if not selection.names or not wanted or request.is_from_service:
            response = http.get_response(self._application)
        else:
            response = self._listings.answer(request, selection, position)
        return _with_choice(response, chosen) if chosen else response

    def _serve(self, request: user_request.UserRequest) -> Any:
        """Return the response.

        :raises MixmatchException: to return as the response
        """
        names = selections.Selection.from_request(request, self._clouds).names
        if not names:
            return self._application
        has_body = request.keep_body()
        response = request.http.get_response(self._application)
        image = request.route.image
        # NOTE: home's quotas are looked at before the image.
        nothing = (404, 413) if request.brings_bits else (404,)
        if response.status_int not in nothing or (
                database.ever_had([image.id])):
            return response
        place = request.place_of_nova(self._service_roles)
        if place and place.name in self._clouds.names:
            return self._for_nova(request.at(place), place.name) or response
        if request.operation == 'GET locations' and request.is_from_service:
            # NOTE: Cinder asks so, without the user, before it asks for the
            # bits. Home has no locations of it, and nobody else may say any.
            return webob.Response(json=[])
        found = self._locator.find(request, names, image)
        if found is None:
            return response
        name, there = found
        LOG.debug('Found %(image)s at service provider %(sp)s',
                  {'image': image, 'sp': name})
        return self._foreign(request, name, there, has_body)

    def _for_nova(self, request: user_request.UserRequest, name: str
                  ) -> Any:
        """Return the response to Nova, which works without the user.

        :param request: for which Glance itself asks
        :param name: the service provider that Nova says
        :returns: None if the image is not there
        :raises MixmatchException: to return as the response
        """
        LOG.info('Glance itself asks service provider %(sp)s for %(image)s '
                 'in project %(project)s: Nova needs it without its user',
                 {'sp': name, 'image': request.route.image,
                  'project': request.place and request.place.project_id})
        found = self._locator.ask(request, request.route.image, name)
        return self._foreign(request, name, found, False) if found else None

    def _foreign(self, request: user_request.UserRequest, name: str,
                 image: foreign_image.ForeignImage, has_body: bool) -> Any:
        """Return the response to a request about a foreign image."""
        if request.operation == 'GET':
            return webob.Response(json=self._view.show(request, name, image))
        if request.operation == 'GET file':
            return self._files.answer(request, name, image)
        if request.operation == 'GET locations':
            return webob.Response(json=[])
        if request.is_upload:
            return self._uploads.answer(request, name)
        return self._proxy.answer(request, name, image, has_body)


def _is_legible(http: webob.Request) -> bool:
    """Write a request in one way, of several that Glance takes.

    :returns: False if it has bytes that are no text, as no request about
        images of other clouds has
    """
    http.environ['PATH_INFO'] = re.sub(
        '/{2,}', '/', http.environ.get('PATH_INFO', ''))
    try:
        # NOTE: Glance would take its value for the method of the request.
        http.GET.pop('_method', None)
    except UnicodeDecodeError:
        return False
    return True


def _with_choice(response: webob.Response, chosen: str) -> webob.Response:
    """Keep the clouds that the query of a list selects in its links."""
    if response.status_int == 200:
        query = parse.urlencode({api.ATTRIBUTE: chosen})
        response.json = {
            key: f'{value}{"&" if "?" in value else "?"}{query}'
            if key in ('first', 'next') else value
            for key, value in response.json.items()}
    return response


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Images]:
    """Create the paste.deploy filter."""
    clouds = federation.Federation(cfg.CONF)
    return lambda application: Images(application, clouds, cfg.CONF)
