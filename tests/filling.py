"""Forms as a browser without scripts fills them in: opened, typed into, sent."""

from html.parser import HTMLParser


class Forms(HTMLParser):
    """`forms`: for each form that writes, {name: texts} as it was opened."""

    def __init__(self, html):
        super().__init__()
        self.forms = []
        self.open = None
        self.select = self.area = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        name = found.get("name")
        if tag == "form":
            self.open = {}
        elif self.open is None:
            return
        elif tag == "input" and name:
            is_box = found.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in found:
                default = "on" if is_box else ""
                self.put(name, found.get("value", default), "disabled" in found)
        elif tag == "select":
            self.select = [name, "disabled" in found]
        elif tag == "option" and self.select:
            if "selected" in found or self.select[0] not in self.open:
                self.open.pop(self.select[0], None)
                self.put(self.select[0], found.get("value", ""), self.select[1])
        elif tag == "textarea":
            self.area = [name, "disabled" in found]
            self.put(name, "", self.area[1])

    def handle_data(self, data):
        if self.area and self.area[0] in (self.open or {}):
            text = self.open[self.area[0]][0] + data
            self.open[self.area[0]] = [text.removeprefix("\n")]

    def handle_endtag(self, tag):
        if tag == "form":
            if "submission" in self.open:
                self.forms.append(self.open)
            self.open = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None

    def put(self, name, text, is_disabled):
        if not is_disabled:
            self.open.setdefault(name, []).append(text)


def form_in(answer, holding="submission"):
    """The form of a page that holds a field, as it would be sent."""
    forms = Forms(answer.content.decode()).forms
    return next(form for form in forms if holding in form)


def typed(form, **values):
    """A form with other values; None unticks or leaves away."""
    form = form | {
        name: value if isinstance(value, list) else [value]
        for name, value in values.items()
        if value is not None
    }
    return {
        name: texts for name, texts in form.items() if values.get(name, 1) is not None
    }


def fill(client, address, holding="version", **values):
    """Open a form, type into it, send it; returns the answer."""
    form = form_in(client.get(address), holding)
    return client.post(address, typed(form, **values))


def fill_on(client, address, answer, holding="version", **values):
    """Type into the form of an answer, and send it again."""
    return client.post(address, typed(form_in(answer, holding), **values))


def save(client, address, holding="version", **values):
    """Fill in and send, once more where figures or questions were shown first."""
    answer = fill(client, address, holding, **values)
    for _ in range(3):
        if answer.status_code != 200:
            break
        answer = fill_on(client, address, answer, holding)
    assert answer.status_code == 302, problems_in(answer)
    return answer


def problems_in(answer):
    """What a page says is wrong, as text."""
    html = answer.content.decode()
    start = html.find('class="problems"')
    return html[start : html.find("</div>", start)] if start >= 0 else html[:500]
