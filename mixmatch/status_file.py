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

"""Status files: health of service providers as seen by each process.

Each writes its own when something changes; ``mixmatch-status`` reads them.
"""

import os
import pathlib
import sys
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import fileutils

from mixmatch import threads

LOG = logging.getLogger(__name__)

_SUFFIX = '.json'


def directory(conf: cfg.ConfigOpts) -> pathlib.Path | None:
    """Return the directory of the files; None if none are written."""
    try:
        name = conf.mixmatch.status_directory
    except (cfg.TemplateSubstitutionError, cfg.NoSuchOptError):
        # NOTE: the default is below state_path, which not all programs have.
        return None
    return pathlib.Path(name) if name else None


def write(conf: cfg.ConfigOpts, health: dict[str, Any]) -> None:
    """Write the file of this process; failure to do so is ignored.

    :param health: service provider, service, state
    """
    where = directory(conf)
    if where is None:
        return
    try:
        # NOTE: where Python is embedded there may be no arguments.
        program = (getattr(sys, 'argv', None) or [''])[0] or 'python'
        name = f'{pathlib.Path(program).name}-{os.getpid()}'
        fileutils.ensure_tree(str(where), 0o755)
        for path in where.glob('*' + _SUFFIX):
            if not _alive(path):
                path.unlink(missing_ok=True)
        new = where / f'.{name}'
        new.write_bytes(jsonutils.dump_as_bytes(
            {'process': name, 'pid': os.getpid(), 'health': health,
             'problem': threads.problem()}))
        new.replace(where / (name + _SUFFIX))
    except (OSError, ValueError, TypeError) as exc:
        LOG.debug('The status file could not be written: %s', exc)


def read(where: pathlib.Path) -> list[dict[str, Any]]:
    """Read the files of the living processes.

    :raises OSError: a file cannot be read
    """
    found = []
    for path in sorted(where.glob('*' + _SUFFIX)):
        if _alive(path):
            found.append(jsonutils.loads(path.read_bytes()))
    return found


def _alive(path: pathlib.Path) -> bool:
    pid = path.stem.rpartition('-')[2]
    return pid.isdigit() and pathlib.Path('/proc', pid).exists()
