"""Forms as a browser without a script sends them, and what they answer."""

from tests.reading import Form


def filled(client, address):
    """{name: texts} that the form at an address would send as it stands."""
    return Form(client.get(address).content.decode()).texts


def hidden(page, name):
    """The text of a hidden field of a page, or ''."""
    return Form(page.content.decode()).texts.get(name, [""])[0]


def confirmed(client, address, sent):
    """Send a form; where its page tells what it moves or makes, send it again."""
    page = client.post(address, sent)
    if page.status_code == 200:
        page = client.post(address, sent | {"seen": hidden(page, "seen")})
    assert page.status_code == 302, said(page)
    return page


def said(page):
    """What the page says is wrong."""
    return [sentence for _, sentence in page.context["form"].problems()]


def told(page):
    """The figures that the page says would move."""
    return [str(one) for one in page.context["moved"]]
