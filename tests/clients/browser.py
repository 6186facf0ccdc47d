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

"""A browser, and what a person does in it.

As a command, it installs Chromium: ``python -m tests.clients.browser``.
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import shutil
from typing import Any

import fixtures
from selenium.common import exceptions
from selenium import webdriver
from selenium.webdriver.common import by
from selenium.webdriver.support import select

from sandbox import client
from sandbox import install
from sandbox import progress
from sandbox import state

PACKAGES = 'chromium', 'chromium-driver'

#: An element that is moved, covered or replaced just now can be used soon.
_SOON = (exceptions.ElementNotInteractableException,
         exceptions.ElementClickInterceptedException,
         exceptions.NoSuchElementException,
         exceptions.StaleElementReferenceException)

_TEXTS = """
const text = (node) => node.textContent.replace(/\\s+/g, ' ').trim();
"""
#: The rows of a table: their ids, and the cells by the heads of columns.
_ROWS = _TEXTS + """
const table = document.getElementById(arguments[0]);
if (!table) return null;
const heads = [...table.querySelectorAll('.table_column_header th')];
return [...table.querySelectorAll('tr[data-object-id]')].map((row) => [
    row.dataset.objectId,
    Object.fromEntries([...row.cells].map((cell, i) => [
        text(heads[i]),
        heads[i].classList.contains('actions_column')
            ? [...cell.querySelectorAll('.data-table-action')].map(text)
            : text(cell)]))]);
"""
#: Pairs of a term and what is said of it.
_TERMS = _TEXTS + """
return [...document.querySelectorAll('dl dt')].map((term) => [
    text(term), text(term.nextElementSibling)]);
"""
_SAID = _TEXTS + """
return [...document.querySelectorAll(arguments[0])]
    .filter((node) => node.checkVisibility()).map(text);
"""
_STATUS = """
return performance.getEntriesByType('navigation')[0].responseStatus;
"""
_WRONG = '.alert-danger, .has-error, .errorlist'


class Browser(fixtures.Fixture):
    """Chromium without a window.

    :param url: where the pages are
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def _setUp(self) -> None:
        driver = shutil.which('chromedriver')
        assert driver, f'no Chromium: python -m {__spec__.name} installs it'
        options = webdriver.ChromeOptions()
        folder = self.useFixture(fixtures.TempDir()).path
        # NOTE: root gets no sandbox of Chromium's own; it sees loopback only.
        for option in ('--headless=new', '--no-sandbox', '--disable-gpu',
                       '--disable-dev-shm-usage', '--window-size=1600,1200',
                       f'--user-data-dir={folder}'):
            options.add_argument(option)
        self._driver = webdriver.Chrome(
            options, webdriver.ChromeService(driver))
        self.addCleanup(self._driver.quit)

    def open(self, path: str) -> None:
        self._driver.get(self._url + path)
        self._check()

    def reload(self) -> None:
        self._driver.refresh()
        self._check()

    @contextlib.contextmanager
    def leaving(self) -> Iterator[None]:
        """Do something that ends in another page."""
        self._driver.execute_script('window.isOld = true;')
        yield
        client.wait_for('the next page', self._has_left)
        self._check()

    def _has_left(self) -> bool:
        try:
            if not self._driver.execute_script('return window.isOld;'):
                return self._driver.execute_script(
                    'return document.readyState == "complete";')
            self._check()
        except exceptions.JavascriptException:
            pass
        return False

    def _check(self) -> None:
        """Check that the page is there, and says nothing of an error."""
        wrong = self.said(_WRONG)
        status = self._driver.execute_script(_STATUS)
        assert status == 200 and not wrong, (
            f'{self._driver.current_url}: {status}, {wrong}')

    def said(self, css: str) -> list[str]:
        """Return the texts of elements that can be seen."""
        return self._driver.execute_script(_SAID, css)

    def messages(self) -> list[str]:
        """Return what the page says about what was done before."""
        return self.said('.messages .alert p')

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """Return the rows of a table by the ids of what they show."""
        found = self._driver.execute_script(_ROWS, table)
        assert found is not None, f'{self._driver.current_url}: no {table}'
        return dict(found)

    def terms(self) -> list[list[str]]:
        """Return the terms of the page, and what it says of each."""
        return self._driver.execute_script(_TERMS)

    def _soon(self, css: str, action: Callable[[Any], Any]) -> None:
        """Do something with an element as soon as that is possible."""
        def done() -> bool:
            try:
                action(self._driver.find_element(by.By.CSS_SELECTOR, css))
            except _SOON:
                self._check()
                return False
            return True
        client.wait_for(css, done)

    def click(self, css: str) -> None:
        self._soon(css, lambda element: element.click())

    def type(self, css: str, text: str) -> None:
        """Fill a field."""
        def fill(element: Any) -> None:
            element.clear()
            element.send_keys(text)
        self._soon(css, fill)

    def choices(self, css: str) -> list[str]:
        """Return the values that a list in a form offers."""
        found: list[str] = []

        def look(element: Any) -> None:
            found[:] = [each.get_attribute('value') for each
                        in select.Select(element).options]
        self._soon(css, look)
        return found

    def choose(self, css: str, value: str) -> None:
        """Choose a value of a list that is drawn by Horizon."""
        box = f'.themable-select:has({css})'
        self.click(f'{box} .dropdown-toggle')
        self.click(f'{box} [data-select-value="{value}"]')

    def act(self, table: str, object_id: str, action: str) -> None:
        """Choose an action of a row."""
        button = f'#{table}__row_{object_id}__action_{action}'

        def press(element: Any) -> None:
            if not element.is_displayed():
                self.click(f'.btn-group:has({button}) .dropdown-toggle')
            element.click()
        self._soon(button, press)

    def submit(self) -> None:
        """Send the form that has been opened last."""
        with self.leaving():
            self.click('#modal_wrapper .modal.in [type=submit]')

    def confirm(self) -> None:
        """Say yes."""
        with self.leaving():
            self.click('#modal_wrapper .modal.in .modal-footer .btn-danger')


def main() -> None:
    """Install Chromium, where it can be reached."""
    root = state.default_root()
    site = state.Site(root, state.last_mode(root) or state.Mode())
    (site.root / 'log').mkdir(parents=True, exist_ok=True)
    install.packages(site, progress.Progress(), PACKAGES)


if __name__ == '__main__':
    main()
