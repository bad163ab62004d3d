"""What a test reads in a page: its figures, its links, the number of its list."""

from decimal import Decimal
from html.parser import HTMLParser


class Page(HTMLParser):
    """`figures`: [(address, number as text)]; `links`: addresses; `total` and `sum`."""

    def __init__(self, html):
        super().__init__()
        self.figures, self.links, self.unopened = [], [], []
        self.total = self.sum = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if "data-figure" in found:
            if tag == "a":
                self.figures.append((found["href"], found["data-figure"]))
            else:
                self.unopened.append(found["data-figure"])
        if "data-total" in found:
            self.total = int(found["data-total"])
        if found.get("data-sum"):
            self.sum = Decimal(found["data-sum"])


def page_of(client, address):
    """The page at an address, which must be there."""
    answer = client.get(address)
    assert answer.status_code == 200, (answer.status_code, address)
    return Page(answer.content.decode())


class Form(HTMLParser):
    """What a browser without a script would send of the form with `data-guard`.

    `texts`: {name: [texts]}, to be changed and posted; `kinds`: {name: type} of its
    fields; `options`: {name: [texts]} of what is chosen; `names`: all that the page's
    forms offer.
    """

    def __init__(self, html):
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.kinds: dict[str, str] = {}
        self.options: dict[str, list[str]] = {}
        self.names: set[str] = set()
        self.inside = self.aside = 0
        self.select = self.area = None
        self.chosen: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = {name: value or "" for name, value in attrs}
        self.inside += tag == "form" and "data-guard" in found
        self.aside += tag == "template"
        name, value = found.get("name"), found.get("value", "")
        if self.aside:
            return
        if name and tag in {"input", "select", "textarea", "button"}:
            self.names.add(name)
        if not self.inside:
            return
        if tag == "input" and name:
            kind = self.kinds[name] = found.get("type", "text")
            ticks = kind in {"checkbox", "radio"}
            if ticks:
                self.options.setdefault(name, []).append(value or "on")
            if not ticks or "checked" in found:
                self.add(name, value or ("on" if ticks else ""))
        elif tag == "select":
            self.select, self.chosen = name, []
            self.kinds[name], self.options[name] = "select", []
        elif tag == "option":
            self.options[self.select].append(value)
            self.chosen += [value] if "selected" in found else []
        elif tag == "textarea":
            self.area, self.written = name, ""
            self.kinds[name] = "textarea"

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = 0
        self.aside -= tag == "template"
        if tag == "select" and self.select:
            self.add(self.select, *(self.chosen or self.options[self.select][:1]))
            self.select = None
        elif tag == "textarea" and self.area:
            self.add(self.area, self.written.removeprefix("\n"))
            self.area = None

    def handle_data(self, data):
        if self.area:
            self.written += data

    def add(self, name, *values):
        self.texts.setdefault(name, []).extend(values)

    def filled(self, **texts):
        """What is sent once these fields are filled in; lists are several texts."""
        return {**self.texts, **texts}


# Answers of the API


def without_addresses(told):
    """An answer without the addresses of the lists that its figures count."""
    if isinstance(told, list):
        return [without_addresses(one) for one in told]
    if not isinstance(told, dict):
        return told
    return {
        name: without_addresses(of) for name, of in told.items() if name != "records"
    }


def figures(told):
    """(number, address of what it counts) of all figures in an answer."""
    if isinstance(told, list):
        for one in told:
            yield from figures(one)
    if not isinstance(told, dict):
        return
    records = told.get("records", {})
    if records is None:
        pass
    elif isinstance(records, str):
        covered = ("complete", "partial", "none")
        number = told.get("projects", sum(told.get(name, 0) for name in covered))
        yield number, records
    else:
        for name, address in records.items():
            if address is None or isinstance(address, str):
                yield told[name], address
            else:
                yield from ((told[name][key], url) for key, url in address.items())
    for name, of in told.items():
        if name != "records":
            yield from figures(of)
