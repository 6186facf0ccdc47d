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

"""The commands of the documentation, as an operator would type them."""

from collections.abc import Iterator
import pathlib
import re
import shlex
import textwrap
from typing import NamedTuple

PAGES = pathlib.Path(__file__).parents[2] / 'doc' / 'source'


class Command(NamedTuple):
    """Command after a prompt, and the output that the page shows."""

    text: str
    output: str


def commands(page: str, containing: str) -> list[Command]:
    """Read the commands of a console block.

    :param page: such as ``admin/authorization``
    :param containing: a text that only that block has
    """
    text = (PAGES / f'{page}.rst').read_text()
    block, = (each for each in _blocks(text) if containing in each)
    return [*_commands(block)]


def _blocks(text: str) -> Iterator[str]:
    for found in re.finditer(
            r'(?m)^\.\. code-block:: console\n\n((?:(?:   .*)?\n)+)', text):
        yield textwrap.dedent(found[1])


def _commands(block: str) -> Iterator[Command]:
    for each in re.split(r'(?m)^\$ ', block)[1:]:
        lines = each.splitlines(keepends=True)
        size = 1
        while not _is_complete(''.join(lines[:size])):
            size += 1
        yield Command(''.join(lines[:size]).strip(), ''.join(lines[size:]))


def _is_complete(text: str) -> bool:
    if text.endswith('\\\n'):
        return False
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True
