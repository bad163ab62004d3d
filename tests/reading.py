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
