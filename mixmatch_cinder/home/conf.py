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

"""Options of ``[mixmatch]`` that only home's cinder-api reads."""

from typing import Any

from oslo_config import cfg

from mixmatch.conf import listing

GROUP = 'mixmatch'

OPTS = [
    *listing.OPTS,
    cfg.BoolOpt(
        'upload_images',
        default=False,
        help="""
Make images of volumes of service providers there, and say their ids here.

Such an image is in the Glance of the cloud of its volume. Turn it on where
this cloud's Glance has the filter of mixmatch, by which users see it here;
else the command names the one that does it there.
"""),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for sample files and the documentation."""
    return [(GROUP, OPTS)]
